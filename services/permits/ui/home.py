"""The card of permits on the home page: what waits for the reader, with a button per line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, ui_router
from kernel.listing import Rows
from kernel.web.render import render
from services.permits import queries
from services.permits.ui import rows as listing
from services.permits.ui.gate import needs
from services.permits.ui.lists import USUAL
from services.permits.ui.scene import Reading, Scene, is_officer

router = ui_router("/permits")
SHOWN = 7
LONG = 12
LOOKED_AT = 200


@dataclass(frozen=True)
class Task:
    row: listing.Row
    title: str
    text: str
    verb: str
    href: str
    primary: bool


@router.get("/home-card", dependencies=[needs("permits:home:read")])
async def home_card(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    """A fragment, empty for somebody who has nothing to do with dossiers; beside it the name of his organisation."""
    if is_officer(actor):
        card = await _officer(request, actor, read, scene)
    elif "applicant" in actor.capabilities:
        card = await _applicant(request, actor, read, scene)
    else:
        card = HTMLResponse("")
    card.headers["X-Org-Name"] = quote(request.state.org_name)
    return card


def _loaded(found: Rows) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(found.items)
    return rows


async def _rows(read: queries.Session, scene: Scene, found: Sequence[Mapping[str, Any]]) -> list[listing.Row]:
    heads = listing.columns(found, scene.words, USUAL)
    places = await queries.unit_names(read, [site["commune"] for row in found for site in row["sites"]])
    return listing.build(found, scene.words, heads=heads, places=places, today=scene.today, calendar=scene.calendar)


async def _officer(request: Request, actor: Actor, read: queries.Session, scene: Scene) -> Response:
    horizon = scene.horizon()
    found = _loaded(await queries.queue(read, queries.QueueAsked(), actor=actor, horizon=horizon, limit=LOOKED_AT))
    waiting = [row for row in found if row["deadline"]["state"] == "running"]
    acting = [row for row in waiting if _officer_verb(row, actor, scene)[0]]
    shown = acting[:SHOWN]
    built = await _rows(read, scene, shown)
    tasks = [
        _officer_task(data, row, actor, scene, place == 0)
        for place, (data, row) in enumerate(zip(shown, built, strict=True))
    ]
    counts = await queries.queue_counts(read, actor=actor, horizon=horizon)
    running = [] if tasks else await _running(read, actor, scene)
    context = {
        "tasks": tasks,
        "running": running,
        "counts": counts,
        "more": max(len(acting) - SHOWN, 0),
        "total": len(acting),
    }
    return render(request, "permits/home_officer.html", context)


async def _running(read: queries.Session, actor: Actor, scene: Scene) -> list[tuple[listing.Row, str]]:
    """The newest dossiers on their way, for a reader who has nothing to do about them but to watch."""
    found = _loaded(await queries.applications(read, queries.ApplicationsAsked(), actor=actor, limit=LOOKED_AT))
    running = [row for row in found if row["state"] in RUNNING][:LONG]
    built = await _rows(read, scene, running)
    return [(row, _waits(data, row, scene)) for data, row in zip(running, built, strict=True)]


def _officer_verb(data: Mapping[str, Any], actor: Actor, scene: Scene) -> tuple[str, str]:
    """What the reader himself can do about the deadline that is nearest: verb and address."""
    base, words = f"/permits/applications/{data['id']}", scene.words
    if data["asked"]:
        may = actor.can("reviewer", "head")
        return (words._("Give the opinion"), f"{base}/opinion?function={data['asked']}") if may else ("", "")
    if data["state"] in ("received", "supplemented") and actor.can("registrar", "lead"):
        return words._("Check the parts"), f"{base}/completeness"
    if data["state"] == "ready" and actor.can("lead"):
        return words._("Decide"), f"{base}/decision"
    return "", ""


def _officer_task(data: Mapping[str, Any], row: listing.Row, actor: Actor, scene: Scene, primary: bool) -> Task:
    words = scene.words
    verb, href = _officer_verb(data, actor, scene)
    asked = words._("Opinion on {function}", function=words.code("function", data["asked"])) if data["asked"] else ""
    text = f"{row.applicant} · {row.place} · {asked or row.step}"
    return Task(row, f"{row.number} · {row.work}", text, verb, href, primary)


async def _applicant(request: Request, actor: Actor, read: queries.Session, scene: Scene) -> Response:
    found = _loaded(await queries.applications(read, queries.ApplicationsAsked(), actor=actor, limit=LOOKED_AT))
    built = await _rows(read, scene, found)
    pairs = list(zip(found, built, strict=True))
    tasks = [task for data, row in pairs if (task := _applicant_task(data, row, scene))]
    running = [(row, _waits(data, row, scene)) for data, row in pairs if data["state"] in RUNNING]
    context = {
        "tasks": tasks[:SHOWN],
        "total": len(tasks),
        "more": max(len(tasks) - SHOWN, 0),
        "running": running[:SHOWN],
        "running_total": len(running),
    }
    return render(request, "permits/home_applicant.html", context)


RUNNING = ("received", "supplemented", "under_review", "ready")


def _applicant_task(data: Mapping[str, Any], row: listing.Row, scene: Scene) -> Task | None:
    base, words = f"/permits/applications/{data['id']}", scene.words
    if data["state"] == "incomplete":
        text = words._("The department asked for more. The time limit is paused until then.")
        title = words._("Supplement {number}", number=row.number)
        return Task(row, title, text, words._("Supplement"), f"{base}/supplement", True)
    if data["state"] == "decided" and data["decision"]["may_build"]:
        began = (data["works"] or {}).get("commencement")
        if began is None:
            text = words._(
                "{work} · {place}. The works may begin once they are notified.", work=row.work, place=row.place
            )
            return Task(
                row,
                words._("Notify the commencement of {number}", number=row.number),
                text,
                words._("Notify"),
                f"{base}/notice",
                False,
            )
        text = words._("{work} · {place}. Works began on {day}.", work=row.work, place=row.place, day=words.day(began))
        return Task(
            row,
            words._("Notify the completion of {number}", number=row.number),
            text,
            words._("Notify"),
            f"{base}/notice",
            False,
        )
    return None


def _waits(data: Mapping[str, Any], row: listing.Row, scene: Scene) -> str:
    words = scene.words
    if data["state"] == "under_review":
        owing = [words.code("function", r["function"]) for r in data["reviews"] if not r["outcome"]]
        if len(owing) == len(data["reviews"]) > 2:
            return words._("All {n} asked", n=len(owing))
        return ", ".join(owing)
    return words.org_in_full(data["lead"])
