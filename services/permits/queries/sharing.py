"""Sharing first: which dossiers are still to be asked about, and what was told and answered."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits.queries.dossier import Dossier
from services.permits.queries.law import entries


@dataclass(frozen=True)
class Unasked:
    """A place of a dossier of which sharing was not asked yet."""

    application_id: UUID
    site_no: int | None
    applicant: str
    received_on: date
    lon: float
    lat: float
    radius_m: float


async def unasked(read: AsyncSession, limit: int) -> list[Unasked]:
    """Running dossiers; without a rule for their work they have no radius and are not asked about."""
    rows = await read.execute(
        sa.text(
            "SELECT a.id, s.no, a.applicant_org, a.received_on, s.lon, s.lat,"
            " coalesce(CAST(c.body->>'radius_m' AS float), 0) FROM (SELECT id FROM application"
            " WHERE options_asked_at IS NULL ORDER BY id LIMIT :limit) x JOIN application a ON a.id = x.id"
            " JOIN procedure_version p ON p.id = a.procedure_version_id"
            " JOIN application_site s ON s.application_id = a.id"
            " LEFT JOIN code_entry c ON c.list = 'share_rule' AND c.code = p.work ORDER BY a.id, s.no"
        ),
        {"limit": limit},
    )
    return [Unasked(*row) for row in rows]


async def share_radius(read: AsyncSession, work: str) -> float:
    """Within how many metres sharing comes first for this kind of work; 0: nothing is asked."""
    rule = (await entries(read, "share_rule"))["share_rule"].get(work)
    return float(rule["radius_m"]) if rule else 0.0


async def options_asked(tx: AsyncSession, dossier: Dossier) -> set[tuple[int, UUID]]:
    rows = await tx.execute(
        sa.text("SELECT site_no, structure_id FROM share_option WHERE application_id = :id"), {"id": dossier.id}
    )
    return {(row.site_no, row.structure_id) for row in rows}
