"""Where a figure is going, which structures would close the gap, and what if."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel, Field, model_validator

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.errors import N_, Fault, Invalid
from kernel.export import CSV, XLSX, answered, listed_as
from kernel.listing import Page as ListPage
from kernel.listing import Rows, Sparse
from services.sharing import data
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.api.ratios import ScopeAsked, scope_of, spoken
from services.sharing.domain import forecast as rules
from services.sharing.domain import targets as target_rules
from services.sharing.domain.definition import Words
from services.sharing.domain.figures import percent
from services.sharing.queries import forecast as queries
from services.sharing.queries import law, ratios
from services.sharing.queries.outlook import outlook

router = api_router("/api/sharing/v1", ["forecast"])
Ids = Annotated[list[UUID], Field(max_length=1000)]


class TargetUnknown(Invalid):
    detail = N_("There is no target of this day: give `percent`.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/query/percent", "missing", self.detail)])


class UnderWayRead(BaseModel):
    """`shared`: how many of them would be shared once they are built."""

    status: str
    count: int
    shared: int


class PointRead(BaseModel):
    """`shared`, `counted`: by what is known to hold on that day. `expected_*`: with what is under way by its weights.

    `low_percent`: all that is unshared gets built and nothing that is shared; `high_percent` the other way round.
    """

    day: date
    shared: int
    counted: int
    expected_shared: Decimal
    expected_counted: Decimal
    expected_percent: Decimal | None
    low_percent: Decimal | None
    high_percent: Decimal | None
    under_way: list[UnderWayRead]


class PaceRead(BaseModel):
    """Structures a month, between the figure of `since` and that of the day."""

    since: date
    months: int
    shared: Decimal
    counted: Decimal


class GoalRead(BaseModel):
    """`missing` on the day; `missing_when_due` by what is known to hold then. `months_at_this_pace`: null is never."""

    due_on: date
    percent: str
    needed: int | None
    missing: int | None
    met: bool | None
    missing_when_due: int | None
    months_at_this_pace: int | None


class ForecastRead(schemas.ScopeRead):
    """`weights`: how likely a structure of a status gets built; `source` says who thinks so."""

    points: list[PointRead]
    pace: PaceRead
    targets: list[GoalRead]
    weights: dict[str, str]
    source: Words


class CandidatesAsked(queries.CandidatesAsked, ScopeAsked):
    """Structures that could be shared."""


class CandidateRow(Sparse):
    """`rank`: 0 two use it and proof is lacking, 1 a free place and a neighbour, 2 a free place, 3 capacity unknown
    with a neighbour, 4 capacity unknown, 5 full. `near`: enterprises with a mast close by.
    """

    id: UUID
    public_no: str
    name: str
    owner: str
    unit: str | None
    unit_name: str | None
    reason: str
    lon: float | None
    lat: float | None
    height_m: Decimal | None
    capacity: int | None
    free: int | None
    near: int
    rank: int


class CandidatePage(schemas.ScopeRead, ListPage):
    items: list[CandidateRow]


class ClosingAsked(ScopeAsked):
    percent: Annotated[
        Decimal | None, Field(gt=0, le=100, description="The target; default the next of the plan, or its last.")
    ] = None


class OwnersPartRead(BaseModel):
    """`candidates` of the owner, `count` of which are chosen: `structures`."""

    owner: str
    candidates: int
    count: int
    structures: list[UUID]


class ClosingRead(schemas.ScopeRead):
    """`missing` structures for `percent`; `found` of them when there are fewer candidates than that."""

    percent: str
    shared: int
    counted: int
    missing: int
    found: int
    owners: list[OwnersPartRead]


class RatioSimulate(schemas.Strict):
    """What if: these shared, those taken down, `build` new ones, `build_shared` of them shared. Nothing is changed."""

    model_config = schemas.shown({"share": [schemas.STRUCTURE], "build": 20, "build_shared": 5})

    kind: schemas.Kind = "mast"
    definition: schemas.Code | None = None
    boundary_set: schemas.Code | None = None
    unit: schemas.Code | None = None
    owner: schemas.Code | None = None
    share: Ids = []
    dismantle: Ids = []
    build: Annotated[int, Field(ge=0, le=100_000)] = 0
    build_shared: Annotated[int, Field(ge=0, le=100_000)] = 0

    @model_validator(mode="after")
    def _no_more_shared_than_built(self) -> "RatioSimulate":
        if self.build_shared > self.build:
            raise ValueError("build_shared is at most build")
        return self


class SupposedGoal(BaseModel):
    due_on: date
    percent: str
    needed: int | None
    missing: int | None
    met: bool | None


class SimulatedRead(schemas.ScopeRead):
    """`ignored`: what makes no difference, and why: unknown, not_counted, shared_already."""

    before: schemas.Figure
    after: schemas.Figure
    targets: list[SupposedGoal]
    ignored: dict[UUID, str]


async def _asked(
    read: Read, asked: ScopeAsked, actor: CurrentActor, now: Now
) -> tuple[ratios.Scope, list[tuple[date, str]]]:
    """The scope, without named borders within those that the plan meant; and the plan's targets."""
    rows = [row for row in await law.targets_on(read, asked.as_of or local_date(now), asked.kind) if not row.is_base]
    if asked.boundary_set is None and rows:
        asked = asked.model_copy(update={"boundary_set": rows[0].boundary_set})
    return await scope_of(read, asked, actor, now), [(row.due_on, row.percent) for row in rows]


