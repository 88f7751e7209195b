from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.errors import N_, Fault, Invalid
from kernel.export import CSV, XLSX, answered, listed_as
from kernel.listing import Listing, Rows, Word, Words, operator
from kernel.texts import Day
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.domain.days import month_ends
from services.sharing.domain.figures import percent
from services.sharing.queries import ratios as queries
from services.sharing.queries import sides
from services.sharing.queries.ratios import Scope

router = api_router("/api/sharing/v1", ["ratios"])
MOST_MONTHS = 240


class TooManyPoints(Invalid):
    detail = N_("A trend holds at most {months} months.")


class ScopeAsked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[schemas.Kind, Field(description="Of structures.")] = "mast"
    as_of: Annotated[Day | None, Field(description="State at the end of this day; default today.")] = None
    known_at: Annotated[
        str | None,
        Field(max_length=40, description="As known at this instant, or at the end of this day; default now."),
    ] = None
    definition: Annotated[Word | None, Field(description="Such as `mast.declared.1`.")] = None
    boundary_set: Annotated[
        Word | None, Field(description="Such as `CM-2023`; default the set in force on the day.")
    ] = None
    unit: Annotated[Word | None, Field(description="A commune or a district of the boundary set.")] = None
    owner: Annotated[Word | None, Field(description="Organisation code.")] = None


class RatioAsked(ScopeAsked):
    by: Annotated[schemas.By | None, Field(description="What `groups` are told by.")] = None


class StructuresAsked(Listing, ScopeAsked):
    side: Annotated[schemas.Side, Field(description="Of the fraction, or what it leaves out.")] = "numerator"
    reason_in: Words | None = operator("reason", "in", "Only what is counted, shared or left out for these reasons.")


class TrendAsked(ScopeAsked):
    since: Annotated[Day, Field(description="The months from this day's to that of `as_of`.")] = date(2023, 6, 1)


async def scope_of(read: Read, asked: ScopeAsked, actor: Actor, now: datetime) -> Scope:
    return await queries.scope(
        read,
        actor=actor,
        kind=asked.kind,
        as_of=asked.as_of or local_date(now),
        known_at=queries.known_instant(asked.known_at, now),
        now=now,
        definition=asked.definition,
        boundary_set=asked.boundary_set,
        unit=asked.unit,
        owner=asked.owner,
    )


def spoken(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in schemas.ScopeRead.model_fields}


@router.get("/ratios", dependencies=[needs("sharing:ratio:read")], response_model=schemas.RatioRead)
async def read_ratio(actor: CurrentActor, read: Read, now: Now, asked: Annotated[RatioAsked, Query()]) -> Any:
    """The ratio as of a day as known at an instant. In total, and by owner, unit (commune) or district.

    A day to come is counted from plans and from what is agreed: enterprises ask it with `owner` of their own.
    """
    scope = await scope_of(read, asked, actor, now)
    return {**spoken(scope), **orjson.loads(await queries.ratio(read, scope, asked.by))}


@router.get(
    "/ratios/structures", dependencies=[needs("sharing:ratio:read")], **listed_as(schemas.StructurePage, CSV, XLSX)
)
async def list_ratio_structures(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Annotated[StructuresAsked, Query()]
) -> Response:
    """The structures behind a figure. Each with the reason why it is counted, shared or left out.

    Who shares is told to auditors and to the parties; to others `sharers` is null. What others only plan is not listed.
    """
    scope = await scope_of(read, asked, actor, now)

    async def fetch(session: Read, after: list[Any] | None, limit: int) -> Rows:
        return await sides.structures(
            session, scope, asked.side, actor=actor, limit=limit, after=after,
            fields=asked.fields, reasons=asked.reason_in, total=asked.total,
        )  # fmt: skip

    return await answered(
        request, asked, fetch, name="ratio-structures", columns=list(sides.SHAPE.members), **spoken(scope)
    )


@router.get("/ratios/trend", dependencies=[needs("sharing:ratio:read")], response_model=schemas.TrendRead)
async def read_ratio_trend(actor: CurrentActor, read: Read, now: Now, asked: Annotated[TrendAsked, Query()]) -> Any:
    """The ratio month by month. At the end of each month and on `as_of`, all as known at one instant."""
    scope = await scope_of(read, asked, actor, now)
    days = list(month_ends(asked.since, scope.as_of))
    if len(days) > MOST_MONTHS:
        raise TooManyPoints(
            errors=[Fault("/query/since", "too_many", TooManyPoints.detail, months=MOST_MONTHS)], months=MOST_MONTHS
        )
    rows = await queries.trend(read, scope, days)
    points = [
        {"day": row.day, "shared": row.shared, "counted": row.counted, "percent": _text(row.shared, row.counted)}
        for row in rows
    ]
    return {**spoken(scope), "points": points}


def _text(shared: int, counted: int) -> str | None:
    figure = percent(shared, counted)
    return None if figure is None else str(figure)
