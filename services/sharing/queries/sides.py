"""The structures behind a figure: those of the numerator, of the denominator, and what is left out."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.listing import Order, Rows, Shape, page
from services.sharing.domain import policy
from services.sharing.queries.ratios import Scope
from services.sharing.queries.reach import Reach, reach

SIDES = {"numerator": "p.shared", "denominator": "p.counted", "excluded": "NOT p.counted"}
# LIMIT keeps the planner from reading all agreements once for each row.
_SHARERS = """CASE WHEN :sees_all OR q.owner_id = :org
       OR EXISTS (SELECT FROM jsonb_array_elements(p.sharers) e WHERE e ->> 1 = :org) THEN (
     SELECT coalesce(json_agg(json_build_object('legal_entity', e ->> 0, 'org', e ->> 1, 'role', e ->> 2,
       'agreement_id', CASE WHEN e ->> 2 = 'tenant' THEN e ->> 3 END, 'number', v.number,
       'valid_to', NULLIF(v.valid_to, 'infinity'))), '[]')
     FROM jsonb_array_elements(p.sharers) e
     LEFT JOIN LATERAL (SELECT a.number, a.valid_to FROM agreement_version a WHERE e ->> 2 = 'tenant'
       AND a.agreement_id = CAST(NULLIF(e ->> 3, '') AS uuid) AND a.valid_from <= :d AND a.valid_to > :d
       AND a.recorded_from <= :k AND a.recorded_to > :k LIMIT 1) v ON true) END"""
SHAPE = Shape(
    {
        "id": "p.structure_id",
        "public_no": "p.public_no",
        "name": "s.name",
        "owner": "q.owner_id",
        "unit": "NULLIF(q.unit_id, '')",
        "unit_name": "w.name",
        "district_name": "CASE WHEN u.level = 'district' THEN u.name END",
        "counted": "p.counted",
        "shared": "p.shared",
        "reason": "p.reason",
        "sharers": _SHARERS,
    }
)
# Spans know nothing of states: the structure as it is believed to stand on the day says whether it is a plan.
_STANDING = """
 AND EXISTS (SELECT FROM structure_copy c WHERE c.id = p.structure_id AND c.valid_from <= :d AND c.valid_to > :d
   AND c.recorded_from <= :k AND c.recorded_to > :k AND {seen})"""


def _seen(seen: Reach) -> str:
    return _STANDING.format(seen=seen.structure) if seen.values else ""


_BY_NUMBER = Order({"p.public_no": "text", "p.structure_id": "uuid"})
_SPANS = """
 FROM ratio_span p JOIN structure s ON s.id = p.structure_id
 JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g
 LEFT JOIN unit_copy w ON w.id = q.unit_id LEFT JOIN unit_copy u ON u.id = w.parent
 WHERE p.series_id = :series AND p.valid_from <= :d AND p.valid_to > :d AND p.recorded_from <= :k AND p.recorded_to > :k
   AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
   AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit) AND """


async def structures(
    read: AsyncSession,
    scope: Scope,
    side: str,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
    fields: Sequence[str] | None = None,
    reasons: Sequence[str] | None = None,
    total: bool = False,
) -> Rows:
    """The structures of one side of the fraction with the reason of each, by number. One statement.

    Plans of others are left out. `sharers` is null for whoever is neither auditor, nor owner, nor one of them:
    agreements are private.
    """
    seen = reach(actor, scope.known_at)
    source = f"{_SPANS}{SIDES[side]}{_seen(seen)}{' AND p.reason = ANY(:reasons)' if reasons else ''}"
    values = {
        **scope.filters,
        **seen.values,
        "sees_all": policy.sees_every(actor, "sharing:tenants:read"),
        "org": actor.org if policy.may_at_all(actor, "sharing:tenants:read") else "",
        "reasons": reasons,
    }
    return await page(read, SHAPE.sql(fields), source, _BY_NUMBER, values, limit=limit, after=after, total=total)


_COUNTS = """
SELECT count(*) FILTER (WHERE p.shared) AS numerator, count(*) FILTER (WHERE p.counted) AS denominator,
  count(*) FILTER (WHERE NOT p.counted{seen}) AS excluded
FROM ratio_span p JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g
LEFT JOIN unit_copy w ON w.id = q.unit_id
WHERE p.series_id = :series AND p.valid_from <= :d AND p.valid_to > :d AND p.recorded_from <= :k AND p.recorded_to > :k
  AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
  AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)
"""


async def counts(read: AsyncSession, scope: Scope, *, actor: Actor) -> Any:
    """Row (numerator, denominator, excluded): how long the three lists are, of what is excluded without others' plans.

    The first two are the figure itself, from which nothing is left out.
    """
    seen = reach(actor, scope.known_at)
    statement = sa.text(_COUNTS.format(seen=_seen(seen)))
    return (await read.execute(statement, {**scope.filters, **seen.values})).one()
