"""The next number of a series: taken as late as possible, so that the row's lock is held as short as possible."""

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct

_NEXT = (
    "INSERT INTO number_series AS s (series, year, last) VALUES (:series, :year, 1)"
    " ON CONFLICT (series, year) DO UPDATE SET last = s.last + 1 RETURNING last"
)


async def next_number(tx: AsyncSession, series: str, year: int) -> int:
    """A rollback gives it back, so that the series has no gap."""
    row = await direct.row(tx, _NEXT, {"series": series, "year": year})
    assert row is not None
    return int(row["last"])
