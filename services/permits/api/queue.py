"""The department's queue."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.auth import Actor
from kernel.batch import Results, each
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.errors import Stale
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.dossier import QueuePage
from services.permits.api.schemas.filing import ChangedRead
from services.permits.api.schemas.given import DossierRef, QueueAssign, QueueClaim
from services.permits.domain import policy
from services.permits.queries.queue import SHAPE

router = api_router("/api/permits/v1", ["dossiers"])


@router.post("/queue:claim", dependencies=[needs("permits:application:claim")])
async def claim_many(given: QueueClaim, request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Results:
    """Claim up to 100 dossiers, or hand them back. Each by itself: what is refused says why, the others are done."""
    command = commands.claim if given.act == "claim" else commands.hand_back

    async def act(one: DossierRef) -> ChangedRead:
        return _told(await command(tx, actor, await _locked(tx, actor, one), now=now))

    return await each(request, tx, given.items, act, status=200)


@router.post("/queue:assign", dependencies=[needs("permits:application:assign")])
async def assign_many(given: QueueAssign, request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Results:
    """Give up to 100 dossiers to somebody of the department. Each by itself, also over whoever had it; he is told."""

    async def act(one: DossierRef) -> ChangedRead:
        return _told(await commands.assign(tx, actor, await _locked(tx, actor, one), given.to, now=now))

    return await each(request, tx, given.items, act, status=200)


async def _locked(tx: queries.Session, actor: Actor, one: DossierRef) -> queries.Dossier:
    """Raises ApplicationNotFound (404), Stale (412)."""
    dossier = await queries.application(tx, one.id, actor=actor, lock=True)
    if one.version is not None and one.version != dossier.version:
        raise Stale
    return dossier


def _told(changed: commands.Changed) -> ChangedRead:
    return ChangedRead.model_validate(changed, from_attributes=True)


@router.get("/queue", dependencies=[needs("permits:queue:read")], **listed_as(QueuePage))
async def list_queue(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Annotated[queries.QueueAsked, Query()]
) -> Response:
    """What your organisation and functions have to do. The nearest deadline first, what is paused last.

    A dossier stands in it once, under the nearest deadline that the caller answers for.
    """
    policy.demand(actor, "permits:queue:read")
    horizon = await queries.horizon(read, request.app.state.settings.area, now)
    counts = await queries.queue_counts(read, actor=actor, horizon=horizon)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.queue(read, asked, actor=actor, horizon=horizon, limit=limit, after=after)

    return await answered(request, asked, fetch, name="queue", columns=list(SHAPE.members), counts=counts)
