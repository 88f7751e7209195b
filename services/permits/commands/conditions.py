"""What becomes of the decision's conditions: evidence by the applicant, the verdict of the function that verifies."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from kernel.errors import N_, Fault, Forbidden
from services.permits import queries
from services.permits.commands.notify import tell
from services.permits.commands.touch import Changed, moment, touch
from services.permits.domain import policy
from services.permits.domain.application import Condition, ConditionAct, next_condition_state
from services.permits.domain.notices import Audience, Notice
from services.permits.domain.refusals import DossierFaulty, NoSuchCondition, WrongMove
from services.permits.queries import Dossier
from services.permits.tables import DecisionCondition

FILE_UNKNOWN = N_("There is no such file of yours. Send it first, then refer to its id.")
STANDING = ("decided", "closed")


def follow_ups(
    dossier: Dossier, conditions: Sequence[Condition], actor: Actor, now: datetime
) -> list[dict[str, object]]:
    """The rows of a decision's conditions: each is open, verified by whom it names, else by the lead."""
    orgs = {dossier.lead_function: dossier.lead_org} | {review.function: review.org for review in dossier.reviews}
    return [
        {
            "application_id": dossier.id,
            "no": no,
            "due_on": each.due_on,
            "verifier": each.verifier or dossier.lead_function,
            "verifier_org": orgs[each.verifier or dossier.lead_function],
            "state": "open",
            "changed_at": now,
            "changed_by": actor.id,
            "changed_name": actor.name or actor.id,
        }
        for no, each in enumerate(conditions, 1)
    ]


async def show_evidence(
    tx: AsyncSession, actor: Actor, dossier: Dossier, no: int, file_id: UUID | None, remark: str, *, now: datetime
) -> Changed:
    """How the condition is met, by a file or in words; it may be sent again until the verdict.

    Raises NoSuchCondition, WrongConditionState (409), DossierFaulty (422).
    """
    policy.demand(actor, "permits:condition:show", dossier.standing)
    held = await _held(tx, dossier, no)
    state = next_condition_state(held.state, "submit", remark, file=file_id is not None)
    if file_id is not None and not await queries.own_file(tx, file_id, org=dossier.applicant_org):
        raise DossierFaulty(errors=[Fault("/file", "file_unknown", FILE_UNKNOWN)])
    return await _change(tx, actor, dossier, held, "show", state, remark, now, file_id=file_id)


async def judge_condition(
    tx: AsyncSession, actor: Actor, dossier: Dossier, no: int, act: ConditionAct, remark: str, *, now: datetime
) -> Changed:
    """By somebody of the function that verifies it.

    Raises Forbidden (403), NoSuchCondition, WrongConditionState (409), DossierFaulty (422).
    """
    policy.demand(actor, "permits:condition:judge", dossier.standing)
    held = await _held(tx, dossier, no)
    if held.verifier_org not in dossier.orgs or not policy.covers(actor, held.verifier):
        raise Forbidden
    state = next_condition_state(held.state, act, remark)
    return await _change(tx, actor, dossier, held, "judge", state, remark, now, file_id=held.file_id)


async def _held(tx: AsyncSession, dossier: Dossier, no: int) -> DecisionCondition:
    if dossier.state not in STANDING:
        raise WrongMove(state=dossier.state)
    held = await queries.followed(tx, dossier, no)
    if held is None:
        raise NoSuchCondition
    return held


async def _change(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    held: DecisionCondition,
    act: str,
    state: str,
    remark: str,
    now: datetime,
    *,
    file_id: UUID | None,
) -> Changed:
    now = moment(dossier, now)
    who = {"changed_at": now, "changed_by": actor.id, "changed_name": actor.name or actor.id}
    await tx.execute(
        sa.update(DecisionCondition)
        .where(col(DecisionCondition.application_id) == dossier.id, col(DecisionCondition.no) == held.no)
        .values(state=state, remark=remark.strip() or None, file_id=file_id, **who)
    )
    changed = await touch(tx, dossier, dossier.state, now)
    before = {"no": held.no, "state": held.state}
    after = {"no": held.no, "state": state, "remark": remark.strip(), "file": str(file_id) if file_id else None}
    await audit.record(tx, actor, f"permits:condition:{act}", dossier.id, now=now, before=before, after=after)
    verifier = Audience(held.verifier_org, ("reviewer", "head", "lead"), held.verifier)
    applicant = Audience(dossier.applicant_org, ("applicant",))
    kind, to = ("condition_shown", verifier) if act == "show" else ("condition_judged", applicant)
    notice = Notice(kind, f"{kind}:{held.no}:{changed.version}", {"number": dossier.number, "no": held.no}, (to,))
    await tell(tx, notice, dossier.id, now=now, but=actor.id)
    return changed
