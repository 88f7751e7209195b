"""What the board shows, from rows and figures: targets, bars, the trend and the lists."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kernel.errors import N_
from kernel.web import formats
from services.sharing.domain import targets as rules
from services.sharing.domain.figures import percent
from services.sharing.ui import words

LONGEST = 6
TARGET = N_("Target {percent}")
ACTUAL, FORECAST, YEAR_END = N_("Actual"), N_("Forecast"), N_("Target at the end of the year")
ENTERPRISES, NO_NUMBER = N_("{count} enterprises"), N_("no number")
Figure = Mapping[str, Any]
Translate = Callable[[str], str]


def current_target(targets: Sequence[Any], day: date) -> Any | None:
    """The next one due on or after the day, or the last there was."""
    due = [row for row in targets if not row.is_base]
    return next((row for row in due if row.due_on >= day), due[-1] if due else None)


def target_rows(targets: Sequence[Any], figure: Figure, current: Any, lang: str) -> list[dict[str, Any]]:
    """For the macro `targets`; empty when nothing is counted, since nothing can be needed of nothing."""
    if not figure["counted"]:
        return []
    return [
        {
            "text": f"{row.due_on.year}: {plain_percent(row.percent, lang)}",
            "needed": rules.needed(row.percent, figure["counted"]),
            "missing": missing(row.percent, figure),
            "current": row is current,
        }
        for row in targets
        if not row.is_base
    ]


def plain_percent(text: str, lang: str) -> str:
    """`13` or `11.74` as the plan writes it."""
    places = max(-int(Decimal(text).as_tuple().exponent), 0)
    return formats.percent(Decimal(text), lang, places)


def missing(target: str, figure: Figure) -> int:
    """0 only when the target is met on the unrounded ratio."""
    return rules.gap(target, figure["shared"], figure["counted"])


def bars(
    items: Sequence[Figure], target: Any | None, name: Callable[[Figure], str], href: Callable[[Figure], str]
) -> list[dict[str, Any]]:
    return [
        {
            "name": name(item),
            "href": href(item),
            "shared": item["shared"],
            "total": item["counted"],
            "percent": percent(item["shared"], item["counted"]),
            "missing": missing(target.percent, item) if target is not None else None,
        }
        for item in items
    ]


def scale(rows: Sequence[Mapping[str, Any]]) -> int:
    """One scale for tables side by side: 40 % at least, in steps of 20."""
    highest = max((row["percent"] for row in rows if row["percent"] is not None), default=Decimal(0))
    return min(max(40, 20 * -(-int(highest.to_integral_value(rounding="ROUND_CEILING")) // 20)), 100)


def worst(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Where most is missing, then where the ratio is lowest."""
    return sorted(rows, key=lambda row: (-(row["missing"] or 0), row["percent"] or 0, row["name"]))


def trend_settings(points: Sequence[Any], targets: Sequence[Any], lang: str, say: Translate) -> dict[str, Any]:
    """For the macro `trend`; days on which nothing was counted have no point."""
    actual = [[p.day.isoformat(), float(percent(p.shared, p.counted) or 0)] for p in points if p.counted]
    goals = [
        [
            row.due_on.isoformat(),
            float(row.percent),
            say(TARGET).format(percent=plain_percent(row.percent, lang)),
        ]
        for row in targets
        if not row.is_base
    ]
    highest = max([value for _, value in actual] + [goal[1] for goal in goals] + [10])
    return {
        "actual": actual,
        "forecast": [],
        "targets": goals,
        "top": min(-(-int(highest + 5) // 10) * 10, 100),
        "words": {"actual": say(ACTUAL), "forecast": say(FORECAST), "target": say(YEAR_END)},
    }


def trend_rows(points: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"day": p.day, "shared": p.shared, "counted": p.counted, "percent": percent(p.shared, p.counted)}
        for p in reversed(points)
    ]


def structure_rows(
    items: Sequence[Mapping[str, Any]], day: date, names: Mapping[str, tuple[str, str]], lang: str, say: Translate
) -> list[dict[str, Any]]:
    return [_structure_row(item, day, names, lang, say) for item in items]


def _structure_row(
    item: Mapping[str, Any], day: date, names: Mapping[str, tuple[str, str]], lang: str, say: Translate
) -> dict[str, Any]:
    sharers = item["sharers"]
    agreements = [
        {
            "href": f"/sharing/agreements/{sharer['agreement_id']}",
            "number": sharer["number"] or say(NO_NUMBER),
            "last_day": words.last_day(date.fromisoformat(sharer["valid_to"]) if sharer["valid_to"] else None),
        }
        for sharer in sharers or []
        if sharer["agreement_id"]
    ]
    enterprises = None if sharers is None else sorted({words.named(names, s["org"], lang) for s in sharers})
    return {
        "id": item["id"],
        "public_no": item["public_no"],
        "name": item["name"],
        "owner": words.named(names, item["owner"], lang),
        "place": ", ".join(part for part in (item["unit_name"], item["district_name"]) if part),
        "enterprises": enterprises,
        "agreements": agreements,
        "reason": _reason(item, say),
        "shared": item["shared"],
        "ends_today": any(a["last_day"] == day for a in agreements),
    }


def _reason(item: Mapping[str, Any], say: Translate) -> str:
    if item["reason"] == "shared" and item["sharers"] is not None:
        count = len({sharer["legal_entity"] for sharer in item["sharers"]})
        return say(ENTERPRISES).format(count=count)
    return say(words.REASON.get(item["reason"], words.OTHER_REASON))
