"""The enterprises' reports: each sees its own, the department all."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.listing import Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from services.sharing.domain import policy
from services.sharing.domain.refusals import CycleNotFound, LineNotFound, ReportNotFound

READ = "sharing:report:read"
Answer = Literal["open", "confirmed", "disputed"]
Outcome = Literal["accepted", "rejected"]


def reach_of(actor: Actor) -> str | None:
    """The organisation whose reports the caller sees; None: all. Raises NotAllowed (403)."""
    policy.require_at_all(actor, READ)
    return None if policy.sees_every(actor, READ) else actor.org


class CyclesAsked(Listing):
    """Rounds of reports, the newest first."""

    year: Annotated[int | None, Field(ge=2000, le=2200, description="Of a yearly round.")] = None
    closed: Annotated[bool | None, Field(description="Only closed ones, or only open ones.")] = None


_SUBMITTED_ON = "CAST(r.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)"
_STANDING = (
    f"CASE WHEN r.submitted_at IS NOT NULL THEN CASE WHEN {_SUBMITTED_ON} >= y.late_on THEN 'late' ELSE 'submitted' END"
    " WHEN CAST(:today AS date) >= y.late_on THEN 'overdue' ELSE 'open' END"
)
CYCLE = Shape(
    {
        "id": "y.id",
        "rule": "y.rule",
        "year": "y.year",
        "title": "json_build_object('vi', y.title_vi, 'en', y.title_en)",
        "source": "y.source",
        "as_of": "y.as_of",
        "opened_at": "y.opened_at",
        "last_good_day": "y.late_on - 1",
        "closed_at": "y.closed_at",
        "version": "y.no",
        "reports": "n.reports",
        "submitted": "n.submitted",
        "late": "n.late",
    }
)
_CYCLES = f"""
 FROM report_cycle y CROSS JOIN LATERAL (
   SELECT count(*) AS reports, count(r.submitted_at) AS submitted,
     count(*) FILTER (WHERE {_STANDING} IN ('late', 'overdue')) AS late
   FROM report r WHERE r.cycle_id = y.id AND (CAST(:org AS text) IS NULL OR r.org = :org)) n
 WHERE (CAST(:org AS text) IS NULL OR n.reports > 0)"""  # noqa: S608 -- composed of constants
_BY_CYCLE = Order({"y.opened_at": "timestamptz", "y.id": "uuid"}, descending=True)


async def cycles(
    read: AsyncSession,
    asked: CyclesAsked,
    *,
    actor: Actor,
    now: datetime,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Rounds with how many reports are in and late; of an enterprise only those in which it reports. One statement."""
    clauses, values = conditions(asked, {"year": "y.year"})
    if asked.closed is not None:
        clauses.append("(y.closed_at IS NOT NULL) = :closed")
        values["closed"] = asked.closed
    source = "".join([_CYCLES, *(f" AND {clause}" for clause in clauses)])
    values |= {"org": reach_of(actor), "today": local_date(now)}
    return await page(
        read, CYCLE.sql(asked.fields), source, _BY_CYCLE, values, limit=limit, after=after, total=asked.total
    )


class ReportsAsked(Listing):
    """Reports of the enterprises. `standing`: open, submitted, late (came too late) or overdue (did not come)."""

    cycle_id: Annotated[UUID | None, Field(description="Of this round.")] = None
    org: Annotated[Word | None, Field(description="Of this organisation.")] = None
    standing: Annotated[Word | None, Field(description="open, submitted, late or overdue.")] = None
    standing_in: Words | None = operator("standing", "in", "One of these.")


_COUNTED = """(SELECT count(*) AS lines, count(*) FILTER (WHERE l.answer = 'confirmed') AS confirmed,
     count(*) FILTER (WHERE l.answer = 'disputed') AS disputed, count(*) FILTER (WHERE l.answer = 'open') AS open,
     count(*) FILTER (WHERE l.answer = 'disputed' AND l.outcome IS NULL) AS unsettled
   FROM report_line l WHERE l.report_id = r.id)"""
