"""The registry's pages, on the same queries and commands as its API."""

from services.registry.ui import (
    access,
    accounts,
    boundaries,
    history,
    home,
    imports,
    mast,
    masts,
    parked,
    plates,
    quality,
    technologies,
)

ROUTERS = [
    home.router,
    masts.router,
    mast.router,
    history.router,
    plates.router,
    quality.router,
    technologies.router,
    plates.open_,
    imports.router,
    boundaries.router,
    access.router,
    accounts.router,
    parked.router,
]
