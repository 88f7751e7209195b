"""Lists, counts and single records of structures, as of any day and as known at any time: one statement each."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct, geodesy
from kernel.errors import Fault
from kernel.listing import Order, Shape
from kernel.paging import BadCursor
from services.registry import data
from services.registry.domain.box import Bbox
from services.registry.domain.policy import Caller
from services.registry.domain.status import STANDING
from services.registry.domain.times import Times
from services.registry.queries.asked import USED, Filter, StructuresAsked, where
from services.registry.queries.quality_rules import LAPSES_ON
from services.registry.queries.reach import Found, at_times


class Rows(NamedTuple):
    """`items` is JSON made by PostgreSQL, `first` and `last` the keysets of its ends; `more` beyond, as it was read."""

    items: str
    first: list[Any] | None
    last: list[Any] | None
    more: bool
    complete_to: str | None
    total: int | None

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


MEMBERS = {
    "id": "v.structure_id",
    "public_no": "g.public_no",
    "kind": "v.kind",
    "name": "v.name",
    "owner": "v.owner_id",
    "owner_name": "o.short",
    "status": "v.status",
    "code": "CASE WHEN v.code IS NOT NULL THEN json_build_array(v.code_system, v.code) END",
    "height_m": "v.height_m::text",
    "lon": "v.point[0]",
    "lat": "v.point[1]",
    "commune": "v.commune_id",
    "commune_name": "c.name",
    "district": "e.id",
    "district_name": "e.name",
    "capacity": "v.capacity",
    "used": USED,
    "evidence": "v.evidence",
    "lapses_on": LAPSES_ON,
    "valid_from": "v.valid_from",
    "valid_to": "NULLIF(v.valid_to, 'infinity')",
    "recorded_at": "v.recorded_from",
    "version": "g.last_no",
}
# What `expand` calls differently: the code of the owner stays what it is.
EXPANDED = {"owner": "owner_organisation"}
# An organisation is called as it was on the day, by what is known of it today.
_NAMES = """
  JOIN structure g ON g.id = v.structure_id
  LEFT JOIN organisation_version o ON o.organisation_code = v.owner_id AND o.recorded_to = 'infinity'
    AND o.valid_from <= :as_of AND o.valid_to > :as_of
  LEFT JOIN unit c ON c.id = v.commune_id
  LEFT JOIN unit e ON e.id = c.parent_id AND e.level = 'district'"""
_OWNER = """CASE WHEN o.organisation_code IS NOT NULL THEN json_build_object('code', o.organisation_code,
    'short', o.short, 'name_vi', o.name_vi, 'name_en', o.name_en, 'kind', o.kind, 'legal_entity', o.legal_entity,
    'active', o.active, 'successor', o.successor) END"""
_STATIONS = """(SELECT coalesce(json_agg(json_build_object(
    'id', s.station_id, 'operator', s.operator_id, 'operator_name', coalesce(so.short, s.operator_id),
    'status', s.status, 'technologies', s.technologies, 'evidence', s.evidence,
    'antenna_height_m', s.attributes->>'antenna_height_m', 'name', s.attributes->>'name',
    'valid_from', s.valid_from, 'valid_to', NULLIF(s.valid_to, 'infinity')) ORDER BY s.valid_from, s.station_id), '[]')
  FROM station_version s LEFT JOIN organisation_version so ON so.organisation_code = s.operator_id
    AND so.recorded_to = 'infinity' AND so.valid_from <= :as_of AND so.valid_to > :as_of
  WHERE s.structure_id = v.structure_id AND {0} AND {1})"""
_PLACES = """(SELECT coalesce(json_agg(json_build_object('boundary_set', p.boundary_set, 'unit', p.unit_id,
    'name', u.name, 'how', p.how, 'provisional', p.provisional) ORDER BY p.boundary_set), '[]')
  FROM placement p JOIN unit u ON u.id = p.unit_id
  WHERE p.structure_id = v.structure_id AND p.declared_id = v.commune_id)"""


def _row(stations: str, fields: Collection[str] | None = None, expand: Collection[str] | None = None) -> str:
    """The JSON of a row; `stations`: the condition on those that the caller sees. Raises UnknownField (422)."""
    told = _STATIONS.format(at_times("s"), stations)
    more = {"stations": told, "placements": _PLACES, "owner_organisation": _OWNER, "line": "v.attributes->'line'"}
    return Shape(MEMBERS, more).sql(fields, expand)


def _told(asked: Filter, placed: bool) -> tuple[Collection[str] | None, Collection[str] | None]:
    """The members asked for and what is expanded; `placed` always tells the point, too."""
    if not isinstance(asked, StructuresAsked):
        return None, None
    fields: Collection[str] | None = asked.fields
    if fields and placed:
        fields = dict.fromkeys([*fields, "id", "lon", "lat"])
    return fields, [EXPANDED.get(name, name) for name in asked.expand or ()]


_ORDER = Order({"v.sort_key": "text", "v.structure_id": "uuid"})
_BACKWARDS = Order(_ORDER.columns, descending=True)


def _keyset(given: Sequence[Any] | None) -> Sequence[Any] | None:
    """Raises BadCursor (422) for what only PostgreSQL would find wrong."""
    try:
        return None if given is None else [given[0], UUID(str(given[1]))]
    except (IndexError, ValueError) as error:
        raise BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)]) from error


# The registry's own records are complete; what it knows of decisions is a copy, and this is how far it goes.
_COMPLETE_TO = "(SELECT to_json(min(until)) #>> '{}' FROM watermark)"


async def structures(
    read: AsyncSession,
    actor: Caller,
    kind: str,
    asked: Filter,
    at: Times,
    *,
    limit: int,
    after: Sequence[Any] | None = None,
    before: Sequence[Any] | None = None,
    placed: bool = False,
) -> Rows:
    """A page in the order of the sort key, following the keyset `after` or leading up to `before`: one statement.

    Raises BadBox, BadCursor, UnknownField (422).
    """
    clause, values, seen = where(actor, kind, asked, at)
    order = _BACKWARDS if before else _ORDER
    beyond, keys = order.beyond(_keyset(before or after))
    counted = isinstance(asked, StructuresAsked) and asked.total
    statement = f"""
      WITH hit AS MATERIALIZED (
        SELECT v.*, row_number() OVER (ORDER BY {order.by}) AS place
        FROM structure_version v WHERE {clause} AND {beyond} ORDER BY {order.by} LIMIT :limit + 1),
      edge AS (SELECT min(place) AS near, max(place) AS far FROM hit WHERE place <= :limit)
      SELECT coalesce(json_agg({_row(seen.station, *_told(asked, placed))}
          ORDER BY v.sort_key, v.structure_id), '[]')::text AS items,
        (SELECT json_build_array(sort_key, structure_id) FROM hit JOIN edge ON place = near) AS near,
        (SELECT json_build_array(sort_key, structure_id) FROM hit JOIN edge ON place = far) AS far,
        EXISTS (SELECT FROM hit WHERE place > :limit) AS more, {_COMPLETE_TO} AS complete_to,
        {f"(SELECT count(*) FROM structure_version v WHERE {clause})" if counted else "NULL::bigint"} AS total
      FROM hit v {_NAMES} WHERE v.place <= :limit"""  # noqa: S608
    row = await direct.row(read, statement, {**values, **keys, "limit": limit})
    assert row is not None
    ends = [row["near"], row["far"]]
    first, last = reversed(ends) if before else ends
    return Rows(row["items"], first, last, row["more"], row["complete_to"], row["total"])


async def extent(read: AsyncSession, actor: Caller, kind: str, asked: Filter, at: Times) -> Extent:
    clause, values, _ = where(actor, kind, asked, at)
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


_FACTS = """(SELECT coalesce(json_object_agg(f.key, json_build_object('no', k.no, 'change', k.id,
    'evidence', k.evidence, 'evidence_ref', k.evidence_ref, 'valid_from', k.valid_from,
    'recorded_at', k.recorded_at)), '{}')
  FROM jsonb_each_text(v.sources) f JOIN structure_change k
    ON k.structure_id = v.structure_id AND k.no = f.value::int)"""


_RULE = data.limits().non_bulky
_NON_BULKY = f"""CASE WHEN v.kind = 'mast' THEN coalesce(v.attributes->>'foundation' = 'roof'
    AND v.height_m <= {_RULE.height_m}
    AND v.height_m <= {_RULE.share} * (v.attributes->>'building_height_m')::numeric, false) END"""


async def structure(read: AsyncSession, actor: Caller, kind: str, structure_id: UUID, at: Times) -> Found | None:
    """None when it is not there, not yet, or not to be seen."""
    clause, values, seen = where(actor, kind, Filter(), at)
    stations = _STATIONS.format(at_times("s"), seen.station)
    statement = f"""
      SELECT (CAST({_row(seen.station)} AS jsonb) || v.attributes || jsonb_build_object(
          'application_id', g.application_id, 'non_bulky', {_NON_BULKY}, 'facts', {_FACTS}, 'stations', {stations},
          'placements', {_PLACES}, 'complete_to', {_COMPLETE_TO}))::text AS item, g.last_no AS no
      FROM structure_version v {_NAMES} WHERE v.structure_id = :id AND {clause}"""  # noqa: S608
    row = await direct.row(read, statement, {**values, "id": structure_id})
    return None if row is None else Found(row["item"], row["no"])


async def near(
    read: AsyncSession, lon: float, lat: float, radius_m: float, as_of: date, limit: int
) -> list[dict[str, Any]]:
    """Masts standing within `radius_m` metres at the end of the day, nearest first, as believed now."""
    statement = sa.text(f"""
      SELECT v.structure_id AS id, g.public_no, v.owner_id AS owner, v.status, v.height_m, v.capacity,
        v.point[0] AS lon, v.point[1] AS lat, d.metres AS distance_m
      FROM structure_version v JOIN structure g ON g.id = v.structure_id
      CROSS JOIN LATERAL (SELECT {geodesy.metres(":lat", ":lon", "v.point[1]", "v.point[0]")} AS metres) d
      WHERE v.kind = 'mast' AND v.status = ANY(:standing) AND v.valid_from <= :as_of AND v.valid_to > :as_of
        AND v.recorded_to = 'infinity'
        AND v.point <@ box(point(:lon - :dlon, :lat - :dlat), point(:lon + :dlon, :lat + :dlat))
        AND d.metres <= :radius
      ORDER BY d.metres, v.structure_id LIMIT :limit""")  # noqa: S608 -- composed of constants
    dlat, dlon = geodesy.degrees(radius_m, lat)
    values = {
        "lon": lon,
        "lat": lat,
        "radius": radius_m,
        "dlat": dlat,
        "dlon": dlon,
        "as_of": as_of,
        "standing": list(STANDING),
        "limit": limit,
    }
    return [dict(row._mapping) for row in await read.execute(statement, values)]
