"""What an act does to the clocks of a dossier: the entries it adds and what the clocks then say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Entry, Readings, Step, by_clock, react, read, readings
from services.permits.domain.procedure import Procedure, Trigger


@dataclass(frozen=True)
class Deed:
    """An act: when it happened, the day whose end it takes effect at, what caused it."""

    trigger: Trigger
    at: datetime
    effective_on: date
    cause: UUID
    reason: str | None = None


@dataclass(frozen=True)
class Movement:
    """The entries an act adds, the clocks it touches as they read then, all of them."""

    added: Sequence[Entry]
    touched: Readings
    after: Readings


def move(
    procedure: Procedure,
    deed: Deed,
    *,
    calendar: Calendar,
    make_id: Callable[[], UUID],
    entries: Sequence[Entry] = (),
    review_ids: Sequence[UUID] = (),
) -> Movement:
    """By the procedure's rules. `entries`: the ledger so far. Raises CalendarEnds (409)."""
    before = readings(procedure, entries, calendar)
    held = {key: found.state for key, found in before.items()}
    steps = react(procedure, deed.trigger, held, review_ids=review_ids)
    return _stepped(procedure, deed, steps, calendar, entries, before, make_id)


def step(
    procedure: Procedure,
    deed: Deed,
    steps: Sequence[Step],
    *,
    calendar: Calendar,
    make_id: Callable[[], UUID],
    entries: Sequence[Entry] = (),
) -> Movement:
    """Exactly these steps, whatever the trigger: an extension, a review that is called off."""
    return _stepped(procedure, deed, steps, calendar, entries, readings(procedure, entries, calendar), make_id)


def _stepped(
    procedure: Procedure,
    deed: Deed,
    steps: Sequence[Step],
    calendar: Calendar,
    entries: Sequence[Entry],
    before: Readings,
    make_id: Callable[[], UUID],
) -> Movement:
    last = entries[-1].seq if entries else 0
    added = [
        Entry(last + place, s.clock, s.kind, deed.effective_on, deed.at, s.days, make_id(), None, s.review_id)
        for place, s in enumerate(steps, 1)
    ]
    grouped = by_clock([*entries, *added])
    touched = {key: read(procedure.clock(key[0]), grouped[key], calendar) for key in by_clock(added)}
    return Movement(added, touched, {**before, **touched})
