"""The feed: what happened to the dossiers that the caller sees, to be polled."""

from typing import Annotated

from fastapi import Query, Response

from kernel.edge import CurrentActor, Read, api_router
from kernel.export import JSON
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas.events import EventsRead

router = api_router("/api/permits/v1", ["events"])


@router.get("/events", response_model=EventsRead, dependencies=[needs("permits:event:read")])
async def list_events(actor: CurrentActor, read: Read, asked: Annotated[queries.EventsAsked, Query()]) -> Response:
    """What happened to the dossiers that you see, in order. Ask again with `after` = `next` of the answer before.

    Each event has a place that never changes; none is passed over, none comes twice. An answer may be empty and still
    have a greater `next`: events were looked at that are not yours. When `next` stays the same, nothing is new.
    """
    told = await queries.events(read, asked, actor=actor)
    return Response(f'{{"items":{told.items},"next":{told.next}}}', media_type=JSON)
