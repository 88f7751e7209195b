"""What is said about a dossier: to the applicant and back, or inside, which no applicant ever reads."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.errors import N_, Fault
from services.permits.commands.notify import tell
from services.permits.domain import policy
from services.permits.domain.notices import Audience, Notice
from services.permits.domain.refusals import MessageFaulty
from services.permits.queries import Dossier
from services.permits.tables import Message

AUDIENCES = ("applicant", "officers", "department")
EMPTY = N_("Write something.")
INSIDE = N_("Applicants write to the department only.")
OFFICERS = ("reviewer", "head", "lead", "registrar")


async def write_message(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    message_id: UUID,
    audience: str,
    body: str,
    *,
    now: datetime,
) -> UUID:
    """At any state of the dossier; the dossier itself does not change. Raises Forbidden (403), MessageFaulty (422)."""
    policy.demand(actor, "permits:message:write", dossier.standing)
    officer = not actor.capabilities.isdisjoint(policy.OFFICERS)
    faults = [] if body.strip() else [Fault("/body", "missing", EMPTY)]
    if audience != "applicant" and not officer:
        faults.append(Fault("/audience", "inside", INSIDE))
    if faults:
        raise MessageFaulty(errors=faults)
    said = {"application_id": dossier.id, "audience": audience, "org": actor.org, "body": body.strip()}
    who = {"author": actor.id, "author_name": actor.name or actor.id, "at": now}
    await tx.execute(sa.insert(Message).values(id=message_id, **said, **who))
    after = {"message": str(message_id), "audience": audience}
    await audit.record(tx, actor, "permits:message:write", dossier.id, now=now, after=after)
    params = {"number": dossier.number, "who": actor.name or actor.id}
    notice = Notice("message", str(message_id), params, _told(dossier, actor, audience))
    await tell(tx, notice, dossier.id, now=now, but=actor.id)
    return message_id


def _told(dossier: Dossier, actor: Actor, audience: str) -> tuple[Audience, ...]:
    lead = Audience(dossier.lead_org, ("registrar", "lead"), dossier.lead_function)
    own = () if dossier.assigned_to is None else (Audience(people=(dossier.assigned_to,)),)
    asked = tuple(Audience(review.org, ("reviewer", "head"), review.function) for review in dossier.reviews)
    if audience == "department":
        return (Audience(actor.org, OFFICERS),)
    if audience == "officers":
        return (lead, *asked)
    return (Audience(dossier.applicant_org, ("applicant",)), *(own or (lead,)))
