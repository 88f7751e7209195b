"""Stations, as of any day and as known at any time."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.domain import policy
from services.registry.domain.policy import Caller
from services.registry.domain.status import OPEN_TO_ALL
from services.registry.domain.times import Times
from services.registry.queries.places import Page

_ITEM = """json_build_object('id', s.station_id, 'structure_id', s.structure_id, 'public_no', g.public_no,
  'operator', s.operator_id, 'status', s.status, 'technologies', s.technologies, 'evidence', s.evidence,
  'antenna_height_m', s.attributes->>'antenna_height_m', 'name', s.attributes->>'name', 'valid_from', s.valid_from,
  'valid_to', NULLIF(s.valid_to, 'infinity'), 'recorded_at', s.recorded_from, 'version', t.last_no)"""


async def stations(
    read: AsyncSession,
    actor: Caller,
    at: Times,
    *,
    limit: int,
    structure_id: UUID | None = None,
    operator: str | None = None,
    after: list[Any] | None = None,
) -> Page:
    """Those on structures the actor sees; an enterprise also sees its own wherever they are."""
    values: dict[str, Any] = {"as_of": at.as_of, "known": at.known, "limit": limit}
    clause = ""
    for column, value in (("structure_id", structure_id), ("operator_id", operator)):
        if value is not None:
            clause += f" AND s.{column} = :{column}"
            values[column] = value
    if after:
        clause += " AND s.station_id > CAST(:after AS uuid)"
        values["after"] = after[0]
    if not policy.sees_all(actor):
        clause += (
            " AND (s.operator_id = :org OR EXISTS (SELECT FROM structure_version v"
            " WHERE v.structure_id = s.structure_id AND v.recorded_to = 'infinity' AND v.valid_from <= :as_of"
            " AND v.valid_to > :as_of AND (v.owner_id = :org OR v.status = ANY(:open))))"
        )
        values |= {"org": actor.org, "open": list(OPEN_TO_ALL)}
    statement = f"""
      WITH hit AS MATERIALIZED (SELECT s.*, row_number() OVER (ORDER BY s.station_id) AS place FROM station_version s
        WHERE s.valid_from <= :as_of AND s.valid_to > :as_of AND s.recorded_from <= :known AND s.recorded_to > :known
        {clause} ORDER BY s.station_id LIMIT :limit + 1)
      SELECT coalesce(json_agg({_ITEM} ORDER BY s.place), '[]')::text AS items,
        (SELECT json_build_array(station_id) FROM hit WHERE place = :limit
           AND EXISTS (SELECT FROM hit WHERE place > :limit)) AS last
      FROM hit s JOIN station t ON t.id = s.station_id JOIN structure g ON g.id = s.structure_id
      WHERE s.place <= :limit"""  # noqa: S608
    row = (await read.execute(sa.text(statement), values)).one()
    return Page(row.items, row.last)
