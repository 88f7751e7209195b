"""Appending to the log of a two-time thing and keeping its projection, set-based: one change and a million alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.db import new_id, open_end
from kernel.history import REGISTER, Change, Rectangle, Version, believe, revise
from services.registry.queries.logs import Ledger, Log

TICK = timedelta(microseconds=1)
# Rows that a single command writes; more are an import's.
FEW = 20


@dataclass(frozen=True)
class Statement:
    """What somebody says of a thing, before it has a place in the log."""

    act: str
    valid_from: date
    patch: Mapping[str, Any]
    evidence: int = 1
    valid_to: date | None = None
    corrects: UUID | None = None
    evidence_ref: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass
class Page:
    """One thing's log under the pen: what stood, what was added, which rectangles that closed and opened."""

    id: Any
    changes: list[Change]
    versions: tuple[Version, ...]
    added: list[tuple[Change, Statement, Actor]] = field(default_factory=list)
    closed: list[tuple[date, Change]] = field(default_factory=list)
    opened: dict[date, Rectangle] = field(default_factory=dict)
    finished: list[Rectangle] = field(default_factory=list)
    beliefs: dict[int, tuple[Version, ...]] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return len(self.changes) == len(self.added)

    def evidence(self) -> dict[int, int]:
        return {change.no: change.evidence for change in self.changes}


def page(identifier: Any, log: Log | None = None) -> Page:
    changes = list(log.changes) if log else []
    return Page(identifier, changes, believe(changes).versions)


def add(page: Page, statement: Statement, actor: Actor, now: datetime) -> Change:
    """Puts the statement into the log; the recorded time strictly grows inside one thing."""
    last = page.changes[-1] if page.changes else None
    change = Change(
        id=new_id(),
        no=last.no + 1 if last else 1,
        act=statement.act,
        valid_from=statement.valid_from,
        valid_to=statement.valid_to,
        patch=statement.patch,
        evidence=statement.evidence,
        corrects=statement.corrects,
        recorded_at=max(now, last.recorded_at + TICK) if last else now,
    )
    page.changes.append(change)
    page.added.append((change, statement, actor))
    if last is None and change.act == REGISTER and change.valid_to is None:
        # The first word on a thing is all that is believed of it: an import says a million of them.
        first = Version(change.valid_from, None, dict(change.patch), dict.fromkeys(change.patch, change.no))
        page.opened[change.valid_from] = Rectangle(first, change.no, change.recorded_at)
        page.versions = page.beliefs[change.no] = (first,)
        return change
    revision = revise([Rectangle(v, 0, change.recorded_at) for v in page.versions], page.changes)
    for gone in revision.closed:
        _close(page, gone.version.valid_from, change)
    for version in revision.opened:
        page.opened[version.valid_from] = Rectangle(version, change.no, change.recorded_at)
    page.versions = believe(page.changes).versions
    page.beliefs[change.no] = page.versions
    return change


def _close(page: Page, day: date, change: Change) -> None:
    fresh = page.opened.pop(day, None)
    if fresh is None:
        page.closed.append((day, change))
    else:
        page.finished.append(
            Rectangle(fresh.version, fresh.opened_no, fresh.recorded_from, change.no, change.recorded_at)
        )


RowOf = Callable[[Page, Version], dict[str, Any]]


async def write(tx: AsyncSession, ledger: Ledger, pages: Sequence[Page], row_of: RowOf) -> None:
    """Log and projection of all pages, in this transaction. The things themselves exist and are locked or new."""
    await _close_standing(tx, ledger, pages)
    changes = [_change_row(ledger, page, entry) for page in pages for entry in page.added]
    versions = [
        _version_row(ledger, page, rectangle, row_of)
        for page in pages
        for rectangle in (*page.finished, *page.opened.values())
    ]
    await _put(tx, {ledger.changes: changes, ledger.versions: versions})
    grown = [page for page in pages if not page.is_new]
    if grown:
        statement = sa.text(
            f"UPDATE {ledger.name} SET last_no = s.no FROM unnest(:ids, CAST(:nos AS int[])) AS s(id, no)"  # noqa: S608
            f" WHERE {ledger.name}.{ledger.identity} = s.id"
        ).bindparams(sa.bindparam("ids", type_=_array_of(ledger.things.c[ledger.identity])))
        await tx.execute(statement, {"ids": [p.id for p in grown], "nos": [p.changes[-1].no for p in grown]})


