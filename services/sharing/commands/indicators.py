"""A value of an indicator, entered with its source; a later one for the same day takes its place and says why."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from services.sharing.domain import indicators as rules
from services.sharing.domain import policy
from services.sharing.domain.refusals import (
    ChangeUnexplained,
    DayTooLate,
    IndicatorCounted,
    SourceMissing,
    ValueMalformed,
)
from services.sharing.queries import indicators as queries


async def enter(
    tx: AsyncSession,
    actor: Actor,
    plan: str,
    code: str,
    as_of: date,
    value: str | None,
    source: str,
    reason: str,
    *,
    now: datetime,
) -> UUID:
    """An auditor enters the province's value, an enterprise its own; without `value` what was entered is taken back.

    Raises NotAllowed (403), IndicatorNotFound (404), IndicatorCounted (409), DayTooLate, ValueMalformed, SourceMissing,
    ChangeUnexplained (422).
    """
    org = "" if policy.sees_every(actor, queries.ENTER) else actor.org
    policy.require(actor, queries.ENTER, org)
    indicator = await queries.indicator(tx, plan, code, actor=actor)
    if indicator.counted is not None:
        raise IndicatorCounted
    if as_of > local_date(now):
        raise DayTooLate("/as_of")
    read = rules.read_value(indicator.unit, value) if value is not None else None
    if value is not None and read is None:
        raise ValueMalformed
    if value is not None and not source:
        raise SourceMissing
    # One at a time for each indicator and day, so that the second says why.
    await tx.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"{plan} {code} {org} {as_of}"}
    )
    if not reason and (value is None or await queries.has_value(tx, plan, code, org, as_of, actor=actor)):
        raise ChangeUnexplained
    value_id = new_id()
    await tx.execute(
        sa.text(
            "INSERT INTO indicator_value (id, plan, code, org, as_of, value, source, reason, recorded_at, actor)"
            " VALUES (:id, :plan, :code, :org, :as_of, CAST(CAST(:value AS text) AS numeric), :source, :reason, :now,"
            " :actor)"
        ),
        {
            "id": value_id,
            "plan": plan,
            "code": code,
            "org": org,
            "as_of": as_of,
            "value": None if read is None else str(read),
            "source": source,
            "reason": reason,
            "now": now,
            "actor": actor.id,
        },
    )
    after = {"plan": plan, "code": code, "org": org, "as_of": as_of, "value": None if read is None else str(read)}
    await audit.record(tx, actor, "sharing:indicator:enter", value_id, now=now, after=after)
    return value_id
