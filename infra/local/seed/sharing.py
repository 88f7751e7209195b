"""The invented agreements, told to sharing by its own command once its copy of the masts is complete."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

import services.sharing
from infra.local.seed.registry import FIRST_RECORDED, Standing
from kernel.auth import Actor
from kernel.db import Database
from kernel.seals import opened
from kernel.settings import ServiceSettings
from kernel.web.i18n import translations
from services.sharing import data
from services.sharing.commands import report_rounds, statements
from services.sharing.commands.agreements import agree
from services.sharing.commands.indicators import enter
from services.sharing.domain.agreement import Terms
from services.sharing.queries import ratios
from services.sharing.queries import statements as queries

BATCH = 50
SEALED_YEARS = (2023, 2024)
MEASURED_YEARS = (2024, 2025)
BORDERS = "CM-2023"


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


async def seal(database: Database, settings: ServiceSettings) -> int:
    """The figures of two years, sealed in their Januaries: what was corrected later does not touch them."""
    key = opened(settings.seal_file, settings.seal_password)
    eyes = Actor("demo", "SKHCN", "client", capabilities=frozenset({"auditor"}))
    words = translations([Path(services.sharing.__file__).parent / "locale"], "vi").gettext
    for year in SEALED_YEARS:
        day = date(year, 12, 31)
        moment = datetime(year + 1, 1, 8, 2, 0, tzinfo=UTC)
        async with database.tx() as tx:
            scope = await ratios.scope(
                tx,
                actor=eyes,
                kind="mast",
                as_of=day,
                known_at=moment - timedelta(hours=1),
                now=moment,
                boundary_set=BORDERS,
            )
            await statements.seal(tx, eyes, scope, key, words, now=moment)
    return len(SEALED_YEARS)


async def measure(database: Database) -> int:
    """What the indicators that nobody counts were at the end of two years: invented, and said so."""
    shipped, eyes = data.indicators(), Actor("demo", "SKHCN", "client", capabilities=frozenset({"auditor"}))
    entered = 0
    for year in MEASURED_YEARS:
        moment = datetime(year + 1, 1, 20, 2, 0, tzinfo=UTC)
        async with database.tx() as tx:
            for position, one in enumerate(shipped.indicators):
                target = one.targets.get(str(year))
                if one.counted is not None or target is None:
                    continue
                base, goal = Decimal(one.base or 0), Decimal(target)
                reached = goal if position % 3 else base + (goal - base) * 3 / 4
                value = str(reached.quantize(Decimal(1) if one.unit in ("yes_no", "count") else Decimal("0.1")))
                day = date(year, 12, 31)
                await enter(tx, eyes, shipped.plan, one.code, day, value, "Số liệu mẫu, không có thật", "", now=moment)
                entered += 1
    return entered


async def knows(database: Database) -> bool:
    """Whether the registry's word is complete up to the last day that is sealed."""
    async with database.read() as read:
        settled = await queries.settled_to(read, datetime.now(UTC))
    return settled is not None and settled.year > SEALED_YEARS[-1]


async def _report(tx: AsyncSession, now: datetime) -> None:
    """The round of the year may have opened while the province was still being told."""
    await report_rounds.open_due(tx, now=now)
    auditor = Actor("demo", "SKHCN", "client", capabilities=frozenset({"auditor"}))
    for cycle in (await tx.execute(sa.text("SELECT id FROM report_cycle WHERE closed_at IS NULL"))).scalars().all():
        await report_rounds.renew(tx, auditor, cycle, now=now)
