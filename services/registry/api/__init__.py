"""The doors of the registry: parse, call, answer."""

from services.registry.api import (
    access,
    boundaries,
    clients,
    imports,
    ogc,
    organisations,
    parked,
    people,
    registering,
    stations,
    structures,
    units,
)

ROUTERS = [
    *structures.ROUTERS,
    stations.router,
    organisations.router,
    units.router,
    boundaries.router,
    imports.router,
    ogc.router,
    registering.router,
    clients.router,
    people.router,
    access.router,
    parked.router,
]
