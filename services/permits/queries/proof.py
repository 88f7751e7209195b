"""What the worker visits and what `verify` compares."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits.domain.clock import Entry, Kind


@dataclass(frozen=True)
class DeadlineRow:
    application_id: UUID
    review_id: UUID | None
    clock: str
    state: str
    due_on: date | None
    length: int
    remaining: int | None
    on_expiry: str
    procedure_version: UUID
    calendar_version: UUID


_DEADLINE = (
    "SELECT application_id, review_id, clock, state, due_on, length, remaining, on_expiry, procedure_version,"
    " calendar_version FROM deadline"
)


async def expired(read: AsyncSession, today: date, limit: int) -> list[DeadlineRow]:
    """Running clocks whose due day is over and whose silence means something."""
    rows = await read.execute(
        sa.text(
            f"{_DEADLINE} WHERE state = 'running' AND on_expiry <> 'overdue' AND due_on < :today"
            " ORDER BY due_on, application_id LIMIT :limit"
        ),
        {"today": today, "limit": limit},
    )
    return [DeadlineRow(*row) for row in rows]


async def deadlines(read: AsyncSession, application_id: UUID) -> list[DeadlineRow]:
    rows = await read.execute(sa.text(f"{_DEADLINE} WHERE application_id = :id"), {"id": application_id})
    return [DeadlineRow(*row) for row in rows]


async def deadline_rows(read: AsyncSession) -> AsyncIterator[list[DeadlineRow]]:
    """All of them, dossier by dossier."""
    held: list[DeadlineRow] = []
    stream = await read.stream(sa.text(f"{_DEADLINE} ORDER BY application_id"), execution_options={"yield_per": 2000})
    async for row in stream:
        each = DeadlineRow(*row)
        if held and held[0].application_id != each.application_id:
            yield held
            held = []
        held.append(each)
    if held:
        yield held


async def running_dossiers(tx: AsyncSession, calendar_id: UUID, limit: int) -> list[UUID]:
    """Some dossiers with a clock not yet ended that was reckoned by another calendar of the area; locked."""
    rows = await tx.execute(
        sa.text(
            "SELECT id FROM application WHERE id IN (SELECT d.application_id FROM deadline d JOIN calendar_version c"
            " ON c.id = d.calendar_version WHERE d.state IN ('running','paused') AND d.calendar_version <> :id"
            " AND c.area = (SELECT area FROM calendar_version WHERE id = :id) LIMIT :limit) ORDER BY id FOR UPDATE"
        ),
        {"id": calendar_id, "limit": limit},
    )
    return list(rows.scalars())


@dataclass(frozen=True)
class Reckoned:
    """A clock that has not ended, with its ledger."""

    id: UUID
    clock: str
    procedure_version: UUID
    entries: list[Entry]


async def running_clocks(tx: AsyncSession, application_ids: Sequence[UUID]) -> list[Reckoned]:
    rows = await tx.execute(
        sa.text(
            "SELECT d.id, d.clock, d.procedure_version, (SELECT json_agg(json_build_array(e.seq, e.kind,"
            " e.effective_on, e.at, e.days, e.id, e.corrects) ORDER BY e.seq) FROM clock_event e"
            " WHERE e.application_id = d.application_id AND e.clock = d.clock"
            " AND e.review_id IS NOT DISTINCT FROM d.review_id) FROM deadline d"
            " WHERE d.application_id = ANY(CAST(:ids AS uuid[])) AND d.state IN ('running','paused')"
        ),
        {"ids": list(application_ids)},
    )
    return [
        Reckoned(id, clock, version, [entry_of(clock, *told) for told in ledger]) for id, clock, version, ledger in rows
    ]


def entry_of(
    clock: str, seq: int, kind: Kind, effective_on: str, at: str, days: int | None, id: str, corrects: str | None
) -> Entry:
    moment, day = datetime.fromisoformat(at), date.fromisoformat(effective_on)
    return Entry(seq, clock, kind, day, moment, days, UUID(id), UUID(corrects) if corrects else None)


async def number_gaps(read: AsyncSession) -> list[str]:
    """Series whose last number is not the count of what carries it, and numbers that are missing altogether."""
    rows = await read.execute(
        sa.text(
            "WITH used AS ("
            " SELECT split_part(number, '-', 2) AS year, count(*) AS n, max(CAST(split_part(number, '-', 3) AS int))"
            "  AS top, 'HS' AS paper, '' AS office FROM application WHERE number IS NOT NULL GROUP BY 1"
            " UNION ALL SELECT split_part(number, '/', 2), count(*), max(CAST(split_part(number, '/', 1) AS int)),"
            "  split_part(split_part(number, '/', 3), '-', 1), split_part(split_part(number, '/', 3), '-', 2)"
            "  FROM decision WHERE number IS NOT NULL GROUP BY 1, 4, 5)"
            " SELECT concat(s.series, '/', s.year, ': last ', s.last, ', ', coalesce(u.n, 0), ' used, highest ', u.top)"
            " FROM number_series s LEFT JOIN used u ON u.year = CAST(s.year AS text) AND s.series ="
            "  CASE WHEN u.paper = 'HS' THEN concat(split_part(s.series, ':', 1), ':', 'HS') ELSE"
            "  concat(u.office, ':', u.paper) END"
            " WHERE u.n IS DISTINCT FROM s.last OR u.top IS DISTINCT FROM s.last"
            " UNION ALL SELECT concat('dossier ', id, ' has no number') FROM application WHERE number IS NULL"
            " UNION ALL SELECT concat('decision of ', application_id, ' has no number') FROM decision"
            "  WHERE number IS NULL"
        )
    )
    return list(rows.scalars())


async def decided_without_row(read: AsyncSession) -> list[str]:
    """Decided events and decision rows must be the same set, and say the same."""
    rows = await read.execute(
        sa.text(
            "SELECT concat('decision of ', coalesce(CAST(d.application_id AS text), e.id), ' and its event differ')"
            " FROM decision d FULL JOIN (SELECT envelope->'data'->>'application_id' AS id,"
            " envelope->'data'->>'decision_number' AS number,"
            " CAST(envelope->'data'->>'may_build' AS boolean) AS may_build"
            " FROM outbox WHERE subject = 'permits.application.decided.v1') e ON e.id = CAST(d.application_id AS text)"
            " WHERE d.application_id IS NULL OR e.id IS NULL OR d.number IS DISTINCT FROM e.number"
            " OR d.may_build IS DISTINCT FROM e.may_build"
        )
    )
    return list(rows.scalars())


async def part_hashes(read: AsyncSession) -> AsyncIterator[tuple[UUID, str, str]]:
    """Files a dossier names whose chunks are in the database: id, hash as recorded, hash of the chunks as they lie."""
    stream = await read.stream(
        sa.text(
            "SELECT f.id, f.sha256, encode(sha256(c.joined), 'hex') FROM file f JOIN LATERAL (SELECT"
            " string_agg(bytes, CAST('' AS bytea) ORDER BY no) AS joined FROM file_chunk WHERE file_id = f.id) c ON"
            " c.joined IS NOT NULL WHERE EXISTS (SELECT FROM application_part t WHERE t.file_id = f.id)"
        ),
        execution_options={"yield_per": 20},
    )
    async for file_id, recorded, found in stream:
        yield file_id, recorded, found
