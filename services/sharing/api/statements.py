"""Sealed statements: a figure that can be proved years later."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response, status
from pydantic import BaseModel, Field

from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Page as ListPage
from kernel.listing import Rows, Sparse, Word
from kernel.seals import opened
from kernel.texts import Day
from kernel.web.render import frame_of
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.commands import statements as commands
from services.sharing.commands import verification
from services.sharing.domain.statement import Line
from services.sharing.queries import ratios
from services.sharing.queries import statements as queries

router = api_router("/api/sharing/v1", ["statements"])
PDF = "application/pdf"
SHOWN = 100
StatementId = Annotated[UUID, Path(description="The statement.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c30"])]


class StatementSeal(schemas.Strict):
    """What to seal: as a ratio is asked. Without `known_at`: the last instant up to which everything is known here."""

    model_config = schemas.shown({"kind": "mast", "as_of": "2026-10-31", "boundary_set": "CM-2023"})

    kind: schemas.Kind = "mast"
    as_of: Day
    known_at: Annotated[str | None, Field(max_length=40)] = None
    definition: Word | None = None
    boundary_set: Word | None = None
    unit: Word | None = None
    owner: Word | None = None


class StatementMade(BaseModel):
    """`number` is without a gap in its year."""

    id: UUID
    number: str


class StatementRow(Sparse):
    """`sha256` is that of the canonical JSON of what was signed."""

    id: UUID
    number: str
    kind: str
    definition: str
    boundary_set: str
    unit: str | None
    owner: str | None
    as_of: date
    known_at: datetime
    shared: int
    counted: int
    percent: str | None
    sha256: str
    sealed_at: datetime
    sealed_by: str


class StatementPage(ListPage):
    items: list[StatementRow]


class ListHash(BaseModel):
    """Of the lines of one side, by the ids of their structures, each as canonical JSON."""

    count: int
    sha256: str


class GroupSealed(BaseModel):
    key: str
    shared: int
    counted: int


class StatementContent(BaseModel):
    """What was signed, letter by letter."""

    form: str
    id: str
    number: str
    sealed_at: str
    sealed_by: str
    kind: str
    definition: str
    definition_sha256: str
    boundary_set: str
    unit: str | None
    owner: str | None
    as_of: str
    known_at: str
    shared: int
    counted: int
    by_owner: list[GroupSealed]
    by_unit: list[GroupSealed]
    lists: dict[str, ListHash]


class StatementRead(StatementRow):
    """`seal` is a JWS over the canonical JSON of `content` with the certificate inside."""

    content: StatementContent
    seal: str


class SharerSealed(BaseModel):
    legal_entity: str
    org: str
    role: str
    thing: str | None


class StatementLineRow(Sparse):
    """The verdict on one structure as it was sealed."""

    id: UUID
    public_no: str
    owner: str
    unit: str | None
    counted: bool
    shared: bool
    reason: str
    sharers: list[SharerSealed]


class StatementLinePage(ListPage):
    items: list[StatementLineRow]


class SignerRead(BaseModel):
    """`development`: a key made for trying out, which proves nothing."""

    name: str
    sha256: str
    development: bool
    valid_to: datetime


class Verdict(BaseModel):
    owner: str
    unit: str | None
    counted: bool
    shared: bool
    reason: str


class DifferenceRead(BaseModel):
    """A structure that is judged otherwise today for the same day and knowledge; null: not there at all."""

    id: UUID
    public_no: str
    sealed: Verdict | None
    now: Verdict | None


class VerificationRead(BaseModel):
    """`faults`: signature, content, lines, definition, history, figure; none when the statement holds."""

    holds: bool
    faults: list[str]
    signer: SignerRead | None
    shared: int
    counted: int
    difference_count: int
    differences: Annotated[list[DifferenceRead], Field(description=f"The first {SHOWN}, by number.")]


@router.get("/statements", dependencies=[needs(queries.READ)], **listed_as(StatementPage))
async def list_statements(
    request: Request, actor: CurrentActor, asked: Annotated[queries.StatementsAsked, Query()]
) -> Response:
    """Sealed statements, the newest first. Each a figure that is never changed, by its number of the year."""
    return await told_statements(request, actor, asked)


async def told_statements(request: Request, actor: Actor, asked: queries.StatementsAsked) -> Response:
    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.statements(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="statements", columns=list(queries.STATEMENT.members))


@router.post("/statements", dependencies=[needs("sharing:statement:seal")], status_code=status.HTTP_201_CREATED)
async def seal_statement(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, body: StatementSeal, response: Response
) -> StatementMade:
    """Seal a figure. Counted anew from the history, numbered, hashed and signed; it is never changed again.

    Only what every copy is known to hold can be sealed: a later `known_at` is 409 `NotAllKnownYet`.
    """
    settings = request.app.state.settings
    key = opened(settings.seal_file, settings.seal_password)
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
    say = frame_of(request).translations("vi").gettext
    made = await commands.seal(tx, actor, scope, key, say, now=now)
    response.headers["Location"] = f"/api/sharing/v1/statements/{made.id}"
    return StatementMade(id=made.id, number=made.number)


async def known_at(tx: Tx, asked: str | None, now: datetime) -> datetime:
    """The instant asked for; without one the last that can be sealed."""
    if asked:
        return ratios.known_instant(asked, now)
    return await queries.settled_to(tx, now) or now


@router.get("/statements/{statement_id}", dependencies=[needs(queries.READ)], response_model=StatementRead)
async def read_statement(actor: CurrentActor, read: Read, statement_id: StatementId) -> Any:
    """One statement with its seal. It can be checked without this system.

    By `python -m services.sharing check-statement FILE` or any JOSE library.
    """
    return await queries.statement(read, statement_id, actor=actor)


@router.get(
    "/statements/{statement_id}/paper",
    dependencies=[needs(queries.READ)],
    response_class=Response,
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def read_statement_paper(actor: CurrentActor, read: Read, statement_id: StatementId) -> Response:
    """The statement on paper. PDF/A in Vietnamese with an electronic signature (PAdES), as it was made."""
    body = await queries.paper(read, statement_id, actor=actor)
    headers = {"Content-Disposition": f'attachment; filename="statement-{statement_id}.pdf"'}
    return Response(body, media_type=PDF, headers=headers)


@router.get("/statements/{statement_id}/lines", dependencies=[needs(queries.VERIFY)], **listed_as(StatementLinePage))
async def list_statement_lines(
    request: Request, actor: CurrentActor, statement_id: StatementId, asked: Annotated[queries.LinesAsked, Query()]
) -> Response:
    """The structures of a statement as they were judged then. With the reason and the sharers of each."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.lines(read, statement_id, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="statement-lines", columns=list(queries.LINE.members))


@router.get(
    "/statements/{statement_id}/verification", dependencies=[needs(queries.VERIFY)], response_model=VerificationRead
)
async def verify_statement(actor: CurrentActor, read: Read, statement_id: StatementId) -> VerificationRead:
    """Prove a statement again. Its signature, its hashes, and the figure recomputed from the history of today.

    What differs is named structure by structure.
    """
    found = await verification.verify(read, statement_id, actor=actor)
    return VerificationRead(
        holds=not found.faults,
        faults=list(found.faults),
        signer=found.signer and SignerRead(**vars(found.signer)),
        shared=found.shared,
        counted=found.counted,
        difference_count=len(found.differences),
        differences=[
            DifferenceRead(
                id=UUID(one.structure_id), public_no=one.public_no, sealed=_verdict(one.sealed), now=_verdict(one.now)
            )
            for one in found.differences[:SHOWN]
        ],
    )


def _verdict(line: Line | None) -> Verdict | None:
    if line is None:
        return None
    return Verdict(
        owner=line.owner, unit=line.unit or None, counted=line.counted, shared=line.shared, reason=line.reason
    )
