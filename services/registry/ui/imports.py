"""Imports step by step: send a file, confirm its columns, see every fault, decide, record, take the result along."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from kernel.clock import local_date
from kernel.db import Database
from kernel.edge import CurrentActor, Now, Read, Tx, require_match, ui_router
from kernel.errors import N_, Refusal
from kernel.export import CSV, ROWS_AT_ONCE, Batch, exported
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.registry import data
from services.registry.commands import import_jobs as commands
from services.registry.domain import importing, policy
from services.registry.domain.files import headings
from services.registry.domain.importing import ImportNotFound, fault_told, line_told
from services.registry.domain.status import STATUSES
from services.registry.domain.structure import FACTS
from services.registry.queries import imports as queries
from services.registry.queries import places
from services.registry.ui import import_words
from services.registry.ui import words as facts
from services.registry.ui.gate import needs

router = ui_router("/registry")
READ, IMPORT = [needs("registry:import:read")], [needs("registry:structure:import")]
PAGE = "/registry/imports"
LISTED = 30
SHOWN = 100


@router.get("/imports", dependencies=READ)
async def listing(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    return await _list(request, read, actor, now, {}, {})


async def _list(
    request: Request, read: Any, actor: Any, now: datetime, values: dict[str, str], errors: dict[str, str],
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    await _name(request, read, actor, now)
    found = await queries.imports(read, actor, queries.ImportsAsked(), limit=LISTED)
    rows = [
        {**row, "created_at": datetime.fromisoformat(row["created_at"]), "href": f"{PAGE}/{row['id']}"}
        for row in json.loads(found.items)
    ]
    context = {
        "rows": rows,
        "may_send": policy.may(actor, commands.PERMISSION, actor.org),
        "kinds": [(kind, gettext_of(request, import_words.KIND[kind])) for kind in FACTS],
        "modes": _modes(request),
        "values": {"kind": "mast", "on_duplicate": "skip", **values},
        "errors": errors,
        "words": import_words,
        "limit": request.app.state.settings.import_file_mb,
    }
    return render(request, "registry/imports.html", context, status)


def _modes(request: Request) -> list[tuple[str, str]]:
    return [(mode, gettext_of(request, text)) for mode, text in import_words.ON_DUPLICATE.items()]


async def _name(request: Request, read: Any, actor: Any, now: datetime) -> None:
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), locale_of(request))


@router.post("/imports", dependencies=IMPORT)
async def send(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    form = await request.form()
    values = {name: str(form.get(name) or "") for name in ("kind", "on_duplicate")}
    kind = values["kind"] if values["kind"] in FACTS else "mast"
    mode = values["on_duplicate"] if values["on_duplicate"] in import_words.ON_DUPLICATE else "skip"
    settings, upload = request.app.state.settings, form.get("file")
    try:
        if not isinstance(upload, UploadFile) or not upload.size:
            raise commands.NoFile
        async with commands.take(
            _body(upload), upload.filename or "", settings.import_file_mb, settings.import_geojson_mb
        ) as taken:
            job = await commands.receive(tx, actor, kind, taken, now=now, on_duplicate=mode)
    except Refusal as refusal:
        return await _list(request, tx, actor, now, values, {"file": _text(request, refusal)}, 422)
    return see_other(request, f"{PAGE}/{job.id}", said=gettext_of(request, "The file has arrived."))


async def _body(upload: UploadFile) -> AsyncIterator[bytes]:
    while piece := await upload.read(1 << 20):
        yield piece


def _words(request: Request) -> Callable[[str], str]:
    say: Callable[[str], str] = frame_of(request).translations(locale_of(request)).gettext
    return say


def _text(request: Request, refusal: Refusal) -> str:
    say = _words(request)
    return "; ".join(say(f.detail).format(**f.params) for f in refusal.errors) or refusal.say(say)


@router.get("/imports/{import_id}", dependencies=READ)
async def one(request: Request, actor: CurrentActor, read: Read, now: Now, import_id: UUID) -> HTMLResponse:
    return await _job(request, read, actor, now, import_id)


async def _job(
    request: Request, read: Any, actor: Any, now: datetime, import_id: UUID, trouble: str = "",
    typed: Mapping[str, Any] | None = None,
) -> HTMLResponse:  # fmt: skip
    seen = await queries.import_job(read, actor, import_id)
    if seen is None:
        raise ImportNotFound
    await _name(request, read, actor, now)
    job, say = seen.job, _words(request)
    checked = job.state not in ("received", "read", "checking", "failed")
    context = {
        "job": job,
        "seen": seen,
        "trouble": trouble,
        "words": import_words,
        "working": job.state in importing.WORKING,
        "may_act": policy.may(actor, commands.PERMISSION, job.org),
        "notes": [fault_told(note, say)["detail"] for note in job.notes],
        "faults_of_file": [fault_told(fault, say)["detail"] for fault in job.error or ()],
        "faults": await _faults(request, read, actor, import_id) if checked else [],
        "near": await _near(read, actor, import_id) if job.state == importing.CHECKED else [],
        "rows": await _rows(read, actor, import_id) if checked else [],
        "fields": [(name, say(import_words.FIELD.get(name, name))) for name in headings.fields_of(job.kind)],
        "modes": _modes(request),
        "zones": [(zone.code, getattr(zone.title, locale_of(request))) for zone in data.headings().zones],
        "defaults": await _defaults(request, read, now),
        "values": {**_values(job), **(typed or {})},
        "setting_up": job.state == "read" or (job.state == "checked" and request.query_params.get("columns") == "1"),
        "href": f"{PAGE}/{job.id}",
        "shown": SHOWN,
    }
    response = render(request, "registry/import.html", context, 422 if trouble else 200)
    if request.headers.get("hx-request") and not context["working"]:
        # What asked is the progress; there is more to see now.
        response.headers["HX-Refresh"] = "true"
    return response


def _values(job: Any) -> dict[str, Any]:
    return {
        **{f"field-{place}": column["field"] or "" for place, column in enumerate(job.columns)},
        **{f"default-{name}": text for name, text in job.defaults.items()},
        **{name: str(value) for name, value in job.reading.items()},
        "zone": job.zone or "",
        "on_duplicate": job.on_duplicate,
    }


async def _defaults(request: Request, read: Any, now: datetime) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What may be said for rows whose column is missing: lists of choices, an empty one for a day that is typed."""
    owners = json.loads(await places.organisations(read, as_of=local_date(now)))
    lang = locale_of(request)
    choices: dict[str, list[tuple[str, str]]] = {
        "owner": [(o["code"], o["short"]) for o in owners if o["kind"] in facts.OWNER_KINDS],
        "status": [(s, gettext_of(request, facts.STATUS[s])) for s in STATUSES],
        "valid_from": [],
        "code_system": [(s.code, getattr(s.title, lang)) for s in data.codes().systems],
        "evidence": [(str(level), gettext_of(request, text)) for level, text in facts.EVIDENCE.items()],
    }
    return [(name, gettext_of(request, import_words.FIELD[name]), choices[name]) for name in import_words.DEFAULTS]


