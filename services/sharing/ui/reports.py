"""Pages of the reports: the rounds, a report with its lines, one line, what to settle, what it adds up to."""

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
from kernel.paging import BadCursor, decode_cursor, encode_cursor
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing.commands import province
from services.sharing.commands import reports as commands
from services.sharing.domain import policy, reporting
from services.sharing.domain.refusals import LineNotFound
from services.sharing.queries import reports as queries
from services.sharing.queries import structures
from services.sharing.queries.consolidation import consolidated
from services.sharing.ui import report_words as words
from services.sharing.ui.gate import needs

router = ui_router("/sharing/reports")
READ, ANSWER = "sharing:report:read", "sharing:report:answer"
OPEN, SETTLE = "sharing:report:open", "sharing:report:settle"
PAGE = 50
SYNTHESIS = "39"
MOST = 200


@router.get("", dependencies=[needs(READ)])
async def rounds(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """All rounds, for an enterprise each with its own report."""
    lang = locale_of(request)
    found = await queries.cycles(
        read, queries.CyclesAsked(), actor=actor, now=now, limit=PAGE, after=_after(request, datetime)
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
            for row in _dated(orjson.loads(found.items))
        ],
        "every": every,
        "may_open": policy.may_at_all(actor, OPEN),
        "next": encode_cursor(found.after) if found.after else None,
        "words": words,
    }
    return render(request, "sharing/reports.html", context)


def _href(report: Mapping[str, Any] | None) -> str:
    return f"/sharing/reports/{report['id']}" if report else "/sharing/reports"


def _dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Days and instants of the JSON as the templates' filters take them."""
    for row in rows:
        for name in ("as_of", "last_good_day"):
            if row.get(name):
                row[name] = date.fromisoformat(row[name])
        for name in ("opened_at", "known_at", "closed_at", "submitted_at", "reminded_at", "answered_at", "settled_at"):
            if row.get(name):
                row[name] = datetime.fromisoformat(row[name])
    return rows


def _after(request: Request, kind: type) -> list[Any] | None:
    given = request.query_params.get("after", "")
    try:
        return decode_cursor(given, 2 if kind is datetime else 3) if given else None
    except BadCursor:
        return None


@router.get("/new", dependencies=[needs(OPEN)])
async def ask_form(request: Request, actor: CurrentActor, now: Now) -> HTMLResponse:
    return render(request, "sharing/report_ask.html", {"values": {}, "errors": {}})


@router.post("/new", dependencies=[needs(OPEN)])
async def ask(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    values = await _sent(request, "title_vi", "title_en", "as_of", "last_good_day")
    errors = {}
    if not values["title_vi"]:
        errors["title_vi"] = gettext_of(request, N_("Give the round a name."))
    as_of, last = forms.read_day(values["as_of"]), forms.read_day(values["last_good_day"])
    for name, day in (("as_of", as_of), ("last_good_day", last)):
        if day is None:
            errors[name] = gettext_of(request, N_("Give the day as 27/05/2024."))
    if not errors and as_of and last:
        try:
            made = await commands.ask(
                tx, actor, values["title_vi"][:200], values["title_en"][:200], as_of, last, now=now
            )
        except Refusal as refusal:
            errors = _errors(request, refusal)
        else:
            said = gettext_of(request, N_("Every enterprise has been asked."))
            return see_other(request, f"/sharing/reports/rounds/{made}", said=said)
    return render(request, "sharing/report_ask.html", {"values": values, "errors": errors}, 422)


async def _sent(request: Request, *names: str) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, "")).strip() for name in names}


def _errors(request: Request, refusal: Refusal) -> dict[str, str]:
    say = frame_of(request).translations(locale_of(request)).gettext
    found = forms.field_errors(refusal.errors, say)
    named = {name.rpartition("claims-")[2] or "note": text for name, text in found.items()}
    return named or {"": say(refusal.detail).format(**refusal.params)}


@router.get("/rounds/{cycle_id}", dependencies=[needs(OPEN)])
async def one_round(request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: UUID) -> HTMLResponse:
    """For the department: who reported, who is late, which disputes wait."""
    lang = locale_of(request)
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    (shown,) = _dated([dict(cycle)])
    found = await queries.reports(read, queries.ReportsAsked(cycle_id=cycle_id), actor=actor, now=now, limit=MOST)
    waiting = await queries.lines(
        read, queries.LinesAsked(cycle_id=cycle_id, settled=False), actor=actor, limit=PAGE, after=_after(request, int)
    )
    names = await structures.organisation_names(read)
    context = {
        "cycle": shown,
        "name": cycle["title"][lang],
        "reports": [{**row, "name": words.named(names, row["org"], lang)} for row in _dated(orjson.loads(found.items))],
        "disputes": [_line(row, names, lang) for row in orjson.loads(waiting.items)],
        "next": encode_cursor(waiting.after) if waiting.after else None,
        "today": local_date(now),
        "words": words,
    }
    return render(request, "sharing/report_round.html", context)