REPORT = Shape(
    {
        "id": "r.id",
        "cycle_id": "r.cycle_id",
        "org": "r.org",
        "standing": _STANDING,
        "last_good_day": "y.late_on - 1",
        "known_at": "r.known_at",
        "submitted_at": "r.submitted_at",
        "versions": "r.versions",
        "version": "r.no",
        "lines": "n.lines",
        "confirmed": "n.confirmed",
        "disputed": "n.disputed",
        "open": "n.open",
        "unsettled": "n.unsettled",
        "reminded_at": "(SELECT max(m.at) FROM report_reminder m WHERE m.report_id = r.id)",
    }
)
_REPORTS = f"""
 FROM report r JOIN report_cycle y ON y.id = r.cycle_id CROSS JOIN LATERAL {_COUNTED} n
 WHERE (CAST(:seen AS text) IS NULL OR r.org = :seen)"""
_BY_ORG = Order({"y.opened_at": "timestamptz", "r.org": "text", "r.id": "uuid"})


async def reports(
    read: AsyncSession,
    asked: ReportsAsked,
    *,
    actor: Actor,
    now: datetime,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Reports with how far each is and whether it is late. One statement."""
    clauses, values = conditions(asked, {"cycle_id": "r.cycle_id", "org": "r.org", "standing": f"({_STANDING})"})
    source = "".join([_REPORTS, *(f" AND {clause}" for clause in clauses)])
    values |= {"seen": reach_of(actor), "today": local_date(now)}
    return await page(
        read, REPORT.sql(asked.fields), source, _BY_ORG, values, limit=limit, after=after, total=asked.total
    )


_OF_CYCLE = CYCLE.sql([name for name in CYCLE.members if name not in ("reports", "submitted", "late")])
_ONE = f"""
SELECT {REPORT.sql()}::jsonb || jsonb_build_object('cycle', {_OF_CYCLE},
  'submissions', (SELECT coalesce(jsonb_agg(jsonb_build_object('no', v.no, 'submitted_at', v.submitted_at,
     'submitted_by', v.submitted_by, 'late', v.late, 'sha256', v.sha256) ORDER BY v.no DESC), '[]')
   FROM report_version v WHERE v.report_id = r.id)) AS told
{_REPORTS} AND r.id = :id"""  # noqa: S608 -- composed of constants


async def report(read: AsyncSession, report_id: UUID, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The report with its round and what was submitted. Raises ReportNotFound (404). One statement."""
    row = await direct.row(read, _ONE, {"id": report_id, "seen": reach_of(actor), "today": local_date(now)})
    if row is None:
        raise ReportNotFound
    told: dict[str, Any] = row["told"]
    return told


_VERSION = """
SELECT v.no, v.submitted_at, v.submitted_by, v.late, v.sha256, v.content FROM report_version v
JOIN report r ON r.id = v.report_id WHERE v.report_id = :id AND v.no = :no
  AND (CAST(:seen AS text) IS NULL OR r.org = :seen)
"""


async def submission(read: AsyncSession, report_id: UUID, no: int, *, actor: Actor) -> Mapping[str, Any]:
    """A report as it was submitted. Raises ReportNotFound (404)."""
    row = await direct.row(read, _VERSION, {"id": report_id, "no": no, "seen": reach_of(actor)})
    if row is None:
        raise ReportNotFound
    return dict(row)


async def complete_to(read: AsyncSession) -> datetime | None:
    """Everything the registry recorded before it has arrived here."""
    found = await read.execute(sa.text("SELECT until FROM watermark WHERE source = 'registry'"))
    return found.scalar()


async def locked(tx: AsyncSession, report_id: UUID, *, actor: Actor) -> Any:
    """Row (id, org, no, versions, cycle_id, late_on, closed_at), locked for a change. Raises ReportNotFound (404).

    The round first, as whoever closes it or fills it in anew does: so nobody waits for each other in a circle.
    """
    lock = sa.text("SELECT FROM report_cycle WHERE id = (SELECT cycle_id FROM report WHERE id = :id) FOR SHARE")
    await tx.execute(lock, {"id": report_id})
    await tx.execute(sa.text("SELECT FROM report WHERE id = :id FOR UPDATE"), {"id": report_id})
    found = await tx.execute(
        sa.text(
            "SELECT r.id, r.org, r.no, r.versions, r.cycle_id, y.late_on, y.closed_at"
            " FROM report r JOIN report_cycle y ON y.id = r.cycle_id WHERE r.id = :id"
        ),
        {"id": report_id},
    )
    row = found.first()
    if row is None or not policy.may(actor, READ, row.org):
        raise ReportNotFound
    return row


class LinesAsked(Listing):
    """Lines of reports. `mended`: whether the register says by now what a dispute claims."""

    report_id: Annotated[UUID | None, Field(description="Of this report.")] = None
    cycle_id: Annotated[UUID | None, Field(description="Of all reports of this round.")] = None
    kind: Annotated[Word | None, Field(description="structure, tenancy, letting, station or missing.")] = None
    kind_in: Words | None = operator("kind", "in", "One of these kinds.")
    answer: Annotated[Answer | None, Field(description="open, confirmed or disputed.")] = None
    outcome: Annotated[Outcome | None, Field(description="How a dispute was settled.")] = None
    settled: Annotated[bool | None, Field(description="Only settled disputes, or only those to settle.")] = None
    q: Annotated[Word | None, Field(description="Part of the structure's number.")] = None


# What the copies say now of the day of the round, beside what a dispute claims.
_MENDED = """CASE
  WHEN l.claims IS NULL OR l.claims = '{}' OR l.kind = 'missing' THEN NULL
  WHEN l.kind = 'structure' THEN EXISTS (SELECT FROM structure_copy c WHERE c.id = l.thing AND c.valid_from <= y.as_of
    AND c.valid_to > y.as_of AND c.recorded_to = 'infinity' AND c.owner = coalesce(l.claims->>'owner', c.owner)
    AND c.status = coalesce(l.claims->>'status', c.status)
    AND (l.claims->>'height_m' IS NULL OR c.height_m = CAST(l.claims->>'height_m' AS numeric))
    AND (l.claims->>'commune' IS NULL OR c.commune = l.claims->>'commune')
    AND (l.claims->>'code' IS NULL OR c.code = l.claims->>'code'))
  WHEN l.kind = 'station' THEN EXISTS (SELECT FROM station_copy c WHERE c.id = l.thing AND c.valid_from <= y.as_of
    AND c.valid_to > y.as_of AND c.recorded_to = 'infinity' AND c.status = coalesce(l.claims->>'status', c.status)
    AND (l.claims->>'technologies' IS NULL OR array_to_string(c.technologies, ', ') = l.claims->>'technologies'))
  ELSE (SELECT CASE WHEN l.claims->>'status' = 'never' THEN count(*) = 0
      ELSE max(v.valid_to) = CAST(l.claims->>'ended_on' AS date) END
    FROM agreement_version v WHERE v.agreement_id = l.thing AND v.status = 'in_force' AND v.recorded_to = 'infinity')
  END"""
LINE = Shape(
    {
        "report_id": "l.report_id",
        "no": "l.no",
        "org": "r.org",
        "kind": "l.kind",
        "thing": "l.thing",
        "public_no": "l.public_no",
        "told": "l.told",
        "answer": "l.answer",
        "claims": "l.claims",
        "note": "l.note",
        "answered_at": "l.answered_at",
        "outcome": "l.outcome",
        "outcome_note": "l.outcome_note",
        "settled_at": "l.settled_at",
        "mended": _MENDED,
    }
)
_LINES = """
 FROM report_line l JOIN report r ON r.id = l.report_id JOIN report_cycle y ON y.id = r.cycle_id
 WHERE (CAST(:seen AS text) IS NULL OR r.org = :seen)"""
_BY_LINE = Order({"r.org": "text", "l.report_id": "uuid", "l.no": "int"})


async def lines(
    read: AsyncSession, asked: LinesAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Lines in the order of the reports. One statement."""
    columns = {"report_id": "l.report_id", "cycle_id": "r.cycle_id", "kind": "l.kind", "answer": "l.answer"}
    clauses, values = conditions(asked, {**columns, "outcome": "l.outcome"})
    if asked.settled is not None:
        clauses.append("l.answer = 'disputed' AND (l.outcome IS NOT NULL) = :settled")
        values["settled"] = asked.settled
    if asked.q:
        clauses.append("l.public_no ILIKE :q")
        values["q"] = "%" + asked.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    source = "".join([_LINES, *(f" AND {clause}" for clause in clauses)])
    values["seen"] = reach_of(actor)
    return await page(
        read, LINE.sql(asked.fields), source, _BY_LINE, values, limit=limit, after=after, total=asked.total
    )


async def line(read: AsyncSession, report_id: UUID, no: int, *, actor: Actor) -> dict[str, Any]:
    """Raises LineNotFound (404)."""
    statement = f"SELECT {LINE.sql()} AS told {_LINES} AND l.report_id = :id AND l.no = :no"
    row = await direct.row(read, statement, {"id": report_id, "no": no, "seen": reach_of(actor)})
    if row is None:
        raise LineNotFound
    told: dict[str, Any] = row["told"]
    return told


async def cycle(read: AsyncSession, cycle_id: UUID, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Raises CycleNotFound (404), also for an enterprise that has no report in it."""
    statement = f"SELECT {CYCLE.sql()} AS told {_CYCLES} AND y.id = :id"
    row = await direct.row(read, statement, {"id": cycle_id, "org": reach_of(actor), "today": local_date(now)})
    if row is None:
        raise CycleNotFound
    told: dict[str, Any] = row["told"]
    return told


async def kinds(read: AsyncSession, report_id: UUID, numbers: Sequence[int], *, actor: Actor) -> dict[int, str]:
    """What the lines of these numbers are about, as far as there are any."""
    rows = await read.execute(
        sa.text(
            "SELECT l.no, l.kind FROM report_line l JOIN report r ON r.id = l.report_id WHERE l.report_id = :id"
            " AND l.no = ANY(:numbers) AND (CAST(:seen AS text) IS NULL OR r.org = :seen)"
        ),
        {"id": report_id, "numbers": list(numbers), "seen": reach_of(actor)},
    )
    return {row.no: row.kind for row in rows}


async def standing_lines(read: AsyncSession, report_id: UUID, *, actor: Actor) -> tuple[int, list[dict[str, Any]]]:
    """How many lines have no answer, and all lines as they are kept with a submission."""
    row = await direct.row(
        read,
        "SELECT count(*) FILTER (WHERE l.answer = 'open') AS open, coalesce(json_agg(json_build_object('no', l.no,"
        " 'kind', l.kind, 'thing', l.thing, 'public_no', l.public_no, 'told', l.told, 'answer', l.answer,"
        " 'claims', l.claims, 'note', l.note) ORDER BY l.no), '[]') AS lines"
        " FROM report_line l JOIN report r ON r.id = l.report_id WHERE l.report_id = :id"
        " AND (CAST(:seen AS text) IS NULL OR r.org = :seen)",
        {"id": report_id, "seen": reach_of(actor)},
    )
    assert row is not None
    lines = row["lines"]
    return row["open"], orjson.loads(lines) if isinstance(lines, str) else lines


async def digest(read: AsyncSession, report_id: UUID, no: int, *, actor: Actor) -> str | None:
    """The hash of a submission, None when there is none of this number."""
    rows = await read.execute(
        sa.text(
            "SELECT v.sha256 FROM report_version v JOIN report r ON r.id = v.report_id WHERE v.report_id = :id"
            " AND v.no = :no AND (CAST(:seen AS text) IS NULL OR r.org = :seen)"
        ),
        {"id": report_id, "no": no, "seen": reach_of(actor)},
    )
    found: str | None = rows.scalar()
    return found


async def reporters(read: AsyncSession, kinds: Sequence[str], day: date) -> list[str]:
    """Codes of the organisations of these kinds on a day, as believed now: those who are asked for a report."""
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT code FROM organisation_copy WHERE kind = ANY(:kinds) AND recorded_to = 'infinity'"
            " AND valid_from <= :day AND valid_to > :day AND successor IS NULL ORDER BY code"
        ),
        {"kinds": list(kinds), "day": day},
    )
    return list(rows.scalars())


async def last_numbers(read: AsyncSession, report_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The highest number of a line that each report has, as far as it has any."""
    rows = await read.execute(
        sa.text("SELECT report_id, max(no) AS no FROM report_line WHERE report_id = ANY(:ids) GROUP BY report_id"),
        {"ids": list(report_ids)},
    )
    return {row.report_id: row.no for row in rows}


async def locked_cycle(tx: AsyncSession, cycle_id: UUID) -> Any | None:
    """Row (as_of, reporters, closed_at, no), locked for a change."""
    rows = await tx.execute(
        sa.text("SELECT as_of, reporters, closed_at, no FROM report_cycle WHERE id = :id FOR UPDATE"), {"id": cycle_id}
    )
    return rows.first()


async def open_cycles(read: AsyncSession) -> Sequence[Any]:
    """Rows (id, late_on, remind, title_vi, title_en) of the rounds that nobody closed."""
    rows = await read.execute(
        sa.text("SELECT id, late_on, remind, title_vi, title_en FROM report_cycle WHERE closed_at IS NULL")
    )
    return rows.all()
