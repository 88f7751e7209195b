"""Who in the department works on it: taken by oneself, handed back."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from services.permits.commands.touch import Changed, moment, touch
from services.permits.domain import policy
from services.permits.domain.application import OPEN
from services.permits.domain.refusals import WrongMove
from services.permits.queries import Dossier
from services.permits.tables import Review


async def claim(tx: AsyncSession, actor: Actor, dossier: Dossier, *, now: datetime) -> Changed:
    """The caller takes the dossier for what his function has to do in it. Raises Forbidden (403), WrongMove (409)."""
    return await _assign(tx, actor, dossier, actor.id, actor.name or actor.id, now)


async def hand_back(tx: AsyncSession, actor: Actor, dossier: Dossier, *, now: datetime) -> Changed:
    return await _assign(tx, actor, dossier, None, None, now)


async def _assign(
    tx: AsyncSession, actor: Actor, dossier: Dossier, who: str | None, name: str | None, now: datetime
) -> Changed:
    policy.demand(actor, "permits:application:claim", dossier.standing)
    if dossier.state not in OPEN:
        raise WrongMove(state=dossier.state)
    now = moment(dossier, now)
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
