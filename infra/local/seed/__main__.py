"""`python -m infra.local.seed`: fills an empty demonstration by the services' own commands, in the order of time.

Masts and stations first; then it waits until the other services' copies know them; then agreements and dossiers.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from infra.local.seed import permits, registry, sharing
from kernel.clock import Clock, local_date
from kernel.db import Database
from kernel.settings import ServiceSettings
from services.permits.settings import PermitsSettings

PATIENCE = 60.0


async def main() -> int:
    law, book = PermitsSettings.load("permits"), ServiceSettings.load("registry")
    if not law.demo:
        print("DEMO is not 1: nothing is invented", file=sys.stderr)
        return 1
    stock = Database(book.database_url, 4)
    dossiers = Database(law.database_url, 4)
    shares = ServiceSettings.load("sharing")
    ratios = Database(shares.database_url, 4)
    try:
        if await _count(stock, "structure"):
            print("the registry holds something already: left as it is")
            return 0
        now = Clock(law.clock_file, law.demo)()
        standing = await registry.fill(stock)
        print(f"{len(standing)} masts")
        await _until("permits knows units and mandates", lambda: _knows_law(dossiers))
        teller = permits.Teller(dossiers, law, now)
        print(f"{await teller.tell(permits.stories(local_date(now)))} dossiers")
        await _until("sharing knows every mast", lambda: _knows(ratios, len(standing)))
        print(f"{await sharing.fill(ratios, standing, now)} agreements")
        print(f"{await sharing.measure(ratios)} values of indicators")
        await _until("sharing knows that it knows", lambda: sharing.knows(ratios))
        print(f"{await sharing.seal(ratios, shares)} sealed statements")
    finally:
        for database in (stock, dossiers, ratios):
            await database.close()
    return 0


async def _count(database: Database, table: str) -> int:
    async with database.read() as read:
        return int((await read.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: S608


async def _knows_law(dossiers: Database) -> bool:
    return await _count(dossiers, "unit_copy") > 0 and await _count(dossiers, "mandate_copy") > 0


async def _knows(ratios: Database, masts: int) -> bool:
    async with ratios.read() as read:
        known = await read.execute(sa.text("SELECT count(DISTINCT id) FROM structure_copy"))
        return int(known.scalar_one()) >= masts


async def _until(what: str, reached: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE:.0f} s in vain until {what}")
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
