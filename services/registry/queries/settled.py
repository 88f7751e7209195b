"""Up to which instant nothing can still be recorded: what a long reading takes for now."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# No command is open for longer; what is only reads.
LONGEST_WRITE_S = 60
_AGE = sa.text(
    "SELECT greatest(coalesce(extract(epoch FROM statement_timestamp() - min(xact_start)), 0), 0)"
    " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND pid <> pg_backend_pid() AND xact_start > statement_timestamp() - make_interval(secs => :longest)"
)


async def settled(read: AsyncSession, clock: Callable[[], datetime]) -> datetime:
    """The start of the oldest transaction that may yet record something: nothing is recorded as of before it began.

    Without one it is now. Only ages are taken from the database, whose clock is not the world's in a demonstration.
    """
    await read.connection()
    now = clock()
    age = (await read.execute(_AGE, {"longest": LONGEST_WRITE_S})).scalar_one()
    return now - timedelta(seconds=float(age))