async def _faults(request: Request, read: Any, actor: Any, import_id: UUID) -> list[dict[str, Any]]:
    found = await queries.faults(read, actor, import_id, queries.FaultsAsked(), limit=SHOWN)
    return [line_told(item, _words(request)) for item in json.loads(found.items)]


async def _near(read: Any, actor: Any, import_id: UUID) -> list[dict[str, Any]]:
    found = await queries.rows(read, actor, import_id, queries.RowsAsked(plan="near"), limit=SHOWN)
    return list(json.loads(found.items))


async def _rows(read: Any, actor: Any, import_id: UUID) -> list[dict[str, Any]]:
    found = await queries.rows(read, actor, import_id, queries.RowsAsked(), limit=LISTED)
    return list(json.loads(found.items))


async def _acted(
    request: Request, tx: Any, actor: Any, now: datetime, import_id: UUID, act: Any, said: str
) -> Response:
    """Does it; a refusal shows the page again with what stands against it and what was typed."""
    form = await request.form()
    typed = {name: value for name, value in form.items() if isinstance(value, str)}
    version = typed.get("version", "")
    check = partial(require_match, f'"{version}"')
    try:
        await act(typed, check)
    except ImportNotFound:
        raise
    except Refusal as refusal:
        return await _job(request, tx, actor, now, import_id, _text(request, refusal), typed)
    return see_other(request, f"{PAGE}/{import_id}", said=gettext_of(request, said))


