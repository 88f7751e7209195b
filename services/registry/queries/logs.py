"""The logs of two-time things, which the commands append to and the projections are checked against."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import closed_end
from kernel.history import Change, Rectangle, Version
from services.registry import tables


@dataclass(frozen=True)
class Ledger:
    """One kind of two-time thing: its rows to lock, its log, its projection, and the column that ties them."""

    name: str
    identity: str
    key: str
    things: sa.Table
    changes: sa.Table
    versions: sa.Table


def _ledger(name: str, identity: str) -> Ledger:
    of = tables.metadata.tables
    return Ledger(name, identity, f"{name}_{identity}", of[name], of[f"{name}_change"], of[f"{name}_version"])


STRUCTURES, STATIONS, ORGANISATIONS = (
    _ledger("structure", "id"),
    _ledger("station", "id"),
    _ledger("organisation", "code"),
)
LEDGERS = (STRUCTURES, STATIONS, ORGANISATIONS)


@dataclass(frozen=True)
class Log:
    """A thing with its whole log, in order."""

    thing: Any
    changes: list[Change]


async def logs(read: AsyncSession, ledger: Ledger, ids: Iterable[Any], *, lock: bool = False) -> dict[Any, Log]:
    """The things that exist, by id. `lock=True` holds each for this transaction, always in the same order."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    identity, key = ledger.things.c[ledger.identity], ledger.changes.c[ledger.key]
    statement = sa.select(ledger.things).where(identity.in_(wanted)).order_by(identity)
    things = (await read.execute(statement.with_for_update() if lock else statement)).all()
    found = {thing._mapping[identity]: Log(thing, []) for thing in things}
    rows = await read.execute(sa.select(ledger.changes).where(key.in_(wanted)).order_by(key, ledger.changes.c.no))
    for row in rows:
        found[row._mapping[key]].changes.append(change_of(row))
    return found


def change_of(row: Any) -> Change:
    return Change(
        id=row.id,
        no=row.no,
        act=row.act,
        valid_from=row.valid_from,
        valid_to=closed_end(row.valid_to),
        patch=row.patch,
        evidence=row.evidence,
        corrects=row.corrects,
        recorded_at=row.recorded_at,
    )


async def all_logs(read: AsyncSession, ledger: Ledger) -> AsyncIterator[tuple[Any, list[Change]]]:
    """Every thing's log, one after the other, for `verify`."""
    key = ledger.changes.c[ledger.key]
    statement = sa.select(ledger.changes).order_by(key, ledger.changes.c.no).execution_options(yield_per=5000)
    current: Any = None
    changes: list[Change] = []
    async for row in await read.stream(statement):
        identifier = row._mapping[key]
        if identifier != current and changes:
            yield current, changes
            changes = []
        current = identifier
        changes.append(change_of(row))
    if changes:
        yield current, changes


async def projected(read: AsyncSession, ledger: Ledger, ids: Sequence[Any]) -> dict[Any, list[Rectangle]]:
    """The rectangles as stored, without their values: days, recorded times, change numbers and sources."""
    key = ledger.versions.c[ledger.key]
    v = ledger.versions.c
    rows = await read.execute(
        sa.select(
            key.label("key"), v.opened_no, v.closed_no, v.valid_from, v.valid_to, v.recorded_from, v.sources,
            sa.func.nullif(v.recorded_to, sa.text("'infinity'::timestamptz")).label("recorded_to"),
        ).where(key.in_(ids))
    )  # fmt: skip
    found: dict[Any, list[Rectangle]] = {identifier: [] for identifier in ids}
    for row in rows:
        version = Version(row.valid_from, closed_end(row.valid_to), {}, row.sources)
        found[row.key].append(Rectangle(version, row.opened_no, row.recorded_from, row.closed_no, row.recorded_to))
    return found
