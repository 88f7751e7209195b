"""The API of permits."""

from services.permits.api import applications, files, law, moves, parked, queue

ROUTERS = [files.router, applications.router, moves.router, queue.router, law.router, parked.router]
