"""The lists of masts, cable poles and ducts beside their maps: one component, a kind each."""

import json
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.paging import BadCursor, decode_cursor, encode_cursor
from kernel.web.i18n import locale_of
from kernel.web.render import gettext_of, render
from services.registry import data
from services.registry.domain import policy
from services.registry.domain.box import Bbox, box
from services.registry.queries import maps, places, structures
from services.registry.queries.asked import Filter
from services.registry.queries.structures import Rows
from services.registry.queries.units import UnitsAsked, units
from services.registry.ui import words
from services.registry.ui.asking import FILTERS, Asked, AskedTimes, chosen, filter_of
from services.registry.ui.gate import needs

router = ui_router("/registry")
PAGE = 20
VIEWS = ("table", "both", "map")
BACK = "-"


async def _listing(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: Asked, kind: str
) -> HTMLResponse:
    query = request.query_params
    given, at = filter_of(query), asked.at
    view = query.get("view") if query.get("view") in VIEWS else "both"
    rows = await _page(read, actor, kind, given, asked, query.get("after", ""))
    found = await structures.extent(read, actor, kind, given, at)
    filtered = bool(chosen(query))
    all_ = await structures.extent(read, actor, kind, Filter(), at) if filtered else found
    organisations = json.loads(await places.organisations(read, as_of=at.as_of))
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), locale_of(request))
    sets = await places.boundary_sets(read)
    within = boundary_set_of(sets, at.as_of)
    context = {
        "kind": kind,
        "rows": [_row(kind, item) for item in json.loads(rows.items)],
        "found": found,
        "all_": all_,
        "filtered": filtered,
        "filters_set": sum(bool(query.get(name)) for name in FILTERS if name != "q"),
        "view": view,
        "asked": asked,
        "kept": [(n, v) for n, v in query.multi_items() if n in (*FILTERS, "view")],
        "previous": _mark(rows.first, back=True) if _has_previous(rows, query.get("after", "")) else None,
        "next": _mark(rows.last) if _has_next(rows, query.get("after", "")) else None,
        "first_page": not query.get("after"),
        "page_size": PAGE,
        "owners": [(o["code"], o["short"]) for o in organisations if o["kind"] in words.OWNER_KINDS],
        "districts": await _options(read, "CM-2024-12", "district"),
        "communes": await _options(read, within.code if within else None, "commune", parent=given.district),
        "sectors": [(code, gettext_of(request, text)) for code, text in words.SECTOR.items()],
        "faults": [(rule.code, getattr(rule.title, locale_of(request))) for rule in data.quality().of(kind)],
        "map_settings": map_settings(request, kind, asked, within, found.bbox, given),
        "words": words,
        "may_import": policy.may(actor, "registry:structure:import", actor.org),
        "reset": "?" + urlencode({**asked.query(), **({"view": view} if view != "both" else {})}),
    }
    return render(request, "registry/masts.html", context)


async def _page(read: Any, actor: Any, kind: str, given: Filter, asked: Any, after: str) -> Rows:
    """A mark that is none of ours begins at the first page."""
    back = after.startswith(BACK)
    try:
        key = decode_cursor(after.removeprefix(BACK), 2) if after else None
    except BadCursor:
        key = None
    return await structures.structures(
        read, actor, kind, given, asked.at, limit=PAGE, after=None if back else key, before=key if back else None
    )


def _has_next(rows: Rows, after: str) -> bool:
    return rows.more if not after.startswith(BACK) else rows.last is not None


def _has_previous(rows: Rows, after: str) -> bool:
    return bool(after) and rows.first is not None and (rows.more if after.startswith(BACK) else True)


def _mark(key: list[Any] | None, *, back: bool = False) -> str | None:
    return (BACK if back else "") + encode_cursor(key) if key else None


async def _options(read: Any, boundary_set: str | None, level: str, parent: str | None = None) -> list[tuple[str, str]]:
    asked = UnitsAsked(boundary_set=boundary_set, level=level, parent=parent)
    found = await units(read, asked, limit=500)
    return [(unit["id"], unit["name"].removeprefix("Huyện ")) for unit in json.loads(found.items)]


