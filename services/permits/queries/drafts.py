"""Law being written, and what publishing it would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Entry, read
from services.permits.domain.refusals import DraftNotFound
from services.permits.queries.law import procedure
from services.permits.queries.proof import entry_of
from services.permits.tables import LawDraft

_LOCK = 0x1A3


async def law_draft(tx: AsyncSession, draft_id: UUID, *, lock: bool = False) -> LawDraft:
    """Raises DraftNotFound (404)."""
    statement = select(LawDraft).where(col(LawDraft.id) == draft_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
    if row is None:
        raise DraftNotFound
    tx.expunge(row)
    return row


async def lock_publication(tx: AsyncSession) -> None:
    """Until the commit nobody else publishes."""
    await tx.execute(select(sa.func.pg_advisory_xact_lock(_LOCK)))


class DraftsAsked(Listing):
    """Law being written and law that was."""

    kind: Word | None = None


DRAFT = Shape(
    {
        "id": "l.id",
        "kind": "l.kind",
        "name": "l.name",
        "version": "l.version",
        "drafted_by": "l.drafted_by",
        "drafted_name": "l.drafted_name",
        "changed_at": "l.changed_at",
        "published_at": "l.published_at",
        "published_by": "l.published_by",
    }
)
_NEWEST = Order({"l.changed_at": "timestamptz", "l.id": "uuid"}, descending=True)


async def law_drafts(read: AsyncSession, asked: DraftsAsked, *, limit: int, after: Sequence[Any] | None = None) -> Rows:
    """The last changed first. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"kind": "l.kind"})
    source = f"FROM law_draft l WHERE {' AND '.join(['true', *clauses])}"
    row = DRAFT.sql(asked.fields)
    return await page(read, row, source, _NEWEST, values, limit=limit, after=after, total=asked.total)


class CalendarsAsked(Listing):
    """The published working calendars."""

    area: Word | None = None


CALENDAR = Shape(
    {
        "id": "c.id",
        "area": "c.area",
        "no": "c.no",
        "starts_on": "c.starts_on",
        "ends_on": "c.ends_on",
        "cutoff": "CAST(c.cutoff AS text)",
        "half_cutoff": "CAST(c.half_cutoff AS text)",
        "source": "c.source",
        "published_at": "c.published_at",
        "days": "(SELECT coalesce(json_agg(json_build_object('day', d.day, 'kind', d.kind, 'cutoff', d.cutoff, 'vi',"
        " d.vi, 'en', d.en, 'source', d.source) ORDER BY d.day), '[]') FROM calendar_day d WHERE d.version_id = c.id)",
    }
)
_LAST = Order({"c.area": "text", "c.no": "int"}, descending=True)


async def calendars(
    read: AsyncSession, asked: CalendarsAsked, *, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """The newest first. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"area": "c.area"})
    source = f"FROM calendar_version c WHERE {' AND '.join(['true', *clauses])}"
    row = CALENDAR.sql(asked.fields)
    return await page(read, row, source, _LAST, values, limit=limit, after=after, total=asked.total)


@dataclass(frozen=True)
class Move:
    """A running clock whose day another calendar would move; `function` of a review's clock."""

    number: str
    clock: str
    function: str | None
    due_on: date | None
    moved_to: date | None


@dataclass(frozen=True)
class Preview:
    """How many clocks run, and those that would move, by the day they are due now."""

    running: int
    moves: Sequence[Move]


_RUNNING = (
    "SELECT d.id, a.number, d.clock, CASE WHEN d.review_id IS NULL THEN NULL ELSE d.function END, d.due_on, d.state,"
    " d.procedure_version, (SELECT json_agg(json_build_array(e.seq, e.kind, e.effective_on, e.at, e.days, e.id,"
    " e.corrects) ORDER BY e.seq) FROM clock_event e WHERE e.application_id = d.application_id AND e.clock = d.clock"
    " AND e.review_id IS NOT DISTINCT FROM d.review_id) FROM deadline d JOIN application a ON a.id = d.application_id"
    " WHERE d.state = 'running' AND d.id > :after ORDER BY d.id LIMIT :limit"
)
_FIRST = UUID(int=0)
PIECE = 2000


async def preview(session: AsyncSession, calendar: Calendar) -> Preview:
    """By the same function as the clocks themselves; nothing is changed. Raises CalendarEnds (409)."""
    after, count = _FIRST, 0
    moves: list[Move] = []
    while rows := (await session.execute(sa.text(_RUNNING), {"after": after, "limit": PIECE})).all():
        for row in rows:
            rule = (await procedure(session, row.procedure_version)).clock(row.clock)
            entries: list[Entry] = [entry_of(row.clock, *told) for told in row[7]]
            moved_to = read(rule, entries, calendar).due_on
            if moved_to != row.due_on:
                moves.append(Move(row.number, row.clock, row[3], row.due_on, moved_to))
        after, count = rows[-1].id, count + len(rows)
    return Preview(count, sorted(moves, key=lambda m: (m.due_on or date.max, m.number, m.clock)))


@dataclass(frozen=True)
class Moved:
    """A clock that a new calendar has moved, nobody was told yet."""

    id: UUID
    application_id: UUID
    number: str
    clock: str
    function: str
    org: str
    was: date
    due_on: date | None
    applicant_org: str


async def moved(tx: AsyncSession, limit: int) -> list[Moved]:
    rows = await tx.execute(
        sa.text(
            "SELECT d.id, d.application_id, a.number, d.clock, d.function, d.org, d.moved_from, d.due_on,"
            " a.applicant_org FROM deadline d JOIN application a ON a.id = d.application_id"
            " WHERE d.moved_from IS NOT NULL ORDER BY d.id LIMIT :limit FOR UPDATE OF d SKIP LOCKED"
        ),
        {"limit": limit},
    )
    return [Moved(*row) for row in rows]
