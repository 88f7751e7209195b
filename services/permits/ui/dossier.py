"""The workspace of one dossier."""

import contextlib
from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import Response

from contracts.registry import NearMast
from kernel.bus import Bus
from kernel.edge import CurrentActor, Read, ui_router
from kernel.errors import Refusal
from kernel.web import formats
from kernel.web.formats import unit_in_text
from kernel.web.render import render
from services.permits import clients, queries
from services.permits.domain import policy
from services.permits.ui import clock_view, notices, sharing, steps, workspace
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Seen, is_officer
from services.permits.ui.words import CONDITION_STATES, TONES

router = ui_router("/permits/applications/{id}")
RADIUS_M = 1000.0
MOST = 12
MESSAGES = 100


@router.get("", dependencies=[needs("permits:application:read")])
async def application(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    dossier: Seen,
    part: Annotated[str | None, Query(max_length=80)] = None,
) -> Response:
    """Everything about a dossier on one page, the next action first."""
    detail = await queries.detail(read, dossier.id, actor=actor)
    said = await queries.messages(read, dossier, queries.MessagesAsked(), actor=actor, limit=MESSAGES)
    traced = await queries.clocks(read, dossier.id, actor=actor, area=scene.settings.area, now=scene.now)
    site = detail["sites"][0]
    places = await queries.unit_names(read, [each["commune"] for each in detail["sites"]])
    near, away = await _neighbours(request.app.state.bus, site, scene)
    rows = workspace.near_rows(near, scene.words)
    functions = sorted(actor.functions) or [review.function for review in dossier.reviews if review.org in dossier.orgs]
    clock = clock_view.shown(traced.clocks, functions if is_officer(actor) else [])
    parts = workspace.parts(detail, dossier, scene)
    chosen = next((each for each in parts if each.key == part), parts[0] if parts else None)
    context = {
        "detail": detail,
        "dossier": dossier,
        "title": f"{scene.words.work(site)}, {unit_in_text(places.get(site['commune'], site['commune']))}",
        "site": site,
        "places": places,
        "badge": (scene.words.step(dossier.state), TONES[dossier.state]),
        "applicant": scene.words.org_in_full(dossier.applicant_org),
        "procedure_title": getattr(dossier.procedure.title, scene.words.lang),
        "action": workspace.next_action(detail, dossier, actor, scene),
        "more": workspace.more_actions(dossier, actor, scene.words),
        "builds": dossier.procedure.effect == "build",
        "steps": steps.steps(detail, dossier, actor, scene),
        "facts": workspace.site_facts(site, scene, places.get(site["commune"], site["commune"])),
        "map": workspace.map_settings(site, rows, scene.settings.tile_url),
        "near": rows,
        "registry_away": away,
        "parts": parts,
        "chosen": chosen,
        "clock": clock_view.view(traced, clock, scene.words, scene.today) if clock else None,
        "chip": _chip(clock, scene),
        "opinions": workspace.opinions(detail, dossier, actor, scene),
        "shares": detail["sharing"],
        "share_rows": sharing.rows(detail["sharing"]["options"], scene.words),
        "messages": notices.thread(orjson.loads(said.items), actor, scene),
        "may_write": policy.allowed(actor, "permits:message:write", dossier.standing),
        "words": scene.words,
        "condition_states": {code: (scene.words._(name), tone) for code, (name, tone) in CONDITION_STATES.items()},
        "officer": is_officer(actor),
        "received": formats.moment(dossier.received_at, scene.words.lang),
    }
    return render(request, "permits/dossier.html", context)


def _chip(clock: Any, scene: Scene) -> Any:
    if clock is None or clock.state == "stopped":
        return scene.words.chip(None, scene.today, scene.calendar)
    deadline = {"state": clock.state, "due_on": clock.due_on, "remaining": clock.remaining}
    return scene.words.chip(deadline, scene.today, scene.calendar)


async def _neighbours(bus: Bus, site: dict[str, Any], scene: Scene) -> tuple[list[NearMast], bool]:
    """The masts around the point, and whether the registry could not be asked."""
    with contextlib.suppress(Refusal):
        found = await clients.masts_near(bus, lon=site["lon"], lat=site["lat"], radius_m=RADIUS_M, as_of=scene.today)
        return [mast for mast in found.items if str(mast.id) != site["structure_id"]][:MOST], False
    return [], True
