"""Lists, counts and single records of structures, as of any day and as known at any time: one statement each."""

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.domain import policy, words
from services.registry.domain.box import Bbox
from services.registry.domain.policy import Caller
from services.registry.domain.status import OPEN_TO_ALL, STANDING
from services.registry.domain.times import Times


@dataclass(frozen=True)
class Filter:
    """What is asked for; `unit` is a commune, district or province of any vintage, `bbox` west, south, east, north."""

    kind: str
    owner: str | None = None
    status: str | None = None
    commune: str | None = None
    district: str | None = None
    q: str | None = None
    bbox: Bbox | None = None
    min_height_m: Decimal | None = None
    max_height_m: Decimal | None = None
    min_evidence: int | None = None
    free: bool = False


class Rows(NamedTuple):
    """`items` is JSON made by PostgreSQL, `first` and `last` the keysets of its ends; `more` beyond, as it was read."""

    items: str
    first: list[Any] | None
    last: list[Any] | None
    more: bool
    complete_to: str | None

    @property
    def following(self) -> list[Any] | None:
        return self.last if self.more else None


class Extent(NamedTuple):
    """How many the filter finds, by status, and the box they fill."""

    counts: dict[str, int]
    bbox: Bbox | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


# A belief's own times first, then who may see it: the two conditions no read may leave out.
_AT = (
    "v.kind = :kind AND v.valid_from <= :as_of AND v.valid_to > :as_of"
    " AND v.recorded_from <= :known AND v.recorded_to > :known"
)
# The operators with an active station at the same (D, K): the positions in use.
_USED = (
    "(SELECT count(DISTINCT s.operator_id) FROM station_version s WHERE s.structure_id = v.structure_id"
    " AND s.status = 'active' AND s.valid_from <= :as_of AND s.valid_to > :as_of"
    " AND s.recorded_from <= :known AND s.recorded_to > :known)"
)
_VISIBLE = " AND (v.owner_id = :org OR v.status = ANY(:open))"
_IN_UNIT = (
    " AND EXISTS (SELECT FROM placement p WHERE p.structure_id = v.structure_id AND p.declared_id = v.commune_id"
    " AND p.unit_id = ANY(ARRAY(SELECT u.id FROM unit u LEFT JOIN unit d ON d.id = u.parent_id"
    " WHERE CAST(:{0} AS text) IN (u.id, d.id, d.parent_id))))"
)
_WORDS = " AND to_tsvector('simple'::regconfig, v.name_fold) @@ to_tsquery('simple', :words)"
_BOX = " AND v.point <@ box(point(:west, :south), point(:east, :north))"

_ITEM = f"""json_build_object(
  'id', v.structure_id, 'public_no', g.public_no, 'kind', v.kind, 'name', v.name,
  'owner', v.owner_id, 'owner_name', o.short, 'status', v.status,
  'code', CASE WHEN v.code IS NOT NULL THEN json_build_array(v.code_system, v.code) END,
  'height_m', v.height_m::text, 'lon', v.point[0], 'lat', v.point[1],
  'commune', v.commune_id, 'commune_name', c.name, 'district_name', e.name,
  'capacity', v.capacity, 'used', {_USED}, 'evidence', v.evidence,
  'valid_from', v.valid_from, 'valid_to', NULLIF(v.valid_to, 'infinity'), 'recorded_at', v.recorded_from,
  'version', g.last_no)"""
# An organisation is called as it was on the day, by what is known of it today.
_NAMES = """
  JOIN structure g ON g.id = v.structure_id
  LEFT JOIN organisation_version o ON o.organisation_code = v.owner_id AND o.recorded_to = 'infinity'
    AND o.valid_from <= :as_of AND o.valid_to > :as_of
  LEFT JOIN unit c ON c.id = v.commune_id
  LEFT JOIN unit e ON e.id = c.parent_id AND e.level = 'district'"""


