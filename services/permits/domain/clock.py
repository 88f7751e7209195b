"""The provable clock: events, a rule and a calendar give the due date and the reason for it, day by day.

One rule: an event takes effect at the end of its effective day. So the day of receipt is not counted, the day a
notice leaves is, the day a supplement comes back is not, the day after is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.permits.domain.calendar import ONE, Calendar
from services.permits.domain.procedure import ClockRule, Procedure, Trigger

Kind = Literal["start", "pause", "resume", "restart", "extend", "stop", "void"]
State = Literal["idle", "running", "paused", "stopped"]
DayKind = Literal["counted", "off", "holiday", "paused", "rolled", "start"]


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. `days` belongs to `extend`, `corrects` (an entry's id) to `void`."""

    seq: int
    clock: str
    kind: Kind
    effective_on: date
    at: datetime | None = None
    days: int | None = None
    id: UUID | None = None
    corrects: UUID | None = None
    review_id: UUID | None = None


@dataclass(frozen=True)
class TracedDay:
    """`count` is the number the day got; `events` what took effect at its end; `name` of a holiday in vi and en."""

    day: date
    kind: DayKind
    count: int | None = None
    makeup: bool = False
    name: tuple[str, str] | None = None
    source: str = ""
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a clock says. `due_on` is the last good day: overdue from 00:00 of the next one; None while paused.

    `used` is what was counted up to the last event; `used_on` up to the end of a day.
    """

    state: State
    length: int
    used: int
    due_on: date | None = None
    days: tuple[TracedDay, ...] = field(default=(), repr=False)

    @property
    def remaining(self) -> int:
        return max(self.length - self.used, 0)

    def used_on(self, today: date) -> int:
        if self.state != "running":
            return self.used
        return max((each.count for each in self.days if each.count and each.day <= today), default=0)


def live(entries: Iterable[Entry]) -> list[Entry]:
    """Without the voided ones; a voided void no longer voids."""
    listed = list(entries)
    voids = {entry.corrects: entry for entry in listed if entry.kind == "void" and entry.corrects is not None}

    def stands(entry: Entry) -> bool:
        void = voids.get(entry.id) if entry.id is not None else None
        return void is None or not stands(void)

    return [entry for entry in listed if entry.kind != "void" and stands(entry)]


def read(rule: ClockRule, entries: Iterable[Entry], calendar: Calendar) -> Reading:
    """The clock of `rule` after `entries` (of this clock alone, any order). Raises CalendarEnds."""
    walk = _Walk(rule, calendar)
    for entry in _in_order(live(entries)):
        walk.take(entry)
    return walk.finish()


Key = tuple[str, UUID | None]
Readings = dict[Key, Reading]


def by_clock(entries: Sequence[Entry]) -> dict[Key, list[Entry]]:
    grouped: dict[Key, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault((entry.clock, entry.review_id), []).append(entry)
    return grouped


def readings(procedure: Procedure, entries: Sequence[Entry], calendar: Calendar) -> Readings:
    return {key: read(procedure.clock(key[0]), own, calendar) for key, own in by_clock(entries).items()}


def _in_order(entries: list[Entry]) -> list[Entry]:
    """By the instant of the act; none takes effect before the one before it."""
    ordered = sorted(entries, key=lambda e: (e.at.timestamp() if e.at else 0.0, e.seq))
    latest = date.min
    placed: list[Entry] = []
    for entry in ordered:
        latest = max(latest, entry.effective_on)
        placed.append(entry if entry.effective_on == latest else _moved(entry, latest))
    return placed


def _moved(entry: Entry, day: date) -> Entry:
    return Entry(entry.seq, entry.clock, entry.kind, day, entry.at, entry.days, entry.id, entry.corrects)


class _Walk:
    """Passes over the days once, holding which were counted since the last start or restart."""

    def __init__(self, rule: ClockRule, calendar: Calendar) -> None:
        self.rule, self.calendar = rule, calendar
        self.state: State = "idle"
        self.extra = 0
        self.at: date | None = None
        self.counted: list[date] = []
        self.days: list[TracedDay] = []
        self.events: dict[date, list[str]] = {}
        self.stopped_due: date | None = None

    @property
    def length(self) -> int:
        return self.rule.length + self.extra

    def take(self, entry: Entry) -> None:
        if self.at is None:
            self.at = entry.effective_on
            self.days.append(TracedDay(entry.effective_on, "start"))
        self._pass_until(entry.effective_on)
        self.events.setdefault(entry.effective_on, []).append(entry.kind)
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.kind == "extend":
            self.extra += entry.days or 0
        elif entry.kind in ("start", "restart"):
            self.state, self.counted = "running", []
        elif self.state == "stopped":
            return
        elif entry.kind == "pause":
            self.state = "paused"
        elif entry.kind == "resume":
            self.state = "running"
        elif entry.kind == "stop":
            self.stopped_due = self._due(project=self.state == "running")
            self.state = "stopped"

    def _pass_until(self, end: date) -> None:
        while self.at is not None and self.at < end:
            self._next_day()

    def _next_day(self) -> None:
        assert self.at is not None
        self.at += ONE
        if self.state == "running":
            self._count(self.at)
        elif self.state == "paused":
            self.days.append(TracedDay(self.at, "paused"))

    def _count(self, day: date) -> None:
        known = self.calendar.named(day)
        name = (known.vi, known.en) if known is not None else None
        source = known.source if known is not None else ""
        working = self.calendar.is_working(day)
        if self.rule.unit == "working_day" and not working:
            self.days.append(TracedDay(day, "holiday" if known is not None else "off", None, False, name, source))
            return
        self.counted.append(day)
        makeup = self.calendar.is_makeup(day)
        self.days.append(TracedDay(day, "counted", len(self.counted), makeup, name, source))

    def _due(self, *, project: bool) -> date | None:
        """The day on which the count reaches the length; calendar-day clocks then roll to a working day."""
        if len(self.counted) >= self.length:
            last = self.counted[self.length - 1]
        elif project and self.at is not None:
            last = self._projected(self.at, self.length - len(self.counted))
        else:
            return None
        return self.calendar.working_from(last) if self.rule.unit == "day" else last

    def _projected(self, day: date, left: int) -> date:
        if self.rule.unit == "day":
            return day + timedelta(days=left)
        while left:
            day += ONE
            left -= self.calendar.is_working(day)
        return day

    def finish(self) -> Reading:
        used = min(len(self.counted), self.length)
        if self.state == "running":
            while len(self.counted) < self.length:
                self._next_day()
            due = self._due(project=False)
            self._roll(due)
        else:
            due = self.stopped_due if self.state == "stopped" else self._due(project=False)
        if self.state == "paused" and self.rule.supplement == "restart":
            used = 0
        return Reading(self.state, self.length, used, due, self._traced())

    def _roll(self, due: date | None) -> None:
        while due is not None and self.days and self.days[-1].day < due:
            day = self.days[-1].day + ONE
            known = self.calendar.named(day)
            name = (known.vi, known.en) if known is not None else None
            self.days.append(TracedDay(day, "rolled", None, False, name, known.source if known else ""))

    def _traced(self) -> tuple[TracedDay, ...]:
        return tuple(
            _with_events(day, tuple(self.events[day.day])) if day.day in self.events else day for day in self.days
        )


def _with_events(day: TracedDay, events: tuple[str, ...]) -> TracedDay:
    return TracedDay(day.day, day.kind, day.count, day.makeup, day.name, day.source, events)


@dataclass(frozen=True)
class Step:
    """An entry still to be written: which clock, of which review, does what."""

    clock: str
    kind: Kind
    review_id: UUID | None = None
    days: int | None = None


Held = Mapping[tuple[str, UUID | None], State]


def react(procedure: Procedure, trigger: Trigger, held: Held, *, review_ids: Sequence[UUID] = ()) -> list[Step]:
    """What an act does to the dossier's clocks. `held`: the states before it; `review_ids` for consulted, answered."""
    steps = [*_stopped(procedure, trigger, held, review_ids), *_interrupted(procedure, trigger, held)]
    for rule in procedure.clocks:
        if rule.starts == trigger:
            owners: Sequence[UUID | None] = review_ids if trigger == "consulted" else (None,)
            steps += [_started(rule.name, owner, held) for owner in owners]
    return steps