async def _close_standing(tx: AsyncSession, ledger: Ledger, pages: Sequence[Page]) -> None:
    ends = [(page.id, day, change) for page in pages for day, change in page.closed]
    if not ends:
        return
    name, key = ledger.versions.name, ledger.key
    statement = sa.text(
        f"UPDATE {name} SET recorded_to = s.at, closed_no = s.no"  # noqa: S608
        " FROM unnest(:ids, CAST(:days AS date[]), CAST(:nos AS int[]), CAST(:ats AS timestamptz[])) s(id, day, no, at)"
        f" WHERE {name}.{key} = s.id AND {name}.valid_from = s.day AND {name}.recorded_to = 'infinity'"
    ).bindparams(sa.bindparam("ids", type_=_array_of(ledger.things.c[ledger.identity])))
    values = {
        "ids": [identifier for identifier, _, _ in ends],
        "days": [day for _, day, _ in ends],
        "nos": [change.no for _, _, change in ends],
        "ats": [change.recorded_at for _, _, change in ends],
    }
    await tx.execute(statement, values)


def _array_of(column: "sa.Column[Any]") -> "sa.ARRAY[Any]":
    return sa.ARRAY(column.type)


def _change_row(ledger: Ledger, page: Page, entry: tuple[Change, Statement, Actor]) -> dict[str, Any]:
    change, statement, actor = entry
    return {
        "id": change.id,
        ledger.key: page.id,
        "no": change.no,
        "act": change.act,
        "valid_from": change.valid_from,
        "valid_to": open_end(change.valid_to),
        "patch": dict(change.patch),
        "evidence": change.evidence,
        "evidence_ref": dict(statement.evidence_ref) if statement.evidence_ref else None,
        "reason": statement.reason,
        "corrects": change.corrects,
        "actor": actor.id,
        "org": actor.org,
        "recorded_at": change.recorded_at,
    }


def _version_row(ledger: Ledger, page: Page, rectangle: Rectangle, row_of: RowOf) -> dict[str, Any]:
    version = rectangle.version
    return {
        ledger.key: page.id,
        "opened_no": rectangle.opened_no,
        "closed_no": rectangle.closed_no,
        "valid_from": version.valid_from,
        "valid_to": open_end(version.valid_to),
        "recorded_from": rectangle.recorded_from,
        # asyncpg writes this naive moment as PostgreSQL's infinity.
        "recorded_to": rectangle.recorded_to or datetime.max,  # noqa: DTZ901
        **row_of(page, version),
    }


async def _put(tx: AsyncSession, tables: Mapping[sa.Table, Sequence[Mapping[str, Any]]]) -> None:
    """A command's few rows in one statement, an import's many by COPY, which takes two round trips for each table."""
    if sum(map(len, tables.values())) <= FEW:
        await direct.insert(tx, {str(table.name): [_said(row) for row in rows] for table, rows in tables.items()})
        return
    for table, rows in tables.items():
        await copy(tx, table, rows)


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """A point as PostgreSQL reads it from text."""
    return {name: f"({value[0]},{value[1]})" if isinstance(value, tuple) else value for name, value in row.items()}


async def copy(tx: AsyncSession, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """COPY into the table inside this transaction."""
    if not rows:
        return
    names = list(rows[0])
    is_json = [isinstance(table.c[name].type, JSONB) for name in names]
    records = [tuple(_json(row[n]) if j else row[n] for n, j in zip(names, is_json, strict=True)) for row in rows]
    with direct.as_sqlalchemy(f"COPY {table.name}"):
        await (await direct.driver(tx)).copy_records_to_table(table.name, columns=names, records=records)


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
