"""What the worker visits: accounts of which the realm has something to be told, the realm itself, and imports."""

from datetime import datetime, timedelta

from kernel import logging
from kernel.auth import system
from kernel.bus import Bus
from kernel.clock import real_time
from kernel.db import Database
from kernel.errors import Refusal
from kernel.worker import Job
from services.registry import clients
from services.registry.commands import accounts, import_work, looking
from services.registry.queries import access
from services.registry.queries import accounts as queries
from services.registry.settings import RegistrySettings

log = logging.get(__name__)
AT_ONCE = 20
LOOK_EVERY = timedelta(minutes=5)
USES_SINCE = timedelta(days=90)
ACTOR = system("access")


async def tell_realm(database: Database, bus: Bus, now: datetime) -> int:
    """Account by account, each in a transaction of its own: one that fails holds up no other."""
    async with database.read() as read:
        waiting = await queries.due_steps(read, now, AT_ONCE)
    done = 0
    for kind, key in waiting if bus.connected else ():
        async with database.tx() as tx:
            done += await accounts.tell_realm(tx, bus, kind, key, actor=ACTOR, now=now)
    return done


async def look_at_realm(database: Database, bus: Bus, now: datetime) -> int:
    """When it is due or wanted. A realm that is away is looked at again at the next visit."""
    async with database.read() as read:
        last = await access.look(read)
    is_due = last.looked_at is None or last.looked_at + LOOK_EVERY <= now or last.wanted_at is not None
    if not is_due or not bus.connected:
        return 0
    began = now
    try:
        # Uses are the realm's own time, which a demo's clock does not move.
        held, beside = await clients.accounts(bus, real_time() - USES_SINCE)
    except Refusal as refusal:
        async with database.tx() as tx:
            await looking.note_look(tx, now, refusal.code)
        return 0
    async with database.tx() as tx:
        found = await looking.compare(tx, ACTOR, held, beside, began=began, now=now)
        await looking.note_look(tx, now)
    return found


async def work_imports(database: Database, settings: RegistrySettings, now: datetime) -> int:
    """Step by step while any import waits; each step takes its own time of the same clock."""
    began, done = real_time(), 0

    def clock() -> datetime:
        return now + (real_time() - began)

    while seen := await import_work.step(database, clock, settings):
        done += seen
    return done


def jobs(settings: RegistrySettings) -> tuple[Job, ...]:
    return (
        Job("accounts", 1.0, tell_realm),
        Job("realm", 2.0, look_at_realm),
        Job("imports", 1.0, lambda database, bus, now: work_imports(database, settings, now)),
    )
