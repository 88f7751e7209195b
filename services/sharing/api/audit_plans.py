"""Audits of the ratio: drawn by risk, inspected, closed with what they say."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response, status
from pydantic import BaseModel, Field

from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import answered, listed_as
from kernel.listing import Page as ListPage
from kernel.listing import Rows, Sparse, Word
from kernel.texts import Day
from services.sharing import data
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.api.report_schemas import Nothing
from services.sharing.api.statements import known_at
from services.sharing.commands import audit_plans as commands
from services.sharing.domain.sampling import MOST
from services.sharing.queries import audit_plans as queries
from services.sharing.queries import ratios

router = api_router("/api/sharing/v1", ["audit"])
AuditId = Annotated[UUID, Path(description="The plan.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c50"])]
StructureId = Annotated[
    UUID, Path(description="A structure that was drawn.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c21"])
]


class AuditDraw(schemas.Strict):
    """What to audit, as a ratio is asked, and how many to inspect. Without `known_at`: the last instant up to which
    everything is known here; without `seed`: one that nobody chose."""

    model_config = schemas.shown(
        {"kind": "mast", "as_of": "2026-10-31", "boundary_set": "CM-2023", "size": 1, "seed": "xo so 31/10/2026"}
    )

    kind: schemas.Kind = "mast"
    as_of: Day
    known_at: Annotated[str | None, Field(max_length=40)] = None
    definition: Word | None = None
    boundary_set: Word | None = None
    unit: Word | None = None
    owner: Word | None = None
    size: Annotated[int, Field(ge=1, le=MOST)]
    seed: Word | None = None


class AuditMade(BaseModel):
    id: UUID
    seed: str


class AuditResult(BaseModel):
    """The corrected ratio in percent; with 95 in 100 the true one is within `bound` percentage points of it.

    `shared` and `counted` are the estimates behind it.
    """

    percent: str
    bound: str
    shared: str
    counted: str


class AuditStratum(BaseModel):
    """A class of risk: how many there are, were drawn, were seen, were found otherwise."""

    code: str
    weight: int
    size: int
    drawn: int
    seen: int
    differing: int


class AuditFacts(BaseModel):
    """`shared` of `counted` is what is recorded. `version` is what the ETag says."""

    id: UUID
    kind: str
    definition: str
    boundary_set: str
    unit: str | None
    owner: str | None
    as_of: date
    known_at: datetime
    size: int
    seed: str
    shared: int
    counted: int
    percent: str | None
    drawn: int
    inspected: int
    differing: int
    drawn_at: datetime
    drawn_by: str
    closed_at: datetime | None
    closed_by: str | None
    result: AuditResult | None
    version: int


class AuditRow(Sparse, AuditFacts):
    """Of a list; `result` only of what is closed."""


class AuditPage(ListPage):
    items: list[AuditRow]


class AuditRead(AuditFacts):
    """`best_bound`: what `bound` can come to if everything is found as recorded, in percentage points; `rules`: points,
    classes and weights by which it was drawn."""

    strata: list[AuditStratum]
    best_bound: str
    rules: dict[str, Any]
    definition_sha256: str


class AuditItemFacts(BaseModel):
    """`signs`: why it is in its class of risk (`stratum`); `place`: that in the draw of its class, null if not drawn.

    `mended`: of what differs, whether the records say by now of that day what was found.
    """

    structure_id: UUID
    public_no: str
    owner: str
    unit: str | None
    unit_name: str | None
    stratum: str
    signs: list[str]
    place: int | None
    counted: bool
    shared: bool
    reason: str
    verdict: Literal["as_recorded", "differs"] | None
    found_counted: bool | None
    found_shared: bool | None
    users: str
    note: str
    evidence_sha256: str | None
    inspected_on: date | None
    found_at: datetime | None
    found_by: str | None
    mended: bool | None
    version: int


class AuditItemRow(Sparse, AuditItemFacts):
    """Of a list."""


class AuditItemPage(ListPage):
    items: list[AuditItemRow]


class AuditFinding(schemas.Strict):
    """`as_recorded`, or what was found: whether it is to be counted, whether it is shared, who uses it, and what was
    seen. `evidence_sha256`: hash of the photographs or minutes."""

    model_config = schemas.shown(
        {"as_recorded": True, "inspected_on": "2026-11-18", "note": "Đúng như sổ đăng ký"},
        {
            "as_recorded": False,
            "counted": False,
            "shared": False,
            "users": "",
            "note": "Cột đã tháo dỡ, chỉ còn móng",
            "evidence_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "inspected_on": "2026-11-18",
        },
    )

    as_recorded: bool
    inspected_on: Day
    counted: bool | None = None
    shared: bool | None = None
    users: Annotated[str, Field(max_length=500)] = ""
    note: Annotated[str, Field(max_length=1000)] = ""
    evidence_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


@router.get("/audit-plans", dependencies=[needs(queries.READ)], **listed_as(AuditPage))
async def list_audit_plans(
    request: Request, actor: CurrentActor, asked: Annotated[queries.PlansAsked, Query()]
) -> Response:
    """Audits of the ratio, the newest first. With how far the inspections are."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.plans(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="audit-plans", columns=list(queries.PLAN.members))


