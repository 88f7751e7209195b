"""Pages of the audits: the list, drawing a sample, one audit with its structures, one inspection, closing it."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.export import answered
from kernel.listing import Rows
from kernel.paging import encode_cursor
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import gettext_of, render, see_other
from services.sharing import data
from services.sharing.commands import audit_plans as commands
from services.sharing.domain import policy
from services.sharing.domain.figures import percent
from services.sharing.domain.sampling import MOST, Sampling
from services.sharing.queries import audit_plans as queries
from services.sharing.queries import law, ratios
from services.sharing.queries import statements as statement_queries
from services.sharing.ui import audit_words, words
from services.sharing.ui.asked import TYPED, WRONG_DAY
from services.sharing.ui.contradictions import errors_of
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import after_of, sent_of

router = ui_router("/sharing/audit/plans")
PAGE = 50
ASKED = ("kind", "as_of", "set", "size", "seed")
SHOWN: Mapping[str, dict[str, bool]] = {
    "open": {"inspected": False},
    "differs": {"differs": True},
    "to_mend": {"differs": True, "mended": False},
}


@router.get("", dependencies=[needs(queries.READ)])
async def plans(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    await names_of(request, read, actor)
    found = await queries.plans(read, queries.PlansAsked(), actor=actor, limit=PAGE, after=after_of(request, 2))
    lang = locale_of(request)
    sets = {row.code: words.titled(row, lang) for row in await law.boundary_sets(read)}
    context = {
        "rows": [_row(row, sets) for row in orjson.loads(found.items)],
        "may_act": policy.may(actor, queries.ACT),
        "next": encode_cursor(found.after) if found.after else None,
        "words": words,
    }
    return render(request, "sharing/audit_plans.html", context)


def _row(row: Mapping[str, Any], sets: Mapping[str, str]) -> dict[str, Any]:
    result = row["result"]
    return {
        **row,
        "as_of": date.fromisoformat(row["as_of"]),
        "known_at": datetime.fromisoformat(row["known_at"]),
        "drawn_at": datetime.fromisoformat(row["drawn_at"]),
        "closed_at": datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None,
        "percent": percent(row["shared"], row["counted"]),
        "boundary_title": sets.get(row["boundary_set"], row["boundary_set"]),
        "result": result and {name: Decimal(result[name]) for name in result},
    }


@router.get("/new", dependencies=[needs(queries.ACT)])
async def form(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    typed = {"kind": "mast", "as_of": formats.day(local_date(now), TYPED), "set": "", "size": "60", "seed": ""}
    return await _form(request, actor, read, typed, {}, 200)


async def _form(
    request: Request, actor: Actor, read: Any, values: Mapping[str, str], errors: Mapping[str, str], status: int
) -> HTMLResponse:
    await names_of(request, read, actor)
    lang, rules = locale_of(request), data.sampling()
    planned = law.borders_of(
        await law.targets_on(read, local_date(request.app.state.clock()), values["kind"] or "mast")
    )
    context = {
        "kinds": [(code, gettext_of(request, text)) for code, text in words.KIND.items()],
        "sets": [(row.code, words.titled(row, lang)) for row in await law.boundary_sets(read)],
        "values": {**values, "set": values["set"] or next(iter(planned.values()), "")},
        "errors": errors,
        "points": [(getattr(each.title, lang), each.points) for each in rules.points],
        "classes": [(getattr(each.title, lang), each.from_points, each.weight) for each in rules.classes],
        "source": getattr(rules.source, lang),
    }
    return render(request, "sharing/audit_plan_new.html", context, status)


@router.post("/new", dependencies=[needs(queries.ACT)])
async def draw(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    values = await sent_of(request, *ASKED)
    day, errors = forms.read_day(values["as_of"]), {}
    if day is None:
        errors["as_of"] = gettext_of(request, WRONG_DAY)
    size = int(values["size"]) if values["size"].isdecimal() and len(values["size"]) < 7 else 0
    if not 0 < size <= MOST:
        errors["size"] = gettext_of(request, N_("Give a whole number."))
    if day is not None and not errors:
        try:
            scope = await ratios.scope(
                tx, actor=actor, kind=values["kind"] if values["kind"] in words.KIND else "mast", as_of=day,
                known_at=await statement_queries.settled_to(tx, now) or now, now=now,
                boundary_set=values["set"][:40] or None,
            )  # fmt: skip
            seed = values["seed"][:100] or new_id().hex
            made = await commands.draw(tx, actor, scope, size, seed, data.sampling(), now=now)
        except Refusal as refusal:
            errors = errors_of(request, refusal)
        else:
            return see_other(
                request, f"/sharing/audit/plans/{made}", said=gettext_of(request, N_("The sample is drawn."))
            )
    return await _form(request, actor, tx, values, errors, 422)


@router.get("/{plan_id}", dependencies=[needs(queries.READ)])
async def plan(request: Request, actor: CurrentActor, read: Read, plan_id: UUID) -> HTMLResponse:
    """One audit: recorded and corrected ratio, classes of risk, what was drawn."""
    return await _plan(request, actor, read, plan_id, "", 200)


async def _plan(request: Request, actor: Actor, read: Any, plan_id: UUID, trouble: str, status: int) -> HTMLResponse:
    lang, query = locale_of(request), request.query_params
    told = await queries.plan(read, plan_id, actor=actor)
    rules = Sampling.model_validate(told["rules"])
    titles = {each.code: getattr(each.title, lang) for each in rules.classes}
    show = query.get("show") if query.get("show") in SHOWN else None
    asked = queries.ItemsAsked(
        drawn=True, q=(query.get("q") or "").replace("\0", "")[:100] or None, **(SHOWN[show] if show else {})
    )
    found = await queries.items(read, plan_id, asked, actor=actor, limit=PAGE, after=after_of(request, 3))
    names = await names_of(request, read, actor)
    sets = {row.code: words.titled(row, lang) for row in await law.boundary_sets(read)}
    row = _row(told, sets)
    context = {
        "row": row,
        "strata": [{**each, "title": titles.get(each["code"], each["code"])} for each in told["strata"]],
        "best_bound": Decimal(told["best_bound"]),
        "source": getattr(rules.source, lang),
        "items": [_item(each, rules, names, lang) for each in orjson.loads(found.items)],
        "tabs": _tabs(request, row, show),
        "first_page": not query.get("after"),
        "next": encode_cursor(found.after) if found.after else None,
        "may_act": policy.may(actor, queries.ACT) and not row["closed_at"],
        "trouble": trouble,
        "filters_set": int(show is not None),
        "words": words,
        "audit_words": audit_words,
    }
    return render(request, "sharing/audit_plan.html", context, status)


def _tabs(request: Request, row: Mapping[str, Any], show: str | None) -> list[dict[str, Any]]:
    counts = {None: row["drawn"], "open": row["drawn"] - row["inspected"], "differs": row["differing"], "to_mend": None}
    return [
        {
            "text": gettext_of(request, text),
            "href": f"?show={name}#items" if name else "?#items",
            "active": name == show,
            "count": counts[name],
            "tone": "",
        }
        for name, text in audit_words.ITEMS.items()
    ]


def _item(row: Mapping[str, Any], rules: Sampling, names: Mapping[str, tuple[str, str]], lang: str) -> dict[str, Any]:
    signs = {each.sign: getattr(each.title, lang) for each in rules.points}
    classes = {each.code: getattr(each.title, lang) for each in rules.classes}
    return {
        **row,
        "owner_name": words.named(names, row["owner"], lang),
        "signs": [signs.get(each, each) for each in row["signs"]],
        "stratum_title": classes.get(row["stratum"], row["stratum"]),
        "inspected_on": date.fromisoformat(row["inspected_on"]) if row["inspected_on"] else None,
        "found_at": datetime.fromisoformat(row["found_at"]) if row["found_at"] else None,
        "recorded": audit_words.standing(row["counted"], row["shared"]),
        "found": audit_words.standing(row["found_counted"], row["found_shared"]) if row["verdict"] else "",
    }


@router.get("/{plan_id}/items.csv", dependencies=[needs(queries.READ)])
@router.get("/{plan_id}/items.xlsx", dependencies=[needs(queries.READ)])
async def file(request: Request, actor: CurrentActor, plan_id: UUID) -> Response:
    """What was found, or with `?all=1` every structure that could be drawn, as a file."""
    asked = queries.ItemsAsked(drawn=None if request.query_params.get("all") == "1" else True)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.items(read, plan_id, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="audit-items", columns=list(queries.ITEM.members))


@router.get("/{plan_id}/items/{structure_id}", dependencies=[needs(queries.READ)])
async def item(
    request: Request, actor: CurrentActor, read: Read, now: Now, plan_id: UUID, structure_id: UUID
) -> HTMLResponse:
    """One structure: what is recorded, what was found, and the form of the inspector."""
    return await _one(request, actor, read, now, plan_id, structure_id, {}, {}, 200)


async def _one(
    request: Request,
    actor: Actor,
    read: Any,
    now: datetime,
    plan_id: UUID,
    structure_id: UUID,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    lang = locale_of(request)
    told = await queries.plan(read, plan_id, actor=actor)
    row = await queries.item(read, plan_id, structure_id, actor=actor)
    names = await names_of(request, read, actor)
    shown = _item(row, Sampling.model_validate(told["rules"]), names, lang)
    kept = {
        "found": audit_words.found_value(row),
        "users": row["users"],
        "note": row["note"],
        "evidence_sha256": row["evidence_sha256"] or "",
        "inspected_on": formats.day(shown["inspected_on"] or local_date(now), TYPED),
    }
    context = {
        "row": shown,
        "plan": told,
        "as_of": date.fromisoformat(told["as_of"]),
        "values": {**kept, **values},
        "errors": errors,
        "choices": [("as_recorded", gettext_of(request, N_("As recorded")))]
        + [
            (value, gettext_of(request, text)) for value, text in audit_words.FOUND.items() if text != shown["recorded"]
        ],
        "may_act": policy.may(actor, queries.ACT) and not told["closed_at"],
        "reason": words.REASON.get(row["reason"], words.OTHER_REASON),
        "words": audit_words,
    }
    return render(request, "sharing/audit_item.html", context, status)


@router.post("/{plan_id}/items/{structure_id}", dependencies=[needs(queries.ACT)])
async def inspect(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, plan_id: UUID, structure_id: UUID
) -> Response:
    values = await sent_of(request, "found", "users", "note", "evidence_sha256", "inspected_on")
    day, errors = forms.read_day(values["inspected_on"]), {}
    if day is None:
        errors["inspected_on"] = gettext_of(request, WRONG_DAY)
    if values["found"] not in ("as_recorded", *audit_words.FOUND):
        errors["found"] = gettext_of(request, N_("Say what was found."))
    if not audit_words.is_hash(values["evidence_sha256"]):
        errors["evidence_sha256"] = gettext_of(request, N_("A SHA-256 has 64 characters, 0 to 9 and a to f."))
    if day is not None and not errors:
        counted, shared = audit_words.VERDICT.get(values["found"], (None, None))
        finding = commands.Finding(
            values["found"] == "as_recorded", day, counted, shared, values["users"][:500], values["note"][:1000],
            values["evidence_sha256"],
        )  # fmt: skip
        try:
            await commands.inspect(tx, actor, plan_id, structure_id, finding, now=now)
        except Refusal as refusal:
            errors = errors_of(request, refusal)
        else:
            said = gettext_of(request, N_("The finding is recorded."))
            return see_other(request, f"/sharing/audit/plans/{plan_id}?show=open#items", said=said)
    return await _one(request, actor, tx, now, plan_id, structure_id, values, errors, 422)


@router.get("/{plan_id}/closure", dependencies=[needs(queries.ACT)])
async def ask_closure(request: Request, actor: CurrentActor, read: Read, plan_id: UUID) -> HTMLResponse:
    """The page before it: what will be kept."""
    await names_of(request, read, actor)
    lang = locale_of(request)
    told = await queries.plan(read, plan_id, actor=actor)
    result = told["result"]
    context = {
        "question": gettext_of(request, N_("Close this audit?")),
        "rows": [
            (gettext_of(request, N_("Inspected")), f"{told['inspected']}/{told['drawn']}"),
            (gettext_of(request, N_("Found otherwise")), told["differing"]),
            (
                gettext_of(request, N_("Corrected ratio")),
                " ± ".join(formats.percent(Decimal(result[name]), lang) for name in ("percent", "bound"))
                if result
                else "–",
            ),
        ],
        "effect": gettext_of(request, N_("The result is kept; no finding changes any more.")),
        "action": f"/sharing/audit/plans/{plan_id}/closure",
        "verb": gettext_of(request, N_("Close the audit")),
        "symbol": "lock",
        "back": (gettext_of(request, N_("Go back")), f"/sharing/audit/plans/{plan_id}"),
        "danger": True,
        "hidden": {},
        "errors": {},
    }
    return render(request, "confirm.html", context)


@router.post("/{plan_id}/closure", dependencies=[needs(queries.ACT)])
async def close(request: Request, actor: CurrentActor, tx: Tx, now: Now, plan_id: UUID) -> Response:
    try:
        await commands.close(tx, actor, plan_id, now=now)
    except Refusal as refusal:
        trouble = " ".join(errors_of(request, refusal).values())
        return await _plan(request, actor, tx, plan_id, trouble, refusal.status)
    return see_other(request, f"/sharing/audit/plans/{plan_id}", said=gettext_of(request, N_("The audit is closed.")))
