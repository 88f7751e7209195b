"""Rounds of reports, the reports of the enterprises and their lines, and what they add up to."""

from typing import Annotated, Any

from fastapi import Query, Request, Response, status

from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import JSON, XLSX, accepted, answered, listed_as
from kernel.listing import Rows
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of
from services.sharing.api import report_schemas as schemas
from services.sharing.api.gate import needs
from services.sharing.commands import province, report_rounds
from services.sharing.commands import reports as commands
from services.sharing.commands.province import PDF
from services.sharing.commands.report_contacts import set_contact
from services.sharing.queries import report_contacts as contact_queries
from services.sharing.queries import reports as queries
from services.sharing.queries import structures
from services.sharing.queries.consolidation import consolidated

router = api_router("/api/sharing/v1", ["reports"])
READ, ANSWER = "sharing:report:read", "sharing:report:answer"


@router.get("/report-cycles", dependencies=[needs(READ)], **listed_as(schemas.CyclePage))
async def list_report_cycles(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.CyclesAsked, Query()]
) -> Response:
    """Rounds of reports, newest first. How many reports are in, and how many are late; an enterprise sees its own."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.cycles(read, asked, actor=actor, now=now, limit=limit, after=after)

    return await answered(request, asked, fetch, name="report-cycles", columns=list(queries.CYCLE.members))


@router.post("/report-cycles", dependencies=[needs("sharing:report:open")], status_code=status.HTTP_201_CREATED)
async def ask_reports(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.CycleAsk, response: Response
) -> schemas.CycleMade:
    """Ask every enterprise for a report out of turn. The yearly round opens by itself."""
    made = await report_rounds.ask(tx, actor, body.title_vi, body.title_en, body.as_of, body.last_good_day, now=now)
    response.headers["Location"] = f"/api/sharing/v1/reports?cycle_id={made}"
    return schemas.CycleMade(id=made)


@router.post(
    "/report-cycles/{cycle_id}/renewal",
    dependencies=[needs("sharing:report:open")],
    status_code=status.HTTP_201_CREATED,
)
async def renew_report_cycle(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    cycle_id: schemas.CycleId,
    body: schemas.Nothing,
    if_match: IfMatch,
    response: Response,
) -> schemas.CycleRenewed:
    """Fill in anew the reports in which nothing was answered yet. As the register knows it now."""
    made, reports = await report_rounds.renew(tx, actor, cycle_id, now=now, if_match=if_match)
    return schemas.CycleRenewed(reports=reports, **_answered(made, response).model_dump())


@router.post(
    "/report-cycles/{cycle_id}/closure",
    dependencies=[needs("sharing:report:open")],
    status_code=status.HTTP_201_CREATED,
)
async def close_report_cycle(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    cycle_id: schemas.CycleId,
    body: schemas.Nothing,
    if_match: IfMatch,
    response: Response,
) -> schemas.CycleClosedRead:
    """Close a round of reports. Its reports change no more; disputes can still be settled."""
    made = await report_rounds.close(tx, actor, cycle_id, now=now, if_match=if_match)
    return schemas.CycleClosedRead(closed_at=now, **_answered(made, response).model_dump())


@router.get("/report-cycles/{cycle_id}", dependencies=[needs(READ)], response_model=schemas.CycleRead)
async def read_report_cycle(
    actor: CurrentActor, read: Read, now: Now, cycle_id: schemas.CycleId, response: Response
) -> Any:
    """One round of reports."""
    told = await queries.cycle(read, cycle_id, actor=actor, now=now)
    response.headers["ETag"] = entity_tag(told["version"])
    return told


@router.get(
    "/report-cycles/{cycle_id}/consolidation",
    dependencies=[needs("sharing:report:open")],
    response_model=schemas.ConsolidationRead,
    responses={
        200: {
            "content": {
                XLSX: {"schema": {"type": "string", "format": "binary"}},
                PDF: {"schema": {"type": "string", "format": "binary"}},
            }
        }
    },
)
async def read_consolidation(
    request: Request, actor: CurrentActor, read: Read, now: Now, cycle_id: schemas.CycleId
) -> Any:
    """The province's report. The forms 35 to 43 of Decree 163/2024 from all lines of a round, as JSON, XLSX or PDF.

    Lines count as they were told; a dispute that was accepted counts as claimed.
    """
    form = accepted(request, JSON, XLSX, PDF)
    cycle = await queries.cycle(read, cycle_id, actor=actor, now=now)
    forms = await consolidated(read, cycle, actor=actor)
    if form == JSON:
        return {"cycle": cycle, "forms": forms}
    lang = locale_of(request)
    say = frame_of(request).translations(lang).gettext
    names = await structures.organisation_names(read)
    written = await province.written(cycle, forms, names, say, lang, as_pdf=form == PDF, now=now)
    ending = "pdf" if form == PDF else "xlsx"
    headers = {"Content-Disposition": f'attachment; filename="report-{cycle["as_of"]}.{ending}"'}
    return Response(written, media_type=form, headers=headers)


@router.get("/reports", dependencies=[needs(READ)], **listed_as(schemas.ReportPage))
async def list_reports(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.ReportsAsked, Query()]
) -> Response:
    """Reports of the enterprises. How far each is, and which are late; an enterprise sees its own."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.reports(read, asked, actor=actor, now=now, limit=limit, after=after)

    return await answered(request, asked, fetch, name="reports", columns=list(queries.REPORT.members))


