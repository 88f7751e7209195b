"""The API of permits."""

from services.permits.api import applications, events, files, law, moves, parked, queue, receipts

ROUTERS = [
    files.router,
    applications.router,
    moves.router,
    receipts.router,
    queue.router,
    law.router,
    events.router,
    parked.router,
]
