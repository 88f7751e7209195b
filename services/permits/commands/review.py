"""Opinions: drafted, checked, signed, or replaced by silence."""

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
from kernel.errors import N_, Fault, Forbidden
from services.permits import queries
from services.permits.commands.ledger import bearer, tick
from services.permits.commands.notify import tell
from services.permits.commands.touch import Changed, moment, told, touch
from services.permits.domain import policy
from services.permits.domain.application import (
    SILENT,
    Opinion,
    ReviewState,
    StepAct,
    check_alone,
    check_duties,
    check_opinion,
    next_stage,
    next_state,
    read_opinion,
    way_of,
    written,
)
from services.permits.domain.movement import Deed
from services.permits.domain.notices import Audience, Notice
from services.permits.domain.refusals import ReasonMissing, ReviewNotAsked, WrongMove
from services.permits.queries import Dossier
from services.permits.settings import PermitsSettings
from services.permits.tables import Review, ReviewStep

RETURN_REASON = N_("Say what has to be changed.")


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
    """What somebody else will sign; it may be written again until it is handed in."""
    policy.demand(actor, "permits:opinion:draft", dossier.standing)
    review = _open(actor, dossier, function)
    stage = next_stage(review.stage, "draft", way_of(review, dossier.procedure))
    check_opinion(opinion, await queries.condition_book(tx, dossier), local_date(now))
    kept = {"draft": written(opinion), "drafted_by": actor.id, "checked_by": None}
    return await _step(tx, actor, dossier, review, "draft", stage, now, kept, outcome=opinion.outcome)


async def submit_opinion(tx: AsyncSession, actor: Actor, dossier: Dossier, function: str, *, now: datetime) -> Changed:
    """Hands the draft in: to be checked where three people are wanted, else to be signed."""
    policy.demand(actor, "permits:opinion:draft", dossier.standing)
    review = _open(actor, dossier, function)
    stage = next_stage(review.stage, "submit", way_of(review, dossier.procedure))
    return await _step(tx, actor, dossier, review, "submit", stage, now)


async def pass_opinion(tx: AsyncSession, actor: Actor, dossier: Dossier, function: str, *, now: datetime) -> Changed:
    """Found in order by somebody who has not written it. Raises OwnDraft (403), WrongStage, DraftMissing (409)."""
    policy.demand(actor, "permits:opinion:check", dossier.standing)
    review = _open(actor, dossier, function)
    way = way_of(review, dossier.procedure)
    stage = next_stage(review.stage, "pass", way)
    check_duties("pass", actor.id, way=way, authors=review.authors, checked_by=None)
    return await _step(tx, actor, dossier, review, "pass", stage, now, {"checked_by": actor.id})


async def return_opinion(
    tx: AsyncSession, actor: Actor, dossier: Dossier, function: str, reason: str, *, now: datetime
) -> Changed:
    """Back to be written again. Raises ReasonMissing (422), WrongStage, DraftMissing (409)."""
    policy.demand(actor, "permits:opinion:check", dossier.standing)
    review = _open(actor, dossier, function)
    stage = next_stage(review.stage, "return", way_of(review, dossier.procedure))
    if not reason.strip():
        raise ReasonMissing(errors=[Fault("/reason", "missing", RETURN_REASON)])
    return await _step(tx, actor, dossier, review, "return", stage, now, {"checked_by": None}, remark=reason.strip())


async def sign_opinion(
    tx: AsyncSession, actor: Actor, dossier: Dossier, function: str, *, settings: PermitsSettings, now: datetime
) -> Changed:
    """Signs the draft as it stands and sends it. Raises OwnDraft, OwnCheck (403), WrongStage, DraftMissing (409)."""
    policy.demand(actor, "permits:opinion:sign", dossier.standing)
    review = _open(actor, dossier, function)
    way = way_of(review, dossier.procedure)
    next_stage(review.stage, "sign", way)
    check_duties("sign", actor.id, way=way, authors=review.authors, checked_by=review.checked_by)
    opinion = read_opinion((await queries.draft(tx, review.id)).written)
    now = moment(dossier, now)
    await _record(tx, actor, review, "sign", now)
    return await _sign(tx, actor, dossier, review, opinion, settings, now)


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
    """Signs and sends in one step, where the duties of the department let one person do so.

    Raises Forbidden, OwnDraft (403), ReviewNotAsked, AlreadyAnswered, DraftMissing, StepsRequired, WrongMove (409),
    DossierFaulty (422).
    """
    policy.demand(actor, "permits:opinion:give", dossier.standing)
    review = _open(actor, dossier, function)
    check_alone(review.stage, actor.id, way=way_of(review, dossier.procedure), authors=review.authors)
    check_opinion(opinion, await queries.condition_book(tx, dossier), local_date(now))
    return await _sign(tx, actor, dossier, review, opinion, settings, moment(dossier, now))