def where(actor: Caller, asked: Filter, at: Times) -> tuple[str, dict[str, Any]]:
    """The condition that list, count and map share, with its values."""
    values: dict[str, Any] = {"kind": asked.kind, "as_of": at.as_of, "known": at.known}
    clause = _AT
    if not policy.sees_all(actor):
        clause += _VISIBLE
        values |= {"org": actor.org, "open": list(OPEN_TO_ALL)}
    for column, name in (("v.owner_id", "owner"), ("v.status", "status")):
        if getattr(asked, name):
            clause += f" AND {column} = :{name}"
            values[name] = getattr(asked, name)
    for name in ("commune", "district"):
        if getattr(asked, name):
            clause += _IN_UNIT.format(name)
            values[name] = getattr(asked, name)
    if asked.q and words.search_query(asked.q):
        clause += _WORDS
        values["words"] = words.search_query(asked.q)
    for condition, value in (
        (" AND v.height_m >= :min_height_m", asked.min_height_m),
        (" AND v.height_m < :max_height_m", asked.max_height_m),
        (" AND v.evidence >= :min_evidence", asked.min_evidence),
    ):
        if value is not None:
            clause += condition
            values[condition.rpartition(":")[2]] = value
    if asked.free:
        clause += f" AND v.status = 'in_service' AND v.capacity > {_USED}"
    if asked.bbox:
        clause += _BOX
        values |= dict(zip(("west", "south", "east", "north"), asked.bbox, strict=True))
    return clause, values


async def structures(
    read: AsyncSession,
    actor: Caller,
    asked: Filter,
    at: Times,
    *,
    limit: int,
    after: list[Any] | None = None,
    before: list[Any] | None = None,
) -> Rows:
    """A page in the order of the sort key, following the keyset `after` or leading up to `before`."""
    clause, values = where(actor, asked, at)
    values["limit"] = limit
    way, beyond = ("DESC", "<") if before else ("ASC", ">")
    if edge := before or after:
        clause += f" AND (v.sort_key, v.structure_id) {beyond} (:key, CAST(:id AS uuid))"
        values |= {"key": edge[0], "id": edge[1]}
    statement = f"""
      WITH hit AS MATERIALIZED (
        SELECT v.*, row_number() OVER (ORDER BY v.sort_key {way}, v.structure_id {way}) AS place
        FROM structure_version v WHERE {clause}
        ORDER BY v.sort_key {way}, v.structure_id {way} LIMIT :limit + 1),
      edge AS (SELECT min(place) AS near, max(place) AS far FROM hit WHERE place <= :limit)
      SELECT coalesce(json_agg({_ITEM} ORDER BY v.sort_key, v.structure_id), '[]')::text AS items,
        (SELECT json_build_array(sort_key, structure_id) FROM hit JOIN edge ON place = near) AS near,
        (SELECT json_build_array(sort_key, structure_id) FROM hit JOIN edge ON place = far) AS far,
        EXISTS (SELECT FROM hit WHERE place > :limit) AS more, {_COMPLETE_TO} AS complete_to
      FROM hit v {_NAMES} WHERE v.place <= :limit"""  # noqa: S608
    row = (await read.execute(sa.text(statement), values)).one()
    first, last = (row.far, row.near) if before else (row.near, row.far)
    return Rows(row.items, first, last, row.more, row.complete_to)


# The registry's own records are complete; what it knows of decisions is a copy, and this is how far it goes.
_COMPLETE_TO = "(SELECT to_json(min(until)) #>> '{}' FROM watermark)"


async def extent(read: AsyncSession, actor: Caller, asked: Filter, at: Times) -> Extent:
    clause, values = where(actor, asked, at)
    statement = f"""SELECT v.status, count(*) AS n, min(v.point[0]) AS west, min(v.point[1]) AS south,
        max(v.point[0]) AS east, max(v.point[1]) AS north
      FROM structure_version v WHERE {clause} GROUP BY v.status"""  # noqa: S608
    rows = (await read.execute(sa.text(statement), values)).all()
    placed = [row for row in rows if row.west is not None]
    box = None
    if placed:
        box = (
            min(row.west for row in placed),
            min(row.south for row in placed),
            max(row.east for row in placed),
            max(row.north for row in placed),
        )
    return Extent({row.status: row.n for row in rows}, box)