def _row(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    href = f"/registry/{words.PLURAL[kind]}/{item['id']}"
    return {**item, "recorded_at": datetime.fromisoformat(item["recorded_at"]), "href": href}


def boundary_set_of(sets: list[places.BoundarySetRow], day: date) -> places.BoundarySetRow | None:
    """The province's own set on that day."""
    standing = [
        s
        for s in sets
        if s.code.startswith("CM-") and (s.valid_from or day) <= day and (s.valid_to is None or day < s.valid_to)
    ]
    return standing[-1] if standing else None


def outline_settings(request: Request, within: places.BoundarySetRow | None) -> dict[str, Any]:
    """The boundaries of that day, once somebody imported them; the few outlines of a short-lived set are no map."""
    if within is None or not within.outlines:
        return {}
    return {
        "boundaries_url": f"/registry/boundaries.geojson?set={within.code}",
        "boundaries_note": gettext_of(request, "Boundaries of {year}", year=within.code[3:7]),
    }


def map_settings(
    request: Request, kind: str, asked: Any, within: Any, bbox: Bbox | None, given: Filter
) -> dict[str, Any]:
    query = urlencode({n: v for n, v in {**chosen(request.query_params), **asked.query()}.items() if n != "bbox"})
    settings: dict[str, Any] = {
        "points_url": f"/registry/{words.PLURAL[kind]}/points?{query}",
        "rows": "#masts",
        "box_input": "masts-box",
        **outline_settings(request, within),
    }
    if bbox is not None:
        west, south, east, north = box(given.bbox) or bbox
        settings["bounds"] = [[south, west], [north, east]]
    if given.commune:
        settings["unit"] = given.commune.split("@")[0]
    tiles = request.app.state.settings.tile_url
    return {**settings, "tiles": {"url": tiles, "attribution": ""}} if tiles else settings


async def _points(request: Request, actor: CurrentActor, read: Read, asked: Asked, kind: str, zoom: int) -> Response:
    given = filter_of(request.query_params)
    deepest = 22 if request.query_params.get("apart") else max(0, min(zoom, 22))
    found = json.loads(await maps.structure_map(read, actor, kind, given, asked.at, deepest))
    dates = urlencode(asked.query())
    return JSONResponse({"points": [_point(kind, feature, dates) for feature in found["features"]]})


def _add(kind: str, plural: str) -> None:
    @router.get(f"/{plural}", dependencies=[needs("registry:structure:read")])
    async def listing(request: Request, actor: CurrentActor, read: Read, now: Now, asked: AskedTimes) -> HTMLResponse:
        return await _listing(request, actor, read, now, asked, kind)

    @router.get(f"/{plural}/points", dependencies=[needs("registry:structure:read")])
    async def points(request: Request, actor: CurrentActor, read: Read, asked: AskedTimes, zoom: int = 9) -> Response:
        """The marks of the map's own box; `apart` leaves no cluster."""
        return await _points(request, actor, read, asked, kind, zoom)


def _point(kind: str, feature: dict[str, Any], dates: str) -> dict[str, Any]:
    lon, lat = feature["geometry"]["coordinates"]
    said = feature["properties"]
    if "cluster" in said:
        return {"lat": lat, "lon": lon, "kind": "cluster", "count": said["cluster"]}
    return {
        "lat": lat,
        "lon": lon,
        "id": said["id"],
        "kind": kind_of(said["status"], said["used"], said["capacity"]),
        "label": f"{said['name'] or said['public_no']}, {said['owner_name']}",
        "href": f"/registry/{words.PLURAL[kind]}/{said['id']}{'?' if dates else ''}{dates}",
    }


def kind_of(status: str, used: int, capacity: int | None) -> str:
    """How the map shows it: by stations on air, not by agreements, which are another register's."""
    if status == "planned":
        return "planned"
    if status != "in_service":
        return "idle"
    if used >= 2:
        return "used"
    return "free" if capacity is not None and used < capacity else "full"


for _kind, _plural in words.PLURAL.items():
    _add(_kind, _plural)
