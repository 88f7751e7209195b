"""The API of permits."""

from services.permits.api import (
    applications,
    conditions,
    drafts,
    duties,
    events,
    files,
    law,
    moves,
    notices,
    parked,
    queue,
    receipts,
    statistics,
)

ROUTERS = [
    files.router,
    applications.router,
    moves.router,
    receipts.router,
    queue.router,
    law.router,
    duties.router,
    drafts.router,
    conditions.router,
    conditions.library,
    events.router,
    notices.router,
    statistics.router,
    parked.router,
]
