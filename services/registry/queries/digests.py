"""What others' copies must equal, in few words: SHA-256 over sorted lines, each line ended by a newline.

`structure`, `station`, `organisation`, `unit`: every belief, `id no`. `....newest`: only the last of each.
`structure.believed`: what is believed now, `id|valid_from|valid_to|owner|status|commune|capacity|height_m`.
"""

# ruff: noqa: S608 -- composed of constants of this file

import hashlib

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Database

_BELIEVED = (
    "concat_ws('|', structure_id, valid_from, coalesce(NULLIF(valid_to, 'infinity')::text, ''), owner_id, status,"
    " coalesce(commune_id, ''), coalesce(capacity::text, ''), coalesce(height_m::text, ''))"
)
LINES = {
    "structure": "SELECT structure_id || ' ' || no FROM structure_change",
    "structure.believed": f"SELECT {_BELIEVED} FROM structure_version WHERE recorded_to = 'infinity'",
    "station": "SELECT station_id || ' ' || no FROM station_change",
    "organisation": "SELECT organisation_code || ' ' || no FROM organisation_change",
    "organisation.newest": "SELECT code || ' ' || last_no FROM organisation",
    "unit": "SELECT id || ' ' || no FROM unit",
}


async def digests(database: Database) -> dict[str, str]:
    async with database.read() as read:
        return {thing: await _digest(read, statement) for thing, statement in LINES.items()}


async def _digest(read: AsyncSession, statement: str) -> str:
    told = hashlib.sha256()
    rows = await read.stream_scalars(sa.text(f'SELECT line FROM ({statement}) x(line) ORDER BY line COLLATE "C"'))
    async for line in rows:
        told.update(f"{line}\n".encode())
    return told.hexdigest()
