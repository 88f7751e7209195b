"""What happened to dossiers, told to whom it concerns: read from the outbox by its places, each event once."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.auth import system
from services.permits import queries
from services.permits.commands.ledger import APPLICANT
from services.permits.commands.notify import note_reminded, tell
from services.permits.domain.notices import Audience, Notice
from services.permits.queries import Dossier, Due, Happened
from services.permits.tables import Deadline, Told

BATCH = 100
_OFFICERS = ("reviewer", "head")


async def tell_of_events(tx: AsyncSession, *, now: datetime) -> int:
    """The next events, in order. Returns how many notices are new."""
    events = await queries.happened(tx, BATCH)
    news = 0
    for event in events:
        make = _TIDINGS.get(event.subject)
        if make is None:
            continue
        dossier = await queries.application(tx, event.data["application_id"], actor=system("notices"))
        for notice in make(dossier, event):
            news += await tell(tx, notice, dossier.id, now=now)
    if events:
        await tx.execute(sa.update(Told).where(col(Told.reader) == "people").values(position=events[-1].position))
    return news


def _lead(dossier: Dossier, *capabilities: str) -> Audience:
    return Audience(dossier.lead_org, capabilities, dossier.lead_function)


def _applicant(dossier: Dossier) -> Audience:
    return Audience(dossier.applicant_org, ("applicant",))


def _asked(dossier: Dossier) -> list[Audience]:
    return [Audience(r.org, _OFFICERS, r.function) for r in dossier.reviews if not r.answered]


def _one(kind: str, dossier: Dossier, event: Happened, *audiences: Audience, **params: Any) -> Notice:
    return Notice(kind, str(event.id), {"number": dossier.number, **params}, audiences)


def _filed(dossier: Dossier, event: Happened) -> list[Notice]:
    to = _lead(dossier, "registrar", "lead")
    return [_one("filed", dossier, event, to, applicant=dossier.applicant_org)]


def _accepted(dossier: Dossier, event: Happened) -> list[Notice]:
    asked = [
        Notice(
            "asked",
            f"{event.id}:{review.function}",
            {"number": dossier.number, "function": review.function},
            (Audience(review.org, _OFFICERS, review.function),),
        )
        for review in dossier.reviews
        if review.function in event.data["functions"]
    ]
    return [*asked, _one("complete", dossier, event, _applicant(dossier))]


def _supplement_requested(dossier: Dossier, event: Happened) -> list[Notice]:
    return [_one("supplement_requested", dossier, event, _applicant(dossier), parts=event.data["items"])]


def _supplemented(dossier: Dossier, event: Happened) -> list[Notice]:
    return [_one("supplemented", dossier, event, _lead(dossier, "registrar", "lead"))]


def _opinion(dossier: Dossier, event: Happened) -> list[Notice]:
    found = []
    function = event.data["function"]
    if event.data["outcome"] == "silent":
        org = next(review.org for review in dossier.reviews if review.function == function)
        found.append(_one("silent", dossier, event, Audience(org, ("head",), function), function=function))
    if dossier.state == "ready":
        number = {"number": dossier.number}
        found.append(Notice("ready", f"ready:{dossier.id}", number, (_lead(dossier, "lead"),)))
    return found


def _decided(dossier: Dossier, event: Happened) -> list[Notice]:
    number = event.data["decision_number"]
    return [_one("decided", dossier, event, _applicant(dossier), decision=number)]


def _withdrawn(dossier: Dossier, event: Happened) -> list[Notice]:
    return [_one("withdrawn", dossier, event, _lead(dossier, "registrar", "lead"), *_asked(dossier))]


def _works(kind: str) -> Callable[[Dossier, Happened], list[Notice]]:
    return lambda dossier, event: [_one(kind, dossier, event, _lead(dossier, "registrar", "lead"))]


_TIDINGS: dict[str, Callable[[Dossier, Happened], list[Notice]]] = {
    "permits.application.filed.v1": _filed,
    "permits.application.accepted.v1": _accepted,
    "permits.application.supplement_requested.v1": _supplement_requested,
    "permits.application.supplemented.v1": _supplemented,
    "permits.opinion.given.v1": _opinion,
    "permits.application.decided.v1": _decided,
    "permits.application.withdrawn.v1": _withdrawn,
    "permits.works.commenced.v1": _works("commenced"),
    "permits.works.completed.v1": _works("completed"),
}


async def remind(tx: AsyncSession, *, today: date, soon: date, now: datetime) -> int:
    """Before a time limit ends: who works on it, else everybody of the function that answers for it."""
    rows = await queries.due_soon(tx, today, soon, BATCH)
    for row in rows:
        if row.assignee is not None:
            to = Audience(people=(row.assignee,))
        elif row.function == APPLICANT:
            to = Audience(row.org, ("applicant",))
        else:
            to = Audience(row.org, ("reviewer", "registrar", "lead"), row.function)
        await tell(tx, _limit("due_soon", row, to), row.application_id, now=now)
    await note_reminded(tx, [row.id for row in rows], "reminded_for")
    return len(rows)


async def escalate(tx: AsyncSession, *, today: date, now: datetime) -> int:
    """After it has ended: the head of the function, and who works on it; the applicant where it was his."""
    rows = await queries.overdue(tx, today, BATCH)
    for row in rows:
        own = (Audience(people=(row.assignee,)),) if row.assignee else ()
        head = Audience(row.org, ("head", "lead"), row.function)
        to = (Audience(row.org, ("applicant",)),) if row.function == APPLICANT else (head, *own)
        await tell(tx, _limit("overdue", row, *to), row.application_id, now=now)
    await note_reminded(tx, [row.id for row in rows], "escalated_for")
    return len(rows)


async def tell_of_moves(tx: AsyncSession, *, now: datetime) -> int:
    """A new calendar has moved due days: who answers for each, and the applicant where it is not a review's."""
    rows = await queries.moved(tx, BATCH)
    for row in rows:
        to = [Audience(row.org, ("reviewer", "registrar", "lead", "head"), row.function)]
        if row.clock != "consultation":
            to.append(Audience(row.applicant_org, ("applicant",)))
        params = {"number": row.number, "clock": row.clock, "was": row.was.isoformat()}
        params["due_on"] = row.due_on.isoformat() if row.due_on else ""
        once = f"moved:{row.id}:{row.was}:{row.due_on}"
        await tell(tx, Notice("moved", once, params, tuple(to)), row.application_id, now=now)
    told = sa.update(Deadline).where(col(Deadline.id).in_([row.id for row in rows]))
    await tx.execute(told.values(moved_from=None))
    return len(rows)


def _limit(kind: str, row: Due, *audiences: Audience) -> Notice:
    params = {"number": row.number, "due_on": row.due_on.isoformat(), "clock": row.clock}
    return Notice(kind, f"{kind}:{row.id}:{row.due_on}", params, audiences)
