"""Stations, as of any day and as known at any time: lists, single ones and their histories."""

# ruff: noqa: S608 -- composed of constants of this module; every value is bound

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.listing import Dated, Listing, Order, Rows, Shape, Word, Words, conditions, page
from kernel.listing import operator as signed
from kernel.texts import Day, Moment
from services.registry.domain.policy import Caller
from services.registry.domain.station import StationStatus, Technology
from services.registry.domain.structure import Evidence
from services.registry.domain.times import Times
from services.registry.queries.reach import Found, at_times, reach

_EXPAND = "`structure`: what it stands on, as far as you may see that."


class StationsAsked(Listing, Dated):
    structure_id: Annotated[UUID | None, Field(description="Those on this structure.")] = None
    operator: Annotated[Word | None, Field(description="Organisation code.")] = None
    operator_in: Words | None = signed("operator", "in", "One of these operators.")
    status: Annotated[StationStatus | None, Field(description="On `as_of`.")] = None
    status_in: Words | None = signed("status", "in", "One of these states.")
    status_ne: Word | None = signed("status", "ne", "Any state but this one.")
    technology: Annotated[Technology | None, Field(description="Has this among its `technologies`.")] = None
    evidence_gte: Evidence | None = signed("evidence", "gte", "1 declared to 6 corroborated.")
    valid_from_gte: Day | None = signed("valid_from", "gte", "What it says on `as_of` began on this day or later.")
    valid_from_lt: Day | None = signed("valid_from", "lt", "What it says on `as_of` began before this day.")
    recorded_at_gte: Moment | None = signed("recorded_at", "gte", "Recorded at this instant or later.")
    recorded_at_lt: Moment | None = signed("recorded_at", "lt", "Recorded before this instant.")
    expand: Annotated[Words | None, Field(description=_EXPAND)] = None


COLUMNS = {
    "structure_id": "s.structure_id",
    "operator": "s.operator_id",
    "status": "s.status",
    "evidence": "s.evidence",
    "valid_from": "s.valid_from",
    "recorded_at": "s.recorded_from",
}
MEMBERS = {
    "id": "s.station_id",
    "structure_id": "s.structure_id",
    "public_no": "g.public_no",
    "operator": "s.operator_id",
    "status": "s.status",
    "technologies": "s.technologies",
    "evidence": "s.evidence",
    "antenna_height_m": "s.attributes->>'antenna_height_m'",
    "name": "s.attributes->>'name'",
    "valid_from": "s.valid_from",
    "valid_to": "NULLIF(s.valid_to, 'infinity')",
    "recorded_at": "s.recorded_from",
    "version": "t.last_no",
}
_STRUCTURE = (
    "(SELECT json_build_object('id', v.structure_id, 'public_no', g.public_no, 'kind', v.kind, 'name', v.name,"
    " 'owner', v.owner_id, 'status', v.status, 'lon', v.point[0], 'lat', v.point[1], 'commune', v.commune_id)"
    f" FROM structure_version v WHERE v.structure_id = s.structure_id AND {at_times('v')} AND {{0}})"
)
_BY_ID = Order({"s.station_id": "uuid"})
_FROM = (
    "FROM station_version s JOIN station t ON t.id = s.station_id JOIN structure g ON g.id = s.structure_id"
    f" WHERE {at_times('s')}"
)


async def stations(
    read: AsyncSession,
    actor: Caller,
    asked: StationsAsked,
    at: Times,
    *,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """The caller's own wherever they are, and of others what stands on structures he sees. One statement.

    Raises BadCursor, UnknownField (422).
    """
    clauses, values = conditions(asked, COLUMNS)
    seen = reach(actor, at)
    values |= {**seen.values, "as_of": at.as_of, "known": at.known}
    if asked.technology:
        clauses.append("CAST(:technology AS text) = ANY(s.technologies)")
        values["technology"] = asked.technology
    source = " AND ".join([_FROM, seen.station, *clauses])
    row = Shape(MEMBERS, {"structure": _STRUCTURE.format(seen.structure)}).sql(asked.fields, asked.expand)
    return await page(read, row, source, _BY_ID, values, limit=limit, after=after, total=asked.total)


async def station(read: AsyncSession, actor: Caller, station_id: UUID, at: Times) -> Found | None:
    """One with its structure; None when it is not there, not yet, or not to be seen."""
    seen = reach(actor, at)
    row = Shape(MEMBERS, {"structure": _STRUCTURE.format(seen.structure)}).sql(None, ["structure"])
    statement = f"SELECT {row}::text AS item, t.last_no AS no {_FROM} AND s.station_id = :id AND {seen.station}"
    values = {**seen.values, "as_of": at.as_of, "known": at.known, "id": station_id}
    found = await direct.row(read, statement, values)
    return None if found is None else Found(found["item"], found["no"])