@router.post("/audit-plans", dependencies=[needs(queries.ACT)], status_code=status.HTTP_201_CREATED)
async def draw_audit_plan(actor: CurrentActor, tx: Tx, now: Now, body: AuditDraw, response: Response) -> AuditMade:
    """Draw a sample by risk. Anybody can draw it again with its seed from the list of its structures.

    Only from what every copy is known to hold: a later `known_at` is 409 `NotAllKnownYet`.
    """
    scope = await ratios.scope(
        tx,
        actor=actor,
        kind=body.kind,
        as_of=body.as_of,
        known_at=await known_at(tx, body.known_at, now),
        now=now,
        definition=body.definition,
        boundary_set=body.boundary_set,
        unit=body.unit,
        owner=body.owner,
    )
    seed = body.seed or new_id().hex
    made = await commands.draw(tx, actor, scope, body.size, seed, data.sampling(), now=now)
    response.headers["Location"] = f"/api/sharing/v1/audit-plans/{made}"
    return AuditMade(id=made, seed=seed)


@router.get("/audit-plans/{plan_id}", dependencies=[needs(queries.READ)], response_model=AuditRead)
async def read_audit_plan(actor: CurrentActor, read: Read, plan_id: AuditId, response: Response) -> Any:
    """One audit. Its classes of risk, the bound it can reach, and what the inspections say of the ratio so far."""
    return await _plan(actor, read, plan_id, response)


@router.get("/audit-plans/{plan_id}/items", dependencies=[needs(queries.READ)], **listed_as(AuditItemPage))
async def list_audit_items(
    request: Request, actor: CurrentActor, plan_id: AuditId, asked: Annotated[queries.ItemsAsked, Query()]
) -> Response:
    """The structures of an audit with what was found. All that could be drawn, unless `drawn=true`."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.items(read, plan_id, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="audit-items", columns=list(queries.ITEM.members))


@router.get(
    "/audit-plans/{plan_id}/items/{structure_id}", dependencies=[needs(queries.READ)], response_model=AuditItemFacts
)
async def read_audit_item(
    actor: CurrentActor, read: Read, plan_id: AuditId, structure_id: StructureId, response: Response
) -> Any:
    """One structure that was drawn."""
    return await _item(actor, read, plan_id, structure_id, response)


@router.post(
    "/audit-plans/{plan_id}/items/{structure_id}/finding",
    dependencies=[needs(queries.ACT)],
    status_code=status.HTTP_201_CREATED,
)
async def record_audit_finding(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    plan_id: AuditId,
    structure_id: StructureId,
    body: AuditFinding,
    if_match: IfMatch,
    response: Response,
) -> AuditItemFacts:
    """Record what an inspection found. The register itself is corrected by whoever keeps the record.

    A later finding takes the place of an earlier one until the audit is closed.
    """
    finding = commands.Finding(**body.model_dump())
    await commands.inspect(tx, actor, plan_id, structure_id, finding, now=now, if_match=if_match)
    return AuditItemFacts.model_validate(await _item(actor, tx, plan_id, structure_id, response))


@router.post("/audit-plans/{plan_id}/closure", dependencies=[needs(queries.ACT)], status_code=status.HTTP_201_CREATED)
async def close_audit_plan(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    plan_id: AuditId,
    body: Nothing,
    if_match: IfMatch,
    response: Response,
) -> AuditRead:
    """Close an audit once everything is inspected. What it says of the ratio is kept and changes no more."""
    await commands.close(tx, actor, plan_id, now=now, if_match=if_match)
    return AuditRead.model_validate(await _plan(actor, tx, plan_id, response))


async def _plan(actor: Actor, read: Read, plan_id: UUID, response: Response) -> dict[str, Any]:
    told = await queries.plan(read, plan_id, actor=actor)
    response.headers["ETag"] = entity_tag(told["version"])
    return told


async def _item(actor: Actor, read: Read, plan_id: UUID, structure_id: UUID, response: Response) -> dict[str, Any]:
    told = await queries.item(read, plan_id, structure_id, actor=actor)
    response.headers["ETag"] = entity_tag(told["version"])
    return told
