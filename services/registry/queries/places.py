"""Organisations, units and boundaries, as JSON made by PostgreSQL."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.texts import fold

_ORGANISATIONS = """
  SELECT coalesce(json_agg(json_build_object('code', v.organisation_code, 'short', v.short, 'name_vi', v.name_vi,
      'name_en', v.name_en, 'kind', v.kind, 'legal_entity', v.legal_entity, 'active', v.active,
      'successor', v.successor, 'valid_from', v.valid_from, 'valid_to', NULLIF(v.valid_to, 'infinity'),
      'mandates', (SELECT coalesce(json_agg(json_build_object('function', m.function, 'area', m.area,
          'valid_from', m.valid_from, 'valid_to', NULLIF(m.valid_to, 'infinity'), 'source', m.source)
          ORDER BY m.function), '[]')
        FROM mandate m WHERE m.organisation_code = v.organisation_code
          AND m.valid_from <= :as_of AND m.valid_to > :as_of)) ORDER BY v.sort_key, v.organisation_code), '[]')::text
  FROM organisation_version v WHERE v.valid_from <= :as_of AND v.valid_to > :as_of AND v.recorded_to = 'infinity'
    AND (CAST(:kind AS text) IS NULL OR v.kind = :kind) AND v.name_fold LIKE :like"""


async def organisations(read: AsyncSession, *, as_of: date, kind: str | None = None, q: str | None = None) -> str:
    """A JSON array: as they were on that day, with the functions they held, those that had ended included."""
    values = {"as_of": as_of, "kind": kind, "like": f"%{fold(q or '')}%"}
    return str((await read.execute(sa.text(_ORGANISATIONS), values)).scalar_one())


class BoundarySetRow(NamedTuple):
    code: str
    title: dict[str, str]
    valid_from: date | None
    valid_to: date | None
    outlines: int


async def boundary_sets(read: AsyncSession) -> list[BoundarySetRow]:
    """Every set, oldest first, with how many of its units have an outline."""
    statement = sa.text(
        "SELECT s.code, s.title, s.valid_from, s.valid_to,"
        " (SELECT count(*) FROM boundary b WHERE b.boundary_set = s.code) AS outlines"
        " FROM boundary_set s ORDER BY s.valid_from NULLS FIRST, s.code"
    )
    return [BoundarySetRow(*row) for row in await read.execute(statement)]


async def boundary_set_on(read: AsyncSession, as_of: date) -> str | None:
    """The province's own set on that day; the former neighbour's is another."""
    statement = sa.text(
        "SELECT code FROM boundary_set WHERE code LIKE 'CM-%' AND (valid_from IS NULL OR valid_from <= :day)"
        " AND (valid_to IS NULL OR valid_to > :day) ORDER BY valid_from DESC NULLS LAST LIMIT 1"
    )
    return (await read.execute(statement, {"day": as_of})).scalar_one_or_none()


_BOUNDARIES = """
  SELECT json_build_object('type', 'FeatureCollection', 'boundary_set', CAST(:set AS text),
    'features', coalesce(json_agg(json_build_object('type', 'Feature', 'id', b.unit_id, 'geometry', b.geometry,
      'bbox', json_build_array(b.west, b.south, b.east, b.north),
      'properties', json_build_object('unit', b.unit_id, 'code', u.code, 'name', u.name, 'level', u.level,
        'parent', u.parent_id, 'source', b.source)) ORDER BY u.level DESC, b.unit_id), '[]'))::text
  FROM boundary b JOIN unit u ON u.id = b.unit_id
  WHERE b.boundary_set = :set AND (CAST(:level AS text) IS NULL OR u.level = :level)"""


async def boundaries(read: AsyncSession, boundary_set: str, level: str | None = None) -> str:
    """GeoJSON, empty where no administrator has imported outlines yet."""
    return str((await read.execute(sa.text(_BOUNDARIES), {"set": boundary_set, "level": level})).scalar_one())


async def units_by_code(read: AsyncSession, codes: Collection[str]) -> dict[tuple[str, str], str]:
    """(boundary set, code) -> unit id, of every vintage in which the codes stand."""
    statement = sa.text(
        "SELECT s.code AS boundary_set, u.code, u.id FROM unit u JOIN boundary_set s ON s.code = ANY(u.boundary_sets)"
        " WHERE u.code = ANY(:codes)"
    )
    rows = await read.execute(statement, {"codes": sorted(codes)})
    return {(row.boundary_set, row.code): row.id for row in rows}


async def names(
    read: AsyncSession, *, as_of: date, organisations: Collection[str], units: Collection[str]
) -> dict[str, str]:
    """What the codes and unit ids are called: an organisation as on that day, a unit with its district."""
    statement = sa.text(
        "SELECT organisation_code AS key, short AS name FROM organisation_version"
        " WHERE organisation_code = ANY(:codes) AND recorded_to = 'infinity'"
        " AND valid_from <= :as_of AND valid_to > :as_of"
        " UNION ALL SELECT u.id, concat_ws(', ', u.name, p.name) FROM unit u"
        " LEFT JOIN unit p ON p.id = u.parent_id AND p.level = 'district' WHERE u.id = ANY(:units)"
    )
    values = {"as_of": as_of, "codes": sorted(organisations), "units": sorted(units)}
    return {row.key: row.name for row in await read.execute(statement, values)}


ENTERPRISES = ("operator", "tower_company", "power_company")


async def organisation_name(read: AsyncSession, code: str, as_of: date, locale: str = "vi") -> str | None:
    """What stands under a person's name on that day: of an enterprise what tables call it, of others the whole name.

    None for a code that is no organisation.
    """
    statement = sa.text(
        "SELECT name_vi, name_en, short, kind FROM organisation_version WHERE organisation_code = :code"
        " AND recorded_to = 'infinity' AND valid_from <= :as_of AND valid_to > :as_of"
    )
    found = (await read.execute(statement, {"code": code, "as_of": as_of})).one_or_none()
    if found is None:
        return None
    if found.short and found.kind in ENTERPRISES:
        return str(found.short)
    return str(found.name_vi if locale == "vi" else found.name_en)
