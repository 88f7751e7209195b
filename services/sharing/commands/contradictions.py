"""The work list of contradictions: looked for by the worker, assigned and closed by auditors."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit, direct
from kernel.auth import Actor, system
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import require_match
from services.sharing.commands.reports import Changed
from services.sharing.domain import policy
from services.sharing.domain.contradiction import Outcome, Rules, due_on
from services.sharing.domain.refusals import AssigneeMissing, ContradictionClosed, DayTooEarly, WhyMissing
from services.sharing.queries import contradictions as queries

# A look reads everything: of the worker's time it takes at most one part in so many.
REST = 20


async def rests(tx: AsyncSession, *, now: datetime) -> bool:
    """Whether the last look took so long that the next has to wait; in a province it takes milliseconds."""
    last = await queries.last_look(tx)
    return last is not None and last.looked_at <= now < last.looked_at + REST * last.took


async def look(tx: AsyncSession, rules: Rules, *, now: datetime) -> int:
    """Adds what contradicts itself today and marks what no longer does; answers how many. Two at once add it once."""
    free = await tx.execute(sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('contradictions', 0))"))
    if not free.scalar_one():
        return 0
    today = local_date(now)
    began = (await tx.execute(sa.text("SELECT clock_timestamp()"))).scalar_one()
    holding = rules.on(today)
    seen = await queries.differences(tx, [rule.code for rule in holding], today)
    rows = [
        {
            "id": new_id(),
            "rule": rule,
            "structure_id": structure,
            "thing": thing,
            "org": org,
            "first_seen_at": now,
            "due_on": due_on(holding, rule, today),
            "assignee": "",
            "state": "open",
            "note": "",
            "no": 1,
        }
        for rule, structure, thing, org in seen.new
    ]
    await direct.insert(tx, {"contradiction": rows})
    if seen.gone:
        await tx.execute(
            sa.text("UPDATE contradiction SET gone_at = :now, no = no + 1 WHERE id = ANY(:ids)"),
            {"now": now, "ids": seen.gone},
        )
    await tx.execute(_LOOKED, {"now": now, "began": began})
    if rows or seen.gone:
        after = {"new": len(rows), "gone": len(seen.gone)}
        await audit.record(tx, system("contradictions"), "sharing:audit:look", today, now=now, after=after)
    return len(rows) + len(seen.gone)


_LOOKED = sa.text(
    "INSERT INTO contradiction_look (looked_at, took) VALUES (:now, clock_timestamp() - CAST(:began AS timestamptz))"
    " ON CONFLICT (one) DO UPDATE SET looked_at = excluded.looked_at, took = excluded.took"
)


async def assign(
    tx: AsyncSession,
    actor: Actor,
    contradiction_id: UUID,
    assignee: str,
    due: date | None,
    *,
    now: datetime,
    if_match: str = "*",
) -> Changed:
    """Says whose it is to settle, and with `due` until when.

    Raises NotAllowed (403), ContradictionNotFound (404), Stale (412), ContradictionClosed (409), AssigneeMissing,
    DayTooEarly (422).
    """
    row = await _changing(tx, actor, contradiction_id, if_match)
    if not assignee.strip():
        raise AssigneeMissing
    if due is not None and due < local_date(now):
        raise DayTooEarly("/due_on")
    after = {"assignee": assignee.strip(), "due_on": due or row.due_on}
    before = {"assignee": row.assignee, "due_on": row.due_on}
    await _write(tx, contradiction_id, "assignee = :assignee, due_on = :due_on", after)
    await audit.record(tx, actor, "sharing:audit:assign", contradiction_id, now=now, before=before, after=after)
    return Changed(contradiction_id, row.no + 1)


async def close(
    tx: AsyncSession,
    actor: Actor,
    contradiction_id: UUID,
    outcome: Outcome,
    reason: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> Changed:
    """`settled`: what was needed is done or under way; `dismissed`: it is none. Records are corrected where they are
    kept, and a case that no longer holds goes by itself.

    Raises NotAllowed (403), ContradictionNotFound (404), Stale (412), ContradictionClosed (409), WhyMissing (422).
    """
    row = await _changing(tx, actor, contradiction_id, if_match)
    if not reason.strip():
        raise WhyMissing
    values = {"state": outcome, "note": reason.strip(), "now": now, "actor": actor.id}
    await _write(tx, contradiction_id, "state = :state, note = :note, closed_at = :now, closed_by = :actor", values)
    after = {"state": outcome, "note": reason.strip()}
    await audit.record(tx, actor, "sharing:audit:close", contradiction_id, now=now, after=after)
    return Changed(contradiction_id, row.no + 1)


async def _changing(tx: AsyncSession, actor: Actor, contradiction_id: UUID, if_match: str) -> Any:
    row = await queries.locked(tx, contradiction_id, actor=actor)
    policy.require(actor, queries.ACT)
    require_match(if_match, row.no)
    if row.state != "open" or row.gone_at is not None:
        raise ContradictionClosed
    return row


async def _write(tx: AsyncSession, contradiction_id: UUID, columns: str, values: Mapping[str, Any]) -> None:
    statement = f"UPDATE contradiction SET {columns}, no = no + 1 WHERE id = :id"  # noqa: S608 -- of constants
    await tx.execute(sa.text(statement), {"id": contradiction_id, **values})
