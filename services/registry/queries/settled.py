"""Up to which instant nothing can still be recorded: what a long reading takes for now."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# A statement's own limit is shorter; what has been open for longer only reads.
LONGEST_WRITE_S = 60
_OPEN = sa.text(
    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND xact_start > clock_timestamp() - make_interval(secs => :longest)"
)


async def unsettled_seconds(read: AsyncSession) -> float:
    """The age of the oldest transaction that may yet record something: nothing is recorded as of before it began."""
    return float((await read.execute(_OPEN, {"longest": LONGEST_WRITE_S})).scalar_one())
