"""One clock as the workspace shows it: the strip, the calendar of its days, and the days that explain something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from kernel.clock import LOCAL
from kernel.errors import N_
from services.permits.queries.trace import TracedClock, TracedClocks
from services.permits.ui.words import CLOCKS, Words

DAY = timedelta(days=1)
LONGEST = 77
CAUSES = {
    "start": (N_("Begins"), N_("Counted from the day after.")),
    "pause": (N_("Supplement requested"), N_("This day still counts, those after it do not.")),
    "resume": (N_("Supplement received"), N_("Counted on from the day after.")),
    "restart": (N_("Supplement received"), N_("Counted anew from the day after.")),
    "extend": (N_("Extended"), N_("The time limit is longer by {days}.")),
    "stop": (N_("Ends"), N_("No longer counted.")),
    "void": (N_("Corrected"), N_("An earlier entry no longer counts.")),
}
FIRST = {
    "received": N_("Received"),
    "supplement_requested": N_("Supplement requested"),
    "lapsed": N_("Time to answer over"),
    "supplemented": N_("Supplement received"),
    "complete": N_("Found complete"),
    "consulted": N_("Asked"),
}


@dataclass(frozen=True)
class ClockView:
    title: str
    due_on: date | None
    due_text: str
    phases: Sequence[Mapping[str, Any]]
    above: Sequence[tuple[date, str]]
    below: Sequence[tuple[date, str]]
    figures: Sequence[tuple[str, str]]
    days: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    source: str
    note: str


def shown(clocks: Sequence[TracedClock], functions: Sequence[str]) -> TracedClock | None:
    """The clock that matters to the reader: his own open opinion's, else the dossier's next, else the last one."""
    alive = [clock for clock in clocks if clock.state in ("running", "paused")]
    own = [clock for clock in alive if clock.function in functions]
    dossier = [clock for clock in alive if clock.function is None]
    soonest = sorted(own or dossier, key=lambda clock: clock.due_on or date.max)
    if soonest:
        return soonest[0]
    whole = [clock for clock in clocks if clock.function is None]
    return whole[-1] if whole else None


def view(traced: TracedClocks, clock: TracedClock, words: Words, today: date) -> ClockView:
    due_on = clock.due_on
    left = max(clock.length - clock.used, 0)
    paused = sum(day["kind"] == "paused" and day["day"] <= today for day in clock.days)
    unit = words._("working days used") if clock.unit == "working_day" else words._("days used")
    return ClockView(
        title=words._(CLOCKS.get(clock.clock, clock.clock)),
        due_on=due_on,
        due_text=words._("end of the day"),
        phases=_phases(clock.days, today),
        above=_above(clock, words),
        below=_below(clock, words, today),
        figures=[
            (f"{clock.used}/{clock.length}", unit),
            (str(paused), words._("days paused")),
            (str(left) if clock.state != "stopped" else "–", words._("days left")),
        ],
        days=_days(clock.days, words, today),
        rows=_explained(clock, words),
        source=clock.source,
        note=words._(
            "Procedure version {procedure}, working calendar version {calendar}, which reaches {day}.",
            procedure=traced.procedure.rpartition("@")[2],
            calendar=traced.calendar.rpartition(".")[2],
            day=words.day(traced.calendar_ends_on),
        ),
    )


def _phases(days: Sequence[Mapping[str, Any]], today: date) -> list[dict[str, Any]]:
    """Runs of days alike: used and running up to today, paused, and what is still to come."""
    runs: list[dict[str, Any]] = []
    for day in days:
        kind = "pause" if day["kind"] == "paused" else "rest" if day["day"] > today else "run"
        if runs and runs[-1]["kind"] == kind:
            runs[-1]["end"] = day["day"] + DAY
        else:
            runs.append({"start": day["day"], "end": day["day"] + DAY, "kind": kind})
    return runs


def _above(clock: TracedClock, words: Words) -> list[tuple[date, str]]:
    first = clock.days[0]["day"]
    labels = [(first, words.short_day(first))]
    if clock.due_on is not None:
        labels.append((clock.due_on + DAY, words.short_day(clock.due_on)))
    return labels


def _below(clock: TracedClock, words: Words, today: date) -> list[tuple[date, str]]:
    first, last = clock.days[0]["day"], clock.days[-1]["day"]
    return [(today, words._("today"))] if first <= today <= last else []


def _days(days: Sequence[Mapping[str, Any]], words: Words, today: date) -> list[dict[str, Any]]:
    """Not more than eleven weeks: of a long clock the end, which is what is asked about."""
    return [
        {
            "day": day["day"],
            "kind": _cell_kind(day, today),
            "text": _cell_text(day, words),
            "today": day["day"] == today,
            "due": bool(day["due"]),
        }
        for day in days[-LONGEST:]
    ]


def _cell_kind(day: Mapping[str, Any], today: date) -> str:
    if day["kind"] == "counted":
        return "counted" if day["day"] <= today else "future"
    kinds = {"paused": "paused", "holiday": "holiday", "start": "earlier", "rolled": "off", "off": "off"}
    return kinds[day["kind"]]


def _cell_text(day: Mapping[str, Any], words: Words) -> str:
    if day["due"]:
        return words._("due")
    if day["kind"] == "counted":
        return str(day["count"])
    if day["kind"] == "start":
        return words._("from")
    if day["kind"] == "paused":
        return words._("paused")
    return words._("hol.") if day["name"] else ""


def _explained(clock: TracedClock, words: Words) -> list[dict[str, Any]]:
    rows = [(_happened(event), _event_row(clock, event, words)) for event in clock.events]
    rows += _special_days(clock, words)
    rows.sort(key=lambda each: each[0])
    if clock.due_on is not None and clock.state != "paused":
        rows.append((clock.due_on, _due_row(clock, clock.due_on, words)))
    return [row for _, row in rows]


def _happened(event: Mapping[str, Any]) -> date:
    at: datetime | None = event["at"]
    day: date = at.astimezone(LOCAL).date() if at else event["effective_on"]
    return day


def _row(when: str, cause: str, effect: str, ground: str = "") -> dict[str, Any]:
    return {"when": when, "cause": cause, "effect": effect, "ground": ground, "href": None}


def _event_row(clock: TracedClock, event: Mapping[str, Any], words: Words) -> dict[str, Any]:
    cause, effect = CAUSES[event["kind"]]
    days = words.ngettext("{n} day", "{n} days", event["days"]) if event["days"] else ""
    said = words._(effect, days=days)
    at: datetime | None = event["at"]
    local = at.astimezone(LOCAL) if at else None
    if local is not None and local.date() < event["effective_on"]:
        moved = words._("Outside working hours, so it counts as {day}.", day=words.day(event["effective_on"]))
        said = f"{moved} {said}"
    when = f"{words.short_day(local.date())}, {local:%H:%M}" if local else words.short_day(event["effective_on"])
    title = words._(cause) if event["kind"] != "start" else words._(_first(clock))
    return _row(when, title, said, _ground(clock, words) if event["kind"] == "start" else "")


def _ground(clock: TracedClock, words: Words) -> str:
    if not clock.unverified:
        return clock.source
    return words._("{source}, unverified", source=clock.source)


def _first(clock: TracedClock) -> str:
    return FIRST[clock.starts]


def _special_days(clock: TracedClock, words: Words) -> list[tuple[date, dict[str, Any]]]:
    """Holidays in one line per run, make-up days one by one."""
    rows: list[tuple[date, dict[str, Any]]] = []
    run: list[Mapping[str, Any]] = []
    for day in [*clock.days, {"day": None, "kind": "", "name": None, "makeup": False}]:
        if day["kind"] == "holiday":
            run.append(day)
            continue
        if run:
            rows.append((run[0]["day"], _holidays(run, words)))
            run = []
        if day["makeup"]:
            text = words._("A working Saturday: counted as day {count}.", count=day["count"])
            rows.append((day["day"], _row(words.short_day(day["day"]), words._("Make-up day"), text, day["source"])))
    return rows


def _holidays(run: Sequence[Mapping[str, Any]], words: Words) -> dict[str, Any]:
    first, last = run[0]["day"], run[-1]["day"]
    when = words.short_day(first) if first == last else f"{words.short_day(first)}–{words.short_day(last)}"
    source = words._("calculated: {source}", source=run[0]["source"])
    return _row(when, run[0]["name"][words.lang], words._("Not counted."), source)


def _due_row(clock: TracedClock, due_on: date, words: Words) -> dict[str, Any]:
    last = next((day["day"] for day in clock.days if day["count"] == clock.length), due_on)
    if last < due_on:
        text = words._("Day {n} is {day}, no working day: due on the next one.", n=clock.length, day=words.day(last))
    else:
        text = words._("Day {n}.", n=clock.length)
    return _row(words.short_day(due_on), words._("Due"), text)
