"""Who in the department works on it: taken by oneself, given by the head, handed back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from kernel.errors import N_, Fault
from services.permits import queries
from services.permits.commands.notify import tell
from services.permits.commands.touch import Changed, moment, touch
from services.permits.domain import policy
from services.permits.domain.application import OPEN
from services.permits.domain.notices import Audience, Notice
from services.permits.domain.refusals import AssigneeUnfit, WrongMove
from services.permits.queries import Colleague, Dossier
from services.permits.tables import Review

UNKNOWN = N_("Nobody of this department is known by this name for these functions.")


async def claim(tx: AsyncSession, actor: Actor, dossier: Dossier, *, now: datetime) -> Changed:
    """The caller takes the dossier for what his function has to do in it. Raises Forbidden (403), WrongMove (409)."""
    policy.demand(actor, "permits:application:claim", dossier.standing)
    return await _assign(tx, actor, dossier, Colleague(actor.id, actor.name or actor.id), now)


async def hand_back(tx: AsyncSession, actor: Actor, dossier: Dossier, *, now: datetime) -> Changed:
    policy.demand(actor, "permits:application:claim", dossier.standing)
    return await _assign(tx, actor, dossier, None, now)


async def assign(tx: AsyncSession, actor: Actor, dossier: Dossier, to: str, *, now: datetime) -> Changed:
    """Gives it to somebody of the department who acts for the same functions; also over whoever had it.

    Raises Forbidden (403), WrongMove (409), AssigneeUnfit (422).
    """
    policy.demand(actor, "permits:application:assign", dossier.standing)
    fit = await queries.colleagues(tx, actor=actor, functions=_functions(actor, dossier))
    found = next((each for each in fit if each.id == to), None)
    if found is None:
        raise AssigneeUnfit(errors=[Fault("/to", "person_unknown", UNKNOWN)])
    changed = await _assign(tx, actor, dossier, found, now)
    params = {"number": dossier.number, "who": actor.name or actor.id}
    notice = Notice("assigned", f"assigned:{dossier.id}:{changed.version}", params, (Audience(people=(to,)),))
    await tell(tx, notice, dossier.id, now=now, but=actor.id)
    return changed


def _functions(actor: Actor, dossier: Dossier) -> list[str]:
    """What the caller's functions have to do in it."""
    asked = {r.function for r in dossier.reviews if not r.answered and r.org in dossier.orgs}
    leads = {dossier.lead_function} if dossier.lead_org in dossier.orgs else set()
    return sorted(function for function in asked | leads if policy.covers(actor, function))


async def _assign(tx: AsyncSession, actor: Actor, dossier: Dossier, to: Colleague | None, now: datetime) -> Changed:
    if dossier.state not in OPEN:
        raise WrongMove(state=dossier.state)
    now = moment(dossier, now)
    who, name = (to.id, to.name) if to else (None, None)
    own = [
        r.id for r in dossier.reviews if not r.answered and r.org in dossier.orgs and policy.covers(actor, r.function)
    ]
    if own:
        await tx.execute(sa.update(Review).where(col(Review.id).in_(own)).values(assigned_to=who, assigned_name=name))
    leads = "lead_of" in policy.relations(actor, dossier.standing)
    more = {"assigned_to": who, "assigned_name": name} if leads else {}
    changed = await touch(tx, dossier, dossier.state, now, **more)
    await audit.record(tx, actor, "permits:application:claim", dossier.id, now=now, after={"assigned_to": who})
    return changed
