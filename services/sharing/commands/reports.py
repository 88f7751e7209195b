"""Rounds of reports opened, answered line by line, submitted, settled; every step audited."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit, direct
from kernel.audit import canonical
from kernel.auth import Actor, system
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import require_match
from kernel.errors import Fault
from services.sharing import data
from services.sharing.domain import policy, reporting
from services.sharing.domain.refusals import (
    AnswerRefused,
    CycleClosed,
    CycleNotFound,
    DayTooEarly,
    DayTooLate,
    LineNotDisputed,
    LinesOpen,
    NothingNew,
    ReasonMissing,
)
from services.sharing.queries import reports as queries


@dataclass(frozen=True)
class Round:
    """What is asked of the enterprises: the state of `as_of`, told before `late_on`."""

    title_vi: str
    title_en: str
    source: str
    as_of: date
    late_on: date
    remind: Sequence[int]
    reporters: Sequence[str]
    rule: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class Answered:
    """`no` is what the ETag of the report says."""

    id: UUID
    no: int


@dataclass(frozen=True)
class Said:
    """What an enterprise says of one line of its report."""

    line: int
    answer: str
    claims: Mapping[str, str]
    note: str = ""


async def open_due(tx: AsyncSession, *, now: datetime) -> int:
    """Opens the yearly rounds whose day has come; two workers at once open one. Answers how many.

    A round waits until the copy of the registry is known to be complete up to its day.
    """
    opened = 0
    complete_to = await queries.complete_to(tx)
    for rule, year in reporting.to_open(data.reporting().rules, local_date(now)):
        as_of = rule.on(year, rule.opens)
        if complete_to is None or local_date(complete_to) < as_of:
            continue
        title_vi, title_en = rule.title.vi.format(year=year), rule.title.en.format(year=year)
        late_on = rule.on(year, rule.late_on)
        asked = Round(title_vi, title_en, rule.source, as_of, late_on, rule.remind, rule.reporters, rule.code, year)
        opened += await _open(tx, system("reports"), new_id(), asked, now=now)
    return opened


async def ask(
    tx: AsyncSession, actor: Actor, title_vi: str, title_en: str, as_of: date, last_good_day: date, *, now: datetime
) -> UUID:
    """Asks every enterprise for a report out of turn. Raises NotAllowed (403), DayTooLate (422), DayTooEarly (422)."""
    policy.require(actor, "sharing:report:open")
    today = local_date(now)
    if as_of > today:
        raise DayTooLate("/as_of")
    if last_good_day < today:
        raise DayTooEarly("/last_good_day")
    law = data.reporting().ad_hoc
    cycle_id = new_id()
    late_on = date.fromordinal(last_good_day.toordinal() + 1)
    asked = Round(title_vi, title_en or title_vi, law.source, as_of, late_on, law.remind, law.reporters)
    await _open(tx, actor, cycle_id, asked, now=now)
    return cycle_id


async def _open(tx: AsyncSession, actor: Actor, cycle_id: UUID, asked: Round, *, now: datetime) -> bool:
    """False when another opened the round of this rule and year before."""
    made = await tx.execute(
        sa.text(
            "INSERT INTO report_cycle (id, rule, year, title_vi, title_en, source, as_of, opened_at, late_on, remind,"
            " reporters, opened_by) VALUES (:id, :rule, :year, :title_vi, :title_en, :source, :as_of, :now, :late_on,"
            " :remind, :reporters, :actor) ON CONFLICT (rule, year) DO NOTHING RETURNING id"
        ),
        {
            "id": cycle_id,
            "now": now,
            "actor": actor.id,
            **{name: getattr(asked, name) for name in ("rule", "year", "title_vi", "title_en", "source", "as_of")},
            "late_on": asked.late_on,
            "remind": list(asked.remind),
            "reporters": list(asked.reporters),
        },
    )
    if made.first() is None:
        return False
    reports = await _fill(tx, cycle_id, asked.as_of, asked.reporters, now)
    after = {"title": asked.title_vi, "as_of": asked.as_of, "late_on": asked.late_on, "reports": reports}
    await audit.record(tx, actor, "sharing:report:open", cycle_id, now=now, after=after)
    return True


async def renew(tx: AsyncSession, actor: Actor, cycle_id: UUID, *, now: datetime) -> int:
    """Fills in anew, as known now, the reports in which nothing was answered yet, and adds enterprises that were not
    known before. Answers how many reports were filled in.

    Raises NotAllowed (403), CycleNotFound (404), CycleClosed (409).
    """
    policy.require(actor, "sharing:report:open")
    row = await _lock_cycle(tx, cycle_id)
    filled = await _fill(tx, cycle_id, row.as_of, row.reporters, now)
    await audit.record(tx, actor, "sharing:report:renew", cycle_id, now=now, after={"reports": filled})
    return filled


async def _fill(tx: AsyncSession, cycle_id: UUID, as_of: date, reporters: Sequence[str], now: datetime) -> int:
    found = await tx.execute(
        sa.text(
            "SELECT DISTINCT code FROM organisation_copy WHERE kind = ANY(:kinds) AND recorded_to = 'infinity'"
            " AND valid_from <= :day AND valid_to > :day AND successor IS NULL ORDER BY code"
        ),
        {"kinds": list(reporters), "day": as_of},
    )
    orgs = list(found.scalars())
    # Whoever answers meanwhile holds the row of the report; a report with an answer keeps its lines.
    filled = await tx.execute(
        sa.text(
            "INSERT INTO report (id, cycle_id, org, known_at, no, versions) SELECT x.id, :cycle, x.org, :now, 0, 0"
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:orgs AS text[])) x(id, org)"
            " ON CONFLICT (cycle_id, org) DO UPDATE SET known_at = excluded.known_at WHERE report.no = 0 RETURNING id"
        ),
        {"cycle": cycle_id, "ids": [new_id() for _ in orgs], "orgs": orgs, "now": now},
    )
    ids = list(filled.scalars())
    await tx.execute(sa.text("DELETE FROM report_line WHERE report_id = ANY(:ids)"), {"ids": ids})
    await tx.execute(_PREFILL, {"ids": ids, "d": as_of, "k": now})
    return len(ids)


async def _lock_cycle(tx: AsyncSession, cycle_id: UUID) -> Any:
    found = await tx.execute(
        sa.text("SELECT as_of, reporters, closed_at FROM report_cycle WHERE id = :id FOR UPDATE"), {"id": cycle_id}
    )
    row = found.first()
    if row is None:
        raise CycleNotFound
    if row.closed_at is not None:
        raise CycleClosed
    return row


# What stands and what is agreed on the day, as known now: whoever reports finds it written down already.
_PREFILL = sa.text(
    """
