from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from kernel.edge import Read, api_router
from kernel.errors import N_, NotFound
from kernel.export import CSV, GEOJSON, XLSX, answered, listed_as
from kernel.listing import Rows
from services.registry.api.answering import PREFIX, places, told
from services.registry.api.gate import needs
from services.registry.api.schemas import places as schemas
from services.registry.queries import units as queries

router = api_router(PREFIX, ["units"])
READ = [needs("registry:unit:read")]
FORMS = (CSV, XLSX, GEOJSON)


class UnitNotFound(NotFound):
    detail = N_("There is no such unit. An id is a code and a vintage, such as {example}.")


@router.get("/units", dependencies=READ, name="list_units", **listed_as(schemas.UnitPage, *FORMS))
async def listing(request: Request, asked: Annotated[queries.UnitsAsked, Query()]) -> Response:
    """Administrative units of every vintage in the order of the Vietnamese alphabet, with what became of them."""
    placed = places(request)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.units(read, asked, limit=limit, after=after, placed=placed)

    columns = list(queries.SHAPE.members)
    return await answered(request, asked, fetch, name="units", columns=columns, forms=FORMS)


@router.get("/units/{unit_id}", dependencies=READ, name="read_unit", response_model=schemas.UnitRead)
async def found(
    read: Read, unit_id: Annotated[str, Path(description="Code and vintage.", examples=["32002@2025-07"])]
) -> Response:
    """One unit with its parent and what became of it."""
    one = await queries.unit(read, unit_id)
    if one is None:
        raise UnitNotFound(example="32002@2025-07")
    return told(one)
