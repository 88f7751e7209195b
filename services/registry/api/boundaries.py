from datetime import date
from typing import Annotated

import orjson
from fastapi import Depends, Query, Request, Response, status

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from services.registry.api import schemas
from services.registry.api.answering import GEOJSON, bounded_body, raw
from services.registry.api.gate import needs
from services.registry.commands import boundaries as commands
from services.registry.queries import places

router = api_router("/api/registry/v1", ["boundaries"])


async def geojson_body(request: Request) -> object:
    try:
        return orjson.loads(await bounded_body(request, request.app.state.settings.boundary_limit_mb))
    except orjson.JSONDecodeError as error:
        raise commands.NotJson from error


@router.get("/boundaries", dependencies=[needs("registry:boundary:read")], response_model=schemas.Features)
async def listing(
    read: Read,
    now: Now,
    boundary_set: Annotated[str | None, Query(description="Left out: the set of `as_of`.")] = None,
    as_of: date | None = None,
    level: str | None = None,
) -> Response:
    """Display outlines as GeoJSON; never evidence of a legal boundary."""
    chosen = boundary_set or await places.boundary_set_on(read, as_of or local_date(now))
    return raw(await places.boundaries(read, chosen or "", level), media_type=GEOJSON)


@router.post(
    "/boundaries",
    dependencies=[needs("registry:boundary:import")],
    status_code=status.HTTP_201_CREATED,
    openapi_extra={"requestBody": {"required": True, "content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
async def import_(
    actor: CurrentActor,
    collection: Annotated[object, Depends(geojson_body)],
    tx: Tx,
    now: Now,
    boundary_set: str | None = None,
    source: Annotated[str, Query(max_length=500)] = "",
) -> schemas.BoundariesRead:
    """Takes over outlines from GeoJSON: `properties.code` names the unit, `boundary_set` or `vintage` the set."""
    counts = await commands.import_boundaries(tx, actor, collection, now=now, boundary_set=boundary_set, source=source)
    return schemas.BoundariesRead(imported=sum(counts.values()), boundary_sets=counts)