WITH asked AS (SELECT r.id, r.org FROM report r WHERE r.id = ANY(:ids)),
 series AS (SELECT DISTINCT ON (r.kind) r.kind, r.id FROM ratio_series r
   JOIN definition f ON (f.code, f.version) = (r.definition_code, r.definition_version) AND f.is_default
     AND f.valid_from <= :d AND f.valid_to > :d
   JOIN boundary_set b ON b.code = r.boundary_set AND b.reported AND coalesce(b.valid_from, '-infinity') <= :d
     AND coalesce(b.valid_to, 'infinity') > :d
   ORDER BY r.kind, f.version DESC, b.valid_from DESC NULLS LAST),
 standing AS (SELECT s.id, s.kind, s.public_no, s.name, c.owner, c.status, c.commune, w.name AS unit_name,
     c.code_system, c.code, c.height_m, c.lon, c.lat, c.capacity
   FROM structure s JOIN structure_copy c ON c.id = s.id AND c.valid_from <= :d AND c.valid_to > :d
     AND c.recorded_from <= :k AND c.recorded_to > :k
   LEFT JOIN unit_copy w ON w.id = c.commune
   WHERE s.kind IS NOT NULL AND c.status IN ('under_construction', 'in_service', 'idle')),
 agreed AS (SELECT a.id, a.owner, a.tenant, a.structure_id, s.public_no, s.name, v.kind, v.number,
     (SELECT min(x.valid_from) FROM agreement_version x WHERE x.agreement_id = a.id AND x.status = 'in_force'
       AND x.recorded_from <= :k AND x.recorded_to > :k) AS begins, v.valid_to
   FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id AND v.status = 'in_force' AND v.valid_from <= :d
     AND v.valid_to > :d AND v.recorded_from <= :k AND v.recorded_to > :k
   JOIN structure s ON s.id = a.structure_id WHERE s.kind IS NOT NULL),
 found AS (
  SELECT t.owner AS org, 1 AS rank, 'structure' AS kind, t.id AS thing, t.public_no, to_jsonb(t) - 'id' - 'public_no'
      || jsonb_build_object('shared', coalesce((SELECT p.shared FROM ratio_span p JOIN series q ON q.id = p.series_id
        AND q.kind = t.kind WHERE p.structure_id = t.id AND p.valid_from <= :d AND p.valid_to > :d
        AND p.recorded_from <= :k AND p.recorded_to > :k), false)) AS told
  FROM standing t
  UNION ALL
  SELECT x.org, x.rank, x.kind, a.id, a.public_no, jsonb_build_object('structure', a.structure_id, 'name', a.name,
      'owner', a.owner, 'tenant', a.tenant, 'agreement_kind', a.kind, 'number', a.number, 'valid_from', a.begins,
      'valid_to', nullif(a.valid_to, 'infinity'))
  FROM agreed a CROSS JOIN LATERAL (VALUES (a.tenant, 2, 'tenancy'), (a.owner, 3, 'letting')) x(org, rank, kind)
  UNION ALL
  SELECT c.operator, 4, 'station', c.id, coalesce(s.public_no, ''), jsonb_build_object('structure', c.structure_id,
      'name', s.name, 'status', c.status, 'technologies', array_to_string(c.technologies, ', '),
      'unit_name', t.unit_name)
  FROM station_copy c JOIN structure s ON s.id = c.structure_id LEFT JOIN standing t ON t.id = s.id
  WHERE s.kind IS NOT NULL AND c.status IN ('active', 'inactive') AND c.valid_from <= :d AND c.valid_to > :d
    AND c.recorded_from <= :k AND c.recorded_to > :k)
