"""Whether the projection is what the log says: every rectangle replayed, and no thing without its log."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Database
from kernel.history import Change, Rectangle, rectangles
from services.registry.queries.logs import LEDGERS, Ledger, all_logs, projected

CHUNK = 1000
Corner = tuple[Any, ...]


async def faults(database: Database) -> list[str]:
    """What is wrong, in words for whoever looks after the machine; empty is well."""
    async with database.read() as read:
        await read.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        return await differences(read)


async def differences(read: AsyncSession) -> list[str]:
    found: list[str] = []
    for ledger in LEDGERS:
        found += await _differences(read, ledger)
        found += await _numbers(read, ledger)
    return found


async def _differences(read: AsyncSession, ledger: Ledger) -> list[str]:
    found: list[str] = []
    chunk: dict[Any, list[Change]] = {}
    async for identifier, changes in all_logs(read, ledger):
        chunk[identifier] = changes
        if len(chunk) == CHUNK:
            found += await _compared(read, ledger, chunk)
            chunk = {}
    return found + await _compared(read, ledger, chunk)


async def _compared(read: AsyncSession, ledger: Ledger, chunk: Mapping[Any, list[Change]]) -> list[str]:
    stored = await projected(read, ledger, list(chunk))
    return [
        f"{ledger.name} {identifier}: the versions differ from the log"
        for identifier, changes in chunk.items()
        if _corners(stored[identifier]) != _corners(rectangles(changes))
    ]


def _corners(found: Sequence[Rectangle]) -> list[Corner]:
    return sorted(
        (
            r.opened_no,
            r.version.valid_from,
            str(r.version.valid_to),
            r.recorded_from,
            r.closed_no or 0,
            str(r.recorded_to),
            sorted(r.version.sources.items()),
        )
        for r in found
    )


async def _numbers(read: AsyncSession, ledger: Ledger) -> list[str]:
    name, key, identity = ledger.name, ledger.key, ledger.identity
    statement = sa.text(
        f"SELECT t.{identity} AS id FROM {name} t LEFT JOIN LATERAL"  # noqa: S608
        f" (SELECT max(no) AS no FROM {name}_change c WHERE c.{key} = t.{identity}) c ON true"
        " WHERE t.last_no IS DISTINCT FROM c.no"
    )
    ids = (await read.execute(statement)).scalars()
    return [f"{name} {identifier}: its newest number is not that of its log" for identifier in ids]
