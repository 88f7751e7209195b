"""What can be proved of this service's tables: projections against logs, figures against a naive count."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import history
from kernel.audit import canonical
from kernel.auth import Actor
from kernel.db import Database
from services.sharing.commands.recount import CHUNK, FIRST_ID, judge_all, rows_of
from services.sharing.commands.verification import verify
from services.sharing.domain import agreement as rules
from services.sharing.domain.placement import Place
from services.sharing.domain.ratio import Outcome, verdict
from services.sharing.queries import beliefs, checkpoints, histories, statements
from services.sharing.queries import series as series_queries
from services.sharing.queries.agreements import as_change
from services.sharing.queries.histories import Known
from services.sharing.queries.series import Group, Series

POINTS = 5
SHOWN = 20
Point = tuple[date, datetime]


async def faults(database: Database) -> list[str]:
    """Empty is well. Random (D, K) come from the figures' own extent, another choice at every call."""
    async with database.read() as read:
        found = await copy_faults(read)
        found += await agreement_faults(read)
        found += await statement_faults(read)
        found += [f"checkpoint {tuple(row)} is not the sum" for row in await checkpoints.wrong_ones(read, POINTS)]
        return found + await figure_faults(read, random.Random())  # noqa: S311


async def statement_faults(read: AsyncSession) -> list[str]:
    """Every sealed statement proved again."""
    eyes = Actor(id="system:sharing", org="SYSTEM", kind="system", capabilities=frozenset({"auditor"}))
    found = []
    for statement_id in await statements.ids(read):
        told = await verify(read, statement_id, actor=eyes)
        named = ", ".join(one.public_no for one in told.differences[:SHOWN])
        found += [f"statement {statement_id}: {code}{f' of {named}' if named else ''}" for code in told.faults]
    return found


async def copy_faults(read: AsyncSession) -> list[str]:
    found = []
    for thing in beliefs.THINGS[:3]:
        found += [f"{thing} {row.id} lacks {row.missing} beliefs" for row in await beliefs.holes(read, thing)]
        wrong = await beliefs.wrongly_cut(read, thing)
        found += [f"{wrong} rectangles of {thing} do not end where the next belief begins"] if wrong else []
    waiting = await beliefs.unplaced_stations(read)
    return found + ([f"{waiting} stations wait for their structure"] if waiting else [])


async def agreement_faults(read: AsyncSession) -> list[str]:
    """Each log replayed against its rectangles."""
    found: list[str] = []
    after: Any = FIRST_ID
    while ids := await beliefs.agreement_ids_after(read, after, CHUNK):
        logs: dict[UUID, list[history.Change]] = defaultdict(list)
        for row in await beliefs.agreement_logs(read, ids):
            logs[row.agreement_id].append(as_change(row))
        stored: dict[UUID, set[Any]] = defaultdict(set)
        for row in await beliefs.agreement_rectangles(read, ids):
            stored[row.agreement_id].add((*row[1:-1], canonical(row.sources)))
        found += [f"agreement {key} differs from its log" for key in ids if stored[key] != _replayed(logs[key])]
        after = ids[-1]
    return found[:SHOWN]


def _replayed(changes: Sequence[history.Change]) -> set[Any]:
    evidence = {change.no: change.evidence for change in changes}
    return {
        (
            r.opened_no,
            r.closed_no,
            r.version.valid_from,
            r.version.valid_to,
            r.recorded_from,
            r.recorded_to,
            rules.status(r.version),
            min((evidence[no] for no in r.version.sources.values()), default=1),
            canonical(dict(r.version.sources)),
        )
        for r in history.rectangles(changes)
    }


async def figure_faults(read: AsyncSession, rng: random.Random) -> list[str]:
    """Spans and deltas recomputed whole; sums of the deltas against a count that knows neither."""
    series = await series_queries.series(read)
    placements = await series_queries.placements(read)
    points = await _points(read, rng)
    naive: dict[Point, Counter[tuple[Group, bool]]] = {point: Counter() for point in points}
    found: list[str] = []
    after = FIRST_ID
    while ids := await histories.structure_ids_after(read, after, CHUNK):
        known = await histories.histories(read, ids)
        found += await _recomputed(read, ids, known, series, placements)
        for point, counts in naive.items():
            for one in known:
                _count(counts, one, series, placements, point)
        after = ids[-1]
    for (day, instant), counts in naive.items():
        expected = {group: (counts[group, True], counts[group, True] + counts[group, False]) for group, _ in counts}
        if await beliefs.sums(read, day, instant) != expected:
            found.append(f"figures as of {day} known at {instant.isoformat()} differ from a naive count")
    return found[:SHOWN]


async def _points(read: AsyncSession, rng: random.Random) -> list[Point]:
    extent = await beliefs.moments(read)
    if extent.first is None:
        return []
    days, span = (extent.last_day - extent.first_day).days + 30, extent.last - extent.first
    chosen = [
        (extent.first_day + timedelta(days=rng.randrange(days)), extent.first + span * rng.random())
        for _ in range(POINTS - 1)
    ]
    return [*chosen, (extent.last_day, extent.last)]


async def _recomputed(
    read: AsyncSession,
    ids: Sequence[UUID],
    known: Sequence[Known],
    series: Sequence[Series],
    placements: dict[tuple[str, str], Place],
) -> list[str]:
    judged = [verdict for one in known for verdict in judge_all(one, series, placements)]
    numbers = await series_queries.groups(read, sorted({verdict.group for verdict in judged}))
    unnumbered = {verdict.structure.id for verdict in judged if verdict.group not in numbers}
    spans, deltas = rows_of([v for v in judged if v.group in numbers], numbers)
    old_spans, old_deltas = await series_queries.counted_before(read, ids)
    stored = {(*tuple(row[:-1]), orjson.dumps(row[-1]).decode()) for row in old_spans}
    wrong = unnumbered | {row[1] for row in stored.symmetric_difference(spans)}
    wrong |= {row[1] for row in {tuple(row) for row in old_deltas}.symmetric_difference(deltas)}
    return [f"the figures of structure {key} differ from what is known of it" for key in sorted(wrong)]


def _count(
    counts: Counter[tuple[Group, bool]],
    known: Known,
    series: Sequence[Series],
    placements: dict[tuple[str, str], Place],
    point: Point,
) -> None:
    """Adds the structure to its group of each series in which it is counted at (D, K)."""
    outcomes: dict[str, Outcome | None] = {}
    for one in series:
        if one.definition.kind != known.kind:
            continue
        if one.definition.id not in outcomes:
            outcomes[one.definition.id] = verdict(one.definition, known.history, *point)
        outcome = outcomes[one.definition.id]
        place = outcome and placements.get((outcome.commune or "", one.boundary_set))
        if outcome and place and outcome.counted:
            counts[(one.id, place.unit, outcome.owner), outcome.shared] += 1
