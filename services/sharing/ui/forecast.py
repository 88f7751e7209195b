"""The forecast: where the figure goes, which structures would close the gap, what if."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.errors import N_
from kernel.web import formats
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render
from services.sharing import data
from services.sharing.domain import forecast as rules
from services.sharing.domain import targets as target_rules
from services.sharing.domain.days import month_ends
from services.sharing.domain.figures import percent
from services.sharing.queries import forecast as queries
from services.sharing.queries import law, ratios
from services.sharing.queries.outlook import outlook
from services.sharing.queries.ratios import Scope
from services.sharing.ui import board, words
from services.sharing.ui.asked import asked
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of

router = ui_router("/sharing")
TREND_FROM = date(2023, 6, 1)
SHOWN = 30
MOST = 100_000
RANK = {
    0: N_("Two use it, proof is lacking"),
    1: N_("Free place, neighbour close by"),
    2: N_("Free place"),
    3: N_("Capacity unknown, neighbour close by"),
    4: N_("Capacity unknown"),
    5: N_("Full: to be strengthened first"),
}
STATUS = {
    "planned": N_("Planned"),
    "permitted": N_("Permitted"),
    "under_construction": N_("Under construction"),
}


@router.get("/ratio/forecast", dependencies=[needs(queries.READ)])
async def forecast(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    lang = locale_of(request)
    given = await asked(request, read, actor, now)
    scope = given.scope
    goals = [row for row in given.targets if not row.is_base]
    weighing = data.forecasting()
    told = await outlook(read, scope, [(row.due_on, row.percent) for row in goals], weighing, actor=actor)
    names = await names_of(request, read, actor)
    shared, counted = told["points"][0]["shared"], told["points"][0]["counted"]
    wanted = _wanted(request.query_params.get("target", ""), goals, scope.as_of)
    missing = target_rules.gap(wanted, shared, counted) if wanted and counted else 0
    parts = rules.smallest_set(await queries.ranked(read, scope, weighing.near_m, actor=actor), missing)
    chosen = [key for part in parts for key in part.chosen]
    choices = [(row.percent, f"{row.due_on.year}: {board.plain_percent(row.percent, lang)}") for row in goals]
    context = {
        "asked": given,
        "scope": scope,
        "told": told,
        "goals": [{**goal, "text": text} for goal, (_, text) in zip(told["targets"], choices, strict=True)],
        "percent": percent(shared, counted),
        "plan": words.titled(goals[0], lang) if goals else "",
        "boundary_sets": [(row.code, words.titled(row, lang)) for row in await law.boundary_sets(read)],
        "definitions": [
            (row.id, row.content["title"][lang]) for row in await law.definitions(read) if row.kind == scope.kind
        ],
        "trend_settings": await _trend(request, read, scope, goals, told["points"]),
        "wanted": wanted,
        "wanted_text": board.plain_percent(wanted, lang) if wanted else "",
        "missing": missing,
        "found": len(chosen),
        "parts": [
            {"name": words.named(names, part.owner, lang), "count": len(part.chosen), "of": part.candidates}
            for part in parts
        ],
        **await _candidates(request, read, actor, scope, chosen, names),
        **await _what_if(request, read, actor, scope, (shared, counted), goals),
        "status_words": STATUS,
        "weights_text": ", ".join(
            f"{gettext_of(request, STATUS[status])} {formats.number(float(weight) * 100, lang)}%"
            for status, weight in weighing.weights.items()
        ),
        "target_tabs": [
            {"text": text, "href": _address(request, target=code), "active": code == wanted, "icon": ""}
            for code, text in dict(choices).items()
        ],
        "words": words,
    }
    return render(request, "sharing/forecast.html", context)


def _address(request: Request, **changes: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name not in {"share", *changes}}
    return "?" + urlencode({**kept, **changes}) + "#closing"


def _wanted(given: str, goals: Sequence[Any], day: date) -> str | None:
    """The percent of a target of the plan: the one asked for, the next one due, or the last there was."""
    if given in {row.percent for row in goals}:
        return given
    current = board.current_target(goals, day)
    return str(current.percent) if current is not None else None


async def _trend(
    request: Request, read: Read, scope: Scope, goals: Sequence[Any], points: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    lang = locale_of(request)
    past = await ratios.trend(read, scope, list(month_ends(TREND_FROM, scope.as_of)))
    settings = board.trend_settings(past, goals, lang, frame_of(request).translations(lang).gettext)
    going = [point for point in points if point["expected_percent"] is not None]
    settings["forecast"] = [
        [
            point["day"].isoformat(),
            float(point["low_percent"] if point["low_percent"] is not None else point["expected_percent"]),
            float(point["expected_percent"]),
            float(point["high_percent"] if point["high_percent"] is not None else point["expected_percent"]),
        ]
        for point in going
    ]
    highest = max([row[3] for row in settings["forecast"]] + [settings["top"] - 5])
    settings["top"] = min(-(-int(highest + 5) // 10) * 10, 100)
    return settings


async def _candidates(
    request: Request, read: Read, actor: Actor, scope: Scope, chosen: Sequence[UUID], names: Mapping[str, Any]
) -> dict[str, Any]:
    lang = locale_of(request)
    within = set(map(str, chosen))
    found = await queries.candidates(
        read, scope, queries.CandidatesAsked(), data.forecasting().near_m, actor=actor, limit=500
    )
    every = orjson.loads(found.items)
    ticked = set(request.query_params.getlist("share"))
    why = {rank: gettext_of(request, text) for rank, text in RANK.items()}
    rows = [
        {
            **row,
            "owner_name": words.named(names, row["owner"], lang),
            "why": why[row["rank"]],
            "ticked": row["id"] in ticked,
        }
        for row in every
        if row["id"] in within or (not within and row["rank"] < rules.FULL)
    ]
    points = [
        {
            "id": row["id"],
            "lat": row["lat"],
            "lon": row["lon"],
            "kind": "free" if row["rank"] < rules.FULL else "full",
            "label": f"{row['public_no']} · {row['owner_name']} · {row['why']}",
            "href": f"{words.REGISTER[scope.kind]}/{row['id']}",
        }
        for row in rows
        if row["lat"] is not None
    ]
    return {
        "rows": rows[:SHOWN],
        "more": max(len(chosen), len(rows)) - len(rows[:SHOWN]),
        "map_settings": {"points": points, "bounds": _bounds(points), "rows": "#candidates tr"} if points else None,
    }


def _bounds(points: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    lats, lons = [point["lat"] for point in points], [point["lon"] for point in points]
    return [[min(lats), min(lons)], [max(lats), max(lons)]]


async def _what_if(
    request: Request, read: Read, actor: Actor, scope: Scope, figure: tuple[int, int], goals: Sequence[Any]
) -> dict[str, Any]:
    """The answer to the form, which only asks: it changes nothing."""
    query = request.query_params
    share = [key for key in map(_id, query.getlist("share")) if key is not None][:1000]
    build, of_them = _count(query.get("build", "")), _count(query.get("build_shared", ""))
    more = _count(query.get("more_shared", ""))
    errors = {}
    if of_them > build:
        errors["build_shared"] = gettext_of(request, N_("At most as many as are built."))
    if more > figure[1] - figure[0]:
        errors["more_shared"] = gettext_of(request, N_("There are only {count} to share."), count=figure[1] - figure[0])
    typed = {name: query.get(name, "") for name in ("build", "build_shared", "more_shared")}
    answer = None
    if not errors and (share or build or more):
        standing = await queries.standing(read, scope, share, actor=actor)
        found = rules.suppose(*figure, standing, share=share, build=build, build_shared=of_them)
        shared = min(found.shared + more, found.counted)
        lang = locale_of(request)
        answer = {
            "shared": shared,
            "counted": found.counted,
            "percent": percent(shared, found.counted),
            "targets": [
                {
                    "text": f"{row.due_on.year}: {board.plain_percent(row.percent, lang)}",
                    "missing": target_rules.gap(row.percent, shared, found.counted) if found.counted else None,
                }
                for row in goals
            ],
            "ignored": len(found.ignored),
        }
    return {"typed": typed, "errors": errors, "answer": answer, "ticked": len(share)}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _count(text: str) -> int:
    return min(int(text), MOST) if text.isdecimal() and len(text) < 8 else 0
