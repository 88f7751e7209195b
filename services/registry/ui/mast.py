"""One structure: its facts with their evidence, who is on it, and its history in both times."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.history import Change
from kernel.web.i18n import locale_of
from kernel.web.render import gettext_of, render
from services.registry.commands.structures import StructureNotFound
from services.registry.domain import lanes as two_times
from services.registry.domain import policy
from services.registry.queries import histories, places, structures
from services.registry.ui import words
from services.registry.ui.asking import Asked, AskedTimes
from services.registry.ui.gate import needs
from services.registry.ui.masts import boundary_set_of, kind_of, outline_settings
from services.registry.ui.speaker import Speaker

router = ui_router("/registry")
TOLD = ("height_m", "owner", "status", "point")


async def _found(
    request: Request, actor: Any, read: Any, now: Any, asked: Asked, kind: str, structure_id: UUID, fact: str
) -> HTMLResponse:
    at = asked.at
    one = await structures.structure(read, actor, kind, structure_id, at)
    told = await histories.history(read, actor, kind, structure_id, today=local_date(now))
    if told is None:
        raise StructureNotFound
    may_read = policy.may(actor, "registry:structure:history", told.owner)
    item = json.loads(one.item) if one else None
    if item is None and not may_read:
        raise StructureNotFound
    changes = [two_times.change_of(said) for said in told.changes] if may_read else []
    names = await places.names(read, as_of=at.as_of, organisations=_codes(changes, item), units=_units(changes, item))
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), locale_of(request))
    within = boundary_set_of(await places.boundary_sets(read), at.as_of)
    fact = fact if fact in TOLD else "height_m"
    speaker = Speaker(request, names, {said["id"]: said for said in told.changes})
    context = {
        "mast": item,
        "structure_kind": kind,
        "collection": (gettext_of(request, words.COLLECTION[kind]), f"/registry/{words.PLURAL[kind]}"),
        "href": f"/registry/{words.PLURAL[kind]}/{structure_id}",
        "public_no": told.public_no,
        "title": (item and item["name"]) or told.name or told.public_no,
        "asked": asked,
        "words": words,
        "facts": speaker.facts(item) if item else [],
        "map_settings": _map(request, kind, item, asked, within) if item else None,
        "kind": kind_of(item["status"], item["used"], item["capacity"]) if item else "",
        "told": may_read and bool(changes),
        "fact": fact,
        "told_facts": [(name, gettext_of(request, words.FACT[name])) for name in TOLD],
        **(speaker.history(changes, fact, at.as_of) if changes else {}),
    }
    return render(request, "registry/mast.html", context)


def _codes(changes: Sequence[Change], item: Mapping[str, Any] | None) -> set[str]:
    said = {str(change.patch["owner"]) for change in changes if change.patch.get("owner")}
    beside = {*(item.get("occupants") or ()), *(item.get("external_ids") or ())} if item else set()
    return said | beside | ({item["owner"]} if item else set())


def _units(changes: Sequence[Change], item: Mapping[str, Any] | None) -> set[str]:
    said = {str(change.patch["commune"]) for change in changes if change.patch.get("commune")}
    return said | ({item["commune"]} if item and item["commune"] else set())


def _map(request: Request, kind: str, item: Mapping[str, Any], asked: Any, within: Any) -> dict[str, Any] | None:
    if item["lat"] is None:
        return None
    settings = {
        "points_url": f"/registry/{words.PLURAL[kind]}/points?apart=1&as_of={asked.at.as_of}",
        "center": [item["lat"], item["lon"]],
        "zoom": 13,
        "chosen": item["id"],
        **outline_settings(request, within),
    }
    tiles = request.app.state.settings.tile_url
    return {**settings, "tiles": {"url": tiles, "attribution": ""}} if tiles else settings


def _add(kind: str, plural: str) -> None:
    @router.get(f"/{plural}/{{structure_id}}", dependencies=[needs("registry:structure:read")])
    async def found(
        request: Request, actor: CurrentActor, read: Read, now: Now, asked: AskedTimes, structure_id: UUID,
        fact: str = "height_m",
    ) -> HTMLResponse:  # fmt: skip
        return await _found(request, actor, read, now, asked, kind, structure_id, fact)


for _kind, _plural in words.PLURAL.items():
    _add(_kind, _plural)
