"""A structure's whole history: who said what and when, both times as a picture, and the undoing of a change."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, require_match, ui_router
from kernel.errors import N_, Refusal
from kernel.history import Change
from kernel.web import formats
from kernel.web.i18n import locale_of
from kernel.web.render import gettext_of, render, see_other
from services.registry.commands import structures as commands
from services.registry.commands.structures import StructureNotFound
from services.registry.domain import lanes, policy, retelling
from services.registry.queries import histories, places
from services.registry.queries.histories import History
from services.registry.ui import words
from services.registry.ui.gate import needs
from services.registry.ui.speaker import Speaker

router = ui_router("/registry")
CORRECT = "registry:structure:correct"
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 320, 96, 28
REASON_MISSING = N_("Say why, for whoever reads the history.")


async def _told(read: Any, actor: Any, kind: str, structure_id: UUID, now: datetime) -> tuple[History, list[Change]]:
    """Raises StructureNotFound (404), NotAllowed (403) for somebody who sees the structure but not its log."""
    told = await histories.history(read, actor, kind, structure_id, today=local_date(now))
    if told is None:
        raise StructureNotFound
    policy.require(actor, "registry:structure:history", told.owner)
    return told, [lanes.change_of(said) for said in told.changes]


async def _speaker(request: Request, read: Any, actor: Any, told: History, now: datetime) -> Speaker:
    said = [change["patch"] for change in told.changes]
    owners = {str(patch["owner"]) for patch in said if patch.get("owner")}
    units = {str(patch["commune"]) for patch in said if patch.get("commune")}
    today = local_date(now)
    names = await places.names(read, as_of=today, organisations=owners, units=units)
    request.state.org_name = await places.organisation_name(read, actor.org, today, locale_of(request))
    return Speaker(request, names, {one["id"]: one for one in told.changes})


def _row(speaker: Speaker, one: retelling.Retold) -> dict[str, Any]:
    said = speaker.logged[str(one.change.id)]
    end = one.change.valid_to
    return {
        "id": one.change.id,
        "no": one.change.no,
        "act": words.ACT.get(one.change.act, one.change.act),
        "recorded": one.change.recorded_at,
        "who": said["actor"],
        "org": said["org"],
        "reason": said["reason"],
        "start": one.change.valid_from,
        "end": end - timedelta(days=1) if end else None,
        "facts": [
            {
                "name": words.FACT.get(fact.name, fact.name),
                "before": None if fact.before is None else speaker.value(fact.name, fact.before),
                "after": None if fact.after is None else speaker.value(fact.name, fact.after),
            }
            for fact in one.facts
        ],
        "level": words.EVIDENCE[one.change.evidence],
        "tone": words.evidence_tone(one.change.evidence),
        "ground": words.ground(said["evidence_ref"], speaker.say),
        "speaks": one.speaks,
        "corrects": one.corrects.no if one.corrects else None,
        "corrected_by": one.corrected_by.no if one.corrected_by else None,
        "can_undo": one.can_undo,
    }


def picture(boxes: Sequence[retelling.Box], today: date, lang: str) -> dict[str, Any]:
    """Days that are spoken of from left to right, the time of recording upwards; each belief a rectangle.

    The steps of recording are drawn alike, whatever lay between them: years of days, but often seconds of writing.
    """
    first = min((box.valid_from for box in boxes), default=today)
    last = max([today, *(box.valid_from for box in boxes), *(box.valid_to for box in boxes if box.valid_to)])
    first, last = first - timedelta(days=60), last + timedelta(days=max((last - first).days // 8, 90))
    moments = sorted({box.recorded_from for box in boxes} | {box.recorded_to for box in boxes if box.recorded_to})
    step = (HEIGHT - BOTTOM) / (len(moments) + 0.6)
    days = (last - first).days

    def x(day: date | None) -> float:
        return WIDTH if day is None else LEFT + (day - first).days / days * (WIDTH - LEFT)

    def y(moment: datetime | None) -> float:
        return 0 if moment is None else HEIGHT - BOTTOM - moments.index(moment) * step

    drawn = [
        {
            "x": round(x(box.valid_from), 1),
            "y": round(y(box.recorded_to), 1),
            "width": round(max(x(box.valid_to) - x(box.valid_from), 2), 1),
            "height": round(y(box.recorded_from) - y(box.recorded_to), 1),
            "open": box.recorded_to is None,
            "no": box.no,
        }
        for box in boxes
    ]
    years = list(range(first.year + 1, last.year + 1))
    every = max(len(years) // 10, 1)
    return {
        "boxes": drawn,
        "rows": [{"y": round(y(moment), 1), "text": formats.day(moment, lang)} for moment in moments],
        "years": [{"x": round(x(date(year, 1, 1)), 1), "text": str(year)} for year in years[::every]],
        "today": round(x(today), 1),
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "floor": HEIGHT - BOTTOM,
    }


async def _page(request: Request, actor: Any, read: Any, now: datetime, kind: str, structure_id: UUID) -> HTMLResponse:
    told, changes = await _told(read, actor, kind, structure_id, now)
    speaker = await _speaker(request, read, actor, told, now)
    context = {
        "title": told.name or told.public_no,
        "public_no": told.public_no,
        "href": f"/registry/{words.PLURAL[kind]}/{structure_id}",
        "collection": (gettext_of(request, words.COLLECTION[kind]), f"/registry/{words.PLURAL[kind]}"),
        "rows": [_row(speaker, one) for one in retelling.retold(changes)],
        "picture": picture(retelling.boxes(told.versions), local_date(now), locale_of(request)),
        "may_correct": policy.may(actor, CORRECT, told.owner),
    }
    return render(request, "registry/history.html", context)


async def _undo_page(
    request: Request, actor: Any, read: Any, now: datetime, kind: str, structure_id: UUID, change_id: UUID,
    errors: dict[str, str] | None = None, typed: dict[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    told, changes = await _told(read, actor, kind, structure_id, now)
    policy.require(actor, CORRECT, told.owner)
    target = next((one for one in changes if one.id == change_id), None)
    if target is None:
        raise StructureNotFound
    speaker = await _speaker(request, read, actor, told, now)
    found = retelling.undoing(changes, target)
    say = speaker.say
    rows = [
        (
            say(words.FACT.get(fact.name, fact.name)),
            say(N_("{before}, then {after}")).format(
                before=speaker.value(fact.name, fact.before), after=speaker.value(fact.name, fact.after)
            ),
        )
        for fact in found.facts
    ]
    href = f"/registry/{words.PLURAL[kind]}/{structure_id}"
    context = {
        "question": say(N_("Undo change {no} of {name}?")).format(no=target.no, name=told.name or told.public_no),
        "rows": rows,
        "effect": say(N_("A new entry takes the change back; nothing is erased, and the history shows both.")),
        "action": f"{href}/changes/{change_id}/undo",
        "verb": say(N_("Undo this change")),
        "symbol": "back",
        "back": (say(N_("Back to the history")), f"{href}/history"),
        "danger": True,
        "hidden": {"version": str(told.no)},
        "errors": errors or {},
        "values": typed or {},
        "conflicts": [
            {
                "id": str(one.id),
                "no": one.no,
                "day": one.valid_from,
                "facts": ", ".join(say(words.FACT.get(name, name)) for name in one.patch),
            }
            for one in found.conflicts
        ],
    }
    return render(request, "registry/undo.html", context, 422 if errors else 200)


async def _undo(
    request: Request, actor: Any, tx: Any, now: datetime, kind: str, structure_id: UUID, change_id: UUID
) -> Response:
    form = await request.form()
    typed = {"reason": str(form.get("reason") or "")[:1000], "version": str(form.get("version") or "")}
    despite = [UUID(one) for one in form.getlist("despite") if isinstance(one, str) and len(one) == 36]
    if not typed["reason"].strip():
        errors = {"reason": gettext_of(request, REASON_MISSING)}
        return await _undo_page(request, actor, tx, now, kind, structure_id, change_id, errors, typed)
    check = partial(require_match, f'"{typed["version"]}"')
    try:
        await commands.undo(
            tx, actor, kind, structure_id, change_id, now=now, reason=typed["reason"], despite=despite, check=check
        )
    except StructureNotFound:
        raise
    except Refusal as refusal:
        errors = {"": refusal.say(lambda text: gettext_of(request, text))}
        return await _undo_page(request, actor, tx, now, kind, structure_id, change_id, errors, typed)
    path = f"/registry/{words.PLURAL[kind]}/{structure_id}/history"
    return see_other(request, path, said=gettext_of(request, N_("The change is taken back.")))


def _add(kind: str) -> None:
    one = f"/{words.PLURAL[kind]}/{{structure_id}}"

    @router.get(f"{one}/history", dependencies=[needs("registry:structure:history")])
    async def history(request: Request, actor: CurrentActor, read: Read, now: Now, structure_id: UUID) -> HTMLResponse:
        return await _page(request, actor, read, now, kind, structure_id)

    @router.get(f"{one}/changes/{{change_id}}/undo", dependencies=[needs(CORRECT)])
    async def undo_question(
        request: Request, actor: CurrentActor, read: Read, now: Now, structure_id: UUID, change_id: UUID
    ) -> HTMLResponse:
        return await _undo_page(request, actor, read, now, kind, structure_id, change_id)

    @router.post(f"{one}/changes/{{change_id}}/undo", dependencies=[needs(CORRECT)])
    async def undo(
        request: Request, actor: CurrentActor, tx: Tx, now: Now, structure_id: UUID, change_id: UUID
    ) -> Response:
        return await _undo(request, actor, tx, now, kind, structure_id, change_id)


for _kind in words.PLURAL:
    _add(_kind)
