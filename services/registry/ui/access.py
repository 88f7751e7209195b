"""Who may sign in for which organisation: the overview, one organisation, registering, and what other hands changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Conflict, Fault, Invalid, NotFound, Refusal
from kernel.web.forms import field_errors, read_day
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.registry.commands import accounts as commands
from services.registry.commands import looking
from services.registry.commands.organisations import register_organisation
from services.registry.domain import access as rules
from services.registry.domain.access import CLIENT, KINDS, PERSON, Wanted
from services.registry.queries import access as queries
from services.registry.queries import accounts, places
from services.registry.ui import access_words as words
from services.registry.ui.gate import needs

router = ui_router("/registry/access")
PAGE = "/registry/access"
TYPED = ("code", "name_vi", "name_en", "short", "kind", "legal_entity", "valid_from")


async def shown(
    request: Request, read: Any, actor: Any, now: datetime, template: str, status: int = 200, **more: Any
) -> HTMLResponse:
    """A page of access with the words it speaks in."""
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now))
    say = frame_of(request).translations(locale_of(request)).gettext
    context = {
        "words": words,
        "say": say,
        "value": lambda member, said: words.value(member, said, say),
        "may_keep": actor.can("administrator"),
        "kind_options": words.options(words.KINDS, words.KINDS, say),
        "offered_options": words.options(more.get("offered", ()), words.CAPABILITIES, say),
        "function_options": words.options(words.FUNCTIONS, words.FUNCTIONS, say),
        "overlap_options": words.options(words.OVERLAPS, words.OVERLAPS, say),
    }
    return render(request, f"registry/{template}", {**context, **more}, status)


@router.get("", dependencies=[needs("registry:access:read")])
async def overview(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """Organisations with their accounts, and above them what differs in the sign-in service."""
    found: dict[str, Any] = {
        "summaries": await queries.summaries(read, local_date(now), actor=actor),
        "findings": await accounts.findings(read, actor=actor),
        "look": await queries.look(read),
    }
    return await shown(request, read, actor, now, "access.html", **found)


@router.post("/look", dependencies=[needs("registry:access:settle")])
async def look(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    await looking.want_look(tx, actor, now=now)
    return see_other(request, PAGE, said=gettext_of(request, "The sign-in service is being compared."))


@router.post("/findings/{finding_id}", dependencies=[needs("registry:access:settle")])
async def settle(request: Request, actor: CurrentActor, tx: Tx, now: Now, finding_id: UUID) -> Response:
    accept = (await request.form()).get("outcome") == "accept"
    await looking.settle(tx, actor, finding_id, accept=accept, now=now, check=lambda _: None)
    text = N_("Accepted into the record.") if accept else N_("The sign-in service is being brought back to the record.")
    return see_other(request, PAGE, said=gettext_of(request, text))


@router.get("/organisations/new", dependencies=[needs("registry:organisation:register")])
async def new_organisation(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    return await _organisation_form(request, read, actor, now, {}, {}, 200)


async def _organisation_form(
    request: Request, read: Any, actor: Any, now: datetime, values: dict[str, str], errors: dict[str, str], status: int
) -> HTMLResponse:
    template = "access_organisation_new.html"
    return await shown(request, read, actor, now, template, status, values=values, errors=errors)


@router.post("/organisations/new", dependencies=[needs("registry:organisation:register")])
async def register(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    form = await request.form()
    typed = {name: str(form.get(name) or "").strip()[:200] for name in TYPED}
    facts = {name: typed[name] for name in ("name_vi", "name_en", "short", "kind", "legal_entity")}
    day = read_day(typed["valid_from"]) if typed["valid_from"] else local_date(now)
    try:
        if day is None:
            text = N_("A date is written day/month/year, for example 27/05/2024.")
            raise Invalid(errors=[Fault("/valid_from", "malformed", text)])
        await register_organisation(tx, actor, typed["code"], facts, valid_from=day, now=now)
    except (Invalid, Conflict) as refusal:
        return await _organisation_form(request, tx, actor, now, typed, errors_of(request, refusal), 422)
    said = gettext_of(request, "{name} registered.", name=typed["short"])
    return see_other(request, f"{PAGE}/organisations/{typed['code']}", said=said)


@router.get("/organisations/{code}", dependencies=[needs("registry:access:read")])
async def organisation(request: Request, actor: CurrentActor, read: Read, now: Now, code: str) -> HTMLResponse:
    """Clients and people of one organisation, what is under way and the last reviews."""
    summary = next(iter(await queries.summaries(read, local_date(now), actor=actor, code=code)), None)
    if summary is None:
        raise NotFound
    found = await accounts.accounts(read, actor=actor, organisation=code)
    return await shown(
        request,
        read,
        actor,
        now,
        "access_organisation.html",
        summary=summary,
        clients=[each for each in found if each.kind == CLIENT],
        people=[each for each in found if each.kind == PERSON],
        findings=await accounts.findings(read, actor=actor, organisation=code),
        reviews=await accounts.reviews(read, actor=actor, organisation=code),
    )


@router.get("/{kind}/new", dependencies=[needs("registry:access:keep")])
async def new_account(
    request: Request, actor: CurrentActor, read: Read, now: Now, kind: str, organisation: str = ""
) -> HTMLResponse:
    values = {"organisation": organisation}
    return await _account_form(request, read, actor, now, kind_of(kind), values, {}, 200)


async def _account_form(
    request: Request,
    read: Any,
    actor: Any,
    now: datetime,
    kind: str,
    values: dict[str, Any],
    errors: dict[str, str],
    status: int,
) -> HTMLResponse:
    day = local_date(now)
    options = [
        (s.code, s.name_vi if locale_of(request) == "vi" else s.name_en)
        for s in await queries.summaries(read, day, actor=actor)
    ]
    of_kind = await queries.organisation_kind(read, values.get("organisation", ""), day)
    offered = rules.offered(of_kind, kind) if of_kind else rules.CAPABILITIES
    template, more = "access_account_new.html", {"kind": kind, "options": options, "offered": offered}
    is_office = of_kind is not None and of_kind not in rules.ENTERPRISES
    return await shown(
        request, read, actor, now, template, status, values=values, errors=errors, is_office=is_office, **more
    )


@router.post("/{kind}/new", dependencies=[needs("registry:access:keep")])
async def register_account(request: Request, actor: CurrentActor, tx: Tx, now: Now, kind: str) -> Response:
    form, of = await request.form(), kind_of(kind)
    values: dict[str, Any] = {
        name: str(form.get(name) or "").strip()[:200] for name in ("key", "name", "email", "organisation")
    }
    values |= {name: [str(one)[:64] for one in form.getlist(name)][:20] for name in ("capabilities", "functions")}
    rights = (values["capabilities"], values["functions"], values["email"])
    values["networks"] = str(form.get("networks") or "")[:2000]
    networks = words_of(values["networks"]) if of == CLIENT else []
    wanted = Wanted(of, values["key"], values["organisation"], values["name"], *rights, networks=networks)
    try:
        made = await commands.register(tx, actor, wanted, now=now)
    except (Invalid, Conflict) as refusal:
        return await _account_form(request, tx, actor, now, of, values, errors_of(request, refusal, key="key"), 422)
    said = gettext_of(request, "{name} registered.", name=made.name)
    return see_other(request, f"{PAGE}/{kind}/{made.key}", said=said)


def kind_of(segment: str) -> str:
    """`clients` or `people` of an address. Raises NotFound (404)."""
    kinds = {"clients": CLIENT, "people": PERSON}
    if segment not in kinds:
        raise NotFound
    assert kinds[segment] in KINDS
    return kinds[segment]


def errors_of(request: Request, refusal: Refusal, key: str = "") -> dict[str, str]:
    """By field; what speaks of none stands on top of the form."""
    say = frame_of(request).translations(locale_of(request)).gettext
    found = field_errors(refusal.errors, say) or {key or "code": refusal.say(say)}
    fields = {"client_id": key, "username": key}
    return {
        fields.get(name, "networks" if name.startswith("networks-") else name): text for name, text in found.items()
    }


def words_of(given: object) -> list[str]:
    """What stands in a field of several lines, each word by itself."""
    return str(given or "")[:2000].replace(",", " ").split()
