"""Whether the process lives, and whether the service can do its work: each thing it depends on by its name."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from kernel.auth import TokenVerifier
from kernel.db import Database

HEARTBEAT_LIMIT = timedelta(seconds=15)
_SECONDS = 2.0
_IDENTITY_SECONDS = 1.0
OK, WARNING = "ok", "warning: "
_STATE = sa.text(
    "SELECT worker, at > clock_timestamp() - CAST(:limit AS interval) AS alive, r.version_num AS revision"
    " FROM (SELECT version_num FROM alembic_version) r LEFT JOIN heartbeat ON true ORDER BY worker"
)


def router(service: str, revision: str | None) -> APIRouter:
    """`/health/live`: this process answers. `/health/ready`: 503 unless each part is `ok` or a warning."""
    made = APIRouter(prefix="/health", include_in_schema=False)

    @made.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @made.get("/ready")
    async def ready(request: Request) -> JSONResponse:
        state = request.app.state
        parts, identity = await asyncio.gather(
            _database_parts(state.database, service, revision), _identity(state.verifier)
        )
        parts["nats"] = OK if state.bus.connected else "away"
        parts["identity"] = identity
        well = all(said == OK or said.startswith(WARNING) for said in parts.values())
        return JSONResponse({"status": "ready" if well else "not ready", "parts": parts}, 200 if well else 503)

    return made


async def _database_parts(database: Database, service: str, revision: str | None) -> dict[str, str]:
    try:
        return await asyncio.wait_for(_parts(database, service, revision), _SECONDS)
    except Exception as error:
        return {"database": f"away: {type(error).__name__}"}


async def _parts(database: Database, service: str, revision: str | None) -> dict[str, str]:
    """The worker beats for itself and for each of its parts that touches the broker: `relay`, `consumer.<stream>`."""
    async with database.read() as read:
        rows = (await read.execute(_STATE, {"limit": HEARTBEAT_LIMIT})).all()
    found = rows[0].revision if rows else None
    beats = {row.worker: row.alive for row in rows if row.worker is not None}
    parts = {
        "database": OK,
        "revision": OK if found == revision else f"{found} instead of {revision}",
        "worker": OK if beats.pop(service, False) else "no heartbeat",
    }
    return parts | {part: OK if alive else "no heartbeat" for part, alive in beats.items()}


async def _identity(verifier: TokenVerifier) -> str:
    """Keys once had go on being used: a provider that is away is a warning."""
    try:
        await asyncio.wait_for(verifier.ready(), _IDENTITY_SECONDS)
    except Exception as error:
        return f"{WARNING}keys of the realm not had yet ({type(error).__name__})"
    return OK
