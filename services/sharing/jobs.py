"""What the worker visits: rounds of reports that open and remind by their days; agreements end by their own dates."""

from datetime import datetime

from kernel.bus import Bus
from kernel.db import Database
from kernel.worker import Job
from services.sharing.commands import report_rounds


async def open_rounds(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return await report_rounds.open_due(tx, now=now) + await report_rounds.remind(tx, now=now)


JOBS: tuple[Job, ...] = (Job("reports", 30.0, open_rounds),)
