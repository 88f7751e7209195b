"""The published law of sharing: definitions and plans as they stand, a new plan, a new definition."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.web import forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing.commands import publish as commands
from services.sharing.commands.verification import tried
from services.sharing.domain import policy
from services.sharing.domain.definition import Definition, Plan
from services.sharing.domain.figures import percent
from services.sharing.queries import law
from services.sharing.ui import board, words
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import sent_of

router = ui_router("/sharing/law")
READ = "sharing:ratio:read"
PLAN_FIELDS = ("code", "title_vi", "title_en", "source", "boundary_set", "targets")
UNREADABLE = N_("This is not a definition: {fault}")
LINE = N_("A line names kind, day and percent, for example: mast 31/12/2030 40")


@router.get("", dependencies=[needs(READ)])
async def published(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    """Every definition with its validity and text, every plan with its targets."""
    await names_of(request, read, actor)
    lang = locale_of(request)
    plans: dict[str, dict[str, Any]] = {}
    for row in await law.targets(read):
        plan = plans.setdefault(
            row.plan, {"title": words.titled(row, lang), "source": row.source, "set": row.boundary_set, "targets": []}
        )
        plan["targets"].append(
            {
                "kind": row.kind,
                "due_on": row.due_on,
                "base": row.is_base,
                "percent": board.plain_percent(row.percent, lang),
            }
        )
    context = {
        "definitions": [
            {
                "id": row.id,
                "kind": row.kind,
                "default": row.is_default,
                "valid_from": row.valid_from,
                "valid_to": row.valid_to,
                "title": row.content["title"][lang],
                "note": row.content["note"][lang],
                "source": row.content["source"],
                "sha256": row.sha256,
                "text": orjson.dumps(row.content, option=orjson.OPT_INDENT_2).decode(),
            }
            for row in await law.definitions(read)
        ],
        "plans": list(plans.values()),
        "may_publish": policy.may_at_all(actor, commands.PUBLISH),
        "words": words,
    }
    return render(request, "sharing/law.html", context)


@router.get("/plans/new", dependencies=[needs(commands.PUBLISH)])
async def plan_form(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    return await _plan_form(request, actor, read, {}, {}, 200)


async def _plan_form(
    request: Request, actor: CurrentActor, read: Read, typed: Mapping[str, str], errors: Mapping[str, str], status: int
) -> HTMLResponse:
    await names_of(request, read, actor)
    lang = locale_of(request)
    sets = [(row.code, words.titled(row, lang)) for row in await law.boundary_sets(read)]
    context = {"typed": typed, "errors": errors, "sets": sets, "line": gettext_of(request, LINE)}
    return render(request, "sharing/plan_new.html", context, status)


@router.post("/plans/new", dependencies=[needs(commands.PUBLISH)])
async def publish_plan(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    typed = await sent_of(request, *PLAN_FIELDS)
    targets, wrong = _targets(typed["targets"])
    errors = {"targets": gettext_of(request, LINE)} if wrong or not targets else {}
    for name in ("code", "title_vi", "source"):
        if not typed[name]:
            errors[name] = gettext_of(request, N_("Fill this in."))
    if not errors:
        title = {"vi": typed["title_vi"], "en": typed["title_en"] or typed["title_vi"]}
        try:
            plan = Plan.model_validate(
                {
                    "code": typed["code"],
                    "title": title,
                    "source": typed["source"],
                    "boundary_set": typed["boundary_set"],
                    "targets": targets,
                }
            )
            await commands.publish_plan(tx, actor, plan, now=now)
        except ValidationError as error:
            fault = error.errors()[0]
            errors = {str(fault["loc"][0]): gettext_of(request, N_("This cannot be taken."))}
        except Refusal as refusal:
            errors = _errors(request, refusal)
        else:
            return see_other(request, "/sharing/law", said=gettext_of(request, N_("The plan is published.")))
    return await _plan_form(request, actor, tx, typed, errors, 422)


def _targets(text: str) -> tuple[list[dict[str, Any]], bool]:
    """Lines such as `mast 31/12/2030 40`; whether one cannot be read."""
    found, wrong = [], False
    for line in filter(None, (each.strip() for each in text.splitlines())):
        kind, _, rest = line.partition(" ")
        day_text, _, share = rest.strip().partition(" ")
        day = forms.read_day(day_text)
        if kind not in words.KIND or day is None or not share.strip():
            wrong = True
            continue
        plain = share.strip().removesuffix("%").strip().replace(",", ".")
        found.append({"kind": kind, "due_on": day.isoformat(), "percent": plain})
    return found, wrong


def _errors(request: Request, refusal: Refusal) -> dict[str, str]:
    say = frame_of(request).translations(locale_of(request)).gettext
    return forms.field_errors(refusal.errors, say) or {"": refusal.say(say)}


@router.get("/definitions/new", dependencies=[needs(commands.PUBLISH)])
async def definition_form(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    """Begins with the text of a published one: `?from=mast.declared.1`."""
    wanted = request.query_params.get("from", "")
    rows = await law.definitions(read)
    content = next((row.content for row in rows if row.id == wanted), rows[0].content if rows else {})
    newest = max((row.version for row in rows if row.code == content.get("code")), default=0)
    day = local_date(request.app.state.clock())
    begun = {**content, "version": newest + 1, "default": False, "valid_from": day.isoformat()}
    return await _definition_form(
        request, actor, read, orjson.dumps(begun, option=orjson.OPT_INDENT_2).decode(), {}, None, 200
    )


async def _definition_form(
    request: Request,
    actor: CurrentActor,
    read: Read,
    text: str,
    errors: Mapping[str, str],
    tried: Mapping[str, Any] | None,
    status: int,
) -> HTMLResponse:
    await names_of(request, read, actor)
    context = {"typed": {"text": text}, "errors": errors, "tried": tried, "words": words}
    return render(request, "sharing/definition_new.html", context, status)


@router.post("/definitions/new", dependencies=[needs(commands.PUBLISH)])
async def publish_definition(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    """`act=try` says what the figure of today would be; `act=publish` publishes."""
    sent = await request.form()
    text, act = str(sent.get("text", ""))[:50_000], str(sent.get("act", ""))
    errors: dict[str, str] = {}
    trial = None
    try:
        definition = Definition.model_validate(orjson.loads(text))
        if act == "publish":
            await commands.publish_definition(tx, actor, definition, now=now)
            said = gettext_of(request, N_("{id} is published."), id=definition.id)
            return see_other(request, "/sharing/law", said=said)
        trial = await _tried(request, tx, actor, definition, now)
    except (ValidationError, orjson.JSONDecodeError) as error:
        errors = {"text": gettext_of(request, UNREADABLE, fault=_fault(error))}
    except Refusal as refusal:
        errors = _errors(request, refusal)
    return await _definition_form(request, actor, tx, text, errors, trial, 422 if errors else 200)


def _fault(error: ValidationError | orjson.JSONDecodeError) -> str:
    if isinstance(error, ValidationError):
        first: Sequence[Any] = error.errors(include_url=False)
        return f"{'.'.join(str(part) for part in first[0]['loc'])}: {first[0]['msg']}"
    return str(error)


async def _tried(request: Request, read: Read, actor: CurrentActor, definition: Definition, now: Any) -> dict[str, Any]:
    found = await tried(read, actor, definition, now=now)
    default = found.default
    return {
        "kind": definition.kind,
        "shared": found.shared,
        "counted": found.counted,
        "percent": percent(found.shared, found.counted),
        "default": {"percent": percent(default["shared"], default["counted"]), "id": found.scope.definition},
        "reasons": [
            (gettext_of(request, words.REASON.get(reason, words.OTHER_REASON)), count)
            for reason, count in found.reasons.most_common()
        ],
    }
