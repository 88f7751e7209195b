"""The board: one figure with both of its dates, its targets, how it went, where it falls short, what is behind it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.paging import encode_cursor
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, render
from services.sharing.domain import policy
from services.sharing.domain.days import month_ends
from services.sharing.domain.figures import percent
from services.sharing.queries import law, ratios, sides, structures
from services.sharing.queries.ratios import Scope
from services.sharing.ui import board, words
from services.sharing.ui.asked import Asked, after_number, asked
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of

router = ui_router("/sharing")
READ = "sharing:ratio:read"
PAGE = 20
TREND_FROM = date(2023, 6, 1)
MERGED = "CM-2025-07"
VERIFIED = "mast.verified.1"


@router.get("/ratio", dependencies=[needs(READ)])
async def ratio_board(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    given = await asked(request, read, actor, now)
    scope, targets = given.scope, given.targets
    names = await names_of(request, read, actor)
    definitions = await law.definitions(read)
    figure = orjson.loads(await ratios.ratio(read, scope, "owner"))
    target = board.current_target(targets, scope.as_of)
    context = {
        **await _cuts(request, read, given, figure, target, names),
        **await _lists(request, read, actor, given, names),
        **await _trend(request, read, scope, targets),
        **await _beside(read, actor, scope, definitions, now),
        "asked": given,
        "scope": scope,
        "figure": figure,
        "percent": percent(figure["shared"], figure["counted"]),
        "target": target,
        "target_text": board.plain_percent(target.percent, locale_of(request)) if target else "",
        "target_rows": board.target_rows(targets, figure, target, locale_of(request)),
        "met": target is not None and figure["counted"] > 0 and board.missing(target.percent, figure) == 0,
        "plan": words.titled(target, locale_of(request)) if target else "",
        "definition": next(row for row in definitions if row.id == scope.definition),
        "definitions": [(r.id, r.content["title"][locale_of(request)]) for r in definitions if r.kind == scope.kind],
        "boundary_sets": [(r.code, words.titled(r, locale_of(request))) for r in await law.boundary_sets(read)],
        "districts": [(row.id, row.name) for row in await structures.districts(read, scope.boundary_set)],
        "unit_name": await structures.unit_name(read, scope.unit) if scope.unit else None,
        "owner_name": words.named(names, scope.owner, locale_of(request)) if scope.owner else None,
        "may_forecast": policy.may_at_all(actor, "sharing:forecast:read"),
        "may_seal": policy.may_at_all(actor, "sharing:statement:seal"),
        "words": words,
    }
    return render(request, "sharing/ratio.html", context)


def _address(request: Request, **changes: str | None) -> str:
    """This board with other choices; a list begins anew."""
    kept = {name: value for name, value in request.query_params.items() if name not in {"after", *changes}}
    return "?" + urlencode({**kept, **{name: value for name, value in changes.items() if value}})


async def _cuts(
    request: Request, read: Read, given: Asked, figure: dict[str, Any], target: Any, names: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    """By owner and by unit, on one scale."""
    lang = locale_of(request)
    districts = bool(await structures.districts(read, given.scope.boundary_set))
    level = (
        "unit" if not districts or request.query_params.get("level") == "commune" or given.scope.unit else "district"
    )
    units = orjson.loads(await ratios.ratio(read, given.scope, level))["groups"]
    owners = board.bars(
        figure["groups"],
        target,
        lambda item: words.named(names, item["key"], lang),
        lambda item: _address(request, owner=item["key"]) + "#lists",
    )
    places = board.worst(
        board.bars(
            units,
            target,
            lambda item: item["name"].removeprefix("Huyện "),
            lambda item: _address(request, unit=item["key"]) + "#lists",
        )
    )
    shown = places if request.query_params.get("units") == "all" else places[: board.LONGEST]
    return {
        "owner_rows": sorted(owners, key=lambda row: -row["total"]),
        "unit_rows": shown,
        "unit_count": len(places),
        "level": level,
        "has_districts": districts,
        "top": board.scale([*owners, *shown]),
    }


async def _lists(
    request: Request, read: Read, actor: Actor, given: Asked, names: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    side = request.query_params.get("side", "")
    side = side if side in words.SIDE else "numerator"
    after = after_number(request.query_params.get("after", ""))
    found = await sides.structures(read, given.scope, side, actor=actor, limit=PAGE, after=after)
    counts = await sides.counts(read, given.scope, actor=actor)
    say = frame_of(request).translations(locale_of(request)).gettext
    return {
        "side": side,
        "counts": {name: getattr(counts, name) for name in words.SIDE},
        "rows": board.structure_rows(orjson.loads(found.items), given.scope.as_of, names, locale_of(request), say),
        "next": encode_cursor(found.after) if found.after else None,
        "first_page": after is None,
        "page_size": PAGE,
    }


async def _trend(request: Request, read: Read, scope: Scope, targets: Sequence[Any]) -> dict[str, Any]:
    since = min(TREND_FROM, scope.as_of - timedelta(days=365))
    points = await ratios.trend(read, scope, list(month_ends(since, scope.as_of)))
    say = frame_of(request).translations(locale_of(request)).gettext
    return {
        "trend_settings": board.trend_settings(points, targets, locale_of(request), say),
        "trend_rows": board.trend_rows(points),
        "trend_table": request.query_params.get("trend") == "table",
    }


async def _beside(read: Read, actor: Actor, scope: Scope, definitions: Sequence[Any], now: datetime) -> dict[str, Any]:
    """The verified part, and the merged province beside the borders of the plan."""
    names: dict[str, Any] = {
        "actor": actor,
        "kind": scope.kind,
        "as_of": scope.as_of,
        "known_at": scope.known_at,
        "now": now,
        "owner": scope.owner,
    }
    beside: dict[str, Any] = {"verified": None, "merged": None, "verified_id": VERIFIED, "merged_set": MERGED}
    if scope.kind == "mast" and scope.definition != VERIFIED and any(row.id == VERIFIED for row in definitions):
        other = await ratios.scope(read, **names, definition=VERIFIED, boundary_set=scope.boundary_set, unit=scope.unit)
        beside["verified"] = _figure(await ratios.ratio(read, other))
    if scope.boundary_set != MERGED and scope.unit is None:
        other = await ratios.scope(read, **names, definition=scope.definition, boundary_set=MERGED)
        beside["merged"] = _figure(await ratios.ratio(read, other))
    return beside


def _figure(text: str) -> dict[str, Any] | None:
    found = orjson.loads(text)
    if not found["counted"]:
        return None
    return {**found, "percent": percent(found["shared"], found["counted"])}
