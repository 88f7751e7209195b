"""Pages of the audit: the work list of contradictions, and one of them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.paging import encode_cursor
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing import data
from services.sharing.commands import contradictions as commands
from services.sharing.domain import policy
from services.sharing.domain.contradiction import Rule
from services.sharing.queries import contradictions as queries
from services.sharing.ui import audit_words, words
from services.sharing.ui.asked import TYPED, WRONG_DAY
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import after_of, sent_of

router = ui_router("/sharing/audit")
PAGE, SOON = 50, 3


@router.get("", dependencies=[needs(queries.READ)])
async def contradictions(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """What waits, by rule; `?show=overdue` only what is late, `?show=all` also what is closed or gone."""
    query, lang = request.query_params, locale_of(request)
    rules: dict[str, Rule] = {rule.code: rule for rule in data.contradictions().on(local_date(now))}
    rule = query.get("rule") if query.get("rule") in rules else None
    show = query.get("show") if query.get("show") in ("overdue", "all") else None
    chosen: dict[str, Any] = {} if show == "all" else {"overdue": True} if show else {"state": "open", "holds": True}
    typed = (query.get("q") or "").replace("\0", "")[:100] or None
    found = await queries.contradictions(
        read,
        queries.ContradictionsAsked(rule=rule, q=typed, **chosen),
        data.contradictions(),
        actor=actor,
        now=now,
        limit=PAGE,
        after=after_of(request, 2),
    )
    waiting = await queries.waiting(read, actor=actor, now=now)
    names = await names_of(request, read, actor)
    today = local_date(now)
    context = {
        "rows": [_row(request, row, names, today) for row in orjson.loads(found.items)],
        "tabs": _tabs(request, rules, rule, show, waiting, lang),
        "rule": rules[rule] if rule else None,
        "lang": lang,
        "overdue": sum(late for _, late in waiting.values()),
        "next": encode_cursor(found.after) if found.after else None,
        "first_page": not query.get("after"),
        "show": show,
        "filters_set": int(show is not None),
        "words": audit_words,
    }
    return render(request, "sharing/audit.html", context)


def _tabs(
    request: Request,
    rules: Mapping[str, Rule],
    chosen: str | None,
    show: str | None,
    waiting: Mapping[str, tuple[int, int]],
    lang: str,
) -> list[dict[str, Any]]:
    kept = {"show": show} if show else {}
    every = {
        "text": gettext_of(request, N_("All")),
        "href": "?" + urlencode(kept),
        "active": chosen is None,
        "count": sum(count for count, _ in waiting.values()),
        "tone": "bad" if any(late for _, late in waiting.values()) else "",
    }
    return [
        every,
        *(
            {
                "text": getattr(rule.short, lang),
                "href": "?" + urlencode({"rule": code, **kept}),
                "active": code == chosen,
                "count": waiting.get(code, (0, 0))[0],
                "tone": "bad" if waiting.get(code, (0, 0))[1] else "",
            }
            for code, rule in rules.items()
        ),
    ]


def _row(request: Request, row: Mapping[str, Any], names: Mapping[str, tuple[str, str]], today: date) -> dict[str, Any]:
    lang, due = locale_of(request), date.fromisoformat(row["due_on"])
    return {
        **row,
        "title": row[f"title_{lang}"],
        "org_name": words.named(names, row["org"], lang),
        "first_seen_at": datetime.fromisoformat(row["first_seen_at"]),
        "gone_at": datetime.fromisoformat(row["gone_at"]) if row["gone_at"] else None,
        "closed_at": datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None,
        "due_on": due,
        "chip": _chip(request, (due - today).days),
        "waits": row["state"] == "open" and not row["gone_at"],
        "href": f"/sharing/audit/contradictions/{row['id']}",
    }


def _chip(request: Request, left: int) -> tuple[str, str]:
    """Calendar days: the day is the department's own, not a time limit of a procedure."""
    if left < 0:
        return "over", gettext_of(request, N_("{n} days late"), n=-left)
    if left == 0:
        return "today", gettext_of(request, N_("Today"))
    return "soon" if left <= SOON else "ok", gettext_of(request, N_("{n} days left"), n=left)


@router.get("/contradictions/{contradiction_id}", dependencies=[needs(queries.READ)])
async def contradiction(
    request: Request, actor: CurrentActor, read: Read, now: Now, contradiction_id: UUID
) -> HTMLResponse:
    """One case with what it is about, whose it is, and the forms to assign and to close it."""
    return await _one(request, actor, read, now, contradiction_id, {}, {}, 200)


async def _one(
    request: Request,
    actor: Actor,
    read: Any,
    now: datetime,
    contradiction_id: UUID,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    lang, today = locale_of(request), local_date(now)
    told = await queries.contradiction(read, contradiction_id, data.contradictions(), actor=actor, now=now)
    names = await names_of(request, read, actor)
    row = _row(request, told, names, today)
    seen_on = local_date(row["first_seen_at"])
    rule = next(each for each in data.contradictions().on(seen_on) if each.code == row["rule"])
    context = {
        "row": row,
        "advice": getattr(rule.advice, lang),
        "source": rule.source,
        "values": {"assignee": row["assignee"] or "", "due_on": formats.day(row["due_on"], TYPED), **values},
        "errors": errors,
        "may_act": row["waits"] and policy.may(actor, queries.ACT),
        "words": audit_words,
    }
    return render(request, "sharing/contradiction.html", context, status)


@router.post("/contradictions/{contradiction_id}/assignment", dependencies=[needs(queries.ACT)])
async def assign(request: Request, actor: CurrentActor, tx: Tx, now: Now, contradiction_id: UUID) -> Response:
    values = await sent_of(request, "assignee", "due_on")
    due = forms.read_day(values["due_on"])
    errors = {"due_on": gettext_of(request, WRONG_DAY)} if values["due_on"] and due is None else {}
    if not errors:
        try:
            await commands.assign(tx, actor, contradiction_id, values["assignee"][:200], due, now=now)
        except Refusal as refusal:
            errors = errors_of(request, refusal)
        else:
            return see_other(request, "/sharing/audit", said=gettext_of(request, N_("Assigned.")))
    return await _one(request, actor, tx, now, contradiction_id, values, errors, 422)


@router.post("/contradictions/{contradiction_id}/closure", dependencies=[needs(queries.ACT)])
async def close(request: Request, actor: CurrentActor, tx: Tx, now: Now, contradiction_id: UUID) -> Response:
    values = await sent_of(request, "outcome", "reason")
    outcome = "dismissed" if values["outcome"] == "dismissed" else "settled"
    try:
        await commands.close(tx, actor, contradiction_id, outcome, values["reason"][:1000], now=now)  # type: ignore[arg-type]
    except Refusal as refusal:
        return await _one(request, actor, tx, now, contradiction_id, values, errors_of(request, refusal), 422)
    return see_other(request, "/sharing/audit", said=gettext_of(request, N_("The contradiction is closed.")))


def errors_of(request: Request, refusal: Refusal) -> dict[str, str]:
    """Beside its field, or for the whole form. What is not there or not allowed is a page of its own."""
    if refusal.status in (403, 404):
        raise refusal
    say = frame_of(request).translations(locale_of(request)).gettext
    return forms.field_errors(refusal.errors, say) or {"": refusal.say(say)}