def _started(clock: str, owner: UUID | None, held: Held) -> Step:
    return Step(clock, "restart" if (clock, owner) in held else "start", owner)


def _stopped(procedure: Procedure, trigger: Trigger, held: Held, review_ids: Sequence[UUID]) -> list[Step]:
    steps = []
    for (clock, owner), state in held.items():
        if state not in ("running", "paused"):
            continue
        if trigger in ("withdrawn", "decided"):
            ends = True
        elif trigger == "lapsed":
            ends = procedure.clock(clock).of_applicant
        elif trigger == "answered":
            ends = owner in review_ids and procedure.clock(clock).ended_by == "answered"
        else:
            ends = owner is None and procedure.clock(clock).ended_by == trigger
        if ends:
            steps.append(Step(clock, "stop", owner))
    return steps


def _interrupted(procedure: Procedure, trigger: Trigger, held: Held) -> list[Step]:
    steps = []
    for (clock, owner), state in held.items():
        rule = procedure.clock(clock)
        if trigger == "supplement_requested" and state == "running" and rule.supplement != "none":
            steps.append(Step(clock, "stop" if rule.supplement == "stop" else "pause", owner))
        elif trigger == "supplemented" and state == "paused":
            steps.append(Step(clock, "restart" if rule.supplement == "restart" else "resume", owner))
    return steps
