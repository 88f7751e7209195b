"""One client or person: rights, suspension, secrets and invitations told once, review."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Conflict, Invalid, Refusal, Unavailable
from kernel.web.render import gettext_of, render, see_other
from services.registry.commands import accounts as commands
from services.registry.domain import access as rules
from services.registry.domain.access import CLIENT, PERSON
from services.registry.queries import access as organisations
from services.registry.queries import accounts as queries
from services.registry.ui.access import PAGE, errors_of, kind_of, shown, words_of
from services.registry.ui.gate import needs

router = ui_router("/registry/access")
_KEEPS, _ISSUES = [needs("registry:access:keep")], [needs("registry:access:issue")]


def anyhow(_: int) -> None:
    """A page shows what is there under the lock: whoever presses its button has just read it."""


@router.get("/{kind}/{key}", dependencies=[needs("registry:access:read")])
async def detail(request: Request, actor: CurrentActor, read: Read, now: Now, kind: str, key: str) -> HTMLResponse:
    """The account with its steps, findings and reviews."""
    return await _page(request, read, actor, now, kind_of(kind), key, {}, 200)


async def _page(
    request: Request,
    read: Any,
    actor: Any,
    now: datetime,
    kind: str,
    key: str,
    errors: dict[str, str],
    status: int,
    **more: Any,
) -> HTMLResponse:
    account = await queries.account(read, kind, key, actor=actor)
    of_kind = await organisations.organisation_kind(read, account.organisation, local_date(now)) or ""
    found = {
        "account": account,
        "steps": await queries.steps(read, account),
        "findings": await queries.findings(read, actor=actor, key=(kind, key)),
        "reviews": await queries.reviews(read, actor=actor, key=(kind, key)),
        "offered": [*rules.offered(of_kind, kind)],
        "is_office": kind == PERSON and of_kind not in rules.ENTERPRISES,
        "values": {
            "capabilities": account.capabilities,
            "functions": account.functions,
            "overlap_hours": "72",
            "networks": "\n".join(account.networks),
        },
        "is_own": kind == PERSON and key == actor.id,
        "request_id": uuid4(),
        "secret": None,
        "invitation": None,
    }
    answer = await shown(
        request, read, actor, now, "access_account.html", status, **{**found, "errors": errors, **more}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{kind}/{key}/suspension", dependencies=_KEEPS)
async def ask_suspension(request: Request, actor: CurrentActor, read: Read, kind: str, key: str) -> HTMLResponse:
    """The page before it: what will happen."""
    account = await queries.account(read, kind_of(kind), key, actor=actor)
    effects = {
        CLIENT: N_("No new token is given from then on; the last one ends within five minutes."),
        PERSON: N_("Signed out everywhere at once; nobody signs in under this name until it is resumed."),
    }
    context = {
        "question": gettext_of(request, "Suspend {name}?", name=account.name or account.key),
        "rows": [
            (gettext_of(request, "Account"), account.key),
            (gettext_of(request, "Organisation"), account.organisation),
        ],
        "effect": gettext_of(request, effects[account.kind]),
        "action": f"{PAGE}/{kind}/{key}/suspend",
        "verb": gettext_of(request, "Suspend"),
        "symbol": "lock",
        "back": (gettext_of(request, "Go back"), f"{PAGE}/{kind}/{key}"),
        "danger": True,
        "hidden": {},
        "errors": {},
    }
    return render(request, "confirm.html", context)


@router.post("/clients/{key}/secret", dependencies=_ISSUES)
async def issue_secret(request: Request, actor: CurrentActor, tx: Tx, now: Now, key: str) -> Response:
    """The one page that shows a secret; loading it again issues none, and shows none."""
    form = await request.form()
    hours = str(form.get("overlap_hours") or "0")
    try:
        _, secret = await commands.issue_secret(
            tx,
            actor,
            request.app.state.bus,
            key,
            request=_id(form.get("request_id")),
            overlap_hours=int(hours) if hours.isdecimal() and len(hours) < 5 else 0,
            now=now,
            check=anyhow,
        )
    except (Conflict, Unavailable) as refusal:
        return await _refused(request, tx, actor, now, CLIENT, key, refusal)
    return await _page(request, tx, actor, now, CLIENT, key, {}, 200, secret=secret)


@router.post("/people/{key}/invitation", dependencies=_ISSUES)
async def invite(request: Request, actor: CurrentActor, tx: Tx, now: Now, key: str) -> Response:
    """The one page that shows the link."""
    try:
        _, invitation = await commands.invite(tx, actor, request.app.state.bus, key, now=now, check=anyhow)
    except (Conflict, Unavailable) as refusal:
        return await _refused(request, tx, actor, now, PERSON, key, refusal)
    url = f"{request.app.state.settings.public_url.rstrip('/')}{invitation.path}"
    told = {"url": url, "ends": invitation.ends}
    return await _page(request, tx, actor, now, PERSON, key, {}, 200, invitation=told)


@router.post("/{kind}/{key}/{act}", dependencies=_KEEPS)
async def act(request: Request, actor: CurrentActor, tx: Tx, now: Now, kind: str, key: str, act: str) -> Response:
    """Rights, suspend, resume, retry, overlap-end, sign-out, review: then back to the account."""
    of, form = kind_of(kind), await request.form()
    try:
        said = await _done(request, tx, actor, of, key, act, form, now)
    except (Invalid, Conflict, Unavailable) as refusal:
        return await _refused(request, tx, actor, now, of, key, refusal)
    return see_other(request, f"{PAGE}/{kind}/{key}", said=gettext_of(request, said))


async def _done(request: Request, tx: Any, actor: Any, kind: str, key: str, act: str, form: Any, now: datetime) -> str:
    bus: Any = request.app.state.bus
    at: dict[str, Any] = {"now": now, "check": anyhow}
    match act:
        case "rights":
            given: dict[str, Any] = {
                name: [str(one)[:64] for one in form.getlist(name)][:20] for name in ("capabilities", "functions")
            }
            await commands.change_rights(tx, actor, kind, key, **given, **at)
            return N_("The rights hold from the next token on.")
        case "networks" if kind == CLIENT:
            await commands.set_networks(tx, actor, key, words_of(form.get("networks")), **at)
            return N_("The networks hold from the next token on.")
        case "suspend" | "resume":
            await commands.set_enabled(tx, actor, kind, key, act == "resume", **at)
            return N_("Resumed.") if act == "resume" else N_("Suspended.")
        case "retry":
            await commands.try_again(tx, actor, kind, key, **at)
            return N_("The sign-in service is being asked again.")
        case "overlap-end":
            await commands.end_overlap(tx, actor, bus, key, **at)
            return N_("The former secret is good no longer.")
        case "sign-out":
            await commands.sign_out(tx, actor, bus, key, **at)
            return N_("Signed out everywhere.")
        case "review":
            keep, reason = form.get("verdict") == "confirm", str(form.get("reason") or "").strip()[:1000]
            await commands.review(tx, actor, kind, key, keep=keep, reason=reason, **at)
            return N_("The review is recorded.")
    raise Invalid


async def _refused(
    request: Request, tx: Any, actor: Any, now: datetime, kind: str, key: str, refusal: Refusal
) -> HTMLResponse:
    errors = errors_of(request, refusal, key="capabilities" if refusal.errors else "")
    return await _page(request, tx, actor, now, kind, key, errors, refusal.status)


def _id(given: object) -> UUID:
    try:
        return UUID(str(given))
    except ValueError as error:
        raise Invalid from error
