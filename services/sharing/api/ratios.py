from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query

from kernel.clock import local_date
from kernel.edge import PAGE_SIZE, CurrentActor, Cursor, Limit, Now, Read, api_router
from kernel.errors import N_, Fault, Invalid
from kernel.paging import decode_cursor, page
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.domain.days import month_ends
from services.sharing.domain.figures import percent
from services.sharing.queries import ratios as queries
from services.sharing.queries.ratios import Scope

router = api_router("/api/sharing/v1", ["ratios"])
MOST_MONTHS = 240


class TooManyPoints(Invalid):
    detail = N_("A trend holds at most {months} months.")


async def asked_scope(
    actor: CurrentActor,
    read: Read,
    now: Now,
    kind: schemas.Kind = "mast",
    as_of: Annotated[date | None, Query(description="State at the end of this day; default today.")] = None,
    known_at: Annotated[
        str | None, Query(description="As known at this instant, or at the end of this day; default now.")
    ] = None,
    definition: Annotated[str | None, Query(description="Such as `mast.declared.1`.")] = None,
    boundary_set: Annotated[
        str | None, Query(description="Such as `CM-2023`; default the set in force on the day.")
    ] = None,
    unit: Annotated[str | None, Query(description="A commune or a district of the boundary set.")] = None,
    owner: str | None = None,
) -> Scope:
    return await queries.scope(
        read,
        actor=actor,
        kind=kind,
        as_of=as_of or local_date(now),
        known_at=queries.known_instant(known_at, now),
        definition=definition,
        boundary_set=boundary_set,
        unit=unit,
        owner=owner,
    )


AskedScope = Annotated[Scope, Depends(asked_scope)]


def spoken(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in schemas.ScopeRead.model_fields}


@router.get("/ratios", dependencies=[needs("sharing:ratio:read")], response_model=schemas.RatioRead)
async def ratio(read: Read, scope: AskedScope, by: schemas.By | None = None) -> Any:
    """The figure as of a day as known at an instant, in total and by owner, unit (commune) or district."""
    return {**spoken(scope), **orjson.loads(await queries.ratio(read, scope, by))}


@router.get("/ratios/structures", dependencies=[needs("sharing:ratio:read")], response_model=schemas.StructurePage)
async def structures(
    actor: CurrentActor,
    read: Read,
    scope: AskedScope,
    side: schemas.Side = "numerator",
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Any:
    """The structures behind a figure, each with the reason why it is counted, shared or left out.

    Who shares is told to auditors and to the parties; to others `sharers` is null.
    """
    key = decode_cursor(cursor, 2) if cursor else None
    after = (str(key[0]), UUID(str(key[1]))) if key else None
    found = orjson.loads(await queries.structures(read, scope, side, actor=actor, limit=limit, after=after))
    return {**spoken(scope), **page(found, limit, lambda row: [row["public_no"], row["id"]])}


@router.get("/ratios/trend", dependencies=[needs("sharing:ratio:read")], response_model=schemas.TrendRead)
async def trend(
    read: Read,
    scope: AskedScope,
    since: Annotated[date, Query(description="The months from this day's to that of `as_of`.")] = date(2023, 6, 1),
) -> Any:
    """The figure at the end of each month and on `as_of`, all as known at one instant."""
    days = list(month_ends(since, scope.as_of))
    if len(days) > MOST_MONTHS:
        raise TooManyPoints(
            errors=[Fault("/query/since", "too_many", TooManyPoints.detail, months=MOST_MONTHS)], months=MOST_MONTHS
        )
    rows = await queries.trend(read, scope, days)
    items = [
        {"day": row.day, "shared": row.shared, "counted": row.counted, "percent": _text(row.shared, row.counted)}
        for row in rows
    ]
    return {**spoken(scope), "items": items}


def _text(shared: int, counted: int) -> str | None:
    figure = percent(shared, counted)
    return None if figure is None else str(figure)
