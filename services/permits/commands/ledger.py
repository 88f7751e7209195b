"""The ledger of days and its projection: every act that moves a clock is written here, then the due dates are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.db import new_id
from services.permits import queries
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Entry, Key, Reading, Readings, Step
from services.permits.domain.movement import Deed, Movement, move, step
from services.permits.domain.procedure import Procedure
from services.permits.tables import ClockEvent, Deadline

APPLICANT = "applicant"


@dataclass(frozen=True)
class Bearer:
    """Whose clocks they are: the dossier, its law, and who answers for it and for each review."""

    application_id: UUID
    procedure_version_id: UUID
    procedure: Procedure
    applicant_org: str
    lead_org: str
    lead_function: str
    reviews: Mapping[UUID, tuple[str, str]]

    def answers(self, clock: str, review_id: UUID | None) -> tuple[str, str]:
        """(organisation, function) whose time it is; the applicant has no function."""
        if self.procedure.clock(clock).of_applicant:
            return self.applicant_org, APPLICANT
        return (self.lead_org, self.lead_function) if review_id is None else self.reviews[review_id]


def bearer(dossier: queries.Dossier) -> Bearer:
    return Bearer(
        dossier.id,
        dossier.procedure_version_id,
        dossier.procedure,
        dossier.applicant_org,
        dossier.lead_org,
        dossier.lead_function,
        {review.id: (review.org, review.function) for review in dossier.reviews},
    )


def moved(
    procedure: Procedure,
    deed: Deed,
    *,
    calendar: Calendar,
    entries: Sequence[Entry] = (),
    review_ids: Sequence[UUID] = (),
) -> Movement:
    """Nothing is written: whoever only asks is told the same days. `entries`: the ledger so far."""
    return move(procedure, deed, calendar=calendar, entries=entries, review_ids=review_ids, make_id=new_id)


async def tick(
    tx: AsyncSession,
    actor: Actor,
    owner: Bearer,
    deed: Deed,
    *,
    calendar: Calendar,
    now: datetime,
    review_ids: Sequence[UUID] = (),
) -> Readings:
    """Writes what the act does to the clocks and projects those it touched; answers with all of them."""
    entries = await queries.ledger(tx, owner.application_id)
    movement = moved(owner.procedure, deed, calendar=calendar, entries=entries, review_ids=review_ids)
    return await write(tx, actor, owner, deed, movement, calendar=calendar, now=now)


async def extend_clock(
    tx: AsyncSession,
    actor: Actor,
    owner: Bearer,
    deed: Deed,
    clock: str,
    days: int,
    *,
    calendar: Calendar,
    now: datetime,
) -> Readings:
    entries = await queries.ledger(tx, owner.application_id)
    steps = [Step(clock, "extend", None, days)]
    movement = step(owner.procedure, deed, steps, calendar=calendar, entries=entries, make_id=new_id)
    return await write(tx, actor, owner, deed, movement, calendar=calendar, now=now)


async def write(
    tx: AsyncSession,
    actor: Actor,
    owner: Bearer,
    deed: Deed,
    movement: Movement,
    *,
    calendar: Calendar,
    now: datetime,
) -> Readings:
    if movement.added:
        await tx.execute(sa.insert(ClockEvent), [_event(entry, owner, deed, actor, now) for entry in movement.added])
        await _project(tx, owner, movement.touched, calendar)
    return movement.after


def _event(entry: Entry, owner: Bearer, deed: Deed, actor: Actor, now: datetime) -> dict[str, object]:
    return {
        "id": entry.id,
        "application_id": owner.application_id,
        "review_id": entry.review_id,
        "seq": entry.seq,
        "clock": entry.clock,
        "kind": entry.kind,
        "at": deed.at,
        "effective_on": entry.effective_on,
        "days": entry.days,
        "cause": deed.cause,
        "reason": deed.reason,
        "corrects": entry.corrects,
        "actor": actor.id,
        "recorded_at": now,
    }


def begun(
    actor: Actor, owner: Bearer, deed: Deed, movement: Movement, *, calendar: Calendar, now: datetime
) -> dict[str, list[dict[str, object]]]:
    """The rows, by table, of a dossier that has none yet: its ledger and its due dates."""
    return {
        "clock_event": [_event(entry, owner, deed, actor, now) for entry in movement.added],
        "deadline": [_deadline(owner, key, reading, calendar) for key, reading in movement.touched.items()],
    }


# Built once: SQLAlchemy takes longer to make `excluded` than PostgreSQL to run the statement.
_DUE = insert(Deadline)
_KEPT = {"id", "application_id", "review_id", "clock"}
_PROJECT = _DUE.on_conflict_do_update(
    index_elements=["application_id", "review_id", "clock"],
    set_={name: column for name, column in _DUE.excluded.items() if name not in _KEPT},
)


async def _project(tx: AsyncSession, owner: Bearer, after: Readings, calendar: Calendar) -> None:
    await tx.execute(_PROJECT, [_deadline(owner, key, reading, calendar) for key, reading in after.items()])


def _deadline(owner: Bearer, key: Key, reading: Reading, calendar: Calendar) -> dict[str, object]:
    clock, review_id = key
    org, function = owner.answers(clock, review_id)
    due_on = None if reading.state == "paused" else reading.due_on
    return {
        "id": new_id(),
        "application_id": owner.application_id,
        "review_id": review_id,
        "clock": clock,
        "org": org,
        "function": function,
        "state": reading.state,
        "length": reading.length,
        "due_on": due_on,
        "sort_on": due_on or date.max,
        "remaining": reading.remaining if reading.state == "paused" else None,
        "on_expiry": owner.procedure.clock(clock).on_expiry,
        "procedure_version": owner.procedure_version_id,
        "calendar_version": calendar.id,
    }
