"""Masts in service around a point that could carry one more: what the law wants asked before a new one is built."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import geodesy
from services.sharing.queries.ratios import REGISTRY

# Whoever owns it as an operator, has a station on air or an agreement in force holds a position; brands of one
# enterprise hold one together.
_NEAR = sa.text(f"""
WITH near AS MATERIALIZED (
  SELECT c.id, s.public_no, c.owner, c.lon, c.lat, c.height_m, c.capacity, d.metres
  FROM structure_copy c JOIN structure s ON s.id = c.id AND s.kind = 'mast'
  CROSS JOIN LATERAL (SELECT {geodesy.metres(":lat", ":lon", "c.lat", "c.lon")} AS metres) d
  WHERE c.recorded_to = 'infinity' AND c.valid_from <= :day AND c.valid_to > :day AND c.status = 'in_service'
    AND c.lat BETWEEN :lat - :dlat AND :lat + :dlat AND c.lon BETWEEN :lon - :dlon AND :lon + :dlon
    AND d.metres <= :radius),
who AS (
  SELECT DISTINCT ON (code) code, legal_entity, kind FROM organisation_copy WHERE recorded_to = 'infinity'
  ORDER BY code, (valid_from <= :day AND valid_to > :day) DESC, valid_from DESC),
users AS (
  SELECT n.id, n.owner AS org FROM near n JOIN who w ON w.code = n.owner AND w.kind = 'operator'
  UNION SELECT n.id, t.operator FROM near n JOIN station_copy t ON t.structure_id = n.id AND t.status = 'active'
    AND t.recorded_to = 'infinity' AND t.valid_from <= :day AND t.valid_to > :day
  UNION SELECT n.id, a.tenant FROM near n JOIN agreement a ON a.structure_id = n.id
    JOIN agreement_version v ON v.agreement_id = a.id AND v.status = 'in_force' AND v.recorded_to = 'infinity'
      AND v.valid_from <= :day AND v.valid_to > :day),
used AS (
  SELECT u.id, count(DISTINCT coalesce(w.legal_entity, u.org)) AS used,
    bool_or(coalesce(w.legal_entity, u.org) = coalesce(o.legal_entity, :org)) AS already
  FROM users u LEFT JOIN who w ON w.code = u.org LEFT JOIN who o ON o.code = :org GROUP BY u.id)
SELECT n.id, n.public_no, n.owner, n.lon, n.lat, n.height_m, n.capacity, n.metres AS distance_m,
  coalesce(u.used, 0) AS used, n.capacity - coalesce(u.used, 0) AS free
FROM near n LEFT JOIN used u ON u.id = n.id
WHERE NOT coalesce(u.already, false) AND (n.capacity IS NULL OR n.capacity > coalesce(u.used, 0))
ORDER BY n.metres, n.public_no LIMIT :limit""")  # noqa: S608 -- composed of constants
_COMPLETE_TO = sa.text("SELECT until FROM watermark WHERE source = :registry")


async def masts_to_share(
    read: AsyncSession, *, org: str, lon: float, lat: float, radius_m: float, day: date, limit: int
) -> list[dict[str, Any]]:
    """Masts in service on the day, within `radius_m` metres, not full and not used by `org`, nearest first.

    `free` is None where the capacity is not known. Who the tenants are is not told.
    """
    dlat, dlon = geodesy.degrees(radius_m, lat)
    values = {
        "org": org,
        "lon": lon,
        "lat": lat,
        "radius": radius_m,
        "day": day,
        "limit": limit,
        "dlat": dlat,
        "dlon": dlon,
    }
    return [dict(row._mapping) for row in await read.execute(_NEAR, values)]


async def complete_to(read: AsyncSession) -> Any:
    """Everything the registry recorded before this instant has arrived; None before the first word of it."""
    return (await read.execute(_COMPLETE_TO, {"registry": REGISTRY})).scalar()
