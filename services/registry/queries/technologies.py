"""How many stations are on air with each technology, day by day: how far the old networks are switched off."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, NamedTuple

import sqlalchemy as sa
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.listing import Dated
from services.registry.domain import policy
from services.registry.domain.policy import Caller
from services.registry.domain.times import Times


class ProgressAsked(Dated):
    model_config = ConfigDict(extra="forbid", frozen=True)

    quarters: Annotated[int, Field(ge=2, le=40, description="How many days: ends of quarters, and the last.")] = 12


class Progress(NamedTuple):
    """`counts` in the order of the days."""

    operator: str
    operator_name: str
    technology: str
    counts: list[int]


_COUNTED = sa.text("""
  WITH c AS (SELECT d.n, s.operator_id, t.technology, count(*) AS stations
    FROM unnest(CAST(:days AS date[])) WITH ORDINALITY d(day, n)
    JOIN station_version s ON s.valid_from <= d.day AND s.valid_to > d.day AND s.recorded_from <= :known
      AND s.recorded_to > :known AND s.status = 'active' AND (CAST(:own AS text) IS NULL OR s.operator_id = :own)
    CROSS JOIN LATERAL unnest(s.technologies) t(technology) GROUP BY 1, 2, 3)
  SELECT k.operator_id AS operator, coalesce(o.short, k.operator_id) AS operator_name, k.technology,
    array_agg(coalesce(c.stations, 0) ORDER BY d.n) AS counts
  FROM (SELECT DISTINCT operator_id, technology FROM c) k
  CROSS JOIN generate_series(1, cardinality(CAST(:days AS date[]))) d(n)
  LEFT JOIN c ON c.n = d.n AND c.operator_id = k.operator_id AND c.technology = k.technology
  LEFT JOIN organisation_version o ON o.organisation_code = k.operator_id AND o.recorded_to = 'infinity'
    AND o.valid_from <= :as_of AND o.valid_to > :as_of
  GROUP BY 1, 2, 3 ORDER BY k.technology, operator_name""")


async def progress(read: AsyncSession, actor: Caller, days: Sequence[date], at: Times) -> list[Progress]:
    """By operator and technology, as known at `at`: of an enterprise its own alone."""
    own = None if policy.sees_all(actor) else actor.org
    values = {"days": list(days), "known": at.known, "as_of": at.as_of, "own": own}
    return [Progress(*row) for row in await read.execute(_COUNTED, values)]
