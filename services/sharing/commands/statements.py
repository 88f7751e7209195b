"""A figure sealed with everything it stands on, and proved again from the history whenever somebody asks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.sharing import StatementSealed
from kernel import audit, outbox
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_
from kernel.papers import paper
from kernel.seals import Seal
from kernel.web import formats
from services.sharing.commands.province import AGENCY, OFFICE, Names, Say
from services.sharing.commands.recount import copy_rows
from services.sharing.commands.verification import verdicts
from services.sharing.domain import policy
from services.sharing.domain.figures import COUNTED, SHARED, percent
from services.sharing.domain.refusals import DayNotOver, NotAllKnownYet, NothingCounted, SealedAlready
from services.sharing.domain.statement import FORM, Line, Tally, sha256_of
from services.sharing.queries import ratios, structures
from services.sharing.queries import statements as queries
from services.sharing.queries.ratios import Scope

TEMPLATE = Path(__file__).parents[1] / "paper" / "statement.typ"
SCOPE = ("kind", "definition", "boundary_set", "unit", "owner")
LINE_COLUMNS = ("statement_id", "structure_id", *Line._fields[1:])


class FiguresDisagree(Exception):
    """The counted figure is not what the history gives: a fault of ours, which nobody may seal."""


@dataclass(frozen=True)
class Sealed:
    id: UUID
    number: str


async def seal(tx: AsyncSession, actor: Actor, scope: Scope, key: Seal, say: Say, *, now: datetime) -> Sealed:
    """Counts straight from the history, compares with the counted figure, numbers, signs and keeps it. `say` gives the
    words of the paper.

    Raises NotAllowed (403), DayNotOver (422), NotAllKnownYet, NothingCounted, SealedAlready (409).
    """
    policy.require(actor, "sharing:statement:seal")
    await require_settled(tx, scope, now)
    basis = await queries.basis(tx, scope.definition, scope.boundary_set)
    statement_id, tally = new_id(), Tally()
    rows: list[tuple[Any, ...]] = []
    async for line in verdicts(tx, scope):
        tally.add(line)
        rows.append((statement_id, UUID(line.structure_id), *line[1:-1], orjson.dumps(line.sharers).decode()))
    by_owner, by_unit = [orjson.loads(await ratios.ratio(tx, scope, by)) for by in ("owner", "unit")]
    if (by_owner["shared"], by_owner["counted"]) != (tally.shared, tally.counted):
        raise FiguresDisagree(f"{by_owner} is counted, {tally.lists()} is known")
    if not tally.counted:
        raise NothingCounted
    year = local_date(now).year
    no = await _next_number(tx, year)
    # Under the lock of the number, so that of two at once the second sees the first.
    if (number := await queries.same(tx, scope, actor=actor)) is not None:
        raise SealedAlready(number=number)
    content = {
        "form": FORM,
        "id": str(statement_id),
        "number": f"{no}/{year}",
        "sealed_at": now.isoformat(),
        "sealed_by": actor.id,
        **{name: getattr(scope, name) for name in SCOPE},
        "definition_sha256": basis.sha256,
        "as_of": scope.as_of.isoformat(),
        "known_at": scope.known_at.isoformat(),
        "shared": tally.shared,
        "counted": tally.counted,
        "by_owner": [_group(group) for group in by_owner["groups"]],
        "by_unit": [_group(group) for group in by_unit["groups"]],
        "lists": tally.lists(),
    }
    written = await _paper(tx, content, basis, key, by_unit["groups"], say, now)
    await _keep(tx, actor, content, await asyncio.to_thread(key.sign, content), written, scope, now)
    await copy_rows(tx, "statement_line", LINE_COLUMNS, rows)
    return Sealed(statement_id, content["number"])


async def _keep(
    tx: AsyncSession, actor: Actor, content: Mapping[str, Any], seal: str, paper: bytes, scope: Scope, now: datetime
) -> None:
    """The row, what the audit keeps of it, and the word to others."""
    no, _, year = content["number"].partition("/")
    sha256 = sha256_of(content)
    values = {
        **{name: content[name] for name in ("id", "shared", "counted", *SCOPE)},
        "year": int(year),
        "no": int(no),
        "as_of": scope.as_of,
        "known_at": scope.known_at,
        "content": content,
        "sha256": sha256,
        "seal": seal,
        "paper": paper,
        "now": now,
        "actor": actor.id,
    }
    await tx.execute(_STATEMENT, values)
    after = {name: values[name] for name in ("year", "no", "sha256", "shared", "counted")}
    await audit.record(tx, actor, "sharing:statement:seal", content["id"], now=now, after=after)
    told = StatementSealed(
        statement_id=UUID(content["id"]),
        definition=scope.definition,
        boundary_set=scope.boundary_set,
        as_of=scope.as_of,
        known_at=scope.known_at,
        shared=content["shared"],
        counted=content["counted"],
        digest=sha256,
    )
    await outbox.record(tx, actor, told, subject=content["id"], now=now)


_STATEMENT = sa.text(
    "INSERT INTO statement (id, year, no, kind, definition, boundary_set, unit, owner, as_of, known_at, shared,"
    " counted, content, sha256, seal, paper, sealed_at, sealed_by) VALUES (CAST(:id AS uuid), :year, :no, :kind,"
    " :definition, :boundary_set, :unit, :owner, :as_of, :known_at, :shared, :counted, :content, :sha256, :seal,"
    " :paper, :now, :actor)"
).bindparams(sa.bindparam("content", type_=sa.JSON))


async def require_settled(tx: AsyncSession, scope: Scope, now: datetime) -> None:
    """What is later may still be under way. Raises DayNotOver (422), NotAllKnownYet (409)."""
    if scope.as_of > local_date(scope.known_at):
        raise DayNotOver
    settled = await queries.settled_to(tx, now)
    if settled is None or scope.known_at > settled:
        raise NotAllKnownYet(known=_moment(scope.known_at), settled="–" if settled is None else _moment(settled))


async def _next_number(tx: AsyncSession, year: int) -> int:
    rows = await tx.execute(
        sa.text(
            "INSERT INTO statement_number AS n (year, last_no) VALUES (:year, 1)"
            " ON CONFLICT (year) DO UPDATE SET last_no = n.last_no + 1 RETURNING last_no"
        ),
        {"year": year},
    )
    return int(rows.scalar_one())


def _group(group: dict[str, Any]) -> dict[str, Any]:
    return {name: group[name] for name in ("key", "shared", "counted")}


def _moment(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


TITLE = N_("Statement of the sharing ratio")
NUMBER = N_("No. {number}")
DEVELOPMENT = N_("Signed with a developer's key: this paper proves nothing.")
PROVED = N_(
    "Counted from the history of the register and of the agreements, and the same as the figure shown on that day. The"
    " signed file beside this paper holds the same values; both can be checked without this system."
)
WHOLE = N_("Whole province")
HEADS = (N_("Shared"), N_("Counted"), N_("Ratio"))
OWNER, AREA = N_("Owner"), N_("Area")
BY_OWNER, BY_AREA = N_("By owner"), N_("By area")


async def _paper(
    tx: AsyncSession,
    content: Mapping[str, Any],
    basis: queries.Basis,
    key: Seal,
    units: Sequence[Mapping[str, Any]],
    say: Say,
    now: datetime,
) -> bytes:
    """PDF/A with a signature of its own. In Vietnamese, as the office writes."""
    names: Names = await structures.organisation_names(tx)
    shared, counted = say(SHARED[content["kind"]]), say(COUNTED[content["kind"]])
    owner, unit = content["owner"], content["unit"]
    told = {
        "title": say(TITLE),
        "agency": say(AGENCY),
        "office": say(OFFICE),
        "number": say(NUMBER).format(number=content["number"]),
        "figure": formats.percent(percent(content["shared"], content["counted"]), "vi"),
        "fraction": f"{formats.number(content['shared'], 'vi')} {shared} / "
        f"{formats.number(content['counted'], 'vi')} {counted}",
        "about": [
            (say(N_("State of")), formats.day(date.fromisoformat(content["as_of"]), "vi")),
            (say(N_("As recorded by")), formats.moment(datetime.fromisoformat(content["known_at"]), "vi")),
            (say(N_("Definition")), f"{basis.definition.title.vi} ({content['definition']})"),
            (say(N_("Source")), basis.definition.source),
            (say(N_("Boundaries")), content["boundary_set"]),
            (say(AREA), await structures.unit_name(tx, unit) or unit if unit else say(WHOLE)),
            *([(say(OWNER), _named(names, owner))] if owner else []),
            (say(N_("Sealed")), formats.moment(now, "vi")),
        ],
        "tables": [
            _table(say, BY_OWNER, OWNER, [{**g, "name": _named(names, g["key"])} for g in content["by_owner"]]),
            _table(say, BY_AREA, AREA, units),
        ],
        "proof": say(PROVED),
        "hashes": [
            (say(N_("SHA-256 of the content")), sha256_of(content)),
            *((say(words), content["lists"][side]["sha256"]) for side, words in LISTS.items()),
            (say(N_("Certificate")), key.signer.sha256),
        ],
        "warning": say(DEVELOPMENT) if key.signer.development else "",
    }
    return await key.sign_pdf(await paper(TEMPLATE, told, now=now), reason=f"{told['title']} {content['number']}")


LISTS = {
    "numerator": N_("SHA-256 of the numerator"),
    "denominator": N_("SHA-256 of the denominator"),
    "excluded": N_("SHA-256 of what is left out"),
}


def _named(names: Names, code: str) -> str:
    return names[code][0] if code in names else code


def _table(say: Say, title: str, head: str, groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = [
        [
            group["name"],
            formats.number(group["shared"], "vi"),
            formats.number(group["counted"], "vi"),
            formats.percent(percent(group["shared"], group["counted"]), "vi"),
        ]
        for group in sorted(groups, key=lambda group: group["name"])
    ]
    return {"title": say(title), "heads": [say(word) for word in (head, *HEADS)], "rows": rows}
