"""The indicators: the board by groups, one of them with its course and its values, entering a value."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing import data
from services.sharing.commands import indicators as commands
from services.sharing.domain import policy
from services.sharing.domain.days import month_ends
from services.sharing.domain.figures import percent
from services.sharing.domain.refusals import IndicatorNotFound
from services.sharing.queries import indicators as queries
from services.sharing.queries import law, ratios
from services.sharing.ui import board, words
from services.sharing.ui.asked import WRONG_DAY, Unreadable, dates_of
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import sent_of

router = ui_router("/sharing/indicators")
MOST = 500
LIGHT = {"met": N_("Target met"), "near": N_("On the way"), "missed": N_("Behind"), "unknown": N_("No value")}
TONE = {"met": "ok", "near": "warn", "missed": "bad", "unknown": ""}
YES, NO = N_("Yes"), N_("Not yet")
PER_100, MBPS, PIECES = N_("{value} per 100 people"), N_("{value} Mbps"), N_("{value}")
FORMS = {"per_100": PER_100, "mbps": MBPS, "count": PIECES}
FIELDS = ("as_of", "value", "source", "reason")


@router.get("", dependencies=[needs(queries.READ)])
async def indicators(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """All of them as of a day as known at another, by the plan's groups."""
    await names_of(request, read, actor)
    query, trouble = request.query_params, ""
    day, instant = local_date(now), now
    try:
        day, instant = dates_of(query.get("as_of", ""), query.get("known_at", ""), now)
        found = await _rows(request, read, actor, day, instant, now)
    except Unreadable:
        trouble = gettext_of(request, WRONG_DAY)
    except Refusal as refusal:
        trouble = refusal.say(frame_of(request).translations(locale_of(request)).gettext)
    if trouble:
        day, instant = local_date(now), now
        found = await _rows(request, read, actor, day, instant, now)
    lang = locale_of(request)
    shown = data.indicators()
    context = {
        "trouble": trouble,
        "groups": [
            {
                "title": f"{group.code}. {getattr(group.title, lang)}",
                "rows": [row for row in found if row["group"] == group.code],
            }
            for group in shown.groups
        ],
        "counts": {light: sum(row["light"] == light for row in found) for light in LIGHT},
        "light_words": LIGHT,
        "tones": TONE,
        "as_of": formats.day(day, "vi"),
        "known_at": formats.day(instant, "vi"),
        "day": day,
        "known": instant,
        "past": day != local_date(now) or bool(query.get("known_at")),
        "plan": next((words.titled(row, lang) for row in await law.targets(read) if row.plan == shown.plan), ""),
    }
    return render(request, "sharing/indicators.html", context)


async def _rows(
    request: Request, read: Read, actor: CurrentActor, day: date, instant: datetime, now: datetime
) -> list[dict[str, Any]]:
    asked = queries.IndicatorsAsked()
    found = await queries.indicators(read, asked, actor=actor, as_of=day, known_at=instant, now=now, limit=MOST)
    return [shown_row(request, row) for row in orjson.loads(found.items)]


def shown_row(request: Request, row: Mapping[str, Any]) -> dict[str, Any]:
    lang = locale_of(request)
    return {
        **row,
        "title": row[f"title_{lang}"],
        "href": f"/sharing/indicators/{quote(row['code'])}",
        "shown": said(request, row["unit"], row["value"]),
        "goal": said(request, row["unit"], row["target"]),
        "base_shown": said(request, row["unit"], row["base"]),
        "value_on": date.fromisoformat(row["value_on"]) if row["value_on"] else None,
        "target_on": date.fromisoformat(row["target_on"]),
    }


def said(request: Request, unit: str, value: str | None) -> str:
    """A value as people read it; nothing is a dash."""
    lang = locale_of(request)
    if value is None:
        return "–"
    if unit == "yes_no":
        return gettext_of(request, YES if Decimal(value) else NO)
    exact = Decimal(value)
    places = max(-int(exact.as_tuple().exponent), 0)
    if unit == "percent":
        return formats.percent(exact, lang, places)
    return gettext_of(request, FORMS[unit], value=formats.number(exact, lang, places))


@router.get("/{code}", dependencies=[needs(queries.READ)])
async def indicator(request: Request, actor: CurrentActor, read: Read, now: Now, code: str) -> HTMLResponse:
    return await _one(request, actor, read, now, code, {}, {}, 200)


