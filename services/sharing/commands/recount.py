"""Spans and deltas of the structures that something touched, recomputed whole from what is known of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.sharing.domain.figures import Placed, deltas
from services.sharing.domain.placement import Place
from services.sharing.domain.ratio import NEVER, Outcome, Span, spans
from services.sharing.queries import histories as history_queries
from services.sharing.queries import series as series_queries
from services.sharing.queries.histories import Known
from services.sharing.queries.series import Group, Series

CHUNK = 1000
SPAN_COLUMNS = (
    "series_id", "structure_id", "valid_from", "recorded_from", "valid_to", "recorded_to",
    "g", "public_no", "counted", "shared", "reason", "sharers",
)  # fmt: skip
DELTA_COLUMNS = ("series_id", "structure_id", "v", "r", "g", "den", "num")
FIRST_ID = UUID(int=0)
Row = tuple[Any, ...]


class Judged(NamedTuple):
    """One span of one structure in one series, before its group has a number."""

    series_id: int
    structure: Known
    span: Span
    unit: str
    counted: bool
    shared: bool
    reason: str

    @property
    def group(self) -> Group:
        return self.series_id, self.unit, self.span.outcome.owner


async def recount(tx: AsyncSession, ids: Iterable[UUID]) -> int:
    """Rewrites what changed of these structures, which the caller has locked. Answers how many changed."""
    wanted = sorted(set(ids))
    if not wanted:
        return 0
    series = await series_queries.series(tx)
    changed = 0
    for start in range(0, len(wanted), CHUNK):
        changed += await _recount(tx, wanted[start : start + CHUNK], series)
    return changed


async def recount_all(tx: AsyncSession) -> int:
    """Every structure, in the order of their ids, each chunk locked before it is read."""
    after, changed = FIRST_ID, 0
    while ids := await history_queries.structure_ids_after(tx, after, CHUNK):
        await series_queries.lock_structures(tx, ids)
        changed += await recount(tx, ids)
        after = ids[-1]
    return changed


async def _recount(tx: AsyncSession, ids: Sequence[UUID], series: Sequence[Series]) -> int:
    known = await history_queries.histories(tx, ids)
    communes = {held.fact.commune for one in known for held in one.history.structure if held.fact.commune}
    placements = await series_queries.placements(tx, sorted(communes))
    judged = [verdict for one in known for verdict in judge_all(one, series, placements)]
    numbers = await _numbers(tx, {verdict.group for verdict in judged})
    fresh_spans, fresh_deltas = rows_of(judged, numbers)
    return await _rewrite(tx, ids, fresh_spans, fresh_deltas)


def judge_all(known: Known, series: Sequence[Series], placements: dict[tuple[str, str], Place]) -> Iterable[Judged]:
    """The spans of one structure in every series of its kind; a definition is judged once for all boundary sets."""
    by_definition: dict[str, list[Span]] = {}
    for one in series:
        if one.definition.kind != known.kind:
            continue
        if one.definition.id not in by_definition:
            by_definition[one.definition.id] = spans(one.definition, known.history)
        for span in by_definition[one.definition.id]:
            yield _placed(one, known, span, placements)


def _placed(one: Series, known: Known, span: Span, placements: dict[tuple[str, str], Place]) -> Judged:
    outcome: Outcome = span.outcome
    place = placements.get((outcome.commune, one.boundary_set)) if outcome.commune else None
    if place is not None:
        return Judged(one.id, known, span, place.unit, outcome.counted, outcome.shared, outcome.reason)
    why = "not_counted:boundaries" if outcome.commune else "not_counted:commune"
    return Judged(one.id, known, span, "", False, False, why if outcome.counted else outcome.reason)


def rows_of(judged: Iterable[Judged], numbers: dict[Group, int]) -> tuple[list[Row], list[Row]]:
    fresh_spans: list[Row] = []
    placed: dict[tuple[int, UUID], list[Placed]] = defaultdict(list)
    for verdict in judged:
        span, g = verdict.span, numbers[verdict.group]
        fresh_spans.append(
            (
                verdict.series_id, verdict.structure.id, span.valid_from, span.recorded_from, span.valid_to,
                stored(span.recorded_to), g, verdict.structure.public_no, verdict.counted, verdict.shared,
                verdict.reason, _sharers(span.outcome),
            )
        )  # fmt: skip
        placed[verdict.series_id, verdict.structure.id].append(
            Placed(
                span.valid_from, span.valid_to, span.recorded_from, span.recorded_to, g, verdict.counted, verdict.shared
            )
        )
    fresh_deltas = [(*key, *delta) for key, own in placed.items() for delta in deltas(own)]
    return fresh_spans, fresh_deltas


def _sharers(outcome: Outcome) -> str:
    return orjson.dumps([[s.legal_entity, s.org, s.role, s.thing] for s in outcome.sharers]).decode()


def stored(instant: datetime) -> datetime:
    """asyncpg writes the naive maximum, and only that, as `infinity`."""
    return datetime.max if instant == NEVER else instant  # noqa: DTZ901


async def _numbers(tx: AsyncSession, wanted: set[Group]) -> dict[Group, int]:
    """Numbers for all groups; new ones continue the series without holes, one writer at a time."""
    found = await series_queries.groups(tx, sorted(wanted))
    if len(found) == len(wanted):
        return found
    missing = sorted({group[0] for group in wanted - found.keys()})
    await series_queries.lock_series(tx, missing)
    found = await series_queries.groups(tx, sorted(wanted))
    following = await series_queries.group_counts(tx, missing)
    fresh = []
    for group in sorted(wanted - found.keys()):
        found[group] = following.get(group[0], 0)
        following[group[0]] = found[group] + 1
        fresh.append((group[0], found[group], group[1], group[2]))
    await copy_rows(tx, "ratio_group", ("series_id", "g", "unit_id", "owner_id"), fresh)
    return found


async def _rewrite(tx: AsyncSession, ids: Sequence[UUID], fresh_spans: list[Row], fresh_deltas: list[Row]) -> int:
    old_spans, old_deltas = await series_queries.counted_before(tx, ids)
    before = {(*tuple(row[:-1]), orjson.dumps(row[-1]).decode()) for row in old_spans}
    altered = {row[1] for row in before.symmetric_difference(fresh_spans)}
    delta_difference = {tuple(row) for row in old_deltas}.symmetric_difference(fresh_deltas)
    altered |= {row[1] for row in delta_difference}
    if not altered:
        return 0
    for table in ("ratio_span", "ratio_delta"):
        await tx.execute(
            sa.text(f"DELETE FROM {table} WHERE structure_id = ANY(:ids)"),  # noqa: S608
            {"ids": sorted(altered)},
        )
    await copy_rows(tx, "ratio_span", SPAN_COLUMNS, [row for row in fresh_spans if row[1] in altered])
    await copy_rows(tx, "ratio_delta", DELTA_COLUMNS, [row for row in fresh_deltas if row[1] in altered])
    if delta_difference:
        await _mark_stale(tx, delta_difference)
    return len(altered)


async def _mark_stale(tx: AsyncSession, difference: Iterable[Row]) -> None:
    """A figure that changes at an instant makes every checkpoint from there on wrong."""
    since: dict[int, datetime] = {}
    for row in difference:
        since[row[0]] = min(since.get(row[0], NEVER), row[3])
    await tx.execute(
        sa.text(
            "UPDATE ratio_checkpoint c SET stale = true FROM unnest(CAST(:series AS int[]),"
            " CAST(:since AS timestamptz[])) s(series_id, since)"
            " WHERE c.series_id = s.series_id AND c.known_to >= s.since AND NOT c.stale"
        ),
        {"series": list(since), "since": list(since.values())},
    )


async def copy_rows(tx: AsyncSession, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """COPY within the transaction, which an earlier statement has begun."""
    if rows:
        raw = await (await tx.connection()).get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.copy_records_to_table(table, records=rows, columns=columns)
