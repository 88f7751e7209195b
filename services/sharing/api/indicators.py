"""The plan's indicators: values beside targets, and entering those that are not counted."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response, status
from pydantic import BaseModel, Field

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Page as ListPage
from kernel.listing import Rows, Sparse
from kernel.texts import Day
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.commands import indicators as commands
from services.sharing.domain.indicators import Light, Unit
from services.sharing.queries import indicators as queries
from services.sharing.queries import ratios

router = api_router("/api/sharing/v1", ["indicators"])


class IndicatorRow(Sparse):
    """`value` in `unit` (yes is 1), known on `value_on`; of a counted one `shared` of `counted_in` structures.

    `target` is the one in force on the day: the next due, or the last. `light`: met, near (at least the target before
    it), missed, unknown.
    """

    plan: str
    code: str
    group: str
    title_vi: str
    title_en: str
    unit: Unit
    counted: str | None
    base: str | None
    targets: dict[str, str]
    value: str | None
    value_on: date | None
    source: str | None
    shared: int | None
    counted_in: int | None
    target: str
    target_on: date
    light: Light


class IndicatorPage(ListPage):
    as_of: date
    known_at: datetime
    items: list[IndicatorRow]


class ValueRow(Sparse):
    """`org` null: the province's; `value` null: taken back. `current`: nothing took its place since."""

    id: UUID
    plan: str
    code: str
    org: str | None
    as_of: date
    value: str | None
    source: str
    reason: str
    recorded_at: datetime
    actor: str
    current: bool


class ValuePage(ListPage):
    items: list[ValueRow]


class ValueEnter(schemas.Strict):
    """An auditor's is the province's value, an enterprise's its own. Without `value` the day's value is taken back.

    `reason` is needed where the day has a value already.
    """

    model_config = schemas.shown(
        {"plan": "250/KH-UBND", "code": "V.1", "as_of": "2026-10-31", "value": "81.5", "source": "Báo cáo quý III/2026"}
    )

    plan: schemas.Code
    code: schemas.Code
    as_of: Day
    value: Annotated[str | None, Field(max_length=20)] = None
    source: Annotated[str, Field(max_length=500)] = ""
    reason: Annotated[str, Field(max_length=500)] = ""


class ValueMade(BaseModel):
    id: UUID


@router.get("/indicators", dependencies=[needs(queries.READ)], **listed_as(IndicatorPage))
async def list_indicators(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.IndicatorsAsked, Query()]
) -> Response:
    """The indicators of the plan as of a day. Each with its value, its source, its target and how it stands."""
    return await told_indicators(request, actor, now, asked)


async def told_indicators(request: Request, actor: Actor, now: datetime, asked: queries.IndicatorsAsked) -> Response:
    day, instant = asked.as_of or local_date(now), ratios.known_instant(asked.known_at, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.indicators(
            read, asked, actor=actor, as_of=day, known_at=instant, now=now, limit=limit, after=after
        )

    columns = list(queries.INDICATOR.members)
    return await answered(request, asked, fetch, name="indicators", columns=columns, as_of=day, known_at=instant)


@router.get("/indicator-values", dependencies=[needs(queries.READ)], **listed_as(ValuePage))
async def list_indicator_values(
    request: Request, actor: CurrentActor, asked: Annotated[queries.ValuesAsked, Query()]
) -> Response:
    """What was entered for the indicators. By whom, from where, and what took its place."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.values(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="indicator-values", columns=list(queries.VALUE.members))


@router.post("/indicator-values", dependencies=[needs(queries.ENTER)], status_code=status.HTTP_201_CREATED)
async def enter_indicator_value(actor: CurrentActor, tx: Tx, now: Now, body: ValueEnter) -> ValueMade:
    """Enter a value of an indicator with its source. It takes the place of an earlier one of the same day."""
    made = await commands.enter(
        tx, actor, body.plan, body.code, body.as_of, body.value, body.source.strip(), body.reason.strip(), now=now
    )
    return ValueMade(id=made)
