"""What the copies hold, to be compared with the registry's own `digest`: SHA-256 over sorted lines with their ends.

`agreement`: every change of ours. `registry.structure`, `.station`, `.organisation`: every belief, `id no`.
`registry.structure.believed`: what is believed now, `id|valid_from|valid_to|owner|status|commune|capacity|height_m`.
"""

# ruff: noqa: S608 -- composed of constants of this file

import hashlib

import sqlalchemy as sa

from kernel.db import Database

_BELIEVED = (
    "concat_ws('|', id, valid_from, coalesce(NULLIF(valid_to, 'infinity')::text, ''), owner, status,"
    " coalesce(commune, ''), coalesce(capacity::text, ''), coalesce(height_m::text, ''))"
)
_BELIEFS = "SELECT id || ' ' || no FROM belief WHERE thing = '{thing}'"
LINES = {
    "agreement": "SELECT agreement_id || ' ' || no FROM agreement_change",
    "registry.structure": _BELIEFS.format(thing="structure"),
    "registry.structure.believed": f"SELECT {_BELIEVED} FROM structure_copy WHERE recorded_to = 'infinity'",
    "registry.station": _BELIEFS.format(thing="station"),
    "registry.organisation": _BELIEFS.format(thing="organisation"),
    "registry.unit": "SELECT id || ' ' || no FROM unit_copy",
}


async def digests(database: Database) -> dict[str, str]:
    found = {}
    async with database.read() as read:
        for copy, statement in LINES.items():
            told = hashlib.sha256()
            rows = await read.stream_scalars(
                sa.text(f'SELECT line FROM ({statement}) x(line) ORDER BY line COLLATE "C"')
            )
            async for line in rows:
                told.update(f"{line}\n".encode())
            found[copy] = told.hexdigest()
    return found