@router.post("/rounds/{cycle_id}/closure", dependencies=[needs(OPEN)])
async def close(request: Request, actor: CurrentActor, tx: Tx, now: Now, cycle_id: UUID) -> Response:
    await commands.close(tx, actor, cycle_id, now=now)
    said = gettext_of(request, N_("The round is closed."))
    return see_other(request, f"/sharing/reports/rounds/{cycle_id}", said=said)


@router.post("/rounds/{cycle_id}/renewal", dependencies=[needs(OPEN)])
async def renew(request: Request, actor: CurrentActor, tx: Tx, now: Now, cycle_id: UUID) -> Response:
    filled = await commands.renew(tx, actor, cycle_id, now=now)
    said = gettext_of(request, N_("{count} reports filled in anew."), count=filled)
    return see_other(request, f"/sharing/reports/rounds/{cycle_id}", said=said)


@router.get("/rounds/{cycle_id}/consolidation", dependencies=[needs(OPEN)])
async def consolidation(request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: UUID) -> Response:
    """The forms of Decree 163; `?as=xlsx` or `?as=pdf` gives the province's report as a file."""
    lang = locale_of(request)
    say = frame_of(request).translations(lang).gettext
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    found = await consolidated(read, cycle, actor=actor)
    names = await structures.organisation_names(read)
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
    found = await queries.lines(read, asked, actor=actor, limit=PAGE, after=_after(request, int))
    names = await structures.organisation_names(read)
    (shown,) = _dated([dict(told)])
    (cycle,) = _dated([dict(told["cycle"])])
    changing = policy.may(actor, ANSWER, told["org"]) and cycle["closed_at"] is None
    context = {
        "report": shown,
        "cycle": cycle,
        "submissions": _dated(list(told["submissions"])),
        "name": cycle["title"][lang],
        "org_name": words.named(names, told["org"], lang),
        "rows": [_line(row, names, lang) for row in orjson.loads(found.items)],
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


def _line(row: dict[str, Any], names: Mapping[str, tuple[str, str]], lang: str) -> dict[str, Any]:
    (shown,) = _dated([row])
    told = shown["told"]
    return {
        **shown,
        "href": f"/sharing/reports/{row['report_id']}/lines/{row['no']}",
        "org_name": words.named(names, row["org"], lang),
        "title": words.title(shown, names, lang),
        "facts": words.facts(told, names, lang),
        "claimed": words.claimed(shown["claims"] or {}, names, lang),
    }


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
        return await _report(request, actor, tx, now, report_id, _errors(request, refusal), refusal.status)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Lines confirmed.")))


@router.post("/{report_id}/submissions", dependencies=[needs(ANSWER)])
async def submit(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID) -> Response:
    try:
        await commands.submit(tx, actor, report_id, now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _report(request, actor, tx, now, report_id, _errors(request, refusal), refusal.status)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Report submitted.")))


@router.get("/{report_id}/missing", dependencies=[needs(ANSWER)])
async def missing_form(request: Request, actor: CurrentActor, read: Read, now: Now, report_id: UUID) -> HTMLResponse:
    return await _missing(request, actor, read, now, report_id, {}, {}, 200)


@router.post("/{report_id}/missing", dependencies=[needs(ANSWER)])
async def missing(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID) -> Response:
    values = await _sent(request, *reporting.CLAIMS["missing"], "note")
    claims = {name: text for name, text in values.items() if name != "note" and text}
    try:
        await commands.add_missing(tx, actor, report_id, claims, values["note"][:1000], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _missing(request, actor, tx, now, report_id, values, _errors(request, refusal), 422)
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
    values = await _sent(request, *reporting.CLAIMS[kind], "note")
    claims = {name: text for name, text in values.items() if name != "note" and text}
    if claims.get("ended_on") and (day := forms.read_day(claims["ended_on"])) is not None:
        claims["ended_on"] = day.isoformat()
    said = commands.Said(no, "disputed", claims, values["note"][:1000])
    try:
        await commands.answer(tx, actor, report_id, [said], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _one_line(request, actor, tx, now, report_id, no, values, _errors(request, refusal), 422)
    return see_other(request, f"/sharing/reports/{report_id}", said=gettext_of(request, N_("Dispute noted.")))


@router.post("/{report_id}/lines/{no}/settlement", dependencies=[needs(SETTLE)])
async def settle(request: Request, actor: CurrentActor, tx: Tx, now: Now, report_id: UUID, no: int) -> Response:
    values = await _sent(request, "outcome", "settlement_note")
    outcome = "accepted" if values["outcome"] == "accepted" else "rejected"
    try:
        await commands.settle(tx, actor, report_id, no, outcome, values["settlement_note"][:1000], now=now)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        errors = {"settlement_note": " ".join(_errors(request, refusal).values())}
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
    names = await structures.organisation_names(read)
    open_round = told["cycle"]["closed_at"] is None
    context = {
        "row": _line(row, names, lang),
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
