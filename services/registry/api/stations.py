from uuid import UUID

from fastapi import Response, status

from kernel.edge import PAGE_SIZE, CurrentActor, Cursor, IfMatch, Limit, Now, Read, Tx, api_router
from kernel.paging import decode_cursor
from services.registry.api import schemas
from services.registry.api.answering import AsAsked, listed, recorded, still
from services.registry.api.gate import needs
from services.registry.commands import stations as commands
from services.registry.queries import stations as queries

router = api_router("/api/registry/v1", ["stations"])


@router.get("/stations", dependencies=[needs("registry:station:read")], response_model=schemas.Page)
async def listing(
    actor: CurrentActor,
    read: Read,
    at: AsAsked,
    structure: UUID | None = None,
    operator: str | None = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    """Stations by structure or operator, as of a day and as known at a time."""
    after = decode_cursor(cursor, 1) if cursor else None
    rows = await queries.stations(read, actor, at, limit=limit, structure_id=structure, operator=operator, after=after)
    return listed(rows.items, rows.last)


@router.post("/stations", dependencies=[needs("registry:station:register")], status_code=status.HTTP_201_CREATED)
async def register(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.StationRegister, response: Response
) -> schemas.RecordedRead:
    """Records that an operator has a station on a structure."""
    one = await commands.register_station(
        tx,
        actor,
        body.facts,
        structure_id=body.structure_id,
        valid_from=body.valid_from,
        evidence=body.evidence,
        now=now,
    )
    return recorded(one, response)


@router.post(
    "/stations/{station_id}/changes",
    dependencies=[needs("registry:station:change")],
    status_code=status.HTTP_201_CREATED,
)
async def change(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    station_id: UUID,
    body: schemas.StationChangeGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.RecordedRead:
    """It became so from `valid_from` on: off air, another technology, another operator."""
    given = body.model_dump(exclude={"patch"})
    one = await commands.change_station(tx, actor, station_id, body.patch, now=now, check=still(if_match), **given)
    return recorded(one, response)
