"""What is published: definitions, borders, and the plan's targets beside the figures they ask for."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.domain import targets as rules
from services.sharing.queries import law, ratios

router = api_router("/api/sharing/v1", ["plan"])
READ = "sharing:ratio:read"


@router.get("/targets", dependencies=[needs(READ)], **listed_as(schemas.TargetPage))
async def list_targets(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[law.TargetsAsked, Query()]
) -> Response:
    """The plan's targets beside the figure of a day. How many shared structures each needs, how many are missing.

    Without `boundary_set` each target is held against the borders its plan meant: Cà Mau before the merger.
    """
    return await told_targets(request, actor, now, asked)


async def told_targets(request: Request, actor: Actor, now: datetime, asked: law.TargetsAsked) -> Response:
    day, instant = asked.as_of or local_date(now), ratios.known_instant(asked.known_at, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        rows = await law.target_list(read, asked, limit=limit, after=after)
        targets = orjson.loads(rows.items)
        figures = await ratios.figures(
            read,
            sorted({(row["kind"], asked.boundary_set or row["boundary_set"]) for row in targets}),
            actor=actor,
            as_of=day,
            known_at=instant,
            now=now,
            definition=asked.definition,
        )
        told = [_beside(row, asked.boundary_set or row["boundary_set"], figures, asked.fields) for row in targets]
        return rows._replace(items=orjson.dumps(told).decode())

    columns = list(law.TARGET.members)
    return await answered(request, asked, fetch, name="targets", columns=columns, as_of=day, known_at=instant)


def _beside(
    row: dict[str, Any], borders: str, figures: dict[tuple[str, str], dict[str, Any]], fields: list[str] | None
) -> dict[str, Any]:
    figure = figures[(row["kind"], borders)]
    shared, counted = figure["shared"], figure["counted"]
    told = {
        **row,
        "boundary_set": borders,
        "shared": shared,
        "counted": counted,
        "needed": rules.needed(row["percent"], counted) if counted else None,
        "gap": rules.gap(row["percent"], shared, counted) if counted else None,
        "met": rules.met(row["percent"], shared, counted),
    }
    return told if fields is None else {name: value for name, value in told.items() if name in fields}


@router.get("/definitions", dependencies=[needs(READ)], **listed_as(schemas.DefinitionPage))
async def list_definitions(
    request: Request, actor: CurrentActor, asked: Annotated[law.DefinitionsAsked, Query()]
) -> Response:
    """Every published definition of the ratio. Its content, its validity and the hash of both."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await law.definition_list(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="definitions", columns=list(law.DEFINITION.members))


@router.get("/boundary-sets", dependencies=[needs(READ)], **listed_as(schemas.BoundarySetPage))
async def list_boundary_sets(
    request: Request, actor: CurrentActor, asked: Annotated[law.BoundarySetsAsked, Query()]
) -> Response:
    """The borders by which figures can be cut. When each was in force, and whether the province reports by it."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await law.boundary_set_list(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="boundary-sets", columns=list(law.BOUNDARY_SET.members))
