"""What the metrics tell of the registry: counts for the operators of the system, no structure among them."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_STRUCTURES = sa.text(
    "SELECT kind, status, count(*) AS number FROM structure_version WHERE recorded_to = 'infinity'"
    " AND valid_from <= :today AND valid_to > :today GROUP BY kind, status"
)


async def structures(read: AsyncSession, today: date) -> dict[tuple[str, str], int]:
    """How many are in each status by what is believed now, by (kind, status)."""
    rows = await read.execute(_STRUCTURES, {"today": today})
    return {(row.kind, row.status): row.number for row in rows}
