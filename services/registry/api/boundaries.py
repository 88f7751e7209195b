from typing import Annotated

import orjson
from fastapi import Depends, Query, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import GEOJSON
from kernel.listing import Word
from kernel.texts import STORABLE, Day
from services.registry.api.answering import PREFIX, body_of, bounded_body, raw
from services.registry.api.gate import needs
from services.registry.api.schemas import places as schemas
from services.registry.commands import boundaries as commands
from services.registry.queries import places

router = api_router(PREFIX, ["boundaries"])
RING = [[105.10, 9.15], [105.20, 9.15], [105.20, 9.20], [105.10, 9.20], [105.10, 9.15]]
EXAMPLE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "32002", "boundary_set": "CM-2025-07"},
            "geometry": {"type": "Polygon", "coordinates": [RING]},
        }
    ],
}
Source = Annotated[str, Query(max_length=500, description="Where the outlines come from."), STORABLE]
Set = Annotated[Word | None, Query(description="Of features that name none, such as `CM-2025-07`.")]


class OutlinesAsked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    boundary_set: Annotated[Word | None, Field(description="Such as `CM-2023`; left out: the set of `as_of`.")] = None
    as_of: Annotated[Day | None, Field(description="The set in force on this day; today.")] = None
    level: Annotated[Word | None, Field(description="`commune`, `district` or `province`; all.")] = None


async def geojson_body(request: Request) -> object:
    try:
        return orjson.loads(await bounded_body(request, request.app.state.settings.boundary_limit_mb))
    except orjson.JSONDecodeError as error:
        raise commands.NotJson from error


@router.get(
    "/boundaries",
    dependencies=[needs("registry:boundary:read")],
    name="read_boundaries",
    response_model=schemas.OutlinesRead,
    responses={200: {"content": {GEOJSON: {}}}},
)
async def outlines(read: Read, now: Now, asked: Annotated[OutlinesAsked, Query()]) -> Response:
    """Display outlines as GeoJSON; never evidence of a legal boundary."""
    chosen = asked.boundary_set or await places.boundary_set_on(read, asked.as_of or local_date(now))
    return raw(await places.boundaries(read, chosen or "", asked.level), media_type=GEOJSON)


@router.post(
    "/boundaries",
    dependencies=[needs("registry:boundary:import")],
    name="import_boundaries",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=body_of(GEOJSON, EXAMPLE, {"type": "object"}),
)
async def import_outlines(
    actor: CurrentActor,
    collection: Annotated[object, Depends(geojson_body)],
    tx: Tx,
    now: Now,
    boundary_set: Set = None,
    source: Source = "",
) -> schemas.BoundariesRead:
    """Takes over outlines from GeoJSON: `properties.code` names the unit, `boundary_set` or `vintage` the set."""
    counts = await commands.import_boundaries(tx, actor, collection, now=now, boundary_set=boundary_set, source=source)
    return schemas.BoundariesRead(imported=sum(counts.values()), boundary_sets=counts)
