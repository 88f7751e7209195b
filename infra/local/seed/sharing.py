"""The invented agreements, told to sharing by its own command once its copy of the masts is complete."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.seed.registry import FIRST_RECORDED, Standing
from kernel.auth import Actor
from kernel.db import Database
from services.sharing.commands import report_rounds
from services.sharing.commands.agreements import agree
from services.sharing.domain.agreement import Terms

BATCH = 50


async def fill(database: Database, standing: Sequence[Standing], now: datetime) -> int:
    """Recorded on the day after the masts; each by the owner, as an operator's system would."""
    told = [(one, agreement) for one in standing for agreement in one.mast.agreements]
    moment = FIRST_RECORDED + timedelta(days=1)
    for start in range(0, len(told), BATCH):
        async with database.tx() as tx:
            for number, (one, agreement) in enumerate(told[start : start + BATCH], start=start):
                moment += timedelta(seconds=20)
                owner = Actor("demo", one.mast.owner, "client", capabilities=frozenset({"owner"}))
                terms = Terms(
                    kind="exchange" if number % 4 == 0 else "lease",
                    valid_from=agreement.since,
                    valid_to=agreement.until,
                    number=f"{number + 1:03d}/{agreement.since.year}/HĐ-DCHT",
                    evidence=2,
                )
                await agree(tx, owner, one.id, agreement.tenant, terms, now=moment)
    async with database.tx() as tx:
        await _report(tx, now)
    return len(told)


async def _report(tx: AsyncSession, now: datetime) -> None:
    """The round of the year may have opened while the province was still being told."""
    await report_rounds.open_due(tx, now=now)
    auditor = Actor("demo", "SKHCN", "client", capabilities=frozenset({"auditor"}))
    for cycle in (await tx.execute(sa.text("SELECT id FROM report_cycle WHERE closed_at IS NULL"))).scalars().all():
        await report_rounds.renew(tx, auditor, cycle, now=now)