_STATIONS = """(SELECT coalesce(json_agg(json_build_object(
    'id', s.station_id, 'operator', s.operator_id, 'operator_name', coalesce(so.short, s.operator_id),
    'status', s.status, 'technologies', s.technologies, 'evidence', s.evidence,
    'antenna_height_m', s.attributes->>'antenna_height_m', 'name', s.attributes->>'name',
    'valid_from', s.valid_from, 'valid_to', NULLIF(s.valid_to, 'infinity')) ORDER BY s.valid_from, s.station_id), '[]')
  FROM station_version s LEFT JOIN organisation_version so ON so.organisation_code = s.operator_id
    AND so.recorded_to = 'infinity' AND so.valid_from <= :as_of AND so.valid_to > :as_of
  WHERE s.structure_id = v.structure_id AND s.valid_from <= :as_of AND s.valid_to > :as_of
    AND s.recorded_from <= :known AND s.recorded_to > :known)"""
_PLACES = """(SELECT coalesce(json_agg(json_build_object('boundary_set', p.boundary_set, 'unit', p.unit_id,
    'name', u.name, 'how', p.how, 'provisional', p.provisional) ORDER BY p.boundary_set), '[]')
  FROM placement p JOIN unit u ON u.id = p.unit_id
  WHERE p.structure_id = v.structure_id AND p.declared_id = v.commune_id)"""
_FACTS = """(SELECT coalesce(json_object_agg(f.key, json_build_object('no', k.no, 'change', k.id,
    'evidence', k.evidence, 'evidence_ref', k.evidence_ref, 'valid_from', k.valid_from,
    'recorded_at', k.recorded_at)), '{}')
  FROM jsonb_each_text(v.sources) f JOIN structure_change k
    ON k.structure_id = v.structure_id AND k.no = f.value::int)"""


class Found(NamedTuple):
    """One record as JSON made by PostgreSQL, its owner, and the number of its newest change: its entity tag."""

    item: str
    owner: str
    no: int


async def structure(read: AsyncSession, actor: Caller, kind: str, structure_id: UUID, at: Times) -> Found | None:
    """None when it is not there, not yet, or not to be seen."""
    clause, values = where(actor, Filter(kind), at)
    statement = f"""
      SELECT (CAST({_ITEM} AS jsonb) || v.attributes || jsonb_build_object('application_id', g.application_id,
          'facts', {_FACTS}, 'stations', {_STATIONS}, 'placements', {_PLACES}, 'complete_to', {_COMPLETE_TO}
        ))::text AS item, v.owner_id, g.last_no
      FROM structure_version v {_NAMES} WHERE v.structure_id = :id AND {clause}"""  # noqa: S608
    row = (await read.execute(sa.text(statement), {**values, "id": structure_id})).first()
    return None if row is None else Found(row.item, row.owner_id, row.last_no)


async def near(
    read: AsyncSession, lon: float, lat: float, radius_m: float, as_of: date, limit: int
) -> list[dict[str, Any]]:
    """Masts standing within `radius_m` metres at the end of the day, nearest first, as believed now."""
    statement = sa.text("""
      SELECT v.structure_id AS id, g.public_no, v.owner_id AS owner, v.status, v.height_m, v.capacity,
        v.point[0] AS lon, v.point[1] AS lat, d.metres AS distance_m
      FROM structure_version v JOIN structure g ON g.id = v.structure_id
      CROSS JOIN LATERAL (SELECT 2 * 6371008.8 * asin(sqrt(
        power(sind((v.point[1] - :lat) / 2), 2)
        + cosd(:lat) * cosd(v.point[1]) * power(sind((v.point[0] - :lon) / 2), 2))) AS metres) d
      WHERE v.kind = 'mast' AND v.status = ANY(:standing) AND v.valid_from <= :as_of AND v.valid_to > :as_of
        AND v.recorded_to = 'infinity'
        AND v.point <@ box(point(:lon - :dlon, :lat - :dlat), point(:lon + :dlon, :lat + :dlat))
        AND d.metres <= :radius
      ORDER BY d.metres, v.structure_id LIMIT :limit""")
    dlat = radius_m / 110_000
    values = {
        "lon": lon,
        "lat": lat,
        "radius": radius_m,
        "dlat": dlat,
        "dlon": dlat / max(math.cos(math.radians(lat)), 0.05),
        "as_of": as_of,
        "standing": list(STANDING),
        "limit": limit,
    }
    return [dict(row._mapping) for row in await read.execute(statement, values)]
