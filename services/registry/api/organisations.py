from datetime import date
from typing import Annotated

from fastapi import Query, Response

from kernel.clock import local_date
from kernel.edge import Now, Read, api_router
from services.registry.api import schemas
from services.registry.api.answering import listed
from services.registry.api.gate import needs
from services.registry.queries import places

router = api_router("/api/registry/v1", ["organisations"])


@router.get("/organisations", dependencies=[needs("registry:organisation:read")], response_model=schemas.Page)
async def listing(
    read: Read,
    now: Now,
    as_of: date | None = None,
    kind: str | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Organisations as they were on that day, with the functions they then held; ended ones name their successor."""
    return listed(await places.organisations(read, as_of=as_of or local_date(now), kind=kind, q=q), None)
