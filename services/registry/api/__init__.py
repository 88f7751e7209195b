"""The doors of the registry: parse, call, answer."""

from services.registry.api import boundaries, organisations, stations, structures, units

ROUTERS = [*structures.ROUTERS, stations.router, organisations.router, units.router, boundaries.router]
PREFIX = "/api/registry/v1"
