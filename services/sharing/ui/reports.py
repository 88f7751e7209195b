"""Pages of one report: its lines, one of them, what is missing, how a dispute is settled."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
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
from kernel.web.render import gettext_of, render, see_other
from services.sharing.commands import reports as commands
from services.sharing.domain import policy, reporting
from services.sharing.domain.refusals import LineNotFound
from services.sharing.queries import reports as queries
from services.sharing.ui import report_words as words
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import after_of, dated, errors_of, line_of, sent_of

router = ui_router("/sharing/reports")
READ, ANSWER = "sharing:report:read", "sharing:report:answer"
SETTLE = "sharing:report:settle"
PAGE = 50


@router.get("/{report_id}", dependencies=[needs(READ)])
async def report(request: Request, actor: CurrentActor, read: Read, now: Now, report_id: UUID) -> HTMLResponse:
    """The lines of one report, to confirm or dispute, and where it stands."""
    return await _report(request, actor, read, now, report_id, {}, 200)


async def _report(
    request: Request, actor: Actor, read: Any, now: datetime, report_id: UUID, errors: Mapping[str, str], status: int
) -> HTMLResponse:
    lang, query = locale_of(request), request.query_params
    told = await queries.report(read, report_id, actor=actor, now=now)
    answer = query.get("answer") if query.get("answer") in words.ANSWER else None
    asked = queries.LinesAsked(
        report_id=report_id, answer=answer, q=(query.get("q") or "").replace("\0", "")[:100] or None
    )
    found = await queries.lines(read, asked, actor=actor, limit=PAGE, after=after_of(request, 3))
    names = await names_of(request, read, actor)
    (shown,) = dated([dict(told)])
    (cycle,) = dated([dict(told["cycle"])])
    changing = policy.may(actor, ANSWER, told["org"]) and cycle["closed_at"] is None
    context = {
        "report": shown,
        "cycle": cycle,
        "submissions": dated(list(told["submissions"])),
        "name": cycle["title"][lang],
        "org_name": words.named(names, told["org"], lang),
        "rows": [line_of(row, names, lang) for row in orjson.loads(found.items)],
        "next": encode_cursor(found.after) if found.after else None,
        "first_page": not query.get("after"),
        "answer": answer,
        "may_answer": changing,
        "may_submit": changing and not told["open"],
        "may_settle": policy.may(actor, SETTLE),
        "every": policy.sees_every(actor, READ),
        "today": local_date(now),
        "errors": errors,
        "words": words,
    }
    return render(request, "sharing/report.html", context, status)


@router.post("/{report_id}/answers", dependencies=[needs(ANSWER)])
async def confirm(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID) -> Response:
    """Confirms the lines that were ticked, or all that are open."""
    sent = await request.form()
    try:
        if sent.get("all"):
            await commands.confirm_rest(tx, actor, report_id, now=now)
        else:
            lines = [int(str(no)) for no in sent.getlist("line")[:PAGE] if str(no).isdecimal() and len(str(no)) < 9]
            said = [commands.Said(no, "confirmed", {}) for no in lines]
            await commands.answer(tx, actor, report_id, said, now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _report(request, actor, tx, now, report_id, errors_of(request, refusal), refusal.status)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Lines confirmed.")))


@router.post("/{report_id}/submissions", dependencies=[needs(ANSWER)])
async def submit(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID) -> Response:
    try:
        await commands.submit(tx, actor, report_id, now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _report(request, actor, tx, now, report_id, errors_of(request, refusal), refusal.status)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Report submitted.")))


@router.get("/{report_id}/missing", dependencies=[needs(ANSWER)])
async def missing_form(request: Request, actor: CurrentActor, read: Read, now: Now, report_id: UUID) -> HTMLResponse:
    return await _missing(request, actor, read, now, report_id, {}, {}, 200)


@router.post("/{report_id}/missing", dependencies=[needs(ANSWER)])
async def missing(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID) -> Response:
    values = await sent_of(request, *reporting.CLAIMS["missing"], "note")
    claims = {name: text for name, text in values.items() if name != "note" and text}
    try:
        await commands.add_missing(tx, actor, report_id, claims, values["note"][:1000], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _missing(request, actor, tx, now, report_id, values, errors_of(request, refusal), 422)
    said = gettext_of(request, N_("Added to your report."))
    return see_other(request, f"/sharing/reports/{report_id}?answer=disputed", said=said)


async def _missing(
    request: Request,
    actor: Actor,
    read: Any,
    now: datetime,
    report_id: UUID,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    await names_of(request, read, actor)
    told = await queries.report(read, report_id, actor=actor, now=now)
    context = {"report": told, "name": told["cycle"]["title"][locale_of(request)], "values": values, "errors": errors}
    return render(request, "sharing/report_missing.html", {**context, "words": words}, status)


@router.get("/{report_id}/lines/{no}", dependencies=[needs(READ)])
async def line(request: Request, actor: CurrentActor, read: Read, now: Now, report_id: UUID, no: int) -> HTMLResponse:
    """One line: what was told, what is claimed, how it was settled; with the form of whoever has to act."""
    return await _one_line(request, actor, read, now, report_id, no, {}, {}, 200)


@router.post("/{report_id}/lines/{no}", dependencies=[needs(ANSWER)])
async def dispute(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID, no: int) -> Response:
    kind = (await _known_line(tx, actor, report_id, no))["kind"]
    values = await sent_of(request, *reporting.CLAIMS[kind], "note")
    claims = {name: text for name, text in values.items() if name != "note" and text}
    if claims.get("ended_on") and (day := forms.read_day(claims["ended_on"])) is not None:
        claims["ended_on"] = day.isoformat()
    said = commands.Said(no, "disputed", claims, values["note"][:1000])
    try:
        await commands.answer(tx, actor, report_id, [said], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _one_line(request, actor, tx, now, report_id, no, values, errors_of(request, refusal), 422)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Dispute noted.")))


@router.post("/{report_id}/lines/{no}/settlement", dependencies=[needs(SETTLE)])
async def settle(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID, no: int) -> Response:
    values = await sent_of(request, "outcome", "settlement_note")
    outcome = "accepted" if values["outcome"] == "accepted" else "rejected"
    try:
        await commands.settle(tx, actor, report_id, no, outcome, values["settlement_note"][:1000], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        errors = {"settlement_note": " ".join(errors_of(request, refusal).values())}
        return await _one_line(request, actor, tx, now, report_id, no, values, errors, 422)
    cycle_id = (await queries.report(tx, report_id, actor=actor, now=now))["cycle_id"]
    said = gettext_of(request, N_("Dispute settled."))
    return see_other(request, f"/sharing/reports/rounds/{cycle_id}", said=said)


async def _known_line(read: Any, actor: Actor, report_id: UUID, no: int) -> dict[str, Any]:
    if not 0 < no < 10_000_000:
        raise LineNotFound
    return await queries.line(read, report_id, no, actor=actor)


async def _one_line(
    request: Request,
    actor: Actor,
    read: Any,
    now: datetime,
    report_id: UUID,
    no: int,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    lang = locale_of(request)
    row = await _known_line(read, actor, report_id, no)
    told = await queries.report(read, report_id, actor=actor, now=now)
    names = await names_of(request, read, actor)
    open_round = told["cycle"]["closed_at"] is None
    context = {
        "row": line_of(row, names, lang),
        "report": told,
        "name": told["cycle"]["title"][lang],
        "org_name": words.named(names, told["org"], lang),
        "fields": [name for name in reporting.CLAIMS[row["kind"]] if row["kind"] != "missing"],
        "organisations": sorted(((code, words.named(names, code, lang)) for code in names), key=lambda pair: pair[1]),
        "statuses": [(code, gettext_of(request, text)) for code, text in words.STATUS_OF.get(row["kind"], {}).items()],
        "values": {**_typed(row["claims"] or {}, lang), "note": row["note"], **values},
        "errors": errors,
        "may_answer": open_round and row["kind"] != "missing" and policy.may(actor, ANSWER, told["org"]),
        "may_settle": row["answer"] == "disputed" and policy.may(actor, SETTLE),
        "every": policy.sees_every(actor, READ),
        "words": words,
    }
    return render(request, "sharing/report_line.html", context, status)


def _typed(claims: Mapping[str, str], lang: str) -> dict[str, str]:
    """The claims as a person types them."""
    return {
        name: formats.day(date.fromisoformat(value), lang) if name == "ended_on" else value
        for name, value in claims.items()
    }
