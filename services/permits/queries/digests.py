"""What the copies hold, to be compared with the registry's own `digest`: the newest belief of each, `id no`."""

# ruff: noqa: S608 -- composed of constants of this file

import hashlib

import sqlalchemy as sa

from kernel.db import Database

LINES = {
    "registry.unit": "SELECT id || ' ' || no FROM unit_copy",
    "registry.organisation.newest": "SELECT code || ' ' || max(no) FROM organisation_copy GROUP BY code",
}


async def digests(database: Database) -> dict[str, str]:
    found = {}
    async with database.read() as read:
        for copy, statement in LINES.items():
            rows = await read.scalars(sa.text(f'SELECT line FROM ({statement}) x(line) ORDER BY line COLLATE "C"'))
            found[copy] = hashlib.sha256("".join(f"{line}\n" for line in rows).encode()).hexdigest()
    return found
