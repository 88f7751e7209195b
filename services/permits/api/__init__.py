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
    parked.router,
]
