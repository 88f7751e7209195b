"""The next number of a series: taken as late as possible, so that the row's lock is held as short as possible."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_NEXT = sa.text(
    "INSERT INTO number_series AS s (series, year, last) VALUES (:series, :year, 1)"
    " ON CONFLICT (series, year) DO UPDATE SET last = s.last + 1 RETURNING last"
)


async def next_number(tx: AsyncSession, series: str, year: int) -> int:
    """A rollback gives it back, so that the series has no gap."""
    return int((await tx.execute(_NEXT, {"series": series, "year": year})).scalar_one())
