"""What was received with a filing, in the form that is signed."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from services.permits.queries.listing import detail

_SITE = ("no", "structure_id", "name", "lon", "lat", "commune")
_PART = ("code", "no", "name", "size", "sha256")
_HEAD = ("number", "procedure", "received_at", "received_on", "effective_on")


async def receipt(read: AsyncSession, application_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """Always the same values: the parts are those of the filing. Raises ApplicationNotFound (404)."""
    found = await detail(read, application_id, actor=actor)
    first = min((part["added_at"] for part in found["parts"]), default=None)
    return {
        **{name: found[name] for name in _HEAD},
        "application": str(application_id),
        "applicant": found["applicant"],
        "sites": [{name: site[name] for name in _SITE} for site in found["sites"]],
        "parts": [{name: part[name] for name in _PART} for part in found["parts"] if part["added_at"] == first],
    }
