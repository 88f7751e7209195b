"""Opinions: drafted, given, or replaced by silence."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.permits import OpinionGiven
from kernel import audit, outbox
from kernel.auth import Actor, system
from kernel.clock import end_of_day, local_date
from kernel.errors import Forbidden
from services.permits import queries
from services.permits.commands.ledger import bearer, tick
from services.permits.commands.touch import Changed, moment, told, touch
from services.permits.domain import policy
from services.permits.domain.application import (
    SILENT,
    Opinion,
    ReviewState,
    check_opinion,
    check_signer,
    next_state,
)
from services.permits.domain.movement import Deed
from services.permits.domain.refusals import AlreadyAnswered, ReviewNotAsked, WrongMove
from services.permits.queries import Dossier
from services.permits.settings import PermitsSettings
from services.permits.tables import Review


def _asked(actor: Actor, dossier: Dossier, function: str) -> ReviewState:
    """The caller's own review in that function. Raises Forbidden (403), ReviewNotAsked (409)."""
    own = [r for r in dossier.reviews if r.function == function]
    if not own:
        raise ReviewNotAsked
    review = max(own, key=lambda r: r.round)
    if review.org not in dossier.orgs or not policy.covers(actor, function):
        raise Forbidden
    return review


async def draft_opinion(
    tx: AsyncSession, actor: Actor, dossier: Dossier, function: str, opinion: Opinion, *, now: datetime
) -> Changed:
    """A proposal for somebody else to sign; it may be written again until then."""
    policy.demand(actor, "permits:opinion:draft", dossier.standing)
    review = _asked(actor, dossier, function)
    _in_review(dossier)
    if review.answered:
        raise AlreadyAnswered
    check_opinion(opinion)
    now = moment(dossier, now)
    await _write(tx, review, opinion, drafted_by=actor.id)
    changed = await touch(tx, dossier, dossier.state, now)
    await _note(tx, actor, "permits:opinion:draft", dossier, review, opinion, now)
    return changed


async def give_opinion(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    function: str,
    opinion: Opinion,
    *,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """Signs and sends. After the deadline the answer is kept and marked late: silence has counted as agreement.

    Raises Forbidden, OwnDraft (403), ReviewNotAsked, AlreadyAnswered, DraftMissing, WrongMove (409),
    DossierFaulty (422).
    """
    four_eyes = dossier.procedure.four_eyes
    policy.demand(actor, "permits:opinion:sign" if four_eyes else "permits:opinion:give", dossier.standing)
    review = _asked(actor, dossier, function)
    _in_review(dossier)
    check_signer(review, actor.id, four_eyes=four_eyes)
    check_opinion(opinion)
    now = moment(dossier, now)
    deadlines = await queries.running(tx, dossier.id)
    due_on = deadlines.get(("consultation", review.id))
    late = review.outcome == SILENT or (due_on is not None and local_date(now) > due_on)
    await _write(tx, review, opinion, signed_by=actor.id, signed_name=actor.name, signed_at=now, late=late)
    await _note(tx, actor, "permits:opinion:give", dossier, review, opinion, now)
    return await _answered(tx, actor, dossier, review, opinion.outcome, late, now, local_date(now), settings, now)


async def fall_silent(
    tx: AsyncSession, dossier: Dossier, review_id: UUID, *, due_on: date, settings: PermitsSettings, now: datetime
) -> Changed:
    """The deadline passed without an answer: agreed and responsible. The worker calls it."""
    actor = system("deadlines")
    review = next(r for r in dossier.reviews if r.id == review_id)
    now = moment(dossier, now)
    await tx.execute(
        sa.update(Review)
        .where(col(Review.id) == review.id)
        .values(outcome=SILENT, silent_on=due_on, version=review.version + 1)
    )
    await _note(tx, actor, "permits:opinion:silence", dossier, review, Opinion(SILENT), now)
    at = end_of_day(due_on) - timedelta(microseconds=1)
    return await _answered(tx, actor, dossier, review, SILENT, False, at, due_on, settings, now)


def _in_review(dossier: Dossier) -> None:
    if dossier.state not in ("under_review", "ready"):
        raise WrongMove(state=dossier.state)


async def _write(tx: AsyncSession, review: ReviewState, opinion: Opinion, **more: Any) -> None:
    conditions = [{"text": c.text, "due_on": c.due_on.isoformat() if c.due_on else None} for c in opinion.conditions]
    await tx.execute(
        sa.update(Review)
        .where(col(Review.id) == review.id)
        .values(
            outcome=opinion.outcome,
            grounds=opinion.grounds,
            conditions=conditions,
            version=review.version + 1,
            **more,
        )
    )


async def _note(
    tx: AsyncSession, actor: Actor, act: str, dossier: Dossier, review: ReviewState, opinion: Opinion, now: datetime
) -> None:
    await audit.record(
        tx,
        actor,
        act,
        dossier.id,
        now=now,
        before={"function": review.function, "outcome": review.outcome},
        after={"function": review.function, "outcome": opinion.outcome, "conditions": len(opinion.conditions)},
    )


async def _answered(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    review: ReviewState,
    outcome: str,
    late: bool,
    at: datetime,
    effective_on: date,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    calendar = await queries.newest_calendar(tx, settings.area)
    deed = Deed("answered", at, effective_on, review.id)
    await tick(tx, actor, bearer(dossier), deed, calendar=calendar, now=now, review_ids=[review.id])
    open_ones = [r for r in dossier.reviews if r.id != review.id and not r.answered]
    settles = dossier.state == "under_review" and not open_ones
    changed = await touch(tx, dossier, next_state(dossier.state, "settle") if settles else dossier.state, now)
    event = OpinionGiven(
        **told(dossier, changed), function=review.function, round=review.round, outcome=outcome, late=late
    )
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return changed
