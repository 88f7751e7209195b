"""The department's queue."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas.dossier import QueuePage
from services.permits.domain import policy
from services.permits.queries.queue import SHAPE

router = api_router("/api/permits/v1", ["dossiers"])


@router.get("/queue", dependencies=[needs("permits:queue:read")], **listed_as(QueuePage))
async def list_queue(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Annotated[queries.QueueAsked, Query()]
) -> Response:
    """What your organisation and functions have to do. The nearest deadline first, what is paused last.

    A dossier stands in it once, under the nearest deadline that the caller answers for.
    """
    policy.demand(actor, "permits:queue:read")
    horizon = await queries.horizon(read, request.app.state.settings.area, now)
    counts = await queries.queue_counts(read, actor=actor, horizon=horizon)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.queue(read, asked, actor=actor, horizon=horizon, limit=limit, after=after)

    return await answered(request, asked, fetch, name="queue", columns=list(SHAPE.members), counts=counts)
