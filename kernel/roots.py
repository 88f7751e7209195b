"""The audit chain's root of each day: what to publish elsewhere, so that nobody can rewrite the chain unseen.

The sealer keeps today's root at the chain's head; once the day is over it stays. The end of the chain cannot be cut
off without contradicting it.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import logging
from kernel.clock import end_of_day, local_date, start_of_day
from kernel.db import audit_root_table, audit_table

log = logging.get(__name__)
_root, _row = audit_root_table.c, audit_table.c


async def note(tx: AsyncSession, *, now: datetime) -> None:
    """After each sealing, in its transaction: today's root is the head. The first of a day tells the log of the last.

    The log usually leaves the machine, which makes it a witness that the database's administrator does not hold.
    """
    head = (
        await tx.execute(
            sa.select(_row.chain_no, _row.chain_hash)
            .where(_row.chain_no.is_not(None))
            .order_by(_row.chain_no.desc())
            .limit(1)
        )
    ).first()
    if head is None:
        return
    last = (await tx.execute(sa.select(audit_root_table).order_by(_root.day.desc()).limit(1))).first()
    today = local_date(now)
    if last is not None and last.day < today:
        log.info("audit.root", day=str(last.day), chain_no=last.chain_no, chain_hash=last.chain_hash)
    # A clock that was set back must not give an earlier day a later head.
    day = today if last is None or last.day <= today else last.day
    statement = insert(audit_root_table).values(day=day, chain_no=head.chain_no, chain_hash=head.chain_hash, at=now)
    told = {name: statement.excluded[name] for name in ("chain_no", "chain_hash", "at")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["day"], set_=told))


async def roots(read: AsyncSession) -> list[dict[str, Any]]:
    """Every day's root, the oldest first; the last one still moves while its day lasts."""
    rows = await read.execute(sa.select(audit_root_table).order_by(_root.day))
    return [dict(row._mapping) for row in rows]


async def faults(read: AsyncSession) -> list[str]:
    """Roots that the chain no longer bears out: rows were cut off its end, or all of it was written anew."""
    joined = audit_root_table.outerjoin(audit_table, _row.chain_no == _root.chain_no)
    chosen = (_root.day, _root.chain_no, _root.chain_hash, _row.chain_hash.label("found"))
    found: list[str] = []
    before = 0
    for row in await read.execute(sa.select(*chosen).select_from(joined).order_by(_root.day)):
        if row.found is None:
            found.append(f"audit chain ends before {row.chain_no}, the root of {row.day}")
        elif row.found != row.chain_hash:
            found.append(f"audit chain differs from the root of {row.day} at {row.chain_no}")
        if row.chain_no < before:
            found.append(f"the root of {row.day} is older than the one of the day before")
        before = row.chain_no
    unrooted = sa.select(sa.func.max(_row.chain_no) > before)
    if before and (await read.execute(unrooted)).scalar_one():
        found.append(f"audit rows after {before} are chained without a root")
    return found


async def export(read: AsyncSession, since: date | None, until: date | None) -> AsyncIterator[bytes]:
    """The audit log as JSON lines in the chain's order, then the roots: enough to verify it without the database."""
    statement = sa.select(audit_table).order_by(_row.chain_no.nulls_last(), _row.seq)
    if since is not None:
        statement = statement.where(_row.at >= start_of_day(since))
    if until is not None:
        statement = statement.where(_row.at < end_of_day(until))
    async for row in await read.stream(statement.execution_options(yield_per=2000)):
        yield _line("row", row._mapping)
    for root in await roots(read):
        yield _line("root", root)


def _line(kind: str, values: Mapping[Any, Any]) -> bytes:
    told = {"kind": kind, **{str.__str__(name): value for name, value in values.items()}}
    return orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n"
