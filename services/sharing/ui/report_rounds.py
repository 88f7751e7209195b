"""Pages of the rounds of reports: the list, asking out of turn, who reported, what it adds up to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.paging import encode_cursor
from kernel.web import forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing.commands import province, report_rounds
from services.sharing.commands.report_contacts import set_contact
from services.sharing.domain import policy
from services.sharing.queries import report_contacts
from services.sharing.queries import reports as queries
from services.sharing.queries.consolidation import consolidated
from services.sharing.ui import report_words as words
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import after_of, dated, errors_of, line_of, sent_of

router = ui_router("/sharing/reports")
READ, OPEN, ANSWER = "sharing:report:read", "sharing:report:open", "sharing:report:answer"
PAGE = 50
MOST = 200
SYNTHESIS = "39"


@router.get("", dependencies=[needs(READ)])
async def rounds(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """All rounds, for an enterprise each with its own report."""
    await names_of(request, read, actor)
    lang = locale_of(request)
    found = await queries.cycles(
        read, queries.CyclesAsked(), actor=actor, now=now, limit=PAGE, after=after_of(request, 2)
    )
    every = policy.sees_every(actor, READ)
    mine: dict[str, dict[str, Any]] = {}
    if not every:
        own = await queries.reports(read, queries.ReportsAsked(), actor=actor, now=now, limit=MOST)
        mine = {row["cycle_id"]: row for row in orjson.loads(own.items)}
    context = {
        "rows": [
            {
                **row,
                "name": row["title"][lang],
                "mine": mine.get(row["id"]),
                "href": f"/sharing/reports/rounds/{row['id']}" if every else _href(mine.get(row["id"])),
            }
            for row in dated(orjson.loads(found.items))
        ],
        "every": every,
        "may_open": policy.may_at_all(actor, OPEN),
        "contact": await _contact(read, actor),
        "may_answer": policy.may(actor, ANSWER, actor.org),
        "next": encode_cursor(found.after) if found.after else None,
        "words": words,
    }
    return render(request, "sharing/reports.html", context)


async def _contact(read: Read, actor: CurrentActor) -> dict[str, Any]:
    found = await report_contacts.contacts(read, report_contacts.ContactsAsked(org=actor.org), actor=actor, limit=1)
    rows: list[dict[str, Any]] = orjson.loads(found.items)
    return rows[0] if rows else {"address": "", "name": ""}


@router.post("/contact", dependencies=[needs(ANSWER)])
async def contact(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    """Where the enterprise is reminded by mail; an empty address: nowhere."""
    sent = await sent_of(request, "address", "name")
    try:
        await set_contact(tx, actor, sent["address"] or None, sent["name"][:200], locale_of(request), now=now)
    except Refusal as refusal:
        said = refusal.say(frame_of(request).translations(locale_of(request)).gettext)
    else:
        said = gettext_of(request, N_("The address is kept."))
    return see_other(request, "/sharing/reports", said=said)


def _href(report: Mapping[str, Any] | None) -> str:
    return f"/sharing/reports/{report['id']}" if report else "/sharing/reports"


@router.get("/new", dependencies=[needs(OPEN)])
async def ask_form(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    await names_of(request, read, actor)
    return render(request, "sharing/report_ask.html", {"values": {}, "errors": {}})


@router.post("/new", dependencies=[needs(OPEN)])
async def ask(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    values = await sent_of(request, "title_vi", "title_en", "as_of", "last_good_day")
    errors = {}
    if not values["title_vi"]:
        errors["title_vi"] = gettext_of(request, N_("Give the round a name."))
    as_of, last = forms.read_day(values["as_of"]), forms.read_day(values["last_good_day"])
    for name, day in (("as_of", as_of), ("last_good_day", last)):
        if day is None:
            errors[name] = gettext_of(request, N_("Give the day as 27/05/2024."))
    if not errors and as_of and last:
        try:
            made = await report_rounds.ask(
                tx, actor, values["title_vi"][:200], values["title_en"][:200], as_of, last, now=now
            )
        except Refusal as refusal:
            errors = errors_of(request, refusal)
        else:
            said = gettext_of(request, N_("Every enterprise has been asked."))
            return see_other(request, f"/sharing/reports/rounds/{made}", said=said)
    await names_of(request, tx, actor)
    return render(request, "sharing/report_ask.html", {"values": values, "errors": errors}, 422)


@router.get("/rounds/{cycle_id}", dependencies=[needs(OPEN)])
async def one_round(request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: UUID) -> HTMLResponse:
    """For the department: who reported, who is late, which disputes wait."""
    lang = locale_of(request)
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    (shown,) = dated([dict(cycle)])
    found = await queries.reports(read, queries.ReportsAsked(cycle_id=cycle_id), actor=actor, now=now, limit=MOST)
    waiting = await queries.lines(
        read,
        queries.LinesAsked(cycle_id=cycle_id, settled=False),
        actor=actor,
        limit=PAGE,
        after=after_of(request, 3),
    )
    names = await names_of(request, read, actor)
    context = {
        "cycle": shown,
        "name": cycle["title"][lang],
        "reports": [{**row, "name": words.named(names, row["org"], lang)} for row in dated(orjson.loads(found.items))],
        "disputes": [line_of(row, names, lang) for row in orjson.loads(waiting.items)],
        "next": encode_cursor(waiting.after) if waiting.after else None,
        "today": local_date(now),
        "words": words,
    }
    return render(request, "sharing/report_round.html", context)


@router.get("/rounds/{cycle_id}/closure", dependencies=[needs(OPEN)])
async def ask_closure(request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: UUID) -> HTMLResponse:
    """The page before it: what will happen."""
    await names_of(request, read, actor)
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    missing = cycle["reports"] - cycle["submitted"]
    context = {
        "question": gettext_of(request, N_("Close {name}?"), name=cycle["title"][locale_of(request)]),
        "rows": [
            (gettext_of(request, N_("Reports received")), f"{cycle['submitted']}/{cycle['reports']}"),
            (gettext_of(request, N_("Reports missing")), missing),
        ],
        "effect": gettext_of(
            request, N_("No enterprise can answer or submit any more. Disputes can still be settled.")
        ),
        "action": f"/sharing/reports/rounds/{cycle_id}/closure",
        "verb": gettext_of(request, N_("Close the round")),
        "symbol": "lock",
        "back": (gettext_of(request, N_("Go back")), f"/sharing/reports/rounds/{cycle_id}"),
        "danger": True,
        "hidden": {},
        "errors": {},
    }
    return render(request, "confirm.html", context)


@router.post("/rounds/{cycle_id}/closure", dependencies=[needs(OPEN)])
async def close(request: Request, actor: CurrentActor, tx: Tx, now: Now, cycle_id: UUID) -> Response:
    await report_rounds.close(tx, actor, cycle_id, now=now)
    said = gettext_of(request, N_("The round is closed."))
    return see_other(request, f"/sharing/reports/rounds/{cycle_id}", said=said)


@router.post("/rounds/{cycle_id}/renewal", dependencies=[needs(OPEN)])
async def renew(request: Request, actor: CurrentActor, tx: Tx, now: Now, cycle_id: UUID) -> Response:
    _, filled = await report_rounds.renew(tx, actor, cycle_id, now=now)
    said = gettext_of(request, N_("{count} reports filled in anew."), count=filled)
    return see_other(request, f"/sharing/reports/rounds/{cycle_id}", said=said)


@router.get("/rounds/{cycle_id}/consolidation", dependencies=[needs(OPEN)])
async def consolidation(request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: UUID) -> Response:
    """The forms of Decree 163; `?as=xlsx` or `?as=pdf` gives the province's report as a file."""
    lang = locale_of(request)
    say = frame_of(request).translations(lang).gettext
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    found = await consolidated(read, cycle, actor=actor)
    names = await names_of(request, read, actor)
    kind = request.query_params.get("as")
    if kind in ("xlsx", "pdf"):
        body = await province.written(cycle, found, names, say, lang, as_pdf=kind == "pdf", now=now)
        headers = {"Content-Disposition": f'attachment; filename="report-{cycle["as_of"]}.{kind}"'}
        return Response(body, media_type=words.MEDIA[kind], headers=headers)
    tables = {str(form["no"]): province.table(form, names, say, lang) for form in found}
    asked = request.query_params.get("form", "")
    chosen = asked if asked in tables else SYNTHESIS
    context = {
        "cycle": cycle,
        "name": cycle["title"][lang],
        "about": province.about(cycle, say, lang),
        "form": tables[chosen],
        "tabs": [
            {
                "text": gettext_of(request, N_("Form {no}"), no=no),
                "href": f"?form={no}",
                "active": no == chosen,
                "count": len(each.rows) if each.held else None,
                "tone": "",
            }
            for no, each in tables.items()
        ],
    }
    return render(request, "sharing/report_forms.html", context)
