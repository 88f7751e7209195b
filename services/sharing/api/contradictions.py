"""Contradictions between register, stations and agreements, as a work list."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response, status
from pydantic import BaseModel, Field

from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import answered, listed_as
from kernel.listing import Page as ListPage
from kernel.listing import Rows, Sparse
from kernel.texts import Day
from services.sharing import data
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.commands import contradictions as commands
from services.sharing.domain.contradiction import Outcome, State
from services.sharing.queries import contradictions as queries

router = api_router("/api/sharing/v1", ["audit"])
ContradictionId = Annotated[
    UUID, Path(description="The contradiction.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c40"])
]


class ContradictionRead(BaseModel):
    """`thing` is a station or an agreement (`thing_kind`) with the agreement's `number`; `org` whom it concerns.

    `gone_at`: since when it no longer holds; `due_on`: the last good day; `note`: why it was closed.
    """

    id: UUID
    rule: str
    title_vi: str
    title_en: str
    structure_id: UUID
    structure_kind: str
    public_no: str
    structure_name: str
    thing: UUID
    thing_kind: str
    number: str | None
    org: str
    first_seen_at: datetime
    gone_at: datetime | None
    assignee: str | None
    due_on: date
    overdue: bool
    state: State
    note: str
    closed_at: datetime | None
    closed_by: str | None
    version: int


class ContradictionRow(Sparse, ContradictionRead):
    """Of a list."""


class ContradictionPage(ListPage):
    items: list[ContradictionRow]


class ContradictionAssign(schemas.Strict):
    """Without `due_on` its day stays."""

    model_config = schemas.shown({"assignee": "Trần Thị Mai", "due_on": "2030-12-15"})

    assignee: Annotated[str, Field(max_length=200)]
    due_on: Day | None = None


class ContradictionClose(schemas.Strict):
    """`settled`: what was needed is done or under way; `dismissed`: it is none."""

    model_config = schemas.shown({"outcome": "settled", "reason": "Hai bên đã ký phụ lục gia hạn, đang ghi nhận."})

    outcome: Outcome
    reason: Annotated[str, Field(max_length=1000)]


@router.get("/contradictions", dependencies=[needs(queries.READ)], **listed_as(ContradictionPage))
async def list_contradictions(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.ContradictionsAsked, Query()]
) -> Response:
    """Contradictions between register, stations and agreements. Found by the worker, those due first."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.contradictions(
            read, asked, data.contradictions(), actor=actor, now=now, limit=limit, after=after
        )

    return await answered(request, asked, fetch, name="contradictions", columns=list(queries.CONTRADICTION.members))


@router.get("/contradictions/{contradiction_id}", dependencies=[needs(queries.READ)], response_model=ContradictionRead)
async def read_contradiction(
    actor: CurrentActor, read: Read, now: Now, contradiction_id: ContradictionId, response: Response
) -> Any:
    """One contradiction."""
    return await _told(actor, read, now, contradiction_id, response)


@router.post(
    "/contradictions/{contradiction_id}/assignment",
    dependencies=[needs(queries.ACT)],
    status_code=status.HTTP_201_CREATED,
)
async def assign_contradiction(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    contradiction_id: ContradictionId,
    body: ContradictionAssign,
    if_match: IfMatch,
    response: Response,
) -> ContradictionRead:
    """Say who settles a contradiction, and until when."""
    await commands.assign(tx, actor, contradiction_id, body.assignee, body.due_on, now=now, if_match=if_match)
    return ContradictionRead.model_validate(await _told(actor, tx, now, contradiction_id, response))


@router.post(
    "/contradictions/{contradiction_id}/closure",
    dependencies=[needs(queries.ACT)],
    status_code=status.HTTP_201_CREATED,
)
async def close_contradiction(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    contradiction_id: ContradictionId,
    body: ContradictionClose,
    if_match: IfMatch,
    response: Response,
) -> ContradictionRead:
    """Settle or dismiss a contradiction with its reason. Records are corrected where they are kept."""
    await commands.close(tx, actor, contradiction_id, body.outcome, body.reason, now=now, if_match=if_match)
    return ContradictionRead.model_validate(await _told(actor, tx, now, contradiction_id, response))


async def _told(
    actor: CurrentActor, read: Read, now: Now, contradiction_id: UUID, response: Response
) -> dict[str, Any]:
    told = await queries.contradiction(read, contradiction_id, data.contradictions(), actor=actor, now=now)
    response.headers["ETag"] = entity_tag(told["version"])
    return told
