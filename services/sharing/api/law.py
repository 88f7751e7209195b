"""What is published: definitions, borders, and the plan's targets beside the figures they ask for."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response, status
from pydantic import BaseModel, Field, model_validator

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from kernel.texts import Day
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.commands import publish as commands
from services.sharing.commands.verification import tried
from services.sharing.domain import targets as rules
from services.sharing.domain.definition import Code as DefinitionCode
from services.sharing.domain.definition import Definition, Plan, Text, Words
from services.sharing.domain.figures import percent
from services.sharing.queries import law, ratios

router = api_router("/api/sharing/v1", ["plan"])
READ, PUBLISH = "sharing:ratio:read", "sharing:law:publish"


@router.get("/targets", dependencies=[needs(READ)], **listed_as(schemas.TargetPage))
async def list_targets(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[law.TargetsAsked, Query()]
) -> Response:
    """The plan's targets beside the figure of a day. How many shared structures each needs, how many are missing.

    Without `boundary_set` each target is held against the borders its plan meant: Cà Mau before the merger.
    """
    return await told_targets(request, actor, now, asked)


async def told_targets(request: Request, actor: Actor, now: datetime, asked: law.TargetsAsked) -> Response:
    day, instant = asked.as_of or local_date(now), ratios.known_instant(asked.known_at, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        rows = await law.target_list(read, asked, limit=limit, after=after)
        targets = orjson.loads(rows.items)
        figures = await ratios.figures(
            read,
            sorted({(row["kind"], asked.boundary_set or row["boundary_set"]) for row in targets}),
            actor=actor,
            as_of=day,
            known_at=instant,
            now=now,
            definition=asked.definition,
        )
        told = [_beside(row, asked.boundary_set or row["boundary_set"], figures, asked.fields) for row in targets]
        return rows._replace(items=orjson.dumps(told).decode())

    columns = list(law.TARGET.members)
    return await answered(request, asked, fetch, name="targets", columns=columns, as_of=day, known_at=instant)


def _beside(
    row: dict[str, Any], borders: str, figures: dict[tuple[str, str], dict[str, Any]], fields: list[str] | None
) -> dict[str, Any]:
    figure = figures[(row["kind"], borders)]
    shared, counted = figure["shared"], figure["counted"]
    told = {
        **row,
        "boundary_set": borders,
        "shared": shared,
        "counted": counted,
        "needed": rules.needed(row["percent"], counted) if counted else None,
        "gap": rules.gap(row["percent"], shared, counted) if counted else None,
        "met": rules.met(row["percent"], shared, counted),
    }
    return told if fields is None else {name: value for name, value in told.items() if name in fields}


@router.get("/definitions", dependencies=[needs(READ)], **listed_as(schemas.DefinitionPage))
async def list_definitions(
    request: Request, actor: CurrentActor, asked: Annotated[law.DefinitionsAsked, Query()]
) -> Response:
    """Every published definition of the ratio. Its content, its validity and the hash of both."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await law.definition_list(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="definitions", columns=list(law.DEFINITION.members))


@router.get("/boundary-sets", dependencies=[needs(READ)], **listed_as(schemas.BoundarySetPage))
async def list_boundary_sets(
    request: Request, actor: CurrentActor, asked: Annotated[law.BoundarySetsAsked, Query()]
) -> Response:
    """The borders by which figures can be cut. When each was in force, and whether the province reports by it."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await law.boundary_set_list(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="boundary-sets", columns=list(law.BOUNDARY_SET.members))


class DefinitionPublish(schemas.Strict):
    """Published once, never changed. A default holds from its day, which is one to come, until a later one begins."""

    model_config = schemas.shown(
        {
            "code": "mast.documented", "version": 1, "kind": "mast", "valid_from": "2027-01-01", "minimum": 2,
            "title": {"vi": "Theo hồ sơ", "en": "As documented"},
            "note": {"vi": "Chỉ tính thoả thuận có văn bản", "en": "Only agreements with a paper"},
            "source": "Công văn của Sở", "counted": {"fact": "status", "op": "==", "value": "in_service"},
            "sharers": [
                {"role": "owner", "when": {"fact": "organisation_kind", "op": "==", "value": "operator"}},
                {"role": "tenant", "when": {"fact": "evidence", "op": ">=", "value": 2}},
            ],
        }
    )  # fmt: skip

    code: DefinitionCode
    version: Annotated[int, Field(ge=1, le=9999)]
    kind: schemas.Kind
    default: bool = False
    valid_from: Day
    valid_to: Day | None = None
    title: Words
    note: Words
    source: Text
    minimum: Annotated[int, Field(ge=2, le=20, description="Distinct enterprises that make it shared.")]
    counted: Annotated[
        dict[str, Any], Field(description="The condition on a structure, as `content` of one published.")
    ]
    sharers: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=20, description="Who counts, and when.")]

    @model_validator(mode="after")
    def _is_a_definition(self) -> "DefinitionPublish":
        self.definition()
        return self

    def definition(self) -> Definition:
        return Definition.model_validate(self.model_dump())


class DefinitionMade(BaseModel):
    """`sha256`: of its content, by which statements name it."""

    id: str
    sha256: str


class DefinitionTried(BaseModel):
    """Today's figure by the definition beside that of the default; `reasons`: how many structures for each reason."""

    shared: int
    counted: int
    percent: str | None
    default: schemas.Figure
    reasons: dict[str, int]


class PlanPublish(Plan):
    """`percent` is exact, as text; a base is what was measured, not something to reach."""

    model_config = schemas.shown(
        {
            "code": "CM-2030", "title": {"vi": "Kế hoạch 2026–2030", "en": "Plan 2026 to 2030"},
            "source": "Kế hoạch của UBND tỉnh", "boundary_set": "CM-2025-07",
            "targets": [{"kind": "mast", "due_on": "2030-12-31", "percent": "40"}],
        }
    )  # fmt: skip


class PlanMade(BaseModel):
    code: str


@router.post("/definitions:check", dependencies=[needs(PUBLISH)], response_model=DefinitionTried)
async def check_definition(actor: CurrentActor, read: Read, now: Now, body: DefinitionPublish) -> Any:
    """Try a definition on today's structures. Nothing is stored, no key is needed."""
    found = await tried(read, actor, body.definition(), now=now)
    told = percent(found.shared, found.counted)
    return {
        "shared": found.shared,
        "counted": found.counted,
        "percent": None if told is None else str(told),
        "default": found.default,
        "reasons": dict(found.reasons),
    }


@router.post("/definitions", dependencies=[needs(PUBLISH)], status_code=status.HTTP_201_CREATED)
async def publish_definition(actor: CurrentActor, tx: Tx, now: Now, body: DefinitionPublish) -> DefinitionMade:
    """Publish a definition. Every structure is counted by it before anybody sees a figure."""
    definition = body.definition()
    await commands.publish_definition(tx, actor, definition, now=now)
    return DefinitionMade(id=definition.id, sha256=commands.digest(definition))


@router.post("/plans", dependencies=[needs(PUBLISH)], status_code=status.HTTP_201_CREATED)
async def publish_plan(actor: CurrentActor, tx: Tx, now: Now, body: PlanPublish) -> PlanMade:
    """Publish a plan with its targets. The board, the forecast and the open data show them from then on."""
    await commands.publish_plan(tx, actor, Plan.model_validate(body.model_dump()), now=now)
    return PlanMade(code=body.code)
