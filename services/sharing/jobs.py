"""What the worker visits: rounds of reports, by their days; checkpoints, by their count; what contradicts itself."""

from datetime import datetime

from kernel import mail
from kernel.bus import Bus
from kernel.db import Database
from kernel.settings import ServiceSettings
from kernel.worker import Job
from services.sharing import data
from services.sharing.commands import checkpoints, contradictions, report_rounds


async def open_rounds(database: Database, site: str, now: datetime) -> int:
    async with database.tx() as tx:
        return await report_rounds.open_due(tx, now=now) + await report_rounds.remind(tx, site=site, now=now)


async def build_checkpoint(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return int(await checkpoints.build_next(tx, now=now))


async def look_for_contradictions(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        if await contradictions.rests(tx, now=now):
            return 0
        return await contradictions.look(tx, data.contradictions(), now=now)


def jobs(settings: ServiceSettings) -> tuple[Job, ...]:
    return (
        *mail.jobs(settings),
        Job("reports", 30.0, lambda db, bus, now: open_rounds(db, settings.public_url, now)),
        Job("checkpoints", 60.0, build_checkpoint),
        Job("contradictions", 60.0, look_for_contradictions),
    )
