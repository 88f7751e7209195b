"""The department's queue."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request

from kernel.edge import PAGE_SIZE, CurrentActor, Cursor, Limit, Now, Read, api_router
from kernel.paging import page
from kernel.texts import STORABLE
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas import Page
from services.permits.domain import policy

router = api_router("/api/permits/v1", ["permits"])
Tab = Literal["all", "mine", "unassigned", "soon", "overdue", "paused"]


class QueuePage(Page):
    """`counts`: rows of each tab, without filters."""

    counts: dict[str, int]


@router.get("/queue", response_model=QueuePage, dependencies=[needs("permits:queue:read")])
async def queue(
    request: Request,
    actor: CurrentActor,
    read: Read,
    now: Now,
    tab: Tab = "all",
    state: Annotated[str | None, Query(max_length=30), STORABLE] = None,
    applicant: Annotated[str | None, Query(max_length=60), STORABLE] = None,
    work: Annotated[str | None, Query(max_length=60), STORABLE] = None,
    q: Annotated[str | None, Query(max_length=100), STORABLE] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What the caller's organisation and functions have to do, nearest deadline first, paused last."""
    policy.demand(actor, "permits:queue:read")
    horizon = await queries.horizon(read, request.app.state.settings.area, now)
    filters = queries.Filters(state, applicant, work, None, q)
    rows = await queries.queue(read, actor=actor, tab=tab, filters=filters, horizon=horizon, limit=limit, cursor=cursor)
    counts = await queries.queue_counts(read, actor=actor, horizon=horizon)
    return {**page(rows, limit, queries.queue_key), "counts": counts}
