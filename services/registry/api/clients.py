"""Service clients of organisations: registered, given rights, suspended, reviewed; their secrets."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response, status

from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import answered, listed_as
from kernel.listing import Rows
from kernel.sensitive import Sensitive
from services.registry.api import access_schemas as schemas
from services.registry.api.access import ISSUES, KEEPS, PREFIX, REVIEWS, SEES, request_id, shared
from services.registry.api.answering import still
from services.registry.commands import accounts as commands
from services.registry.domain.access import CLIENT, Wanted
from services.registry.queries import access_lists as lists
from services.registry.queries import accounts as queries
from services.registry.queries.accounts import Account

router = api_router(PREFIX, ["clients"])


def _told(account: Account, response: Response) -> schemas.ClientRead:
    response.headers["ETag"] = entity_tag(account.version)
    return schemas.ClientRead(
        client_id=account.key,
        **shared(account),
        networks=account.networks,
        secret_at=account.secret_at,
        secret_ends=account.secret_ends,
        overlap_until=account.overlap_until,
    )


# Who may come in, and with what, is nobody's light reading.
LISTED = [*SEES, Depends(Sensitive("registry:client:list"))]
READ_ONE = [*SEES, Depends(Sensitive("registry:client:read", "client_id"))]


@router.get(
    "/clients",
    dependencies=LISTED,
    name="list_clients",
    **listed_as(schemas.ClientPage),
)
async def listing(request: Request, actor: CurrentActor, asked: Annotated[lists.AccountsAsked, Query()]) -> Response:
    """Service clients of every organisation with what they hold and when they last came for a token."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await lists.accounts(read, asked, CLIENT, actor=actor, limit=limit, after=after)

    columns = list(lists.ACCOUNTS[CLIENT].members)
    return await answered(request, asked, fetch, name="clients", columns=columns)


@router.post("/clients", dependencies=KEEPS, status_code=status.HTTP_201_CREATED, name="register_client")
async def register(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.ClientRegister, response: Response
) -> schemas.ClientRead:
    """Registers a service client of an organisation. Its state is `requested` until the sign-in service has it."""
    wanted = Wanted(CLIENT, body.client_id, body.organisation, body.name, body.capabilities, networks=body.networks)
    made = await commands.register(tx, actor, wanted, now=now)
    response.headers["Location"] = f"{PREFIX}/clients/{made.key}"
    return _told(made, response)


@router.get(
    "/clients/{client_id}",
    dependencies=READ_ONE,
    name="read_client",
)
async def detail(actor: CurrentActor, read: Read, client_id: str, response: Response) -> schemas.ClientRead:
    """One service client: its state, rights, ends of its secrets and last use; never a secret."""
    return _told(await queries.account(read, CLIENT, client_id, actor=actor), response)


@router.post(
    "/clients/{client_id}/secrets", dependencies=ISSUES, status_code=status.HTTP_201_CREATED, name="issue_client_secret"
)
async def issue_secret(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    client_id: str,
    body: schemas.SecretIssue,
    if_match: IfMatch,
    response: Response,
) -> schemas.SecretRead:
    """Issues a new secret, told in this answer only; the one before stays good for `overlap_hours`."""
    account, secret = await commands.issue_secret(
        tx,
        actor,
        request.app.state.bus,
        client_id,
        request=request_id(request, actor),
        overlap_hours=body.overlap_hours,
        now=now,
        check=still(if_match),
    )
    response.headers["ETag"], response.headers["Cache-Control"] = entity_tag(account.version), "no-store"
    told = schemas.SecretRead(
        client_id=client_id,
        secret=secret.secret,
        ends=secret.ends,
        overlap_until=secret.overlap_until,
        version=account.version,
    )
    request.state.replayed_body = told.model_copy(update={"secret": None}).model_dump_json().encode()
    return told


@router.post("/clients/{client_id}/overlap-end", dependencies=ISSUES, name="end_client_overlap")
async def end_overlap(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, client_id: str, if_match: IfMatch, response: Response
) -> schemas.ClientRead:
    """Ends the time in which the former secret is good, too."""
    bus = request.app.state.bus
    return _told(await commands.end_overlap(tx, actor, bus, client_id, now=now, check=still(if_match)), response)


@router.post("/clients/{client_id}/rights", dependencies=KEEPS, name="change_client_rights")
async def change_rights(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    client_id: str,
    body: schemas.RightsGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.ClientRead:
    """Gives the client exactly these rights, from the next token on."""
    given = {"capabilities": body.capabilities, "functions": body.functions}
    check = still(if_match)
    return _told(await commands.change_rights(tx, actor, CLIENT, client_id, **given, now=now, check=check), response)


@router.post("/clients/{client_id}/networks", dependencies=KEEPS, name="change_client_networks")
async def change_networks(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    client_id: str,
    body: schemas.NetworksGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.ClientRead:
    """Says from which networks the client may come, from the next token on; elsewhere it gets 403."""
    check = still(if_match)
    return _told(await commands.set_networks(tx, actor, client_id, body.networks, now=now, check=check), response)


@router.post("/clients/{client_id}/suspension", dependencies=KEEPS, name="suspend_client")
async def suspend(
    actor: CurrentActor, tx: Tx, now: Now, client_id: str, if_match: IfMatch, response: Response
) -> schemas.ClientRead:
    """Suspends the client: it gets no new token from then on, and the last one ends within minutes."""
    check = still(if_match)
    return _told(await commands.set_enabled(tx, actor, CLIENT, client_id, False, now=now, check=check), response)


@router.post("/clients/{client_id}/resumption", dependencies=KEEPS, name="resume_client")
async def resume(
    actor: CurrentActor, tx: Tx, now: Now, client_id: str, if_match: IfMatch, response: Response
) -> schemas.ClientRead:
    """Lets a suspended client sign in again, with the rights that are recorded."""
    check = still(if_match)
    return _told(await commands.set_enabled(tx, actor, CLIENT, client_id, True, now=now, check=check), response)


@router.post("/clients/{client_id}/retries", dependencies=KEEPS, name="retry_client")
async def try_again(
    actor: CurrentActor, tx: Tx, now: Now, client_id: str, if_match: IfMatch, response: Response
) -> schemas.ClientRead:
    """Has the sign-in service asked again at once about what it refused or did not answer."""
    return _told(await commands.try_again(tx, actor, CLIENT, client_id, now=now, check=still(if_match)), response)


@router.post(
    "/clients/{client_id}/reviews", dependencies=REVIEWS, status_code=status.HTTP_201_CREATED, name="review_client"
)
async def review(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    client_id: str,
    body: schemas.ReviewGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.ClientRead:
    """Records that the client was reviewed: confirmed as it is, or revoked and so suspended."""
    keep, check = body.verdict == "confirm", still(if_match)
    told = await commands.review(tx, actor, CLIENT, client_id, keep=keep, reason=body.reason, now=now, check=check)
    return _told(told, response)
