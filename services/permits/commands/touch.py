"""What every command on a dossier shares: its own strictly growing time, its version, its answer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.permits.queries import Dossier
from services.permits.tables import Application

TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Changed:
    """The dossier after a command: what the caller needs to go on, `version` for the next If-Match."""

    id: UUID
    number: str
    state: str
    version: int
    due_on: date | None = None
    decision_number: str | None = None


def moment(dossier: Dossier, now: datetime) -> datetime:
    """Inside one dossier time strictly grows, even when a server's clock steps back."""
    return max(now, dossier.touched_at + TICK)


async def touch(tx: AsyncSession, dossier: Dossier, state: str, now: datetime, **more: Any) -> Changed:
    version = dossier.version + 1
    await tx.execute(
        sa.update(Application)
        .where(col(Application.id) == dossier.id)
        .values(state=state, version=version, touched_at=now, **more)
    )
    return Changed(dossier.id, dossier.number, state, version)


def told(dossier: Dossier, changed: Changed) -> dict[str, Any]:
    """What every event of a dossier says."""
    return {
        "application_id": dossier.id,
        "number": dossier.number,
        "version": changed.version,
        "applicant": dossier.applicant_org,
        "procedure": dossier.procedure.label,
    }
