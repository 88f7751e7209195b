"""Law written, tried and published: procedures and working calendars."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from kernel.db import new_id
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag, require_match
from kernel.export import answered, listed_as
from kernel.listing import Rows
from kernel.web.i18n import locale_of
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.drafts import (
    CalendarPage,
    LawDraftChange,
    LawDraftChanged,
    LawDraftGive,
    LawDraftPage,
    LawDraftRead,
    MoveRead,
    PublishedRead,
    TrialRead,
)
from services.permits.api.schemas.filing import FaultRead
from services.permits.api.schemas.law import Made
from services.permits.queries.drafts import CALENDAR, DRAFT

router = api_router("/api/permits/v1", ["law"])
DRAFTS = "permits:law:draft"
MOST_MOVES = 1000
DraftId = Annotated[UUID, Path(description="The draft.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c12"])]


@router.get("/calendars", dependencies=[needs("permits:procedure:read")], **listed_as(CalendarPage))
async def list_calendars(
    request: Request, actor: CurrentActor, asked: Annotated[queries.CalendarsAsked, Query()]
) -> Response:
    """Every published working calendar, the newest first. Holidays, swapped days, half days, and where it ends."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.calendars(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="calendars", columns=list(CALENDAR.members))


@router.get("/law-drafts", dependencies=[needs(DRAFTS)], **listed_as(LawDraftPage))
async def list_law_drafts(
    request: Request, actor: CurrentActor, asked: Annotated[queries.DraftsAsked, Query()]
) -> Response:
    """Procedures and calendars being written, and those that were. The last changed first."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.law_drafts(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="law-drafts", columns=list(DRAFT.members))


@router.post("/law-drafts", status_code=201, response_model=Made, dependencies=[needs(DRAFTS)])
async def draft_law(given: LawDraftGive, actor: CurrentActor, tx: Tx, now: Now) -> dict[str, Any]:
    """Begin a version of a procedure or a calendar. It may be wrong until it is published."""
    return {"id": await commands.draft_law(tx, actor, new_id(), given.kind, given.body, now=now)}


async def locked(id: DraftId, tx: Tx, given: IfMatch) -> queries.LawDraft:
    draft = await queries.law_draft(tx, id, lock=True)
    require_match(given, draft.version)
    return draft


Held = Annotated[queries.LawDraft, Depends(locked, scope="function")]


@router.get("/law-drafts/{id}", response_model=LawDraftRead, dependencies=[needs(DRAFTS)])
async def read_law_draft(id: DraftId, response: Response, actor: CurrentActor, read: Read) -> queries.LawDraft:
    """One draft with its body."""
    draft = await queries.law_draft(read, id)
    response.headers["ETag"] = entity_tag(draft.version)
    return draft


@router.post("/law-drafts/{id}/body", response_model=LawDraftChanged, dependencies=[needs(DRAFTS)])
async def change_law_draft(
    given: LawDraftChange, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Held
) -> dict[str, Any]:
    """Write the draft anew. Never after it is published."""
    version = await commands.change_draft(tx, actor, held, given.body, now=now)
    response.headers["ETag"] = entity_tag(version)
    return {"id": held.id, "version": version}


@router.get("/law-drafts/{id}/trial", dependencies=[needs(DRAFTS)])
async def try_law_draft(id: DraftId, request: Request, actor: CurrentActor, read: Read, now: Now) -> TrialRead:
    """What publishing it would mean. Every fault, and for a calendar each running dossier whose day would move."""
    draft = await queries.law_draft(read, id)
    trial = await commands.try_draft(read, actor, draft, settings=request.app.state.settings, now=now)
    say = request.app.state.frame.translations(locale_of(request)).gettext
    faults = [
        FaultRead(pointer=each.pointer, code=each.code, detail=say(each.detail).format(**each.params))
        for each in trial.faults
    ]
    moves = trial.preview.moves if trial.preview else []
    return TrialRead(
        publishable=not faults,
        faults=faults,
        running=trial.preview.running if trial.preview else None,
        moved=len(moves) if trial.preview else None,
        moves=[MoveRead(**vars(move)) for move in moves[:MOST_MOVES]],
    )


@router.post("/law-drafts/{id}/publication", response_model=PublishedRead, dependencies=[needs("permits:law:publish")])
async def publish_law_draft(request: Request, actor: CurrentActor, tx: Tx, now: Now, held: Held) -> dict[str, Any]:
    """Publish it. From then on it never changes; a calendar moves running deadlines, and whose moves is told."""
    settings = request.app.state.settings
    return {"id": await commands.publish_draft(tx, actor, held, settings=settings, now=now)}
