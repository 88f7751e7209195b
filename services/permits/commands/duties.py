"""How many people an opinion passes through: dated data of a department, set by whoever publishes the law."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.errors import N_, Fault
from services.permits import queries
from services.permits.domain import policy
from services.permits.domain.refusals import DutyFaulty, ReasonMissing
from services.permits.tables import Duty

UNKNOWN_ORG = N_("This organisation is not known.")
UNKNOWN_FUNCTION = N_("This function is not known.")
PAST = N_("It can hold from today on, not for functions asked before.")
REASON = N_("Say why this department works so.")


async def set_duty(
    tx: AsyncSession,
    actor: Actor,
    duty_id: UUID,
    *,
    org: str,
    function: str,
    way: str,
    valid_from: date,
    reason: str,
    now: datetime,
) -> UUID:
    """For functions asked from that day on; running reviews keep theirs. Raises DutyFaulty, ReasonMissing (422)."""
    policy.demand(actor, "permits:duty:set")
    faults = []
    if not await queries.organisation_known(tx, org, valid_from):
        faults.append(Fault("/org", "org_unknown", UNKNOWN_ORG))
    if function not in (await queries.entries(tx, "function"))["function"]:
        faults.append(Fault("/function", "function_unknown", UNKNOWN_FUNCTION))
    if valid_from < local_date(now):
        faults.append(Fault("/valid_from", "past", PAST))
    if faults:
        raise DutyFaulty(errors=faults)
    if not reason.strip():
        raise ReasonMissing(errors=[Fault("/reason", "missing", REASON)])
    said = {"org": org, "function": function, "way": way, "valid_from": valid_from, "reason": reason.strip()}
    who = {"set_by": actor.id, "set_name": actor.name or actor.id, "set_at": now}
    await tx.execute(sa.insert(Duty).values(id=duty_id, **said, **who))
    await audit.record(tx, actor, "permits:duty:set", duty_id, now=now, after=said)
    return duty_id
