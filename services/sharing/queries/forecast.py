"""What is under way, and which structures would close the gap."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import geodesy
from kernel.auth import Actor
from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from services.sharing.domain import policy
from services.sharing.domain.forecast import FULL, Candidate, Standing
from services.sharing.queries.ratios import Scope

READ = "sharing:forecast:read"

_UNDER_WAY = sa.text("""
SELECT DISTINCT c.id FROM structure_copy c JOIN structure s ON s.id = c.id AND s.kind = :kind
JOIN ratio_span p ON p.structure_id = c.id AND p.series_id = :series AND p.recorded_from <= :k AND p.recorded_to > :k
  AND p.valid_from < c.valid_to AND p.valid_to > c.valid_from
JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g LEFT JOIN unit_copy w ON w.id = q.unit_id
WHERE c.status = ANY(:statuses) AND c.recorded_from <= :k AND c.recorded_to > :k
  AND EXISTS (SELECT FROM unnest(CAST(:days AS date[])) d WHERE c.valid_from <= d AND c.valid_to > d)
  AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
  AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)
  AND EXISTS (SELECT FROM placement l WHERE l.declared = c.commune AND l.boundary_set = :boundary_set)""")


async def under_way(
    read: AsyncSession, scope: Scope, statuses: Collection[str], days: Sequence[date], *, actor: Actor
) -> list[UUID]:
    """Structures of the scope that are in one of the statuses on one of the days."""
    policy.require_at_all(actor, READ)
    values = {
        **scope.filters,
        "kind": scope.kind,
        "boundary_set": scope.boundary_set,
        "statuses": list(statuses),
        "days": list(days),
    }
    values.pop("d")
    return list((await read.execute(_UNDER_WAY, values)).scalars())


class CandidatesAsked(Listing):
    """What could be shared, where least has to be done first."""

    of: Annotated[Word | None, Field(description="Only of this owner.")] = None
    rank: Annotated[int | None, Field(ge=0, le=FULL, description="Only of this rank.")] = None


# 0 two use it and only proof is lacking; 1 a free place and a neighbour of another enterprise; 2 a free place;
# 3 capacity unknown, with a neighbour; 4 capacity unknown; 5 full.
_RANK = f"""CASE WHEN p.reason = 'evidence' THEN 0 WHEN f.free > 0 AND n.near > 0 THEN 1 WHEN f.free > 0 THEN 2
  WHEN f.free IS NULL AND n.near > 0 THEN 3 WHEN f.free IS NULL THEN 4 ELSE {FULL} END"""
_NEAR = f"""(SELECT count(DISTINCT coalesce(i.legal_entity, o.owner)) AS near FROM structure_copy o
    JOIN structure os ON os.id = o.id AND os.kind = :kind
    LEFT JOIN who i ON i.code = o.owner
  WHERE o.id <> c.id AND o.status = 'in_service' AND o.recorded_from <= :k AND o.recorded_to > :k
    AND o.valid_from <= :d AND o.valid_to > :d
    AND o.lat BETWEEN c.lat - :dlat AND c.lat + :dlat AND o.lon BETWEEN c.lon - :dlon AND c.lon + :dlon
    AND coalesce(i.legal_entity, o.owner) <> coalesce(h.legal_entity, q.owner_id)
    AND {geodesy.metres("c.lat", "c.lon", "o.lat", "o.lon")} <= :near_m)"""  # noqa: S608 -- composed of constants
_WHO = """(SELECT DISTINCT ON (code) code, legal_entity FROM organisation_copy
  WHERE recorded_from <= :k AND recorded_to > :k ORDER BY code, (valid_from <= :d AND valid_to > :d) DESC, no DESC)"""
_CANDIDATES = f"""FROM (WITH who AS MATERIALIZED {_WHO}
  SELECT p.structure_id AS id, p.public_no, s.name, q.owner_id AS owner, NULLIF(q.unit_id, '') AS unit,
    w.name AS unit_name, p.reason, c.lon, c.lat, c.height_m, c.capacity, f.free, n.near, {_RANK} AS rank
  FROM ratio_span p JOIN structure s ON s.id = p.structure_id
  JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g LEFT JOIN unit_copy w ON w.id = q.unit_id
  JOIN structure_copy c ON c.id = p.structure_id AND c.recorded_from <= :k AND c.recorded_to > :k
    AND c.valid_from <= :d AND c.valid_to > :d
  LEFT JOIN who h ON h.code = q.owner_id
  CROSS JOIN LATERAL (SELECT c.capacity - greatest(1, (SELECT count(DISTINCT e ->> 0)
    FROM jsonb_array_elements(p.sharers) e)) AS free) f
  CROSS JOIN LATERAL {_NEAR} n
  WHERE p.series_id = :series AND p.counted AND NOT p.shared
    AND p.valid_from <= :d AND p.valid_to > :d AND p.recorded_from <= :k AND p.recorded_to > :k
    AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
    AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)) x WHERE true"""  # noqa: S608
CANDIDATE = Shape(
    {
        name: f"x.{name}"
        for name in (
            "id", "public_no", "name", "owner", "unit", "unit_name", "reason", "lon", "lat", "height_m", "capacity",
            "free", "near", "rank",
        )
    }
)  # fmt: skip
_LEAST_FIRST = Order({"x.rank": "int", "-x.near": "bigint", "x.public_no": "text", "x.id": "uuid"})


def _values(scope: Scope, near_m: int) -> dict[str, Any]:
    # Viet Nam ends at 23.4 degrees north; a box that is a little wide costs nothing.
    dlat, dlon = geodesy.degrees(near_m, 24)
    return {
        **scope.filters,
        "kind": scope.kind,
        "near_m": near_m,
        "dlat": dlat,
        "dlon": dlon,
    }


async def candidates(
    read: AsyncSession,
    scope: Scope,
    asked: CandidatesAsked,
    near_m: int,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Counted structures that are not shared, those first for which least has to be done. One statement."""
    policy.require_at_all(actor, READ)
    clauses, values = conditions(asked, {"of": "x.owner", "rank": "x.rank"})
    source = "".join([_CANDIDATES, *(f" AND {clause}" for clause in clauses)])
    values |= _values(scope, near_m)
    row = CANDIDATE.sql(asked.fields)
    return await page(read, row, source, _LEAST_FIRST, values, limit=limit, after=after, total=asked.total)


async def ranked(read: AsyncSession, scope: Scope, near_m: int, *, actor: Actor) -> list[Candidate]:
    """All of them in that order, for the rule that chooses. One statement."""
    policy.require_at_all(actor, READ)
    statement = sa.text(f"SELECT x.id, x.owner, x.rank {_CANDIDATES} ORDER BY {_LEAST_FIRST.by}")
    return [Candidate(*row) for row in await read.execute(statement, _values(scope, near_m))]


_STANDING = sa.text("""
SELECT p.structure_id, p.counted, p.shared FROM ratio_span p
JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g LEFT JOIN unit_copy w ON w.id = q.unit_id
WHERE p.series_id = :series AND p.structure_id = ANY(:ids)
  AND p.valid_from <= :d AND p.valid_to > :d AND p.recorded_from <= :k AND p.recorded_to > :k
  AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
  AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)""")


async def standing(read: AsyncSession, scope: Scope, ids: Collection[UUID], *, actor: Actor) -> dict[UUID, Standing]:
    """How these structures of the scope count. One statement."""
    policy.require_at_all(actor, READ)
    rows = await read.execute(_STANDING, {**scope.filters, "ids": list(ids)})
    return {row.structure_id: Standing(row.counted, row.shared) for row in rows}
