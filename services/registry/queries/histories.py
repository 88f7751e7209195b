"""Who said what of a structure and when, and which versions that made."""

from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_HISTORY = sa.text("""
  SELECT g.kind, g.public_no, g.last_no,
    (SELECT coalesce(json_agg(json_build_object('id', c.id, 'no', c.no, 'act', c.act, 'valid_from', c.valid_from,
        'valid_to', NULLIF(c.valid_to, 'infinity'), 'patch', c.patch, 'evidence', c.evidence,
        'evidence_ref', c.evidence_ref, 'reason', c.reason, 'corrects', c.corrects, 'actor', c.actor, 'org', c.org,
        'recorded_at', c.recorded_at) ORDER BY c.no), '[]')
      FROM structure_change c WHERE c.structure_id = g.id) AS changes,
    (SELECT coalesce(json_agg(json_build_object('opened_no', v.opened_no, 'closed_no', v.closed_no,
        'valid_from', v.valid_from, 'valid_to', NULLIF(v.valid_to, 'infinity'), 'recorded_from', v.recorded_from,
        'recorded_to', NULLIF(v.recorded_to, 'infinity'), 'owner', v.owner_id, 'status', v.status,
        'code', CASE WHEN v.code IS NOT NULL THEN json_build_array(v.code_system, v.code) END,
        'height_m', v.height_m::text, 'lon', v.point[0], 'lat', v.point[1], 'commune', v.commune_id,
        'capacity', v.capacity, 'name', v.name, 'attributes', v.attributes, 'evidence', v.evidence)
        ORDER BY v.opened_no, v.valid_from), '[]')
      FROM structure_version v WHERE v.structure_id = g.id) AS versions
  FROM structure g WHERE g.id = :id""")


class History(NamedTuple):
    """The log and the rectangles it makes, as plain values in the order of recording; owners of open versions."""

    kind: str
    public_no: str
    no: int
    changes: list[dict[str, Any]]
    versions: list[dict[str, Any]]

    @property
    def owner(self) -> str | None:
        standing = [version for version in self.versions if version["recorded_to"] is None]
        return standing[-1]["owner"] if standing else None

    @property
    def name(self) -> str | None:
        standing = [version for version in self.versions if version["recorded_to"] is None]
        return standing[-1]["name"] if standing else None

    @property
    def states(self) -> set[str]:
        return {version["status"] for version in self.versions if version["recorded_to"] is None}


async def history(read: AsyncSession, structure_id: UUID) -> History | None:
    row = (await read.execute(_HISTORY, {"id": structure_id})).first()
    return None if row is None else History(row.kind, row.public_no, row.last_no, row.changes, row.versions)
