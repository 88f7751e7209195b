"""One row per state change, in its transaction; sealed into a hash chain by the worker."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.db import audit_table

GENESIS = "0" * 64
_SEAL_LOCK = 0x5EA1


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def row_hash(at: datetime, actor: str, org: str, act: str, thing: str, before: object, after: object) -> str:
    content = [at.astimezone(UTC).isoformat(), actor, org, act, thing, before, after]
    return hashlib.sha256(canonical(content)).hexdigest()


def chained(previous: str, row: str) -> str:
    return hashlib.sha256(f"{previous}{row}".encode()).hexdigest()


async def record(
    tx: AsyncSession,
    actor: Actor,
    act: str,
    thing: object,
    *,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """`act` is `service:thing:act`; before and after hold what matters, codes and figures, no secrets."""
    await direct.insert(tx, {"audit": [row(actor, act, thing, now=now, before=before, after=after)]})


def row(
    actor: Actor,
    act: str,
    thing: object,
    *,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """For a command that writes all its rows in one statement; else see `record`."""
    plain_before, plain_after = _plain(before), _plain(after)
    return {
        "at": now,
        "actor": actor.id,
        "org": actor.org,
        "act": act,
        "thing": str(thing),
        "before": plain_before,
        "after": plain_after,
        "row_hash": row_hash(now, actor.id, actor.org, act, str(thing), plain_before, plain_after),
    }


def _plain(value: Mapping[str, Any] | None) -> Any:
    """The value as it will be read back from jsonb, so that its hash can be recomputed."""
    return None if value is None else orjson.loads(orjson.dumps(dict(value), default=str))


async def seal(tx: AsyncSession, limit: int = 2000) -> int:
    """Chains the rows not yet sealed; a lock on the chain's head inside each command would cost 5.8x."""
    if not (await tx.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_SEAL_LOCK)))).scalar_one():
        return 0
    table = audit_table.c
    head = (
        await tx.execute(
            sa.select(table.chain_no, table.chain_hash)
            .where(table.chain_no.is_not(None))
            .order_by(table.chain_no.desc())
            .limit(1)
        )
    ).first()
    number, digest = (head.chain_no, head.chain_hash) if head else (0, GENESIS)
    rows = (
        await tx.execute(
            sa.select(table.seq, table.row_hash).where(table.chain_no.is_(None)).order_by(table.seq).limit(limit)
        )
    ).all()
    if not rows:
        return 0
    sealed: list[tuple[int, int, str]] = []
    for seq, own in rows:
        number, digest = number + 1, chained(digest, own)
        sealed.append((seq, number, digest))
    await tx.execute(
        sa.text(
            "UPDATE audit SET chain_no = s.no, chain_hash = s.hash FROM unnest(CAST(:seq AS bigint[]),"
            " CAST(:no AS bigint[]), CAST(:hash AS text[])) AS s(seq, no, hash) WHERE audit.seq = s.seq"
        ),
        {"seq": [s[0] for s in sealed], "no": [s[1] for s in sealed], "hash": [s[2] for s in sealed]},
    )
    return len(rows)


async def verify(read: AsyncSession) -> list[str]:
    """What is wrong with the chain, in order; an altered, a removed and a reordered row each show. Empty is well."""
    faults: list[str] = []
    table = audit_table.c
    number, digest = 0, GENESIS
    stream = await read.stream(
        sa.select(audit_table)
        .where(table.chain_no.is_not(None))
        .order_by(table.chain_no)
        .execution_options(yield_per=5000)
    )
    async for row in stream:
        own = row_hash(row.at, row.actor, row.org, row.act, row.thing, row.before, row.after)
        if own != row.row_hash:
            faults.append(f"audit row {row.seq} was altered")
        if row.chain_no != number + 1:
            faults.append(f"audit chain jumps from {number} to {row.chain_no}")
        if row.chain_hash != chained(digest, row.row_hash):
            faults.append(f"audit chain is broken at {row.chain_no} (row {row.seq})")
        number, digest = row.chain_no, row.chain_hash
    return faults