async def _sign(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    review: ReviewState,
    opinion: Opinion,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """After the deadline the answer is kept and marked late: silence has counted as agreement."""
    deadlines = await queries.running(tx, dossier.id)
    due_on = deadlines.get(("consultation", review.id))
    late = review.outcome == SILENT or (due_on is not None and local_date(now) > due_on)
    signed = {"signed_by": actor.id, "signed_name": actor.name, "signed_at": now, "late": late, "stage": "answered"}
    await _write(tx, review, {**written(opinion), "draft": None, **signed})
    await _note(tx, actor, "permits:opinion:give", dossier, review, opinion, now)
    return await _answered(tx, actor, dossier, review, opinion.outcome, late, now, local_date(now), settings, now)


async def fall_silent(
    tx: AsyncSession, dossier: Dossier, review_id: UUID, *, due_on: date, settings: PermitsSettings, now: datetime
) -> Changed:
    """The deadline passed without an answer: agreed and responsible. The worker calls it."""
    actor = system("deadlines")
    review = next(r for r in dossier.reviews if r.id == review_id)
    now = moment(dossier, now)
    await _write(tx, review, {"outcome": SILENT, "silent_on": due_on})
    await _note(tx, actor, "permits:opinion:silence", dossier, review, Opinion(SILENT), now)
    at = end_of_day(due_on) - timedelta(microseconds=1)
    return await _answered(tx, actor, dossier, review, SILENT, False, at, due_on, settings, now)


def _open(actor: Actor, dossier: Dossier, function: str) -> ReviewState:
    """The caller's own review, while the dossier is at the step for it."""
    review = _asked(actor, dossier, function)
    if dossier.state not in ("under_review", "ready"):
        raise WrongMove(state=dossier.state)
    return review


async def _step(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    review: ReviewState,
    act: StepAct,
    stage: str,
    now: datetime,
    kept: dict[str, Any] | None = None,
    *,
    remark: str | None = None,
    outcome: str | None = None,
) -> Changed:
    now = moment(dossier, now)
    await _write(tx, review, {"stage": stage, **(kept or {})})
    await _record(tx, actor, review, act, now, remark)
    changed = await touch(tx, dossier, dossier.state, now)
    before = {"function": review.function, "stage": review.stage}
    after = {"function": review.function, "stage": stage, "outcome": outcome, "reason": remark}
    said = {name: value for name, value in after.items() if value is not None}
    await audit.record(tx, actor, f"permits:opinion:{act}", dossier.id, now=now, before=before, after=said)
    notice = _notice(dossier, review, act, changed.version, remark)
    if notice is not None:
        await tell(tx, notice, dossier.id, now=now, but=actor.id)
    return changed


def _notice(dossier: Dossier, review: ReviewState, act: StepAct, version: int, remark: str | None) -> Notice | None:
    """Whoever has to go on with the draft."""
    params = {"number": dossier.number, "function": review.function}
    once = f"{act}:{review.id}:{version}"
    if act in ("submit", "pass"):
        return Notice("handed_in", once, params, (Audience(review.org, ("head",), review.function),))
    if act == "return":
        return Notice("returned", once, {**params, "reason": remark}, (Audience(people=tuple(review.authors)),))
    return None


async def _record(
    tx: AsyncSession, actor: Actor, review: ReviewState, act: StepAct, now: datetime, remark: str | None = None
) -> None:
    no = await queries.next_step(tx, review.id)
    row = {"review_id": review.id, "no": no, "act": act, "person": actor.id, "name": actor.name or actor.id}
    await tx.execute(sa.insert(ReviewStep).values(**row, at=now, remark=remark))


async def _write(tx: AsyncSession, review: ReviewState, values: dict[str, Any]) -> None:
    await tx.execute(sa.update(Review).where(col(Review.id) == review.id).values(version=review.version + 1, **values))


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
