"""The indicators with what is known of each on a day: counted from the register, or entered with its source."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Dated, Listing, Order, Rows, Shape, Word, conditions, page
from services.sharing.domain import indicators as rules
from services.sharing.domain import policy
from services.sharing.domain.figures import percent
from services.sharing.domain.indicators import Indicator
from services.sharing.domain.refusals import IndicatorNotFound
from services.sharing.queries import law, ratios

READ, ENTER = "sharing:indicator:read", "sharing:indicator:enter"


class IndicatorsAsked(Listing, Dated):
    """The indicators of the plans beside their values of a day."""

    plan: Annotated[Word | None, Field(description="Such as `250/KH-UBND`.")] = None
    code: Annotated[Word | None, Field(description="Such as `I.3`.")] = None


# The newest day up to :d that has a value as known at :k; of one day the last one recorded, which may take it back.
_NEWEST = """LATERAL (SELECT y.as_of, y.value, y.source, y.recorded_at FROM (
    SELECT DISTINCT ON (v.as_of) v.as_of, v.value, v.source, v.recorded_at FROM indicator_value v
    WHERE v.plan = i.plan AND v.code = i.code AND v.org = '' AND v.as_of <= :d AND v.recorded_at <= :k
    ORDER BY v.as_of DESC, v.recorded_at DESC, v.id DESC) y WHERE y.value IS NOT NULL ORDER BY y.as_of DESC LIMIT 1)"""
INDICATOR = Shape(
    {
        "plan": "i.plan",
        "code": "i.code",
        "group": "split_part(i.code, '.', 1)",
        "title_vi": "i.content #>> '{title,vi}'",
        "title_en": "i.content #>> '{title,en}'",
        "unit": "i.content ->> 'unit'",
        "counted": "i.content ->> 'counted'",
        "base": "i.content ->> 'base'",
        "targets": "i.content -> 'targets'",
        "value": "trim_scale(n.value)::text",
        "value_on": "n.as_of",
        "source": "n.source",
        # What a day's figure and the target say; filled in by whoever has the figures.
        **dict.fromkeys(("shared", "counted_in", "target", "target_on", "light"), "NULL"),
    }
)
_IN_PLAN = Order({"i.plan": "text", "i.position": "int"})


async def indicators(
    read: AsyncSession,
    asked: IndicatorsAsked,
    *,
    actor: Actor,
    as_of: date,
    known_at: datetime,
    now: datetime,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """In the plan's own order. Two statements, a third where the plan's borders have to be known."""
    policy.require_at_all(actor, READ)
    clauses, values = conditions(asked, {"plan": "i.plan", "code": "i.code"})
    where = " AND ".join(["true", *clauses])
    source = f"FROM indicator i LEFT JOIN {_NEWEST} n ON true WHERE {where}"
    values |= {"d": as_of, "k": known_at}
    INDICATOR.sql(asked.fields)
    rows = await page(read, INDICATOR.sql(), source, _IN_PLAN, values, limit=limit, after=after, total=asked.total)
    found = orjson.loads(rows.items)
    figures = await _figures(read, found, actor, as_of, known_at, now)
    told = [_with_light(row, figures, as_of) for row in found]
    if asked.fields is not None:
        told = [{name: row[name] for name in row if name in asked.fields} for row in told]
    return rows._replace(items=orjson.dumps(told).decode())


async def _figures(
    read: AsyncSession, rows: Sequence[Mapping[str, Any]], actor: Actor, as_of: date, known_at: datetime, now: datetime
) -> dict[tuple[str, str], dict[str, Any]]:
    """The ratios that some of the rows are, by plan and kind, each within the borders of its own plan."""
    counted = {(row["plan"], row["counted"]) for row in rows if row["counted"]}
    if not counted:
        return {}
    borders = await law.plan_borders(read)
    wanted = sorted({(kind, borders[plan]) for plan, kind in counted})
    found = await ratios.figures(read, wanted, actor=actor, as_of=as_of, known_at=known_at, now=now)
    return {(plan, kind): found[kind, borders[plan]] for plan, kind in counted}


def _with_light(row: dict[str, Any], figures: Mapping[tuple[str, str], Mapping[str, Any]], day: date) -> dict[str, Any]:
    indicator = _parsed(row)
    goal = rules.goal_on(indicator, day)
    exact: Decimal | None = Decimal(row["value"]) if row["value"] is not None else None
    if row["counted"]:
        figure = figures[row["plan"], row["counted"]]
        shared, counted = figure["shared"], figure["counted"]
        shown = percent(shared, counted)
        exact = Decimal(100 * shared) / Decimal(counted) if counted else None
        row |= {"shared": shared, "counted_in": counted, "value": None if shown is None else str(shown)}
        row |= {"value_on": day.isoformat() if counted else None}
    return {
        **row,
        "target": goal.value,
        "target_on": goal.due_on.isoformat(),
        "light": rules.light(indicator, exact, day),
    }


def _parsed(row: Mapping[str, Any]) -> Indicator:
    return Indicator(
        code=row["code"],
        unit=row["unit"],
        title={"vi": row["title_vi"], "en": row["title_en"]},
        counted=row["counted"],
        base=row["base"],
        targets=row["targets"],
    )


async def indicator(read: AsyncSession, plan: str, code: str, *, actor: Actor) -> Indicator:
    """What the plan says. Raises IndicatorNotFound (404)."""
    policy.require_at_all(actor, READ)
    rows = await read.execute(
        sa.text("SELECT content FROM indicator WHERE plan = :plan AND code = :code"),
        {"plan": plan, "code": code},
    )
    content = rows.scalar()
    if content is None:
        raise IndicatorNotFound
    return Indicator.model_validate(content)


class ValuesAsked(Listing):
    """The values that were entered for the indicators, the newest day first."""

    plan: Annotated[Word | None, Field(description="Such as `250/KH-UBND`.")] = None
    code: Annotated[Word | None, Field(description="Such as `V.1`.")] = None
    org: Annotated[Word | None, Field(description="What this enterprise told of itself.")] = None
    current: Annotated[bool, Field(description="Only what counts now, not what it took the place of.")] = False


_LATER = """EXISTS (SELECT FROM indicator_value l
    WHERE (l.plan, l.code, l.org, l.as_of) = (v.plan, v.code, v.org, v.as_of)
    AND (l.recorded_at, l.id) > (v.recorded_at, v.id))"""
VALUE = Shape(
    {
        "id": "v.id",
        "plan": "v.plan",
        "code": "v.code",
        "org": "NULLIF(v.org, '')",
        "as_of": "v.as_of",
        "value": "trim_scale(v.value)::text",
        "source": "v.source",
        "reason": "v.reason",
        "recorded_at": "v.recorded_at",
        "actor": "v.actor",
        "current": f"NOT {_LATER}",
    }
)
_NEWEST_DAY = Order({"v.as_of": "date", "v.recorded_at": "timestamptz", "v.id": "uuid"}, descending=True)


async def values(
    read: AsyncSession, asked: ValuesAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """The province's values are told to all; an enterprise's own to itself and to auditors. One statement."""
    policy.require_at_all(actor, READ)
    clauses, given = conditions(asked, {"plan": "v.plan", "code": "v.code", "org": "v.org"})
    if asked.current:
        clauses.append(f"NOT {_LATER}")
    source = " AND ".join(["FROM indicator_value v WHERE (v.org = '' OR :sees_all OR v.org = :own)", *clauses])
    given |= {"sees_all": policy.sees_every(actor, ENTER), "own": actor.org}
    return await page(
        read, VALUE.sql(asked.fields), source, _NEWEST_DAY, given, limit=limit, after=after, total=asked.total
    )


async def has_value(read: AsyncSession, plan: str, code: str, org: str, as_of: date, *, actor: Actor) -> bool:
    """Whether something was entered for that day already."""
    policy.require_at_all(actor, READ)
    row = await direct.row(
        read,
        "SELECT EXISTS (SELECT FROM indicator_value WHERE plan = :plan AND code = :code AND org = :org"
        " AND as_of = :as_of) AS there",
        {"plan": plan, "code": code, "org": org, "as_of": as_of},
    )
    assert row is not None
    return bool(row["there"])
