"""Two figures side by side: what differs, and which structures make the difference."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.export import answered, listed_as
from kernel.listing import Listing, Rows, Sparse, Word
from kernel.listing import Page as ListPage
from kernel.texts import Day
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.api.ratios import ScopeAsked, scope_of, spoken
from services.sharing.queries import comparison as queries
from services.sharing.queries import ratios
from services.sharing.queries.ratios import Scope

router = api_router("/api/sharing/v1", ["ratios"])
READ = "sharing:ratio:read"


class ComparisonAsked(ScopeAsked):
    """What stands without `before_` speaks of the later figure; `before_` of the one it is held against."""

    before_as_of: Annotated[Day, Field(description="State at the end of this day.")]
    before_known_at: Annotated[
        str | None, Field(max_length=40, description="As known at this instant or day; default as `known_at`.")
    ] = None
    before_definition: Annotated[Word | None, Field(description="Default as `definition`.")] = None
    before_boundary_set: Annotated[Word | None, Field(description="Default as `boundary_set`.")] = None


class ChangesAsked(Listing, ComparisonAsked):
    change: queries.ChangeAsked = None


class FigureRead(schemas.ScopeRead, schemas.Figure):
    pass


class ComparisonRead(BaseModel):
    """`changes`: how many structures changed in each way."""

    before: FigureRead
    after: FigureRead
    changes: dict[str, int]


class StateRead(BaseModel):
    """Null where the structure was not in the register."""

    reason: str
    owner: str | None
    unit: str | None
    unit_name: str | None


class ChangeRow(Sparse):
    """Why it was counted, shared or left out before, and why it is after."""

    id: str
    public_no: str
    name: str
    change: queries.Change
    before: StateRead | None
    after: StateRead | None


class ChangePage(ListPage):
    items: list[ChangeRow]


async def scopes(read: Read, asked: ComparisonAsked, actor: Actor, now: Any) -> tuple[Scope, Scope]:
    after = await scope_of(read, asked, actor, now)
    before = await ratios.scope(
        read,
        actor=actor,
        kind=asked.kind,
        as_of=asked.before_as_of,
        known_at=ratios.known_instant(asked.before_known_at or asked.known_at, now),
        now=now,
        definition=asked.before_definition or asked.definition,
        boundary_set=asked.before_boundary_set or after.boundary_set,
        unit=asked.unit,
        owner=asked.owner,
    )
    return before, after


@router.get("/ratios/comparison", dependencies=[needs(READ)], response_model=ComparisonRead)
async def compare_ratios(actor: CurrentActor, read: Read, now: Now, asked: Annotated[ComparisonAsked, Query()]) -> Any:
    """Two figures side by side. Of two days, two states of knowledge, two definitions or two sets of boundaries."""
    before, after = await scopes(read, asked, actor, now)
    return {
        "before": {**spoken(before), **orjson.loads(await ratios.ratio(read, before))},
        "after": {**spoken(after), **orjson.loads(await ratios.ratio(read, after))},
        "changes": await queries.counts(read, before, after, actor=actor),
    }


@router.get("/ratios/comparison/structures", dependencies=[needs(READ)], **listed_as(ChangePage))
async def list_ratio_changes(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Annotated[ChangesAsked, Query()]
) -> Response:
    """The structures that make the difference. Each with its reason before and after."""
    before, after = await scopes(read, asked, actor, now)

    async def fetch(session: Read, at: list[Any] | None, limit: int) -> Rows:
        return await queries.changes(
            session, before, after, actor=actor, limit=limit, at=at, fields=asked.fields, change=asked.change,
            total=asked.total,
        )  # fmt: skip

    columns = list(queries.SHAPE.members)
    return await answered(request, asked, fetch, name="ratio-changes", columns=columns)
