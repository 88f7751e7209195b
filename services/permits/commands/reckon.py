"""Running clocks read anew when a calendar is published: thousands of dossiers at a time, each under its lock."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits import queries
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Reading, read
from services.permits.queries import Reckoned

BATCH = 1000
_UPDATE = sa.text(
    "UPDATE deadline d SET moved_from = CASE WHEN d.state = 'running' AND d.due_on <> u.due_on THEN d.due_on"
    " ELSE d.moved_from END, due_on = u.due_on, sort_on = coalesce(u.due_on, 'infinity'), remaining = u.remaining,"
    " calendar_version = :calendar FROM unnest(CAST(:ids AS uuid[]), CAST(:due AS date[]), CAST(:remaining AS int[]))"
    " AS u(id, due_on, remaining) WHERE d.id = u.id"
)


async def recompute(tx: AsyncSession, calendar: Calendar) -> int:
    """Every clock of the calendar's area that has not ended, by this calendar; ended ones keep theirs.

    Answers with how many were read. Raises CalendarEnds (409).
    """
    count = 0
    while ids := await queries.running_dossiers(tx, calendar.id, BATCH):
        rows = await queries.running_clocks(tx, ids)
        found = [await _reading(tx, row, calendar) for row in rows]
        await tx.execute(_UPDATE, _values(rows, found, calendar))
        count += len(rows)
    return count


async def _reading(tx: AsyncSession, row: Reckoned, calendar: Calendar) -> Reading:
    procedure = await queries.procedure(tx, row.procedure_version)
    return read(procedure.clock(row.clock), row.entries, calendar)


def _values(rows: Sequence[Reckoned], found: Sequence[Reading], calendar: Calendar) -> dict[str, object]:
    paused = [reading.state == "paused" for reading in found]
    due: list[date | None] = [None if held else reading.due_on for held, reading in zip(paused, found, strict=True)]
    left = [reading.remaining if held else None for held, reading in zip(paused, found, strict=True)]
    return {"calendar": calendar.id, "ids": [row.id for row in rows], "due": due, "remaining": left}
