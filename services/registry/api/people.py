"""People of organisations: registered, invited, given rights, suspended, reviewed."""

from typing import Annotated, Any

from fastapi import Query, Request, Response, status

from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.registry.api import access_schemas as schemas
from services.registry.api.access import ISSUES, KEEPS, PREFIX, REVIEWS, SEES, shared
from services.registry.api.answering import still
from services.registry.commands import accounts as commands
from services.registry.domain.access import PERSON, Wanted
from services.registry.queries import access_lists as lists
from services.registry.queries import accounts as queries
from services.registry.queries.accounts import Account

router = api_router(PREFIX, ["people"])


def _told(account: Account, response: Response) -> schemas.PersonRead:
    response.headers["ETag"] = entity_tag(account.version)
    return schemas.PersonRead(username=account.key, **shared(account), email=account.email,
                              functions=account.functions, invited=account.invited)  # fmt: skip


@router.get("/people", dependencies=SEES, name="list_people", **listed_as(schemas.PersonPage))
async def listing(request: Request, actor: CurrentActor, asked: Annotated[lists.AccountsAsked, Query()]) -> Response:
    """People of every organisation with what they hold and when they last signed in."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await lists.accounts(read, asked, PERSON, actor=actor, limit=limit, after=after)

    columns = list(lists.ACCOUNTS[PERSON].members)
    return await answered(request, asked, fetch, name="people", columns=columns)


@router.post("/people", dependencies=KEEPS, status_code=status.HTTP_201_CREATED, name="register_person")
async def register(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.PersonRegister, response: Response
) -> schemas.PersonRead:
    """Registers a person of an organisation, who signs in once an invitation's link was followed."""
    rights = (body.capabilities, body.functions, body.email)
    wanted = Wanted(PERSON, body.username, body.organisation, body.name, *rights)
    made = await commands.register(tx, actor, wanted, now=now)
    response.headers["Location"] = f"{PREFIX}/people/{made.key}"
    return _told(made, response)


@router.get("/people/{username}", dependencies=SEES, name="read_person")
async def detail(actor: CurrentActor, read: Read, username: str, response: Response) -> schemas.PersonRead:
    """One person: state, rights, last sign-in and review."""
    return _told(await queries.account(read, PERSON, username, actor=actor), response)


@router.post(
    "/people/{username}/invitations", dependencies=ISSUES, status_code=status.HTTP_201_CREATED, name="invite_person"
)
async def invite(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, username: str, if_match: IfMatch, response: Response
) -> schemas.InvitationRead:
    """Makes a link, told in this answer only, with which the person sets a password once; earlier links end."""
    check = still(if_match)
    _, invitation = await commands.invite(tx, actor, request.app.state.bus, username, now=now, check=check)
    response.headers["Cache-Control"] = "no-store"
    url = f"{request.app.state.settings.public_url.rstrip('/')}{invitation.path}"
    told = schemas.InvitationRead(username=username, url=url, ends=invitation.ends)
    request.state.replayed_body = told.model_copy(update={"url": None}).model_dump_json().encode()
    return told


@router.post("/people/{username}/sign-out", dependencies=KEEPS, name="sign_person_out")
async def sign_out(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, username: str, if_match: IfMatch, response: Response
) -> schemas.PersonRead:
    """Signs the person out everywhere."""
    bus = request.app.state.bus
    return _told(await commands.sign_out(tx, actor, bus, username, now=now, check=still(if_match)), response)


@router.post("/people/{username}/rights", dependencies=KEEPS, name="change_person_rights")
async def change_rights(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    username: str,
    body: schemas.RightsGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.PersonRead:
    """Gives the person exactly these rights, from the next token on."""
    given = {"capabilities": body.capabilities, "functions": body.functions}
    check = still(if_match)
    return _told(await commands.change_rights(tx, actor, PERSON, username, **given, now=now, check=check), response)


@router.post("/people/{username}/suspension", dependencies=KEEPS, name="suspend_person")
async def suspend(
    actor: CurrentActor, tx: Tx, now: Now, username: str, if_match: IfMatch, response: Response
) -> schemas.PersonRead:
    """Suspends the person: nobody signs in as them from then on, and they are signed out everywhere."""
    check = still(if_match)
    return _told(await commands.set_enabled(tx, actor, PERSON, username, False, now=now, check=check), response)


@router.post("/people/{username}/resumption", dependencies=KEEPS, name="resume_person")
async def resume(
    actor: CurrentActor, tx: Tx, now: Now, username: str, if_match: IfMatch, response: Response
) -> schemas.PersonRead:
    """Lets a suspended person sign in again, with the rights that are recorded."""
    check = still(if_match)
    return _told(await commands.set_enabled(tx, actor, PERSON, username, True, now=now, check=check), response)


@router.post("/people/{username}/retries", dependencies=KEEPS, name="retry_person")
async def try_again(
    actor: CurrentActor, tx: Tx, now: Now, username: str, if_match: IfMatch, response: Response
) -> schemas.PersonRead:
    """Has the sign-in service asked again at once about what it refused or did not answer."""
    return _told(await commands.try_again(tx, actor, PERSON, username, now=now, check=still(if_match)), response)


@router.post(
    "/people/{username}/reviews", dependencies=REVIEWS, status_code=status.HTTP_201_CREATED, name="review_person"
)
async def review(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    username: str,
    body: schemas.ReviewGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.PersonRead:
    """Records that the person was reviewed: confirmed as it is, or revoked and so suspended."""
    keep, check = body.verdict == "confirm", still(if_match)
    told = await commands.review(tx, actor, PERSON, username, keep=keep, reason=body.reason, now=now, check=check)
    return _told(told, response)
