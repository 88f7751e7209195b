"""Rounds of reports: opened by their day or out of turn, filled in, reminded of, closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor, system
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import require_match
from services.sharing import data
from services.sharing.commands.report_contacts import write_letters
from services.sharing.commands.reports import Changed
from services.sharing.domain import policy, reporting
from services.sharing.domain.refusals import CycleClosed, CycleNotFound, DayTooEarly, DayTooLate
from services.sharing.queries import report_contacts
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
    late_on = last_good_day + timedelta(days=1)
    asked = Round(title_vi, title_en or title_vi, law.source, as_of, late_on, law.remind, law.reporters)
    await _open(tx, actor, cycle_id, asked, now=now)
    return cycle_id


async def _open(tx: AsyncSession, actor: Actor, cycle_id: UUID, asked: Round, *, now: datetime) -> bool:
    """False when another opened the round of this rule and year before."""
    made = await tx.execute(
        sa.text(
            "INSERT INTO report_cycle (id, rule, year, title_vi, title_en, source, as_of, opened_at, late_on, remind,"
            " reporters, opened_by, no) VALUES (:id, :rule, :year, :title_vi, :title_en, :source, :as_of, :now,"
            " :late_on, :remind, :reporters, :actor, 0) ON CONFLICT (rule, year) DO NOTHING RETURNING id"
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


async def renew(
    tx: AsyncSession, actor: Actor, cycle_id: UUID, *, now: datetime, if_match: str = "*"
) -> tuple[Changed, int]:
    """Fills in anew, as known now, the reports in which nothing was answered yet, and adds enterprises that were not
    known before. Answers also how many reports were filled in.

    Raises NotAllowed (403), CycleNotFound (404), CycleClosed (409), Stale (412).
    """
    policy.require(actor, "sharing:report:open")
    row = await _change_cycle(tx, cycle_id, if_match)
    filled = await _fill(tx, cycle_id, row.as_of, row.reporters, now)
    await audit.record(tx, actor, "sharing:report:renew", cycle_id, now=now, after={"reports": filled})
    return Changed(cycle_id, row.no + 1), filled


async def _fill(tx: AsyncSession, cycle_id: UUID, as_of: date, reporters: Sequence[str], now: datetime) -> int:
    orgs = await queries.reporters(tx, reporters, as_of)
    # Whoever answers holds the round's row, so that no answer comes between; a report with an answer keeps its lines.
    filled = await tx.execute(
        sa.text(
            "INSERT INTO report (id, cycle_id, org, known_at, no, versions) SELECT x.id, :cycle, x.org, :now, 0, 0"
            " FROM unnest(CAST(:ids AS uuid[]), CAST(:orgs AS text[])) x(id, org)"
            " ON CONFLICT (cycle_id, org) DO UPDATE SET known_at = excluded.known_at, no = report.no + 1"
            " WHERE NOT EXISTS (SELECT FROM report_line l WHERE l.report_id = report.id AND l.answered_at IS NOT NULL)"
            " RETURNING id"
        ),
        {"cycle": cycle_id, "ids": [new_id() for _ in orgs], "orgs": orgs, "now": now},
    )
    ids = list(filled.scalars())
    # A number is never given to another line: what somebody still has on his screen is not answered for it.
    used = await queries.last_numbers(tx, ids)
    await tx.execute(sa.text("DELETE FROM report_line WHERE report_id = ANY(:ids)"), {"ids": ids})
    await tx.execute(_PREFILL, {"ids": ids, "used": [used.get(id_, 0) for id_ in ids], "d": as_of, "k": now})
    return len(ids)


async def _change_cycle(tx: AsyncSession, cycle_id: UUID, if_match: str) -> Any:
    row = await queries.locked_cycle(tx, cycle_id)
    if row is None:
        raise CycleNotFound
    require_match(if_match, row.no)
    if row.closed_at is not None:
        raise CycleClosed
    await tx.execute(sa.text("UPDATE report_cycle SET no = no + 1 WHERE id = :id"), {"id": cycle_id})
    return row


# What stands and what is agreed on the day, as known now: whoever reports finds it written down already.
_PREFILL = sa.text(
    """
INSERT INTO report_line (report_id, no, kind, thing, public_no, told)
WITH asked AS (SELECT r.id, r.org, u.used FROM report r
   JOIN unnest(CAST(:ids AS uuid[]), CAST(:used AS int[])) u(id, used) ON u.id = r.id),
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
SELECT a.id, a.used + row_number() OVER (PARTITION BY a.id ORDER BY f.rank, f.public_no, f.thing), f.kind, f.thing,
  f.public_no, f.told
FROM asked a JOIN found f ON f.org = a.org
"""
)


async def remind(tx: AsyncSession, *, site: str, now: datetime) -> int:
    """Notes the reminder that is due today to whoever has not submitted, each once however often it is asked, and
    writes to those who gave an address."""
    noted = 0
    for cycle in await queries.open_cycles(tx):
        days = reporting.stage(cycle.late_on, cycle.remind, local_date(now))
        if days is None:
            continue
        done = await tx.execute(
            sa.text(
                "INSERT INTO report_reminder (report_id, days_left, at) SELECT id, :days, :now FROM report"
                " WHERE cycle_id = :cycle AND submitted_at IS NULL ON CONFLICT DO NOTHING RETURNING report_id"
            ),
            {"cycle": cycle.id, "days": days, "now": now},
        )
        ids = list(done.scalars())
        reports = await report_contacts.addressed(tx, ids)
        await write_letters(tx, reports, cycle, cycle.late_on - timedelta(days=1), site=site, now=now)
        noted += len(ids)
    return noted


async def close(tx: AsyncSession, actor: Actor, cycle_id: UUID, *, now: datetime, if_match: str = "*") -> Changed:
    """No report of the round changes any more.

    Raises CycleNotFound (404), NotAllowed (403), CycleClosed (409), Stale (412).
    """
    policy.require(actor, "sharing:report:open")
    row = await _change_cycle(tx, cycle_id, if_match)
    await tx.execute(
        sa.text("UPDATE report_cycle SET closed_at = :now, closed_by = :actor WHERE id = :id"),
        {"id": cycle_id, "now": now, "actor": actor.id},
    )
    await audit.record(tx, actor, "sharing:report:close", cycle_id, now=now)
    return Changed(cycle_id, row.no + 1)
