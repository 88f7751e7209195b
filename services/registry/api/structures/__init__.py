"""Masts, cable poles and ducts: the same routes on one engine, each with its own types."""

from fastapi import APIRouter

from kernel.edge import api_router
from services.registry.api.answering import PREFIX
from services.registry.api.structures import importing, reading, registering, stating
from services.registry.api.structures.kinds import KINDS, Kind


def _routes(kind: Kind) -> APIRouter:
    router = api_router(PREFIX, [kind.plural])
    for group in (reading, registering, importing, stating):
        group.add(router, kind)
    return router


ROUTERS = [_routes(kind) for kind in KINDS]
