"""The outlook of a figure: what it will be by what is known, what is under way and at what pace it goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from services.sharing.domain import forecast as rules
from services.sharing.domain import targets
from services.sharing.domain.forecast import Forecasting, Pace, UnderWay
from services.sharing.queries import forecast, histories, ratios, statements
from services.sharing.queries.ratios import Scope


async def outlook(
    read: AsyncSession, scope: Scope, goals: Sequence[tuple[date, str]], weighing: Forecasting, *, actor: Actor
) -> dict[str, Any]:
    """`goals`: due day and percent of each target. Statements: one a day that is told, five for what is under way."""
    days = rules.horizons(scope.as_of, [due for due, _ in goals], weighing.horizon_years)
    ways = await _under_way(read, scope, weighing, days, actor)
    points = []
    for day in days:
        known = await _figure(read, scope, day)
        points.append(_point(day, known, ways[day], weighing))
    now = points[0]["shared"], points[0]["counted"]
    since = rules.before(scope.as_of, weighing.pace_months)
    going = rules.pace(await _figure(read, scope, since), now, weighing.pace_months)
    return {
        "points": points,
        "pace": _pace(going, since, weighing),
        "targets": [_target(due, percent, points, now, going) for due, percent in goals],
        "weights": weighing.weights,
        "source": weighing.source.model_dump(),
    }


async def _figure(read: AsyncSession, scope: Scope, day: date) -> tuple[int, int]:
    found = orjson.loads(await ratios.ratio(read, replace(scope, as_of=day)))
    return found["shared"], found["counted"]


async def _under_way(
    read: AsyncSession, scope: Scope, weighing: Forecasting, days: Sequence[date], actor: Actor
) -> dict[date, list[UnderWay]]:
    ids = await forecast.under_way(read, scope, weighing.weights, days, actor=actor)
    basis = await statements.basis(read, scope.definition, scope.boundary_set)
    found: dict[date, list[UnderWay]] = {day: [] for day in days}
    for known in await histories.histories(read, ids) if ids else []:
        for day in days:
            way = rules.under_way(basis.definition, known.history, weighing.weights, day, scope.known_at)
            if way is not None:
                found[day].append(way)
    return found


def _point(day: date, known: tuple[int, int], ways: Sequence[UnderWay], weighing: Forecasting) -> dict[str, Any]:
    shared, counted = known
    expected = rules.expected(shared, counted, ways, weighing.weights)
    by_status = Counter(way.status for way in ways)
    of_shared = Counter(way.status for way in ways if way.shared)
    return {
        "day": day,
        "shared": shared,
        "counted": counted,
        "expected_shared": rules.rounded(expected.shared),
        "expected_counted": rules.rounded(expected.counted),
        "expected_percent": rules.rounded(expected.percent),
        "low_percent": rules.rounded(expected.low),
        "high_percent": rules.rounded(expected.high),
        "under_way": [
            {"status": status, "count": by_status[status], "shared": of_shared[status]}
            for status in weighing.weights
            if by_status[status]
        ],
    }


def _pace(going: Pace, since: date, weighing: Forecasting) -> dict[str, Any]:
    return {
        "since": since,
        "months": weighing.pace_months,
        "shared": rules.rounded(going.shared),
        "counted": rules.rounded(going.counted),
    }


def _target(
    due: date, percent: str, points: Sequence[dict[str, Any]], now: tuple[int, int], going: Pace
) -> dict[str, Any]:
    shared, counted = now
    then = next((point for point in points if point["day"] == due), None)
    return {
        "due_on": due,
        "percent": percent,
        "needed": targets.needed(percent, counted) if counted else None,
        "missing": targets.gap(percent, shared, counted) if counted else None,
        "met": targets.met(percent, shared, counted),
        "missing_when_due": targets.gap(percent, then["shared"], then["counted"]) if then and then["counted"] else None,
        "months_at_this_pace": rules.months_until(percent, shared, counted, going) if counted else None,
    }