@router.get("/reports/{report_id}", dependencies=[needs(READ)], response_model=schemas.ReportRead)
async def read_report(
    actor: CurrentActor, read: Read, now: Now, report_id: schemas.ReportId, response: Response
) -> Any:
    """One report. Its round, how far it is, and every submission with its hash."""
    told = await queries.report(read, report_id, actor=actor, now=now)
    response.headers["ETag"] = entity_tag(told["version"])
    return told


@router.get("/reports/{report_id}/submissions/{no}", dependencies=[needs(READ)], response_model=schemas.SubmissionRead)
async def read_submission(actor: CurrentActor, read: Read, report_id: schemas.ReportId, no: schemas.VersionNo) -> Any:
    """A report as it was submitted. Whole, and never changed afterwards."""
    return await queries.submission(read, report_id, no, actor=actor)


@router.get("/report-lines", dependencies=[needs(READ)], **listed_as(schemas.LinePage))
async def list_report_lines(
    request: Request, actor: CurrentActor, asked: Annotated[queries.LinesAsked, Query()]
) -> Response:
    """Lines of reports. What was told, what is answered, how a dispute was settled, whether the register was mended."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.lines(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="report-lines", columns=list(queries.LINE.members))


@router.post("/reports/{report_id}/answers", dependencies=[needs(ANSWER)], status_code=status.HTTP_201_CREATED)
async def answer_report_lines(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    report_id: schemas.ReportId,
    body: schemas.AnswersGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.AnsweredRead:
    """Confirm or dispute lines of your report. All of the request are taken or none; `errors` names every wrong one."""
    said = [commands.Said(one.line, one.answer, one.claims, one.note) for one in body.items]
    return _answered(await commands.answer(tx, actor, report_id, said, now=now, if_match=if_match), response)


@router.post("/reports/{report_id}/confirmation", dependencies=[needs(ANSWER)], status_code=status.HTTP_201_CREATED)
async def confirm_report_lines(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    report_id: schemas.ReportId,
    body: schemas.Nothing,
    if_match: IfMatch,
    response: Response,
) -> schemas.AnsweredRead:
    """Confirm every line that has no answer yet."""
    return _answered(await commands.confirm_rest(tx, actor, report_id, now=now, if_match=if_match), response)


@router.post("/reports/{report_id}/lines", dependencies=[needs(ANSWER)], status_code=status.HTTP_201_CREATED)
async def add_report_line(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    report_id: schemas.ReportId,
    body: schemas.MissingGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.MissingRead:
    """Add a thing that the registry does not know. It becomes a disputed line of your report."""
    made, no = await commands.add_missing(tx, actor, report_id, body.claims, body.note, now=now, if_match=if_match)
    return schemas.MissingRead(line=no, **_answered(made, response).model_dump())


@router.post("/reports/{report_id}/submissions", dependencies=[needs(ANSWER)], status_code=status.HTTP_201_CREATED)
async def submit_report(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    report_id: schemas.ReportId,
    body: schemas.Nothing,
    if_match: IfMatch,
    response: Response,
) -> schemas.AnsweredRead:
    """Submit your report. It is kept whole as its next version; one that comes late is taken and marked as late."""
    return _answered(await commands.submit(tx, actor, report_id, now=now, if_match=if_match), response)


@router.post(
    "/reports/{report_id}/lines/{no}/settlement",
    dependencies=[needs("sharing:report:settle")],
    status_code=status.HTTP_201_CREATED,
)
async def settle_report_line(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    report_id: schemas.ReportId,
    no: schemas.LineNo,
    body: schemas.SettlementGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.LineRow:
    """Accept or reject what a line disputes. An accepted claim counts in the consolidation."""
    made = await commands.settle(tx, actor, report_id, no, body.outcome, body.note, now=now, if_match=if_match)
    response.headers["ETag"] = entity_tag(made.no)
    return schemas.LineRow.model_validate(await queries.line(tx, report_id, no, actor=actor))


@router.get("/report-contacts", dependencies=[needs(READ)], **listed_as(schemas.ContactPage))
async def list_report_contacts(
    request: Request, actor: CurrentActor, asked: Annotated[contact_queries.ContactsAsked, Query()]
) -> Response:
    """Where the enterprises are reminded by mail. Each sees its own, auditors all."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await contact_queries.contacts(read, asked, actor=actor, limit=limit, after=after)

    return await answered(request, asked, fetch, name="report-contacts", columns=list(contact_queries.CONTACT.members))


@router.post("/report-contacts", dependencies=[needs(ANSWER)], status_code=status.HTTP_201_CREATED)
async def set_report_contact(actor: CurrentActor, tx: Tx, now: Now, body: schemas.ContactSet) -> schemas.ContactRead:
    """Say where your enterprise is reminded of its reports. It takes the place of what was said before."""
    await set_contact(tx, actor, body.address, body.name, body.locale, now=now)
    return schemas.ContactRead(org=actor.org, address=body.address)


def _answered(made: commands.Changed, response: Response) -> schemas.AnsweredRead:
    response.headers["ETag"] = entity_tag(made.no)
    return schemas.AnsweredRead(id=made.id, version=made.no)
