"""Why a deadline is on its day: the ledger read by the pure clock, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.clock import local_date
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Entry, Reading, TracedDay, by_clock, read
from services.permits.domain.procedure import ClockRule
from services.permits.queries import dossier as dossiers
from services.permits.queries import law, proof
from services.permits.queries.queue import Horizon


@dataclass(frozen=True)
class TracedClock:
    clock: str
    function: str | None
    state: str
    starts: str
    unit: str
    length: int
    used: int
    remaining: int
    due_on: date | None
    source: str
    unverified: bool
    supplement: str
    events: Sequence[dict[str, Any]]
    days: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class TracedClocks:
    """`calendar` is the version the running clocks were last read by."""

    application: UUID
    procedure: str
    calendar: str
    calendar_ends_on: date
    clocks: Sequence[TracedClock]


async def clocks(read_: AsyncSession, application_id: UUID, *, actor: Actor, area: str, now: datetime) -> TracedClocks:
    """Raises ApplicationNotFound (404)."""
    dossier = await dossiers.application(read_, application_id, actor=actor)
    entries = by_clock(await dossiers.ledger(read_, application_id))
    held = {(row.clock, row.review_id): row for row in await proof.deadlines(read_, application_id)}
    functions = {review.id: review.function for review in dossier.reviews}
    newest = await law.newest_calendar(read_, area)
    found, shown = [], newest
    for (name, review_id), own in entries.items():
        calendar = await law.calendar_version(read_, held[(name, review_id)].calendar_version)
        rule = dossier.procedure.clock(name)
        reading = read(rule, own, calendar)
        shown = calendar if reading.state == "running" else shown
        found.append(traced(rule, own, reading, functions.get(review_id) if review_id else None, local_date(now)))
    return TracedClocks(application_id, dossier.procedure.label, f"{shown.area}.{shown.no}", shown.ends_on, found)


def traced(
    rule: ClockRule, entries: Sequence[Entry], reading: Reading, function: str | None, today: date
) -> TracedClock:
    """One clock with its days, each with what it counted or why not."""
    used = reading.used_on(today)
    events = [
        {"seq": e.seq, "kind": e.kind, "at": e.at, "effective_on": e.effective_on, "days": e.days} for e in entries
    ]
    days = [_day(day, reading.due_on) for day in reading.days]
    return TracedClock(
        rule.name,
        function,
        reading.state,
        rule.starts,
        rule.unit,
        reading.length,
        used,
        max(reading.length - used, 0),
        reading.due_on,
        rule.source,
        rule.unverified,
        rule.supplement,
        events,
        days,
    )


def _day(day: TracedDay, due_on: date | None) -> dict[str, Any]:
    return {
        "day": day.day,
        "kind": day.kind,
        "count": day.count,
        "makeup": day.makeup,
        "name": {"vi": day.name[0], "en": day.name[1]} if day.name else None,
        "source": day.source,
        "events": list(day.events),
        "due": day.day == due_on,
    }


async def horizon(read_: AsyncSession, area: str, now: datetime) -> Horizon:
    """Soon means within two working days. Raises NoCalendar, CalendarEnds (409)."""
    calendar: Calendar = await law.newest_calendar(read_, area)
    today = local_date(now)
    return Horizon(today, calendar.working_after(calendar.working_after(today)))
