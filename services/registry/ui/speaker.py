"""A mast's facts and history in the reader's words."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from fastapi import Request

from kernel.errors import N_
from kernel.history import Change
from kernel.web import formats
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of
from services.registry.domain import lanes as two_times
from services.registry.ui import words

SHOWN = (
    "height_m", "height_above_sea_m", "code", "element", "sector", "foundation", "building_height_m", "design", "point",
    "entered", "length_m", "line", "commune", "capacity", "occupants", "load_limit_kg", "load_used_kg", "positions",
    "wind_zone", "address", "external_ids",
)  # fmt: skip
MERGED = "CM-2025-07"
YEAR = timedelta(days=365)


class Speaker:
    """Puts values into the reader's words."""

    def __init__(self, request: Request, names: Mapping[str, str], logged: Mapping[str, Any]) -> None:
        self.lang, self.names, self.logged = locale_of(request), names, logged
        self.say = frame_of(request).translations(self.lang).gettext

    def value(self, fact: str, value: Any) -> str:
        return words.value_text(fact, value, self.lang, self.say, self.names)

    def facts(self, item: Mapping[str, Any]) -> list[dict[str, Any]]:
        shown = {**item, "point": [item["lon"], item["lat"]] if item["lat"] is not None else None}
        rows = [self._fact(name, shown.get(name), item["facts"].get(name)) for name in SHOWN if shown.get(name)]
        today = next((p for p in item["placements"] if p["boundary_set"] == MERGED), None)
        if today and today["unit"] != item["commune"]:
            note = self.say(N_("provisional, by the larger share")) if today["provisional"] else ""
            rows.insert(
                next((n for n, row in enumerate(rows) if row["name"] == "commune"), len(rows) - 1) + 1,
                {"name": "now", "term": self.say(N_("Unit today")), "value": today["name"], "small": note,
                 "evidence": self.say(N_("Crosswalk")), "tone": "", "ground": ""},
            )  # fmt: skip
        return rows

    def _fact(self, name: str, value: Any, source: Mapping[str, Any] | None) -> dict[str, Any]:
        level = source["evidence"] if source else 1
        return {
            "name": name,
            "term": self.say(words.FACT[name]),
            "value": self.value(name, value).partition(", Huyện")[0] if name == "commune" else self.value(name, value),
            "small": self.say(N_("positions")) if name == "capacity" else "",
            "evidence": self.say(words.EVIDENCE[level]),
            "tone": words.evidence_tone(level),
            "ground": words.ground(source["evidence_ref"], self.say) if source else "",
        }

    def history(self, changes: Sequence[Change], fact: str, day: date) -> dict[str, Any]:
        drawn = two_times.lanes(changes, fact)
        start, end = _frame(drawn, day, changes[-1].recorded_at.date())
        return {
            "lanes": [self._lane(lane, fact, place == 0) for place, lane in enumerate(drawn)],
            "start": start,
            "end": end,
            "answer": self._answer(drawn, fact, day),
            "recordings": [self._recording(one, fact) for one in two_times.recordings(changes, fact)],
        }

    def _lane(self, lane: two_times.Lane, fact: str, current: bool) -> dict[str, Any]:
        act = self.logged[str(lane.change.id)]["act"]
        return {
            "recorded": formats.day(lane.change.recorded_at, self.lang),
            "note": self.say(words.ACT.get(act, act)).lower() if current else self.say(N_("replaced")),
            "current": current,
            "spans": [
                {"start": span.start, "end": span.end, "text": self._span(fact, span, place)}
                for place, span in enumerate(lane.spans)
            ],
        }

    def _span(self, fact: str, span: two_times.Span, place: int) -> str:
        value = self.value(fact, span.value)
        if not place:
            return value
        return self.say(N_("{value} from {day}")).format(value=value, day=formats.day(span.start, self.lang))

    def _answer(self, drawn: Sequence[two_times.Lane], fact: str, day: date) -> dict[str, str]:
        """What is believed of the day now, and what was believed before the last recording that altered it."""
        now, *before = [self._on(lane, fact, day) for lane in drawn]
        earlier = next((place for place, text in enumerate(before) if text != now), None)
        corrected = drawn[earlier].change.recorded_at if earlier is not None else None
        return {
            "day": formats.day(day, self.lang),
            "value": now,
            "before": before[earlier] if earlier is not None else "",
            "until": formats.day(corrected, self.lang) if corrected else "",
        }

    def _on(self, lane: two_times.Lane, fact: str, day: date) -> str:
        held = next((s for s in lane.spans if s.start <= day and (s.end is None or day < s.end)), None)
        return self.value(fact, held.value) if held else formats.NOTHING

    def _recording(self, one: two_times.Recording, fact: str) -> dict[str, Any]:
        said = self.logged[str(one.change.id)]
        end = one.change.valid_to
        level = one.change.evidence
        return {
            "recorded": formats.moment(one.change.recorded_at, self.lang),
            "value": self.value(fact, one.value) if fact in one.change.patch else self.say(words.ACT["undo"]),
            "struck": not one.speaks,
            "start": one.change.valid_from,
            "end": end - timedelta(days=1) if end else None,
            "level": self.say(words.EVIDENCE[level]),
            "tone": words.evidence_tone(level),
            "ground": words.ground(said["evidence_ref"], self.say) or said["reason"],
            "who": f"{said['actor']} ({said['org']})",
            "relation": self._relation(one),
        }

    def _relation(self, one: two_times.Recording) -> str:
        if one.corrected_by is not None:
            text = N_("Corrected on {day}")
            return self.say(text).format(day=formats.day(one.corrected_by.recorded_at, self.lang))
        if one.corrects is not None:
            text = N_("Corrects the entry of {day}")
            return self.say(text).format(day=formats.day(one.corrects.recorded_at, self.lang))
        return ""


def _frame(drawn: Sequence[two_times.Lane], day: date, recorded: date) -> tuple[date, date]:
    """The years drawn: from somewhat before the first day on which the fact changed, not from the mast's birth."""
    births = [lane.spans[0].start for lane in drawn if lane.spans]
    corners = [span.start for lane in drawn for span in lane.spans[1:]]
    end = date(max(day, recorded, *corners, *births).year, 12, 31)
    moved = [corner for corner in corners if corner > min(births)]
    first = max(min(births, default=day), min([day, *moved]) - 3 * YEAR)
    return min(first, end - 2 * YEAR) - timedelta(days=60), end
