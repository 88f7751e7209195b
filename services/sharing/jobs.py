"""What the worker visits: rounds of reports, by their days; checkpoints, by their count; what contradicts itself."""

from datetime import datetime

from kernel.bus import Bus
from kernel.db import Database
from kernel.worker import Job
from services.sharing import data
from services.sharing.commands import checkpoints, contradictions, report_rounds


async def open_rounds(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return await report_rounds.open_due(tx, now=now) + await report_rounds.remind(tx, now=now)


async def build_checkpoint(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return int(await checkpoints.build_next(tx, now=now))


async def look_for_contradictions(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        if await contradictions.rests(tx, now=now):
            return 0
        return await contradictions.look(tx, data.contradictions(), now=now)


JOBS: tuple[Job, ...] = (
    Job("reports", 30.0, open_rounds),
    Job("checkpoints", 60.0, build_checkpoint),
    Job("contradictions", 60.0, look_for_contradictions),
)
