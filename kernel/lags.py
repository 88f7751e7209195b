"""How far behind the service's own duties are, read from its tables for the metrics."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import metrics

# In the time of `now`: that of the demo when the demo moves it, as the recorded times are.
_LAGS = sa.text(
    "SELECT (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS unsent,"
    " (SELECT min(recorded_at) FROM outbox WHERE sent_at IS NULL) AS oldest_event,"
    " (SELECT count(*) FROM audit WHERE chain_no IS NULL) AS unsealed,"
    " (SELECT min(at) FROM audit WHERE chain_no IS NULL) AS oldest_row,"
    " (SELECT count(*) FROM parked WHERE redriven_at IS NULL AND dropped_at IS NULL) AS parked"
)
_COPIES = sa.text("SELECT source, until FROM watermark")


async def lags(read: AsyncSession, *, now: datetime) -> None:
    row = (await read.execute(_LAGS)).one()
    metrics.outbox_unsent.set(row.unsent)
    metrics.outbox_lag.set(_age(row.oldest_event, now))
    metrics.unsealed.set(row.unsealed)
    metrics.seal_lag.set(_age(row.oldest_row, now))
    metrics.parked.set(row.parked)
    for source, until in await read.execute(_COPIES):
        metrics.copy_lag.labels(source).set(_age(until, now))


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