INSERT INTO report_line (report_id, no, kind, thing, public_no, told)
SELECT a.id, row_number() OVER (PARTITION BY a.id ORDER BY f.rank, f.public_no, f.thing), f.kind, f.thing, f.public_no,
  f.told
FROM asked a JOIN found f ON f.org = a.org
"""
)


async def remind(tx: AsyncSession, *, now: datetime) -> int:
    """Notes the reminder that is due today to whoever has not submitted; each once, however often it is asked."""
    done = await tx.execute(
        sa.text(
            "INSERT INTO report_reminder (report_id, days_left, at) SELECT r.id, due.days, :now FROM report r"
            " JOIN report_cycle y ON y.id = r.cycle_id CROSS JOIN LATERAL ("
            "   SELECT min(d) AS days FROM unnest(y.remind) d WHERE y.late_on - 1 - CAST(:today AS date) <= d) due"
            " WHERE y.closed_at IS NULL AND r.submitted_at IS NULL AND due.days IS NOT NULL ON CONFLICT DO NOTHING"
        ),
        {"now": now, "today": local_date(now)},
    )
    return int(getattr(done, "rowcount", 0))


async def answer(
    tx: AsyncSession, actor: Actor, report_id: UUID, said: Sequence[Said], *, now: datetime, if_match: str = "*"
) -> Answered:
    """Confirms or disputes lines, all or none of them; an answer to a settled line opens it again.

    Raises ReportNotFound (404), NotAllowed (403), Stale (412), CycleClosed (409), AnswerRefused (422).
    """
    row = await _changing(tx, actor, report_id, if_match)
    kinds = await _kinds(tx, report_id, [one.line for one in said])
    faults: list[Fault] = []
    rows = []
    for at, one in enumerate(said):
        if one.line not in kinds:
            faults.append(Fault(f"/items/{at}/line", "unknown", "The report has no such line."))
            continue
        claims: dict[str, str] | None = None
        if one.answer == "disputed":
            claims, wrong = reporting.read_claims(kinds[one.line], one.claims, one.note)
            faults += [Fault(f"/items/{at}{each.pointer}", each.code, each.detail) for each in wrong]
        rows.append({"no": one.line, "answer": one.answer, "claims": claims, "note": one.note.strip()})
    if faults:
        raise AnswerRefused(errors=faults)
    await direct.execute(
        tx,
        "UPDATE report_line l SET answer = g.answer, claims = g.claims, note = g.note, answered_at = $3,"
        " answered_by = $4, outcome = NULL, outcome_note = '', settled_at = NULL, settled_by = NULL"
        " FROM jsonb_to_recordset($2::jsonb) g(no int, answer text, claims jsonb, note text)"
        " WHERE l.report_id = $1 AND l.no = g.no",
        report_id,
        orjson.dumps(rows).decode(),
        now,
        actor.id,
    )
    return await _changed(tx, actor, row, "answer", now, {"lines": rows[:50], "count": len(rows)})


async def confirm_rest(
    tx: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime, if_match: str = "*"
) -> Answered:
    """Confirms every line that has no answer yet. Raises what `answer` raises."""
    row = await _changing(tx, actor, report_id, if_match)
    done = await tx.execute(
        sa.text(
            "UPDATE report_line SET answer = 'confirmed', answered_at = :now, answered_by = :actor"
            " WHERE report_id = :id AND answer = 'open'"
        ),
        {"id": report_id, "now": now, "actor": actor.id},
    )
    return await _changed(tx, actor, row, "confirm_rest", now, {"count": int(getattr(done, "rowcount", 0))})


async def add_missing(
    tx: AsyncSession,
    actor: Actor,
    report_id: UUID,
    claims: Mapping[str, str],
    note: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> tuple[Answered, int]:
    """A thing that the registry does not know, as a disputed line; answers its number. Raises as `answer`."""
    row = await _changing(tx, actor, report_id, if_match)
    read, faults = reporting.read_claims("missing", claims, note)
    if faults:
        raise AnswerRefused(errors=faults)
    made = await tx.execute(
        sa.text(
            "INSERT INTO report_line (report_id, no, kind, public_no, told, answer, claims, note, answered_at,"
            " answered_by) SELECT :id, coalesce(max(no), 0) + 1, 'missing', '', '{}', 'disputed',"
            " CAST(:claims AS jsonb), :note, :now, :actor FROM report_line WHERE report_id = :id RETURNING no"
        ),
        {"id": report_id, "claims": orjson.dumps(read).decode(), "note": note.strip(), "now": now, "actor": actor.id},
    )
    no = int(made.scalar_one())
    return await _changed(tx, actor, row, "add", now, {"line": no, "claims": read}), no


async def submit(tx: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime, if_match: str = "*") -> Answered:
    """Keeps the report as it stands as its next version. Every line needs an answer; a late one is kept and marked.

    Raises ReportNotFound (404), NotAllowed (403), Stale (412), CycleClosed (409), LinesOpen (409), NothingNew (409).
    """
    row = await _changing(tx, actor, report_id, if_match)
    told = await direct.row(
        tx,
        "SELECT count(*) FILTER (WHERE answer = 'open') AS open, coalesce(json_agg(json_build_object('no', no,"
        " 'kind', kind, 'thing', thing, 'public_no', public_no, 'told', told, 'answer', answer, 'claims', claims,"
        " 'note', note) ORDER BY no), '[]') AS lines FROM report_line WHERE report_id = :id",
        {"id": report_id},
    )
    assert told is not None
    if told["open"]:
        raise LinesOpen(count=told["open"])
    lines = orjson.loads(told["lines"]) if isinstance(told["lines"], str) else told["lines"]
    content = {"report": str(report_id), "org": row.org, "lines": lines}
    digest = hashlib.sha256(canonical(content)).hexdigest()
    no, late = row.versions + 1, local_date(now) >= row.late_on
    if await _submitted_before(tx, report_id, row.versions, digest):
        raise NothingNew
    await tx.execute(
        sa.text(
            "INSERT INTO report_version (report_id, no, submitted_at, submitted_by, late, content, sha256)"
            " VALUES (:id, :no, :now, :actor, :late, CAST(:content AS jsonb), :sha256)"
        ),
        {
            "id": report_id,
            "no": no,
            "now": now,
            "actor": actor.id,
            "late": late,
            "content": orjson.dumps(content).decode(),
            "sha256": digest,
        },
    )
    # What counts as in time is the first submission; a later version mends it and does not make it late.
    await tx.execute(
        sa.text("UPDATE report SET versions = :no, submitted_at = coalesce(submitted_at, :now) WHERE id = :id"),
        {"id": report_id, "no": no, "now": now},
    )
    return await _changed(tx, actor, row, "submit", now, {"version": no, "late": late, "sha256": digest})


async def settle(
    tx: AsyncSession, actor: Actor, report_id: UUID, no: int, outcome: str, note: str, *, now: datetime
) -> None:
    """The department accepts what a line disputes, or says why not. What was accepted counts in the consolidation;
    the register itself is corrected by whoever keeps that record, and the line shows when it was.

    Raises ReportNotFound (404), LineNotFound (404), NotAllowed (403), LineNotDisputed (409), ReasonMissing (422).
    """
    row = await queries.locked(tx, report_id, actor=actor)
    policy.require(actor, "sharing:report:settle")
    line = await queries.line(tx, report_id, no, actor=actor)
    if line["answer"] != "disputed":
        raise LineNotDisputed
    if outcome == "rejected" and not note.strip():
        raise ReasonMissing
    await tx.execute(
        sa.text(
            "UPDATE report_line SET outcome = :outcome, outcome_note = :note, settled_at = :now, settled_by = :actor"
            " WHERE report_id = :id AND no = :no"
        ),
        {"id": report_id, "no": no, "outcome": outcome, "note": note.strip(), "now": now, "actor": actor.id},
    )
    await _changed(tx, actor, row, "settle", now, {"line": no, "outcome": outcome, "note": note.strip()})


async def close(tx: AsyncSession, actor: Actor, cycle_id: UUID, *, now: datetime) -> None:
    """No report of the round changes any more. Raises CycleNotFound (404), NotAllowed (403), CycleClosed (409)."""
    policy.require(actor, "sharing:report:open")
    await _lock_cycle(tx, cycle_id)
    await tx.execute(
        sa.text("UPDATE report_cycle SET closed_at = :now, closed_by = :actor WHERE id = :id"),
        {"id": cycle_id, "now": now, "actor": actor.id},
    )
    await audit.record(tx, actor, "sharing:report:close", cycle_id, now=now)


async def _changing(tx: AsyncSession, actor: Actor, report_id: UUID, if_match: str) -> Any:
    row = await queries.locked(tx, report_id, actor=actor)
    policy.require(actor, "sharing:report:answer", row.org)
    require_match(if_match, row.no)
    if row.closed_at is not None:
        raise CycleClosed
    return row


async def _changed(
    tx: AsyncSession, actor: Actor, row: Any, act: str, now: datetime, after: Mapping[str, Any]
) -> Answered:
    await tx.execute(sa.text("UPDATE report SET no = no + 1 WHERE id = :id"), {"id": row.id})
    await audit.record(tx, actor, f"sharing:report:{act}", row.id, now=now, after={"org": row.org, **after})
    return Answered(row.id, row.no + 1)


async def _kinds(tx: AsyncSession, report_id: UUID, numbers: Sequence[int]) -> dict[int, str]:
    rows = await tx.execute(
        sa.text("SELECT no, kind FROM report_line WHERE report_id = :id AND no = ANY(:numbers)"),
        {"id": report_id, "numbers": list(numbers)},
    )
    return {row.no: row.kind for row in rows}


async def _submitted_before(tx: AsyncSession, report_id: UUID, no: int, digest: str) -> bool:
    rows = await tx.execute(
        sa.text("SELECT sha256 FROM report_version WHERE report_id = :id AND no = :no"), {"id": report_id, "no": no}
    )
    return rows.scalar() == digest
