"""Outlines of units: what there is, and an administrator's import."""

from datetime import timedelta
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import Fault, Invalid
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.registry.commands import boundaries as commands
from services.registry.domain import policy
from services.registry.queries import places
from services.registry.ui.gate import needs

router = ui_router("/registry")
PAGE = "/registry/boundaries"
SHOWN_FAULTS = 50


@router.get("/boundaries.geojson", dependencies=[needs("registry:boundary:read")])
async def outlines(read: Read, set: str) -> Response:
    """What the maps of the pages draw."""
    return Response(
        await places.boundaries(read, set),
        media_type="application/geo+json",
        headers={"Cache-Control": "private, max-age=300"},
    )


@router.get("/boundaries", dependencies=[needs("registry:boundary:import")])
async def listing(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    policy.require(actor, "registry:boundary:import")
    return await _page(request, read, actor, {}, {}, 200, now)


async def _page(
    request: Request, read: Any, actor: Any, values: dict[str, str], errors: dict[str, str], status: int, now: Any
) -> HTMLResponse:
    sets = await places.boundary_sets(read)
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), locale_of(request))
    imported = next((s for s in reversed(sets) if s.outlines), None)
    context = {
        "sets": sets,
        "last_days": {s.code: s.valid_to - timedelta(days=1) if s.valid_to else None for s in sets},
        "options": [(s.code, s.title[locale_of(request)]) for s in sets],
        "values": values,
        "errors": errors,
        "imported": imported,
    }
    return render(request, "registry/boundaries.html", context, status)


@router.post("/boundaries", dependencies=[needs("registry:boundary:import")])
async def import_(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    form = await request.form()
    typed = {"boundary_set": str(form.get("boundary_set") or ""), "source": str(form.get("source") or "")[:500]}
    policy.require(actor, "registry:boundary:import")
    try:
        counts = await commands.import_boundaries(
            tx,
            actor,
            await _collection(request, form.get("file")),
            now=now,
            boundary_set=typed["boundary_set"] or None,
            source=typed["source"],
        )
    except Invalid as refusal:
        return await _page(request, tx, actor, typed, _errors(request, refusal), 422, now)
    said = gettext_of(request, "{n} outlines imported.", n=sum(counts.values()))
    return see_other(request, PAGE, said=said)


async def _collection(request: Request, upload: object) -> object:
    if not isinstance(upload, UploadFile) or not upload.size:
        raise commands.BoundariesRefused(errors=[Fault("/file", "missing", commands.NO_FILE)])
    limit = request.app.state.settings.boundary_limit_mb
    if upload.size > limit * 1024 * 1024:
        raise commands.BoundariesRefused(errors=[Fault("/file", "too_large", commands.FILE_TOO_LARGE, limit=limit)])
    try:
        return orjson.loads(await upload.read())
    except orjson.JSONDecodeError as error:
        raise commands.NotJson(errors=[Fault("/file", "not_json", commands.NotJson.detail)]) from error


def _errors(request: Request, refusal: Invalid) -> dict[str, str]:
    """Faults of the file stand together at its field; the first of many are enough to mend it."""
    say = frame_of(request).translations(locale_of(request)).gettext
    lines = [
        f"{'' if f.pointer == '/file' else f.pointer + ': '}{say(f.detail).format(**f.params)}"
        for f in refusal.errors[:SHOWN_FAULTS]
    ]
    return {"file": "; ".join(lines) or refusal.say(say)}
