"""Two figures side by side, and the structures that make the difference."""

from datetime import date, datetime
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.errors import N_, Refusal
from kernel.paging import encode_cursor
from kernel.web import formats
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render
from services.sharing.domain.figures import percent
from services.sharing.queries import comparison, law, ratios
from services.sharing.queries.ratios import Scope
from services.sharing.ui import words
from services.sharing.ui.asked import TYPED, WRONG_DAY, Asked, Unreadable, after_number, asked, dates_of
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of

router = ui_router("/sharing")
PAGE = 20
CHANGE = {
    "entered": N_("Came in"),
    "left": N_("Fell out"),
    "became_shared": N_("Became shared"),
    "ceased_shared": N_("No longer shared"),
    "changed_owner": N_("Other owner"),
    "changed_unit": N_("Other area"),
}
TONE = {"entered": "info", "left": "warn", "became_shared": "ok", "ceased_shared": "bad"}


@router.get("/ratio/compare", dependencies=[needs("sharing:ratio:read")])
async def compare(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    given = await asked(request, read, actor, now)
    lang, query = locale_of(request), request.query_params
    before, trouble = await _before(request, read, actor, given, now)
    after = given.scope
    chosen = query.get("change") if query.get("change") in CHANGE else None
    at = after_number(query.get("after", ""))
    found = await comparison.changes(read, before, after, actor=actor, limit=PAGE, at=at, change=chosen)
    counts = await comparison.counts(read, before, after, actor=actor)
    names = await names_of(request, read, actor)
    definitions = [row for row in await law.definitions(read) if row.kind == after.kind]
    sets = [(row.code, words.titled(row, lang)) for row in await law.boundary_sets(read)]
    context = {
        "asked": given,
        "trouble": given.trouble or trouble,
        "sides": [
            _shown(scope, orjson.loads(await ratios.ratio(read, scope)), definitions, dict(sets), lang)
            for scope in (before, after)
        ],
        "typed": {
            "before_as_of": formats.day(before.as_of, TYPED),
            "before_known_at": formats.day(before.known_at, TYPED),
        },
        "before": before,
        "scope": after,
        "definitions": [(row.id, row.content["title"][lang]) for row in definitions],
        "boundary_sets": sets,
        "counts": counts,
        "changed": sum(counts.values()),
        "chosen": chosen,
        "rows": [_row(row, names, lang) for row in orjson.loads(found.items)],
        "next": encode_cursor(found.after) if found.after else None,
        "first_page": at is None,
        "words": words,
        "change_words": CHANGE,
        "tones": TONE,
    }
    return render(request, "sharing/comparison.html", context)


async def _before(request: Request, read: Read, actor: Actor, given: Asked, now: datetime) -> tuple[Scope, str]:
    """What the figure is held against: without a day, the same day a year before."""
    query, after = request.query_params, given.scope
    names: dict[str, Any] = {
        "actor": actor,
        "kind": after.kind,
        "now": now,
        "definition": after.definition,
        "boundary_set": after.boundary_set,
        "unit": after.unit,
        "owner": after.owner,
    }
    plain = {**names, "as_of": _year_before(after.as_of), "known_at": after.known_at}
    try:
        day, known = dates_of(query.get("before_as_of", ""), query.get("before_known_at", ""), now)
        wanted = {
            "as_of": day if query.get("before_as_of") else plain["as_of"],
            "known_at": known if query.get("before_known_at") else after.known_at,
            "definition": query.get("before_definition") or after.definition,
            "boundary_set": query.get("before_set") or after.boundary_set,
        }
        return await ratios.scope(read, **{**names, **wanted}), ""
    except Unreadable:
        return await ratios.scope(read, **plain), gettext_of(request, WRONG_DAY)
    except Refusal as refusal:
        said = refusal.say(frame_of(request).translations(locale_of(request)).gettext)
        return await ratios.scope(read, **plain), said


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _shown(
    scope: Scope, figure: dict[str, Any], definitions: list[Any], sets: dict[str, str], lang: str
) -> dict[str, Any]:
    return {
        "scope": scope,
        "shared": figure["shared"],
        "counted": figure["counted"],
        "percent": percent(figure["shared"], figure["counted"]),
        "definition": next((row.content["title"][lang] for row in definitions if row.id == scope.definition), ""),
        "boundaries": sets.get(scope.boundary_set, scope.boundary_set),
    }


def _row(row: dict[str, Any], names: dict[str, tuple[str, str]], lang: str) -> dict[str, Any]:
    def side(state: dict[str, Any] | None) -> dict[str, Any] | None:
        return state and {
            "reason": words.REASON.get(state["reason"], words.OTHER_REASON),
            "owner": words.named(names, state["owner"], lang),
            "unit": state["unit_name"] or "",
        }

    return {**row, "before": side(row["before"]), "after": side(row["after"])}
