from typing import Annotated

from fastapi import Query, Response

from kernel.edge import Cursor, Limit, Read, api_router
from kernel.paging import decode_cursor
from services.registry.api import schemas
from services.registry.api.answering import listed
from services.registry.api.gate import needs
from services.registry.queries import places

router = api_router("/api/registry/v1", ["units"])


@router.get("/units", dependencies=[needs("registry:unit:read")], response_model=schemas.Page)
async def listing(
    read: Read,
    boundary_set: Annotated[str | None, Query(description="Such as `CM-2023`.")] = None,
    level: str | None = None,
    parent: Annotated[str | None, Query(description="Unit id of the district or province.")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Words, with or without accents.")] = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> Response:
    """Administrative units of every vintage, with what became of them."""
    after = decode_cursor(cursor, 2) if cursor else None
    page = await places.units(
        read, limit=limit, boundary_set=boundary_set, level=level, parent=parent, q=q, after=after
    )
    return listed(page.items, page.last)
