"""Findings and reviews of access, and what the routes of clients and people share."""

from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Query, Request, Response, status

from kernel.auth import Actor
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.registry.api import access_schemas as schemas
from services.registry.api.answering import still
from services.registry.api.gate import needs
from services.registry.commands import looking
from services.registry.queries import access as looks
from services.registry.queries import access_lists as lists
from services.registry.queries.accounts import Account

PREFIX = "/api/registry/v1"
SEES, KEEPS, ISSUES, REVIEWS, SETTLES = (
    [needs(f"registry:access:{act}")] for act in ("read", "keep", "issue", "review", "settle")
)
router = api_router(PREFIX, ["access"])


def shared(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in schemas.AccountRead.model_fields}


def request_id(request: Request, actor: Actor) -> UUID:
    """The same request tried again asks the realm under the same id, whatever happened to the first try."""
    return uuid5(NAMESPACE_URL, f"{actor.id}/{request.headers.get('idempotency-key', '')}")


@router.get("/access-findings", dependencies=SEES, name="list_access_findings", **listed_as(schemas.FindingPage))
async def findings_listing(
    request: Request, actor: CurrentActor, asked: Annotated[lists.FindingsAsked, Query()]
) -> Response:
    """Where the sign-in service differs from the record because other hands changed it, oldest first."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await lists.findings(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="findings", columns=list(lists.FINDINGS.members))


@router.post("/access-findings:look", dependencies=SETTLES, status_code=status.HTTP_202_ACCEPTED, name="look_at_realm")
async def look(actor: CurrentActor, tx: Tx, now: Now) -> schemas.LookWanted:
    """Has the sign-in service compared with the record within seconds, and not only every five minutes."""
    await looking.want_look(tx, actor, now=now)
    return schemas.LookWanted(looked_at=(await looks.look(tx)).looked_at)


@router.post("/access-findings/{finding_id}/settlement", dependencies=SETTLES, name="settle_access_finding")
async def settle(
    actor: CurrentActor, tx: Tx, now: Now, finding_id: UUID, body: schemas.SettlementGive, if_match: IfMatch
) -> schemas.FindingSettled:
    """Accepts a finding into the record, or has the sign-in service brought back to the record."""
    accept = body.outcome == "accept"
    settled = await looking.settle(tx, actor, finding_id, accept=accept, now=now, check=still(if_match))
    return schemas.FindingSettled(id=settled.id, settled="accepted" if accept else "restored")


@router.get("/access-reviews", dependencies=SEES, name="list_access_reviews", **listed_as(schemas.ReviewPage))
async def reviews_listing(
    request: Request, actor: CurrentActor, asked: Annotated[lists.ReviewsAsked, Query()]
) -> Response:
    """Who reviewed which account when, what it held then, and the verdict; newest first."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await lists.reviews(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="reviews", columns=list(lists.REVIEWS.members))
