"""Dossiers: list, file, read, and the trace of their clocks."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from kernel.db import new_id
from kernel.edge import PAGE_SIZE, CurrentActor, Cursor, Limit, Now, Read, Tx, api_router, entity_tag
from kernel.paging import page
from kernel.texts import STORABLE
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas import ApplicationFile, ClocksRead, Page, ReceiptRead
from services.permits.commands import Filing

router = api_router("/api/permits/v1", ["permits"])


@router.get("/applications", response_model=Page, dependencies=[needs("permits:application:list")])
async def applications(
    actor: CurrentActor,
    read: Read,
    state: Annotated[str | None, Query(max_length=30), STORABLE] = None,
    applicant: Annotated[str | None, Query(max_length=60), STORABLE] = None,
    work: Annotated[str | None, Query(max_length=60), STORABLE] = None,
    commune: Annotated[str | None, Query(max_length=60), STORABLE] = None,
    q: Annotated[
        str | None, Query(max_length=100, description="Part of the number or of a site's name."), STORABLE
    ] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Those the caller may see, newest first."""
    filters = queries.Filters(state, applicant, work, commune, q)
    rows = await queries.applications(read, actor=actor, filters=filters, limit=limit, cursor=cursor)
    return page(rows, limit, queries.list_key)


@router.post(
    "/applications", status_code=201, response_model=ReceiptRead, dependencies=[needs("permits:application:file")]
)
async def file(
    given: ApplicationFile, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now
) -> dict[str, Any]:
    """File a dossier. The law in force on the local day of receipt applies; every fault comes back at once."""
    filing = Filing(
        given.work,
        [site.draft() for site in given.sites],
        [part.draft() for part in given.parts],
        given.applicant,
        given.received_at,
        given.received_reason,
    )
    receipt = await commands.file(
        tx, actor, filing, application_id=new_id(), settings=request.app.state.settings, now=now
    )
    response.headers["Location"] = f"/api/permits/v1/applications/{receipt.id}"
    response.headers["ETag"] = entity_tag(receipt.version)
    return {**receipt.__dict__, "sites": [site.model_dump() for site in receipt.sites]}


@router.get("/applications/{id}", response_model=dict[str, Any], dependencies=[needs("permits:application:read")])
async def application(id: UUID, response: Response, actor: CurrentActor, read: Read) -> dict[str, Any]:
    """The dossier with its parts, reviews, clocks, decision and notices."""
    found = await queries.detail(read, id, actor=actor)
    response.headers["ETag"] = entity_tag(found["version"])
    return found


@router.get("/applications/{id}/clock", response_model=ClocksRead, dependencies=[needs("permits:application:read")])
async def clock(id: UUID, request: Request, actor: CurrentActor, read: Read, now: Now) -> dict[str, Any]:
    """Why each deadline is on its day: rule, events, calendar and every day in between."""
    traced = await queries.clocks(read, id, actor=actor, area=request.app.state.settings.area, now=now)
    return asdict(traced)
