"""What the metrics tell of permits: counts for the operators of the system, no dossier among them."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_DOSSIERS = sa.text("SELECT a.state, count(*) AS number FROM application a GROUP BY a.state")
_DEADLINES = sa.text(
    "SELECT function, count(*) FILTER (WHERE state = 'running' AND due_on < :today) AS overdue,"
    " count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'paused') AS paused"
    " FROM deadline WHERE state IN ('running', 'paused') GROUP BY function"
)
_FILES = sa.text("SELECT count(*) FROM file WHERE state = 'staged'")


async def dossiers(read: AsyncSession) -> dict[str, int]:
    """How many are in each state."""
    return {row.state: row.number for row in await read.execute(_DOSSIERS)}


async def deadlines(read: AsyncSession, today: date) -> dict[str, tuple[int, int, int]]:
    """By function: clocks overdue, running (the overdue among them) and paused."""
    rows = await read.execute(_DEADLINES, {"today": today})
    return {row.function: (row.overdue, row.running, row.paused) for row in rows}


async def staged_files(read: AsyncSession) -> int:
    return int((await read.execute(_FILES)).scalar_one())
