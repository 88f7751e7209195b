"""Stations on structures: which operator is where, with which technologies."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response, status

from kernel.batch import Results, each
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.registry.api.answering import (
    PREFIX,
    AsAsked,
    answer_recorded,
    listed_times,
    recorded,
    still,
    told,
)
from services.registry.api.gate import needs
from services.registry.api.schemas import statements as given
from services.registry.api.schemas import stations as schemas
from services.registry.commands import stations as commands
from services.registry.commands.records import Recorded
from services.registry.domain import policy
from services.registry.domain.quarters import quarters
from services.registry.domain.times import times
from services.registry.queries import histories
from services.registry.queries import stations as queries
from services.registry.queries.technologies import ProgressAsked, progress

router = api_router(PREFIX, ["stations"])
READ, REGISTER = [needs("registry:station:read")], [needs("registry:station:register")]
StationId = Annotated[UUID, Path(description="`id` of the station.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c12"])]


@router.get("/stations", dependencies=READ, name="list_stations", **listed_as(schemas.StationPage))
async def listing(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.StationsAsked, Query()]
) -> Response:
    """Stations in the order of their registration, as of a day and as known at a time.

    Your own wherever they are; of others those on air on structures that you may see.
    """
    at = await listed_times(request, asked, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.stations(read, actor, asked, at, limit=limit, after=after)

    columns = [*queries.MEMBERS, *(asked.expand or ())]
    return await answered(request, asked, fetch, name="stations", columns=columns, as_of=at.as_of, known_at=at.known_at)


@router.get("/stations:technologies", dependencies=READ, name="read_technology_progress")
async def technologies(
    actor: CurrentActor,
    read: Read,
    now: Now,
    asked: Annotated[ProgressAsked, Query()],
) -> schemas.TechnologyProgress:
    """Stations on air by operator and technology at the ends of quarters: how far 2G and 3G are switched off."""
    at = times(asked.as_of, asked.known_at, now)
    days = quarters(at.as_of, asked.quarters)
    found = await progress(read, actor, days, at)
    rows = [schemas.TechnologyCounts(**one._asdict()) for one in found]
    return schemas.TechnologyProgress(days=days, known_at=at.known_at, operators=rows)


@router.get("/stations/{station_id}", dependencies=READ, name="read_station", response_model=schemas.StationRead)
async def found(actor: CurrentActor, read: Read, at: AsAsked, station_id: StationId) -> Response:
    """One station with what it stands on."""
    one = await queries.station(read, actor, station_id, at)
    if one is None:
        raise commands.StationNotFound
    return told(one)


@router.get(
    "/stations/{station_id}/history", dependencies=[needs("registry:station:history")], name="read_station_history"
)
async def history(actor: CurrentActor, read: Read, now: Now, station_id: StationId) -> schemas.StationHistory:
    """Who said what of a station and when, and the versions that made; for officers and for its operator."""
    log = await histories.station_history(read, actor, station_id)
    if log is None:
        if await queries.station(read, actor, station_id, times(None, None, now)) is None:
            raise commands.StationNotFound
        raise policy.NotAllowed(permission="registry:station:history")
    return schemas.StationHistory.model_validate({"changes": log.changes, "versions": log.versions})


async def _register(tx: Tx, actor: Any, body: given.StationRegister, now: Any) -> Recorded:
    return await commands.register_station(
        tx,
        actor,
        body.facts,
        structure_id=body.structure_id,
        valid_from=body.valid_from,
        evidence=body.evidence,
        now=now,
    )


@router.post("/stations", dependencies=REGISTER, name="register_station", status_code=status.HTTP_201_CREATED)
async def register(
    actor: CurrentActor, tx: Tx, now: Now, body: given.StationRegister, response: Response
) -> given.RecordedRead:
    """Records that an operator has a station on a structure."""
    return answer_recorded(await _register(tx, actor, body, now), response, location="stations")


@router.post("/stations:batch", dependencies=REGISTER, name="register_stations")
async def register_many(request: Request, actor: CurrentActor, tx: Tx, now: Now, body: given.StationBatch) -> Results:
    """Records up to 100 stations, each by itself: what is refused changes nothing, the others stay."""

    async def one(item: given.StationRegister) -> given.RecordedRead:
        return recorded(await _register(tx, actor, item, now))

    return await each(request, tx, body.items, one)


@router.post(
    "/stations/{station_id}/changes",
    dependencies=[needs("registry:station:change")],
    name="change_station",
    status_code=status.HTTP_201_CREATED,
)
async def change(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    station_id: StationId,
    body: given.StationChange,
    if_match: IfMatch,
    response: Response,
) -> given.RecordedRead:
    """Records that it became so from `valid_from` on: off air, another technology, another operator."""
    said = body.model_dump(exclude={"patch"})
    one = await commands.change_station(tx, actor, station_id, body.patch, now=now, check=still(if_match), **said)
    return answer_recorded(one, response)
