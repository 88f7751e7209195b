"""What the worker visits: rounds of reports, by their days; checkpoints of the figures, by their count."""

from datetime import datetime

from kernel.bus import Bus
from kernel.db import Database
from kernel.worker import Job
from services.sharing.commands import checkpoints, report_rounds


async def open_rounds(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return await report_rounds.open_due(tx, now=now) + await report_rounds.remind(tx, now=now)


async def build_checkpoint(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return int(await checkpoints.build_next(tx, now=now))


JOBS: tuple[Job, ...] = (Job("reports", 30.0, open_rounds), Job("checkpoints", 60.0, build_checkpoint))