@router.post("/imports/{import_id}/settings", dependencies=IMPORT)
async def set_up(request: Request, actor: CurrentActor, tx: Tx, now: Now, import_id: UUID) -> Response:
    async def act(typed: Mapping[str, str], check: Any) -> None:
        seen = await queries.import_job(tx, actor, import_id)
        if seen is None:
            raise ImportNotFound
        fields = {
            column["heading"]: typed[f"field-{place}"]
            for place, column in enumerate(seen.job.columns)
            if typed.get(f"field-{place}")
        }
        defaults = {n: typed[f"default-{n}"].strip() for n in import_words.DEFAULTS if typed.get(f"default-{n}")}
        # What a column says needs no default beside it.
        defaults = {name: text for name, text in defaults.items() if name not in fields.values()}
        row = typed.get("header_row", "")
        mode = typed.get("on_duplicate", "skip")
        setup = commands.Setup(
            fields, on_duplicate=mode if mode in import_words.ON_DUPLICATE else "skip",
            zone=typed.get("zone") or None, defaults=defaults, encoding=typed.get("encoding") or None,
            legacy=typed.get("legacy") or None, sheet=typed.get("sheet") or None,
            header_row=int(row) if row.isdigit() and 1 <= int(row) <= 20 else None,
        )  # fmt: skip
        await commands.set_up(tx, actor, import_id, setup, now=now, check=check)

    return await _acted(request, tx, actor, now, import_id, act, N_("The whole file is being checked."))


@router.post("/imports/{import_id}/decisions", dependencies=IMPORT)
async def decide(request: Request, actor: CurrentActor, tx: Tx, now: Now, import_id: UUID) -> Response:
    async def act(typed: Mapping[str, str], check: Any) -> None:
        said_ = {name.removeprefix("row-"): value for name, value in typed.items() if name.startswith("row-") and value}
        decisions = {int(no): value for no, value in said_.items() if no.isdigit()}
        await commands.decide(tx, actor, import_id, decisions, now=now, check=check)

    return await _acted(request, tx, actor, now, import_id, act, N_("Decisions kept."))


@router.post("/imports/{import_id}/run", dependencies=IMPORT)
async def run(request: Request, actor: CurrentActor, tx: Tx, now: Now, import_id: UUID) -> Response:
    async def act(typed: Mapping[str, str], check: Any) -> None:
        undecided = typed.get("undecided", "")
        await commands.start(
            tx, actor, import_id, now=now, leave_out_faulty=bool(typed.get("leave_out_faulty")),
            undecided=undecided if undecided in ("new", "skip") else None, check=check,
        )  # fmt: skip

    return await _acted(request, tx, actor, now, import_id, act, N_("The rows are being recorded."))


@router.post("/imports/{import_id}/cancellation", dependencies=IMPORT)
async def cancel(request: Request, actor: CurrentActor, tx: Tx, now: Now, import_id: UUID) -> Response:
    async def act(typed: Mapping[str, str], check: Any) -> None:
        # Whatever its version is by now: the worker moves it on while a person reads.
        await commands.cancel(tx, actor, import_id, now=now)

    return await _acted(request, tx, actor, now, import_id, act, N_("The import is cancelled."))


@router.get("/imports/{import_id}/faults.csv", dependencies=READ)
async def faults_file(request: Request, actor: CurrentActor, import_id: UUID) -> Response:
    """Every fault, to be mended beside the file."""
    await _seen(request, actor, import_id)
    columns = ("row", "column", "code", "detail")
    return await exported(CSV, "import-faults", columns, partial(_fault_batch, request, actor, import_id))


async def _seen(request: Request, actor: Any, import_id: UUID) -> None:
    async with request.app.state.database.look() as read:
        if await queries.import_job(read, actor, import_id) is None:
            raise ImportNotFound


async def _fault_batch(request: Request, actor: Any, import_id: UUID, after: list[Any] | None) -> Batch:
    database: Database = request.app.state.database
    async with database.look() as read:
        found = await queries.faults(read, actor, import_id, queries.FaultsAsked(), limit=ROWS_AT_ONCE, after=after)
    say = _words(request)
    return Batch([line_told(item, say) for item in json.loads(found.items)], found.after)


@router.get("/imports/{import_id}/rows.csv", dependencies=READ)
async def result_file(request: Request, actor: CurrentActor, import_id: UUID) -> Response:
    """What became of each row, with the public number of its structure."""
    await _seen(request, actor, import_id)
    columns = ("row", "plan", "outcome", "public_no", "owner", "name", "valid_from", "decision")
    return await exported(CSV, "import-rows", columns, partial(_row_batch, request, actor, import_id))


async def _row_batch(request: Request, actor: Any, import_id: UUID, after: list[Any] | None) -> Batch:
    database: Database = request.app.state.database
    async with database.look() as read:
        found = await queries.rows(read, actor, import_id, queries.RowsAsked(), limit=ROWS_AT_ONCE, after=after)
    return Batch(json.loads(found.items), found.after)
