"""Who said what of a structure or a station and when, and which versions that made."""

# ruff: noqa: S608 -- composed of constants of this module; every value is bound

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from services.registry.domain import policy
from services.registry.domain.policy import Caller

_CHANGES = """(SELECT coalesce(json_agg(json_build_object('id', c.id, 'no', c.no, 'act', c.act,
    'valid_from', c.valid_from, 'valid_to', NULLIF(c.valid_to, 'infinity'), 'patch', c.patch, 'evidence', c.evidence,
    'evidence_ref', c.evidence_ref, 'reason', c.reason, 'corrects', c.corrects, 'actor', c.actor, 'org', c.org,
    'recorded_at', c.recorded_at) ORDER BY c.no), '[]') FROM {0}_change c WHERE c.{0}_id = t.id)"""
_VERSIONS = """(SELECT coalesce(json_agg(json_build_object('opened_no', v.opened_no, 'closed_no', v.closed_no,
    'valid_from', v.valid_from, 'valid_to', NULLIF(v.valid_to, 'infinity'), 'recorded_from', v.recorded_from,
    'recorded_to', NULLIF(v.recorded_to, 'infinity'), {1}, 'status', v.status, 'attributes', v.attributes,
    'evidence', v.evidence) ORDER BY v.opened_no, v.valid_from), '[]') FROM {0}_version v WHERE v.{0}_id = t.id)"""
_OF_STRUCTURE = """'owner', v.owner_id,
    'code', CASE WHEN v.code IS NOT NULL THEN json_build_array(v.code_system, v.code) END,
    'height_m', v.height_m::text, 'lon', v.point[0], 'lat', v.point[1], 'commune', v.commune_id,
    'capacity', v.capacity, 'name', v.name"""
_OF_STATION = "'operator', v.operator_id, 'technologies', v.technologies"
_STRUCTURE = (
    f"SELECT t.kind, t.public_no, t.last_no, {_CHANGES.format('structure')} AS changes,"
    f" {_VERSIONS.format('structure', _OF_STRUCTURE)} AS versions FROM structure t WHERE t.id = :id"
)
_STATION = (
    f"SELECT 'station' AS kind, '' AS public_no, t.last_no, {_CHANGES.format('station')} AS changes,"
    f" {_VERSIONS.format('station', _OF_STATION)} AS versions FROM station t WHERE t.id = :id"
)


class History(NamedTuple):
    """The log and the rectangles it makes, as plain values in the order of recording; owners of open versions."""

    kind: str
    public_no: str
    no: int
    changes: list[dict[str, Any]]
    versions: list[dict[str, Any]]

    @property
    def owner(self) -> str | None:
        return self._newest("owner")

    @property
    def operator(self) -> str | None:
        return self._newest("operator")

    @property
    def name(self) -> str | None:
        return self._newest("name")

    def _newest(self, member: str) -> str | None:
        standing = [version for version in self.versions if version["recorded_to"] is None]
        return standing[-1][member] if standing else None

    def states(self, day: date) -> set[str]:
        """Those it was in until that day, as believed now."""
        return {v["status"] for v in self.versions if v["recorded_to"] is None and v["valid_from"] <= day.isoformat()}


async def history(read: AsyncSession, actor: Caller, kind: str, structure_id: UUID, *, today: date) -> History | None:
    """None when it is not there or not to be seen; whether the log may be read, too, the caller asks the policy."""
    row = await direct.row(read, _STRUCTURE, {"id": structure_id})
    told = None if row is None else History(*row.values())
    if told is None or told.kind != kind or not policy.sees(actor, told.owner, told.states(today)):
        return None
    return told


async def station_history(read: AsyncSession, actor: Caller, station_id: UUID) -> History | None:
    """None when it is not there or its log is not the caller's to read."""
    row = await direct.row(read, _STATION, {"id": station_id})
    told = None if row is None else History(*row.values())
    return told if told and policy.may(actor, "registry:station:history", told.operator) else None
