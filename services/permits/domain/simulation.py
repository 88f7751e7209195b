"""The clocks of a dossier that does not exist: the same functions as the real ones, nothing is written.

Silence is played as the worker would: what falls due before the next act takes effect with the end of its due day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from kernel.clock import end_of_day, local_date
from kernel.errors import N_, Fault
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Entry, Key, Readings, Step, by_clock, read
from services.permits.domain.movement import Deed, Movement, move, step
from services.permits.domain.procedure import Procedure, Trigger
from services.permits.domain.refusals import SimulationFaulty

Act = Literal["supplement_requested", "supplemented", "complete", "answered", "extend", "decided", "withdrawn"]
NOT_YET = N_("This cannot happen at this point.")
BACKWARDS = N_("The acts are given in the order of time, none before the receipt.")
UNKNOWN = N_("This procedure asks no such function.")
NO_CLOCK = N_("No clock can be extended at this point, or not by so much.")
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Played:
    """One act. `function` of an answer, `days` of an extension."""

    act: Act
    at: datetime
    function: str | None = None
    days: int | None = None


@dataclass(frozen=True)
class Happened:
    """What took effect when: a given act, or silence."""

    act: str
    at: datetime
    effective_on: date
    function: str | None = None
    silent: bool = False


@dataclass(frozen=True)
class Simulated:
    procedure: Procedure
    received_on: date
    entries: Sequence[Entry]
    readings: Readings
    happened: Sequence[Happened]
    functions: dict[UUID, str] = field(default_factory=dict)

    def entries_of(self, key: Key) -> list[Entry]:
        return by_clock(self.entries)[key]

    @property
    def due_on(self) -> date | None:
        """Of the clock that ends with the decision, while it runs or when it was stopped."""
        found = [reading.due_on for (clock, owner), reading in self.readings.items() if self._decides(clock, owner)]
        return max((due_on for due_on in found if due_on is not None), default=None)

    def _decides(self, clock: str, owner: UUID | None) -> bool:
        return owner is None and self.procedure.clock(clock).ended_by == "decided"


def simulate(
    procedure: Procedure,
    calendar: Calendar,
    received_at: datetime,
    acts: Sequence[Played],
    *,
    functions: Sequence[str] | None = None,
    until: date | None = None,
) -> Simulated:
    """`functions`: who is asked, else all of the procedure's own; `until`: silence is played up to the end of this day.

    Raises SimulationFaulty (422) with a pointer per act, CalendarEnds (409).
    """
    asked = functions if functions is not None else [a.function for a in procedure.agencies]
    play = _Play(procedure, calendar, asked)
    play.receive(received_at)
    for place, act in enumerate(acts):
        if act.at < play.last_at:
            raise SimulationFaulty(errors=[Fault(f"/events/{place}/at", "order", BACKWARDS)])
        play.fall_silent(local_date(act.at))
        fault = play.take(act)
        if fault is not None:
            at, code, words = fault
            raise SimulationFaulty(errors=[Fault(f"/events/{place}/{at}", code, words)])
    if until is not None:
        play.fall_silent(until + timedelta(days=1))
    return play.result()


class _Play:
    def __init__(self, procedure: Procedure, calendar: Calendar, functions: Sequence[str]) -> None:
        self.procedure, self.calendar, self.functions = procedure, calendar, functions
        self.entries: list[Entry] = []
        self.readings: Readings = {}
        self.happened: list[Happened] = []
        self.reviews: dict[UUID, str] = {}
        self.waiting = False
        self.ended = False
        self.rounds = 0
        self.made = 0
        self.received_on = date.min

    @property
    def last_at(self) -> datetime:
        return self.happened[-1].at

    def receive(self, at: datetime) -> None:
        self.received_on = local_date(at)
        self._move("received", at, self.calendar.incoming(at), "received")

    def take(self, act: Played) -> tuple[str, str, str] | None:
        """Plays the act, or says what stands against it: member, code, words."""
        if self.ended or not self._possible(act):
            return "act", "not_now", NOT_YET
        if act.act == "answered":
            return self._answer(act)
        if act.act == "extend":
            return self._extend(act)
        if act.act == "complete":
            self._complete(act.at, local_date(act.at), silent=False)
        elif act.act == "supplemented":
            self.waiting = False
            self._move("supplemented", act.at, self.calendar.incoming(act.at), act.act)
        elif act.act == "supplement_requested":
            self.rounds, self.waiting = self.rounds + 1, True
            self._move("supplement_requested", act.at, local_date(act.at), act.act)
        else:
            self.ended = True
            self._move("decided" if act.act == "decided" else "withdrawn", act.at, local_date(act.at), act.act)
        return None

    def _possible(self, act: Played) -> bool:
        if act.act == "supplemented":
            return self.waiting
        if act.act == "supplement_requested":
            left = self.rounds < self.procedure.supplements.rounds
            return left and not self.reviews and not self.waiting
        if act.act == "complete":
            return not self.reviews and not self.waiting
        return True

    def _complete(self, at: datetime, effective_on: date, *, silent: bool) -> None:
        self._move("complete", at, effective_on, "complete", silent=silent)
        self.reviews = {uuid5(NAMESPACE_OID, function): function for function in self.functions}
        if self.reviews:
            self._move("consulted", at + _TICK, effective_on, "consulted", review_ids=list(self.reviews), silent=silent)

    def _answer(self, act: Played) -> tuple[str, str, str] | None:
        review = next((id for id, function in self.reviews.items() if function == act.function), None)
        if review is None:
            return "function", "unknown", UNKNOWN
        self._move("answered", act.at, local_date(act.at), "answered", review_ids=[review], function=act.function)
        return None

    def _extend(self, act: Played) -> tuple[str, str, str] | None:
        rule = next((r for r in self.procedure.clocks if r.extension is not None and r.ended_by == "decided"), None)
        reading = self.readings.get((rule.name, None)) if rule is not None else None
        if rule is None or rule.extension is None or reading is None or reading.state not in ("running", "paused"):
            return "act", "not_now", NO_CLOCK
        days = act.days or 0
        if days < 1 or reading.length - rule.length + days > rule.extension.max:
            return "days", "too_many", NO_CLOCK
        deed = Deed("decided", act.at, local_date(act.at), uuid5(NAMESPACE_OID, str(len(self.entries))))
        steps = [Step(rule.name, "extend", None, days)]
        self._keep(
            step(self.procedure, deed, steps, calendar=self.calendar, entries=self.entries, make_id=self._id),
            Happened("extend", act.at, deed.effective_on),
        )
        return None

    def fall_silent(self, before: date) -> None:
        """Plays every expiry whose due day is over on the day `before`, the earliest first."""
        while not self.ended and (found := self._expired(before)) is not None:
            (clock, owner), due_on = found
            expiry = self.procedure.clock(clock).on_expiry
            at = max(end_of_day(due_on) - _TICK, self.last_at)
            if expiry == "deemed_complete":
                self._complete(at, due_on, silent=True)
            elif expiry == "deemed_agreed" and owner is not None:
                function = self.reviews[owner]
                self._move("answered", at, due_on, "answered", review_ids=[owner], function=function, silent=True)
            else:
                self.waiting = False
                self._move("lapsed", at, due_on, "lapsed", silent=True)

    def _expired(self, before: date) -> tuple[Key, date] | None:
        due = [
            (reading.due_on, key)
            for key, reading in self.readings.items()
            if reading.state == "running"
            and reading.due_on is not None
            and reading.due_on < before
            and self.procedure.clock(key[0]).on_expiry != "overdue"
        ]
        if not due:
            return None
        due_on, key = min(due, key=lambda each: (each[0], each[1][0], str(each[1][1])))
        return key, due_on

    def _move(
        self,
        trigger: Trigger,
        at: datetime,
        effective_on: date,
        act: str,
        *,
        review_ids: Sequence[UUID] = (),
        function: str | None = None,
        silent: bool = False,
    ) -> None:
        deed = Deed(trigger, at, effective_on, uuid5(NAMESPACE_OID, act))
        movement = move(
            self.procedure,
            deed,
            calendar=self.calendar,
            entries=self.entries,
            review_ids=review_ids,
            make_id=self._id,
        )
        self._keep(movement, Happened(act, at, effective_on, function, silent))

    def _keep(self, movement: Movement, happened: Happened) -> None:
        self.entries += movement.added
        self.readings = movement.after
        self.happened.append(happened)

    def _id(self) -> UUID:
        self.made += 1
        return uuid5(NAMESPACE_OID, f"entry {self.made}")

    def result(self) -> Simulated:
        whole = {
            key: read(self.procedure.clock(key[0]), own, self.calendar) for key, own in by_clock(self.entries).items()
        }
        return Simulated(self.procedure, self.received_on, self.entries, whole, self.happened, self.reviews)