async def _one(
    request: Request,
    actor: CurrentActor,
    read: Read,
    now: datetime,
    code: str,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    names = await names_of(request, read, actor)
    lang, plan = locale_of(request), data.indicators().plan
    asked = queries.IndicatorsAsked(plan=plan, code=code[:100])
    rows = await queries.indicators(read, asked, actor=actor, as_of=local_date(now), known_at=now, now=now, limit=1)
    found = orjson.loads(rows.items)
    if not found:
        raise IndicatorNotFound
    row = shown_row(request, found[0])
    listed = await queries.values(read, queries.ValuesAsked(plan=plan, code=code), actor=actor, limit=200)
    entered = orjson.loads(listed.items)
    points = await _course(read, actor, row, entered, now)
    context = {
        "row": row,
        "goals": [
            (gettext_of(request, N_("Base 2023")), row["base_shown"]),
            *(
                (gettext_of(request, N_("Target {year}"), year=year), said(request, row["unit"], value))
                for year, value in sorted(row["targets"].items())
            ),
        ],
        "values": [
            {
                **each,
                "shown": said(request, row["unit"], each["value"]),
                "who": (names[each["org"]][0 if lang == "vi" else 1] if each["org"] in names else each["org"])
                if each["org"]
                else "",
                "as_of": date.fromisoformat(each["as_of"]),
                "recorded_at": datetime.fromisoformat(each["recorded_at"]),
            }
            for each in entered
        ],
        "points": [{"day": day, "shown": said(request, row["unit"], str(value))} for day, value in reversed(points)],
        "trend_settings": _trend(request, row, points) if row["unit"] != "yes_no" and points else None,
        "may_enter": policy.may(actor, queries.ENTER, actor.org) and not row["counted"],
        "own": not policy.sees_every(actor, queries.ENTER),
        "typed": typed,
        "errors": errors,
        "light_words": LIGHT,
        "tones": TONE,
        "yes_no": [("1", gettext_of(request, YES)), ("0", gettext_of(request, NO))],
        "source": next((each.source for each in await law.targets(read) if each.plan == plan), ""),
    }
    return render(request, "sharing/indicator.html", context, status)


async def _course(
    read: Read, actor: CurrentActor, row: Mapping[str, Any], entered: Sequence[Mapping[str, Any]], now: datetime
) -> list[tuple[date, Decimal]]:
    """How it went: month by month where it is counted, else what was entered for the province; first the base."""
    began = [(data.indicators().base_on, Decimal(row["base"]))] if row["base"] is not None else []
    if not row["counted"]:
        told = [each for each in entered if each["current"] and not each["org"] and each["value"] is not None]
        return sorted([*began, *((date.fromisoformat(each["as_of"]), Decimal(each["value"])) for each in told)])
    borders = await law.plan_borders(read)
    scope = await ratios.scope(
        read, actor=actor, kind=row["counted"], as_of=local_date(now), known_at=now, now=now,
        boundary_set=borders[row["plan"]],
    )  # fmt: skip
    months = await ratios.trend(read, scope, list(month_ends(data.indicators().base_on, scope.as_of)))
    return [(p.day, figure) for p in months if (figure := percent(p.shared, p.counted)) is not None]


def _trend(request: Request, row: Mapping[str, Any], points: Sequence[tuple[date, Decimal]]) -> dict[str, Any]:
    targets = sorted(row["targets"].items())
    goals = [[f"{year}-12-31", float(value), said(request, row["unit"], value)] for year, value in targets]
    highest = max(Decimal(1), *(value for _, value in points), *(Decimal(value) for _, value in targets))
    step = 10 ** (len(str(int(highest))) - 1)
    top = (int(highest) // step + 1) * step
    return {
        "actual": [[day.isoformat(), float(value)] for day, value in points],
        "forecast": [],
        "targets": goals,
        "top": min(top, 100) if row["unit"] == "percent" else top,
        "interval": max(top // 5, 1),
        "unit": "%" if row["unit"] == "percent" else "",
        "words": {
            "actual": gettext_of(request, board.ACTUAL),
            "forecast": "",
            "target": gettext_of(request, board.YEAR_END),
        },
    }


@router.post("/{code}", dependencies=[needs(queries.ENTER)])
async def enter(request: Request, actor: CurrentActor, tx: Tx, now: Now, code: str) -> Response:
    typed = await sent_of(request, *FIELDS)
    day, errors = forms.read_day(typed["as_of"]), {}
    if day is None:
        errors["as_of"] = gettext_of(request, WRONG_DAY)
    if not typed["value"]:
        errors["value"] = gettext_of(request, N_("Give the value."))
    if day is not None and not errors:
        try:
            await commands.enter(
                tx, actor, data.indicators().plan, code, day, typed["value"], typed["source"][:500],
                typed["reason"][:500], now=now,
            )  # fmt: skip
        except Refusal as refusal:
            say = frame_of(request).translations(locale_of(request)).gettext
            errors = forms.field_errors(refusal.errors, say) or {"": refusal.say(say)}
        else:
            return see_other(
                request, f"/sharing/indicators/{quote(code)}", said=gettext_of(request, N_("The value is entered."))
            )
    return await _one(request, actor, tx, now, code, typed, errors, 422)