@router.get("/ratios/forecast", dependencies=[needs(queries.READ)], response_model=ForecastRead)
async def forecast_ratio(actor: CurrentActor, read: Read, now: Now, asked: Annotated[ScopeAsked, Query()]) -> Any:
    """Where a figure is going. By what is agreed and ends, by what is under way with its weights, and at its pace."""
    scope, goals = await _asked(read, asked, actor, now)
    return {**spoken(scope), **await outlook(read, scope, goals, data.forecasting(), actor=actor)}


@router.get("/ratios/candidates", dependencies=[needs(queries.READ)], **listed_as(CandidatePage, CSV, XLSX))
async def list_candidates(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Annotated[CandidatesAsked, Query()]
) -> Response:
    """Structures that could be shared. Those first for which least has to be done."""
    scope, _ = await _asked(read, asked, actor, now)

    async def fetch(session: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.candidates(
            session, scope, asked, data.forecasting().near_m, actor=actor, limit=limit, after=after
        )

    columns = list(queries.CANDIDATE.members)
    return await answered(request, asked, fetch, name="candidates", columns=columns, **spoken(scope))


@router.get("/ratios/closing", dependencies=[needs(queries.READ)], response_model=ClosingRead)
async def close_gap(actor: CurrentActor, read: Read, now: Now, asked: Annotated[ClosingAsked, Query()]) -> Any:
    """The smallest set that closes the gap. As many structures as are missing, of as few owners as can be."""
    scope, goals = await _asked(read, asked, actor, now)
    wanted = str(asked.percent) if asked.percent else next_goal(goals, scope.as_of)
    figure = orjson.loads(await ratios.ratio(read, scope))
    missing = target_rules.gap(wanted, figure["shared"], figure["counted"])
    parts = rules.smallest_set(await queries.ranked(read, scope, data.forecasting().near_m, actor=actor), missing)
    return {
        **spoken(scope),
        "percent": wanted,
        "shared": figure["shared"],
        "counted": figure["counted"],
        "missing": missing,
        "found": sum(len(part.chosen) for part in parts),
        "owners": [
            {"owner": p.owner, "candidates": p.candidates, "count": len(p.chosen), "structures": list(p.chosen)}
            for p in parts
        ],
    }


def next_goal(goals: Sequence[tuple[date, str]], day: date) -> str:
    """The percent of the next one due, or of the last there was. Raises TargetUnknown (422)."""
    if not goals:
        raise TargetUnknown
    return next((goal for due, goal in goals if due >= day), goals[-1][1])


@router.post("/ratios:simulate", dependencies=[needs(queries.READ)], response_model=SimulatedRead)
async def simulate_ratio(actor: CurrentActor, read: Read, now: Now, body: RatioSimulate) -> Any:
    """What if. The figure of today with other structures shared, built or taken down; no key is needed."""
    asked = ScopeAsked(**body.model_dump(include=set(ScopeAsked.model_fields)))
    scope, goals = await _asked(read, asked, actor, now)
    figure = orjson.loads(await ratios.ratio(read, scope))
    standing = await queries.standing(read, scope, {*body.share, *body.dismantle}, actor=actor)
    found = rules.suppose(
        figure["shared"],
        figure["counted"],
        standing,
        share=body.share,
        dismantle=body.dismantle,
        build=body.build,
        build_shared=body.build_shared,
    )
    return {
        **spoken(scope),
        "before": _figure(figure["shared"], figure["counted"]),
        "after": _figure(found.shared, found.counted),
        "targets": [
            {
                "due_on": due,
                "percent": goal,
                "needed": target_rules.needed(goal, found.counted) if found.counted else None,
                "missing": target_rules.gap(goal, found.shared, found.counted) if found.counted else None,
                "met": target_rules.met(goal, found.shared, found.counted),
            }
            for due, goal in goals
        ],
        "ignored": found.ignored,
    }


def _figure(shared: int, counted: int) -> dict[str, Any]:
    told = percent(shared, counted)
    return {"shared": shared, "counted": counted, "percent": None if told is None else str(told)}
