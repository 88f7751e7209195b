"""Structures for a map: single points where they are few, clusters on a web-Mercator grid where they are many."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import geodesy
from services.registry.domain.policy import Caller
from services.registry.domain.times import Times
from services.registry.queries.asked import USED, Filter, where

CELL_PX = 72
FEW = 4
MOST = 3000
LAST_CLUSTERED = 15

_MAP = """
  WITH hit AS (
    SELECT v.structure_id, v.kind, v.owner_id, v.status, v.capacity, v.point, v.name, g.public_no,
      floor((v.point[0] + 180) / 360 * :cells) AS x,
      floor((1 - ln(tand(v.point[1]) + 1 / cosd(v.point[1])) / pi()) / 2 * :cells) AS y
    FROM structure_version v JOIN structure g ON g.id = v.structure_id WHERE {clause} AND v.point IS NOT NULL),
  cell AS (SELECT x, y, count(*) AS n, avg(point[0]) AS lon, avg(point[1]) AS lat,
      min(point[0]) AS west, min(point[1]) AS south, max(point[0]) AS east, max(point[1]) AS north
    FROM hit GROUP BY x, y),
  mark AS (
    SELECT n, json_build_object('type', 'Feature',
      'geometry', json_build_object('type', 'Point', 'coordinates', json_build_array(lon, lat)),
      'properties', json_build_object('cluster', n, 'bbox', json_build_array(west, south, east, north))) AS feature
    FROM cell WHERE n > :few
    UNION ALL
    SELECT 1, json_build_object('type', 'Feature', 'id', v.structure_id,
      'geometry', json_build_object('type', 'Point', 'coordinates', json_build_array(v.point[0], v.point[1])),
      'properties', json_build_object('id', v.structure_id, 'public_no', v.public_no, 'name', v.name,
        'owner', v.owner_id, 'owner_name', coalesce(o.short, v.owner_id),
        'status', v.status, 'capacity', v.capacity, 'used', {used}))
    FROM hit v JOIN cell c USING (x, y) LEFT JOIN organisation_version o ON o.organisation_code = v.owner_id
      AND o.recorded_to = 'infinity' AND o.valid_from <= :as_of AND o.valid_to > :as_of WHERE c.n <= :few)
  SELECT json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(feature), '[]'),
    'total', (SELECT coalesce(sum(n), 0) FROM cell))::text
  FROM (SELECT feature FROM mark LIMIT :most) m"""


_METRES = geodesy.metres("f.lat", "f.lon", "n.point[1]", "n.point[0]")
_NEAREST = """
  SELECT json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(json_build_object(
      'type', 'Feature', 'id', m.structure_id,
      'geometry', json_build_object('type', 'Point', 'coordinates', json_build_array(m.point[0], m.point[1])),
      'properties', json_build_object('id', m.structure_id, 'public_no', m.public_no, 'name', m.name,
        'owner', m.owner_id, 'status', m.status, 'height_m', m.height_m::text, 'capacity', m.capacity,
        'distance_m', round(m.metres::numeric, 1))) ORDER BY m.metres, m.structure_id), '[]'))::text
  FROM (SELECT n.*, d.metres FROM (
      SELECT v.structure_id, v.point, v.name, v.owner_id, v.status, v.height_m, v.capacity, g.public_no
      FROM structure_version v JOIN structure g ON g.id = v.structure_id WHERE {clause} AND v.point IS NOT NULL
      ORDER BY v.point <-> point(CAST(:from_lon AS float8), CAST(:from_lat AS float8)) LIMIT :limit * 2) n
    CROSS JOIN LATERAL (SELECT CAST(:from_lon AS float8) AS lon, CAST(:from_lat AS float8) AS lat) f
    CROSS JOIN LATERAL (SELECT {metres} AS metres) d
    ORDER BY d.metres, n.structure_id LIMIT :limit) m"""


async def nearest(
    read: AsyncSession, actor: Caller, kind: str, asked: Filter, at: Times, lon: float, lat: float, limit: int
) -> str:
    """GeoJSON, the nearest first. The index finds twice as many by degrees, of which metres choose."""
    clause, values, _ = where(actor, kind, asked, at)
    more = {"from_lon": lon, "from_lat": lat, "limit": limit}
    return str(
        (await read.execute(sa.text(_NEAREST.format(clause=clause, metres=_METRES)), {**values, **more})).scalar_one()
    )


async def structure_map(read: AsyncSession, actor: Caller, kind: str, asked: Filter, at: Times, zoom: int) -> str:
    """GeoJSON. A feature is a structure, or a cluster with its count and the box to zoom to."""
    clause, values, _ = where(actor, kind, asked, at)
    few = MOST if zoom >= LAST_CLUSTERED else FEW
    more: dict[str, Any] = {"cells": 2.0**zoom * 256 / CELL_PX, "few": few, "most": MOST}
    statement = sa.text(_MAP.format(clause=clause, used=USED))
    return str((await read.execute(statement, {**values, **more})).scalar_one())
