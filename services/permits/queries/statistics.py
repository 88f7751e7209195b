"""How long the steps take and how many keep their day: counts and days, no dossier among them."""

# ruff: noqa: S608 -- composed of constants of this module; every value is bound

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

# Days run between the acts of a clock; an extension and a voided entry do not change whether it runs.
_SPANS = (
    "WITH acts AS (SELECT e.application_id, e.review_id, e.clock, e.kind, e.effective_on,"
    " lead(e.effective_on) OVER w - e.effective_on AS days FROM clock_event e"
    " JOIN deadline d ON d.application_id = e.application_id AND d.clock = e.clock"
    " AND d.review_id IS NOT DISTINCT FROM e.review_id AND d.state = 'stopped'"
    " WHERE e.kind IN ('start','pause','resume','restart','stop')"
    " AND NOT EXISTS (SELECT FROM clock_event v WHERE v.corrects = e.id)"
    " WINDOW w AS (PARTITION BY e.application_id, e.review_id, e.clock ORDER BY e.seq)),"
    " ended AS (SELECT application_id, review_id, clock, min(effective_on) FILTER (WHERE kind = 'start') AS began,"
    " max(effective_on) FILTER (WHERE kind = 'stop') AS ended,"
    " coalesce(sum(days) FILTER (WHERE kind = 'pause'), 0) AS paused FROM acts GROUP BY 1, 2, 3)"
)
_STEPS = (
    f"{_SPANS} SELECT d.clock, d.function, d.org, count(*) AS ended,"
    " count(*) FILTER (WHERE r.outcome IS DISTINCT FROM 'silent' AND r.silent_on IS NULL AND x.ended <= d.due_on)"
    " AS on_time, count(*) FILTER (WHERE r.silent_on IS NOT NULL) AS silent,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY x.ended - x.began) AS gross,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY x.ended - x.began - x.paused) AS net,"
    " percentile_cont(0.9) WITHIN GROUP (ORDER BY x.ended - x.began) AS gross_9 FROM ended x"
    " JOIN deadline d ON d.application_id = x.application_id AND d.clock = x.clock"
    " AND d.review_id IS NOT DISTINCT FROM x.review_id LEFT JOIN review r ON r.id = x.review_id"
    " JOIN application a ON a.id = x.application_id"
    " WHERE x.ended >= :since AND x.ended < :until AND a.state <> 'withdrawn'"
    " GROUP BY 1, 2, 3 ORDER BY d.org, d.function, d.clock"
)
# The applicant's own time: from each request for a supplement to its answer.
_MONTHS = (
    "SELECT CAST(date_trunc('month', x.decided_on) AS date) AS month, count(*) AS decided,"
    " count(*) FILTER (WHERE x.decided_on <= x.due_on) AS on_time,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY x.decided_on - x.received_on) AS gross,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY x.decided_on - x.received_on - x.waited) AS net FROM ("
    "SELECT c.decided_on, a.received_on, (SELECT max(d.due_on) FROM deadline d WHERE d.application_id = a.id"
    " AND d.review_id IS NULL AND d.clock = 'decision') AS due_on, coalesce((SELECT"
    " sum(CAST(q.answered_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)"
    " - CAST(q.sent_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)) FROM supplement_request q"
    " WHERE q.application_id = a.id AND q.answered_at IS NOT NULL), 0) AS waited"
    " FROM decision c JOIN application a ON a.id = c.application_id"
    " WHERE c.decided_on >= :since AND c.decided_on < :until) x GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True)
class StepFigures:
    """Clocks that ended in the period, in calendar days; `net` without pauses; `gross_9`: nine in ten took less."""

    clock: str
    function: str
    org: str
    ended: int
    on_time: int
    silent: int
    gross: float
    net: float
    gross_9: float


@dataclass(frozen=True)
class MonthFigures:
    """Dossiers decided in the month. `net` without the time in which a supplement was waited for."""

    month: date
    decided: int
    on_time: int
    gross: float
    net: float


async def step_figures(read: AsyncSession, since: date, until: date) -> list[StepFigures]:
    """By department, function and step; `until` exclusive."""
    rows = await read.execute(sa.text(_STEPS), {"since": since, "until": until})
    return [StepFigures(*row) for row in rows]


async def month_figures(read: AsyncSession, since: date, until: date) -> list[MonthFigures]:
    rows = await read.execute(sa.text(_MONTHS), {"since": since, "until": until})
    return [MonthFigures(*row) for row in rows]
