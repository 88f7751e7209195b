"""The law as data: what is published, what is being written; a draft is tried before it is published."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Form, Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import N_, Fault, Invalid, Refusal, Stale
from kernel.web.forms import read_day
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import DraftBroken
from services.permits.domain.simulation import simulate
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Writing
from services.permits.ui.words import CLOCKS

router = ui_router("/permits/law")
HERE = "/permits/law"
READ = "permits:law:draft"
MOST = 200
SHOWN_MOVES = 100
# So long before a calendar ends it says so: the next one needs the yearly decision on holidays, drafting and a trial.
WARNED = timedelta(days=183)
NOT_JSON = N_("This is no JSON: line {line}, column {column}.")
NOT_OBJECT = N_("The draft is one JSON object.")


@router.get("", dependencies=[needs(READ)])
async def law(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    """Every published version by work, the calendar with its end, the drafts."""
    words = scene.words
    drafts = await queries.law_drafts(read, queries.DraftsAsked(), limit=MOST)
    procedures = [each for _, each in await queries.procedures(read)]
    context = {
        "procedures": [
            {
                "label": each.label,
                "title": getattr(each.title, words.lang),
                "work": words.code("work", each.work),
                "valid_from": words.day(each.valid_from),
                "valid_to": words.day(each.valid_to - timedelta(days=1)) if each.valid_to else "",
                "in_force": each.valid_from <= scene.today and (each.valid_to is None or scene.today < each.valid_to),
                "source": each.source,
            }
            for each in procedures
        ],
        "drafts": [
            {**each, "changed_at": datetime.fromisoformat(each["changed_at"])} for each in orjson.loads(drafts.items)
        ],
        "calendar": scene.calendar,
        "ends_soon": scene.calendar.ends_on - scene.today < WARNED,
    }
    return render(request, "permits/law.html", context)


@router.post("", dependencies=[needs(READ)])
async def begin(
    request: Request, actor: CurrentActor, tx: Tx, scene: Writing, of: Annotated[str, Form(max_length=120)] = "calendar"
) -> Response:
    """A draft that begins as the version it follows."""
    kind, body = ("calendar", _next_calendar(scene)) if of == "calendar" else ("procedure", await _next(tx, of))
    draft_id = await commands.draft_law(tx, actor, new_id(), kind, body, now=scene.now)
    return see_other(request, f"{HERE}/{draft_id}", said=scene.words._("A draft is begun."))


async def _next(tx: queries.Session, label: str) -> dict[str, Any]:
    published = [each for _, each in await queries.procedures(tx)]
    of = next((each for each in published if each.label == label), published[0])
    last = max(each.version for each in published if each.code == of.code)
    return {**of.model_dump(mode="json", by_alias=True), "version": last + 1}


def _next_calendar(scene: Scene) -> dict[str, Any]:
    held = scene.calendar
    return {
        "area": held.area,
        "no": held.no + 1,
        "starts_on": held.starts_on.isoformat(),
        "ends_on": held.ends_on.replace(year=held.ends_on.year + 1).isoformat(),
        "cutoff": held.cutoff.isoformat(),
        "half_cutoff": held.half_cutoff.isoformat(),
        "source": "",
        "days": [day.model_dump(mode="json", exclude_none=True) for day in held.days],
    }


@router.get("/{id}", dependencies=[needs(READ)])
async def draft(
    id: UUID,
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    received: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The text, what is wrong with it, what it would move, and its clocks played from a day of receipt."""
    held = await queries.law_draft(read, id)
    return await _page(request, actor, read, scene, held, None, {}, received)


async def _page(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    held: queries.LawDraft,
    values: dict[str, str] | None,
    errors: dict[str, str],
    received: str = "",
) -> Response:
    words = scene.words
    trial = await commands.try_draft(session, actor, held, settings=scene.settings, now=scene.now)
    text = json.dumps(held.body, ensure_ascii=False, indent=2)
    day = read_day(received) if received else scene.today
    moves = trial.preview.moves if trial.preview else []
    context = {
        "draft": held,
        "values": values or {"body": text, "version": str(held.version)},
        "errors": errors,
        "faults": [(each.pointer, words._(each.detail).format(**each.params)) for each in trial.faults],
        "moves": [
            (
                each.number,
                words._(CLOCKS.get(each.clock, each.clock)),
                words.code("function", each.function) if each.function else "",
                words.day(each.due_on),
                words.day(each.moved_to),
            )
            for each in moves[:SHOWN_MOVES]
        ],
        "moved": len(moves),
        "running": trial.preview.running if trial.preview else None,
        "played": _played(held, scene, day) if not trial.faults and day else [],
        "received": f"{day:%d/%m/%Y}" if day else received,
    }
    return render(request, "permits/law_draft.html", context, 422 if errors else 200)


def _played(held: queries.LawDraft, scene: Scene, day: Any) -> list[tuple[str, str, str]]:
    """Each clock of a dossier received that morning, found complete at once and never answered."""
    if held.kind != "procedure":
        return []
    words, procedure = scene.words, Procedure.model_validate(held.body)
    at = scene.now.replace(year=day.year, month=day.month, day=day.day, hour=2, minute=0, second=0, microsecond=0)
    try:
        found = simulate(procedure, scene.calendar, at, [], until=day + timedelta(days=400))
    except Refusal as refusal:
        return [(refusal.say(words._), "", "")]
    rows = []
    for (clock, review), reading in found.readings.items():
        function = words.code("function", found.functions[review]) if review is not None else ""
        rows.append((words._(CLOCKS.get(clock, clock)), function, words.day(reading.due_on)))
    return rows


@router.post("/{id}", dependencies=[needs(READ)])
async def change(id: UUID, request: Request, actor: CurrentActor, tx: Tx, scene: Writing) -> Response:
    """`step`: keep writes the draft, publish ends it."""
    _, values = await forms.sent(request)
    held, words = await queries.law_draft(tx, id, lock=True), scene.words
    try:
        if values.get("version") != str(held.version):
            raise Stale
        if values.get("step") == "publish":
            await commands.publish_draft(tx, actor, held, settings=scene.settings, now=scene.now)
            return see_other(request, HERE, said=words._("{name} is published.", name=held.name))
        body = _read(values.get("body", ""))
        await commands.change_draft(tx, actor, held, body, now=scene.now)
    except (Invalid, Stale) as refusal:
        found = forms.errors_of(refusal, words)
        errors = {name if name == "body" else "": text for name, text in found.items()}
        kept = {**values, "version": str(held.version)} if values.get("body") else None
        return await _page(request, actor, tx, scene, held, kept, errors)
    return see_other(request, f"{HERE}/{id}", said=words._("The draft is kept."))


def _read(text: str) -> dict[str, Any]:
    """Raises DraftBroken (422) with the place."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        params = {"line": error.lineno, "column": error.colno}
        raise DraftBroken(errors=[Fault("/body", "json", NOT_JSON, **params)]) from error
    if not isinstance(body, dict):
        raise DraftBroken(errors=[Fault("/body", "json", NOT_OBJECT)])
    return body
