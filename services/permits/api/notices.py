"""What the caller is told, how he wants to be told, and what is said about a dossier."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.db import new_id
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.moves import Locked
from services.permits.api.schemas.given import DossierId
from services.permits.api.schemas.law import Made
from services.permits.api.schemas.people import (
    MessagePage,
    MessageWrite,
    NoticePage,
    NoticesRead,
    PreferenceRead,
    PreferenceSet,
    ReadResult,
)
from services.permits.queries.people import MESSAGE, NOTICE

router = api_router("/api/permits/v1", ["notices"])
OWN = "permits:notice:read"


@router.get("/notices", dependencies=[needs(OWN)], **listed_as(NoticePage))
async def list_notices(
    request: Request, actor: CurrentActor, asked: Annotated[queries.NoticesAsked, Query()]
) -> Response:
    """What you were told, newest first. Kinds and parameters as codes; the pages say them in words."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.notices_of(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="notices", columns=list(NOTICE.members))


@router.post("/notices:read", dependencies=[needs(OWN)])
async def read_notices(given: NoticesRead, actor: CurrentActor, tx: Tx, now: Now) -> ReadResult:
    """Mark notices as read. Your own only, those named or all."""
    return ReadResult(read=await commands.read_notices(tx, actor, given.ids, now=now))


@router.get("/notices/preference", dependencies=[needs(OWN)])
async def read_preference(actor: CurrentActor, read: Read) -> PreferenceRead:
    """How you want to be told. Without a preference: in the application only."""
    held = await queries.preference(read, actor.id)
    if held is None:
        return PreferenceRead(email=None, mail="off", quiet=[], version=0)
    return PreferenceRead(email=held.email, mail=held.mail, quiet=held.quiet, version=held.version)


@router.post("/notices/preference", dependencies=[needs(OWN)])
async def set_preference(given: PreferenceSet, actor: CurrentActor, tx: Tx, now: Now) -> PreferenceRead:
    """Say how you want to be told. By mail at once, once a day or never; kinds you do not want to hear of."""
    version = await commands.prefer(
        tx, actor, email=given.email or "", mail_when=given.mail, quiet=given.quiet, now=now
    )
    return PreferenceRead(email=given.email, mail=given.mail, quiet=sorted(set(given.quiet)), version=version)


@router.get("/applications/{id}/messages", dependencies=[needs("permits:message:read")], **listed_as(MessagePage))
async def list_messages(
    id: DossierId,
    request: Request,
    actor: CurrentActor,
    read: Read,
    asked: Annotated[queries.MessagesAsked, Query()],
) -> Response:
    """What was said about a dossier, newest first. Applicants read what is said to them, officers their notes too."""
    dossier = await queries.application(read, id, actor=actor)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.messages(read, dossier, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="messages", columns=list(MESSAGE.members))


@router.post(
    "/applications/{id}/messages",
    status_code=201,
    response_model=Made,
    dependencies=[needs("permits:message:write")],
)
async def write_message(given: MessageWrite, actor: CurrentActor, tx: Tx, now: Now, held: Locked) -> dict[str, Any]:
    """Say something about a dossier. To the applicant, to all officers, or inside your department."""
    return {"id": await commands.write_message(tx, actor, held, new_id(), given.audience, given.body, now=now)}
