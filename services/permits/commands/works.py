"""The owner's word on the works: commencement, then completion."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.permits import WorksCommenced, WorksCompleted
from kernel import audit, outbox
from kernel.auth import Actor
from services.permits import queries
from services.permits.commands.touch import Changed, moment, told, touch
from services.permits.domain import policy
from services.permits.domain.application import check_notice, next_state
from services.permits.queries import Dossier
from services.permits.tables import Notice

EVENTS = {"commencement": WorksCommenced, "completion": WorksCompleted}


async def notify_works(
    tx: AsyncSession, actor: Actor, dossier: Dossier, kind: str, on: date, *, now: datetime
) -> Changed:
    """Raises Forbidden (403), WrongMove, NothingBuilt, NoticeGivenAlready (409), DossierFaulty (422)."""
    policy.demand(actor, "permits:works:notify", dossier.standing)
    decision = await queries.decision(tx, dossier.id)
    check_notice(
        kind,
        on,
        state=dossier.state,
        may_build=decision is not None and decision.may_build,
        decided_on=decision.decided_on if decision is not None else None,
        given=await queries.notices(tx, dossier.id),
        now=now,
    )
    now = moment(dossier, now)
    await tx.execute(
        sa.insert(Notice).values(application_id=dossier.id, kind=kind, happened_on=on, given_at=now, given_by=actor.id)
    )
    state = next_state(dossier.state, "close") if kind == "completion" else dossier.state
    changed = await touch(tx, dossier, state, now)
    await audit.record(
        tx,
        actor,
        "permits:works:notify",
        dossier.id,
        now=now,
        before={"state": dossier.state},
        after={"state": state, "kind": kind, "on": on},
    )
    structures = [site.structure_id for site in await queries.sites(tx, dossier.id)]
    event = EVENTS[kind](**told(dossier, changed), structure_ids=structures, on=on)
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return changed
