"""The end of a dossier before the works: decided, or withdrawn; and the extension of its time limit."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.permits import ApplicationDecided, ApplicationWithdrawn
from kernel import audit, outbox
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Fault
from services.permits import queries
from services.permits.commands.conditions import follow_ups
from services.permits.commands.ledger import bearer, extend_clock, tick
from services.permits.commands.number import next_number
from services.permits.commands.touch import Changed, moment, told, touch
from services.permits.domain import numbers, policy
from services.permits.domain.application import MOVES, check_decision, next_state
from services.permits.domain.application import Decision as Said
from services.permits.domain.clock import readings
from services.permits.domain.movement import Deed
from services.permits.domain.refusals import ExtensionNotAllowed, ReasonMissing, WrongMove
from services.permits.queries import Dossier
from services.permits.settings import PermitsSettings
from services.permits.tables import Decision, DecisionCondition


async def decide(
    tx: AsyncSession, actor: Actor, dossier: Dossier, said: Said, *, settings: PermitsSettings, now: datetime
) -> Changed:
    """One consolidated decision by the lead, numbered without gaps.

    Raises Forbidden (403), WrongMove (409), DossierFaulty, ReasonMissing (422).
    """
    policy.demand(actor, "permits:decision:make", dossier.standing)
    book = await queries.condition_book(tx, dossier)
    favourable = check_decision(said, dossier.procedure, dossier.current, book, local_date(now))
    state = await _decided(tx, dossier, favourable)
    may_build = favourable and dossier.procedure.effect == "build"
    now = moment(dossier, now)
    today = local_date(now)
    await tx.execute(sa.insert(Decision).values(_row(dossier, actor, said, may_build, now)))
    if favourable and said.conditions:
        await tx.execute(sa.insert(DecisionCondition), follow_ups(dossier, said.conditions, actor, now))
    calendar = await queries.newest_calendar(tx, settings.area)
    deed = Deed("decided", now, today, dossier.id)
    await tick(tx, actor, bearer(dossier), deed, calendar=calendar, now=now)
    changed = await touch(tx, dossier, state, now)
    sites = await queries.sites(tx, dossier.id)
    paper, office = dossier.procedure.paper, dossier.lead_org
    last = await next_number(tx, numbers.decision_series(office, paper), today.year)
    number = numbers.decision_number(office, paper, today.year, last)
    await tx.execute(sa.update(Decision).where(col(Decision.application_id) == dossier.id).values(number=number))
    await audit.record(
        tx,
        actor,
        "permits:decision:make",
        dossier.id,
        now=now,
        before={"state": dossier.state},
        after={"state": state, "outcome": said.outcome, "number": number},
    )
    event = ApplicationDecided(
        **told(dossier, changed),
        outcome=said.outcome,
        may_build=may_build,
        decision_number=number,
        decided_on=today,
        sites=sites,
    )
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return Changed(changed.id, changed.number, changed.state, changed.version, None, number)


async def _decided(tx: AsyncSession, dossier: Dossier, favourable: bool) -> str:
    """A dossier that was never complete can only be refused: after its supplement, or when its time is over."""
    if dossier.state not in MOVES["refuse"][0] or favourable:
        return next_state(dossier.state, "decide")
    request = queries.open_requests(await queries.supplement_requests(tx, dossier.id))
    if request is not None and request.lapsed_on is None:
        raise WrongMove(state=dossier.state)
    return next_state(dossier.state, "refuse")


def _row(dossier: Dossier, actor: Actor, said: Said, may_build: bool, now: datetime) -> dict[str, object]:
    return {
        "application_id": dossier.id,
        "outcome": said.outcome,
        "may_build": may_build,
        "decided_on": local_date(now),
        "decided_by": actor.id,
        "decided_name": actor.name or actor.id,
        "grounds": said.grounds,
        "conditions": [condition.kept() for condition in said.conditions],
        "reason": said.reason or None,
    }


async def withdraw(
    tx: AsyncSession, actor: Actor, dossier: Dossier, reason: str, *, settings: PermitsSettings, now: datetime
) -> Changed:
    """The applicant takes it back, at any time before the decision. Raises WrongMove (409)."""
    policy.demand(actor, "permits:application:withdraw", dossier.standing)
    state = next_state(dossier.state, "withdraw")
    now = moment(dossier, now)
    calendar = await queries.newest_calendar(tx, settings.area)
    await tick(
        tx, actor, bearer(dossier), Deed("withdrawn", now, local_date(now), dossier.id), calendar=calendar, now=now
    )
    changed = await touch(tx, dossier, state, now)
    await audit.record(
        tx,
        actor,
        "permits:application:withdraw",
        dossier.id,
        now=now,
        before={"state": dossier.state},
        after={"state": state, "reason": reason},
    )
    await outbox.record(tx, actor, ApplicationWithdrawn(**told(dossier, changed)), subject=dossier.id, now=now)
    return changed


EXTENSION_REASON = N_("An extension has its reason in writing.")


async def extend(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    days: int,
    reason: str,
    *,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """Lengthens the decision clock as far as the procedure lets. Raises ExtensionNotAllowed (409), ReasonMissing."""
    policy.demand(actor, "permits:deadline:extend", dossier.standing)
    now = moment(dossier, now)
    rule = next((clock for clock in dossier.procedure.clocks if clock.ended_by == "decided"), None)
    if rule is None or rule.extension is None:
        raise ExtensionNotAllowed
    if rule.extension.reason and not reason.strip():
        raise ReasonMissing(errors=[Fault("/reason", "missing", EXTENSION_REASON)])
    calendar = await queries.newest_calendar(tx, settings.area)
    found = readings(dossier.procedure, await queries.ledger(tx, dossier.id), calendar).get((rule.name, None))
    if found is None or found.state not in ("running", "paused") or days < 1:
        raise ExtensionNotAllowed
    overdue = found.due_on is not None and found.due_on < local_date(now)
    if overdue or found.length - rule.length + days > rule.extension.max:
        raise ExtensionNotAllowed
    cause: UUID = new_id()
    deed = Deed("decided", now, local_date(now), cause, reason)
    clocks = await extend_clock(tx, actor, bearer(dossier), deed, rule.name, days, calendar=calendar, now=now)
    changed = await touch(tx, dossier, dossier.state, now)
    due_on = clocks[(rule.name, None)].due_on
    await audit.record(
        tx,
        actor,
        "permits:deadline:extend",
        dossier.id,
        now=now,
        before={"due_on": found.due_on},
        after={"due_on": due_on, "days": days, "reason": reason},
    )
    return Changed(changed.id, changed.number, changed.state, changed.version, due_on)
