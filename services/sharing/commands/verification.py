"""What the history says of a statement: its verdicts made again, and held against what was sealed."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.seals import SealBroken, Signer, checked
from services.sharing.commands.recount import CHUNK, FIRST_ID
from services.sharing.domain import policy
from services.sharing.domain.definition import Definition
from services.sharing.domain.ratio import verdict
from services.sharing.domain.statement import Difference, Line, Tally, differences, sha256_of
from services.sharing.queries import histories, ratios
from services.sharing.queries import series as series_queries
from services.sharing.queries import statements as queries
from services.sharing.queries.ratios import Scope


async def verdicts(read: AsyncSession, scope: Scope, by: Definition | None = None) -> AsyncIterator[Line]:
    """Every structure of the scope judged at (D, K) from its history alone, by id; knows neither spans nor deltas.

    `by` another definition than that of the scope: one that is only thought of has no series yet.
    """
    definition = by or (await queries.basis(read, scope.definition, scope.boundary_set)).definition
    placements = await series_queries.placements(read)
    parents = {unit.id: unit.parent for unit in await series_queries.units(read)} if scope.unit else {}
    after = FIRST_ID
    while ids := await histories.structure_ids_after(read, after, CHUNK):
        for known in await histories.histories(read, ids):
            if known.kind != scope.kind:
                continue
            outcome = verdict(definition, known.history, scope.as_of, scope.known_at)
            if outcome is None or scope.owner not in (None, outcome.owner):
                continue
            place = placements.get((outcome.commune or "", scope.boundary_set))
            unit = place.unit if place else ""
            if scope.unit not in (None, unit, parents.get(unit)):
                continue
            counted, shared, reason = outcome.counted, outcome.shared, outcome.reason
            if counted and place is None:
                counted = shared = False
                reason = "not_counted:boundaries" if outcome.commune else "not_counted:commune"
            sharers = tuple((s.legal_entity, s.org, s.role, s.thing) for s in outcome.sharers)
            yield Line(str(known.id), known.public_no, outcome.owner, unit, counted, shared, reason, sharers)
        after = ids[-1]


class Trial(NamedTuple):
    """What a definition would make of today, beside the figure of the default `scope`; structures for each reason."""

    scope: Scope
    default: dict[str, Any]
    shared: int
    counted: int
    reasons: Counter[str]


async def tried(read: AsyncSession, actor: Actor, definition: Definition, *, now: datetime) -> Trial:
    """Nothing is stored. Raises NotAllowed (403), DefinitionUnknown (422) where the kind has no default."""
    scope = await ratios.scope(read, actor=actor, kind=definition.kind, as_of=local_date(now), known_at=now, now=now)
    reasons: Counter[str] = Counter()
    shared = counted = 0
    async for line in verdicts(read, scope, definition):
        reasons[line.reason] += 1
        shared += line.shared
        counted += line.counted
    return Trial(scope, orjson.loads(await ratios.ratio(read, scope)), shared, counted, reasons)


@dataclass(frozen=True)
class Verification:
    """`faults` are codes: `signature`, `content`, `lines`, `definition`, `history`, `figure`. None: it holds."""

    faults: tuple[str, ...]
    signer: Signer | None
    shared: int
    counted: int
    differences: tuple[Difference, ...]


async def verify(read: AsyncSession, statement_id: UUID, *, actor: Actor) -> Verification:
    """The signature over the content, the content over its lines, and all of it recomputed from the history as it is
    stored today. Raises NotAllowed (403), StatementNotFound (404).
    """
    policy.require(actor, queries.VERIFY)
    told = await queries.statement(read, statement_id, actor=actor)
    content = told["content"]
    faults: list[str] = []
    signer: Signer | None = None
    try:
        said, signer = checked(told["seal"], content)
        faults += [] if sha256_of(said) == told["sha256"] else ["content"]
    except SealBroken:
        faults.append("signature")
    faults += [] if _row_says(told, content) else ["content"]
    sealed, tally = {}, Tally()
    async for line in queries.sealed_lines(read, statement_id, actor=actor):
        tally.add(line)
        sealed[line.structure_id] = line
    faults += [] if tally.lists() == content["lists"] else ["lines"]
    known_at = datetime.fromisoformat(content["known_at"])
    scope = await ratios.scope(
        read,
        actor=actor,
        now=known_at,
        as_of=date.fromisoformat(content["as_of"]),
        known_at=known_at,
        **{name: content[name] for name in ("kind", "definition", "boundary_set", "unit", "owner")},
    )
    basis = await queries.basis(read, scope.definition, scope.boundary_set)
    faults += [] if content["definition_sha256"] == basis.sha256 == sha256_of(basis.content) else ["definition"]
    now_known = {line.structure_id: line async for line in verdicts(read, scope)}
    differing = differences(sealed, now_known)
    faults += ["history"] if differing else []
    figure = orjson.loads(await ratios.ratio(read, scope))
    faults += [] if (figure["shared"], figure["counted"]) == (content["shared"], content["counted"]) else ["figure"]
    return Verification(tuple(dict.fromkeys(faults)), signer, figure["shared"], figure["counted"], tuple(differing))


def _row_says(told: dict[str, Any], content: dict[str, Any]) -> bool:
    """The columns by which a statement is found say what was signed."""
    names = ("kind", "definition", "boundary_set", "unit", "owner", "as_of", "shared", "counted", "number")
    same_instant = datetime.fromisoformat(told["known_at"]) == datetime.fromisoformat(content["known_at"])
    return same_instant and all(told[name] == content[name] for name in names)
