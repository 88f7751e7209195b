"""Checkpoints: never another figure than the plain sum, whatever comes late or at the same time."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from kernel.db import Database
from services.sharing.commands import checkpoints, proof
from services.sharing.queries import checkpoints as queries
from services.sharing.queries import ratios
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack
from tests.sharing.conftest import AUDITOR, NOW, VIETTEL, VNPT, Province

pytestmark = pytest.mark.database
STEP = 5
STARTED = datetime(2023, 1, 3, 2, 0, tzinfo=NOW.tzinfo)


async def told(province: Province, masts: int, random: Random) -> None:
    """Masts of two owners since many days, learnt one after the other; some shared, some with an end."""
    for number in range(masts):
        at = STARTED + timedelta(days=3 * number)
        since = date(2019, 1, 1) + timedelta(days=random.randrange(1500))
        actor, tenant = (VIETTEL, "VNPT") if number % 2 else (VNPT, "MOBIFONE")
        mast = await province.mast(actor.org, since=since, at=at)
        if number % 3 == 0:
            begin = since + timedelta(days=random.randrange(1, 400))
            end = begin + timedelta(days=random.randrange(30, 900)) if number % 2 else None
            await province.agree(mast, tenant, since=begin, until=end, actor=actor, now=at + timedelta(days=1))


async def build(database: Database, step: int = STEP) -> int:
    built = 0
    while True:
        async with database.tx() as tx:
            if not await checkpoints.build_next(tx, now=NOW, step=step):
                return built
        built += 1


async def figures(database: Database, points: list[tuple[date, datetime]]) -> list[str]:
    found = []
    async with database.read() as read:
        for day, instant in points:
            scope = await ratios.scope(read, actor=AUDITOR, kind="mast", as_of=day, known_at=instant, now=NOW)
            found.append(await ratios.ratio(read, scope, "owner"))
    return found


def points(random: Random) -> list[tuple[date, datetime]]:
    corners = [
        (date(2018, 1, 1) + timedelta(days=random.randrange(3200)), STARTED + timedelta(days=random.randrange(1400)))
        for _ in range(40)
    ]
    return [(day, min(instant, NOW)) for day, instant in corners] + [(NOW.date(), NOW)]


async def count(database: Database) -> int:
    async with database.read() as read:
        return int((await read.execute(sa.text("SELECT count(*) FROM ratio_checkpoint WHERE NOT stale"))).scalar_one())


async def test_a_figure_is_the_same_with_checkpoints_and_without(province: Province, database: RolledBack) -> None:
    random = Random(7)
    await told(province, 14, random)
    await province.complete()
    asked = points(random)
    plain = await figures(database, asked)
    assert await build(database) > 1
    assert await count(database) > 4
    assert await figures(database, asked) == plain
    async with database.read() as read:
        assert await queries.wrong_ones(read, 1000) == []


async def test_what_is_told_late_makes_later_lines_stale_until_they_are_built_again(
    province: Province, database: RolledBack
) -> None:
    random = Random(8)
    await told(province, 14, random)
    await province.complete()
    await build(database)
    before = await count(database)
    asked = points(random)
    late = STARTED + timedelta(days=16)
    await province.mast("MOBIFONE", since=date(2020, 1, 1), at=late)
    assert 0 < await count(database) < before
    with_stale = await figures(database, asked)
    assert await build(database) > 0
    assert await figures(database, asked) == with_stale
    async with database.tx() as tx:
        await tx.execute(sa.text("DELETE FROM ratio_checkpoint"))
    assert await figures(database, asked) == with_stale


async def test_only_what_every_copy_holds_gets_a_line(province: Province, database: RolledBack) -> None:
    await told(province, 14, Random(9))
    assert await build(database) == 0
    await province.complete(STARTED + timedelta(days=20))
    await build(database)
    async with database.read() as read:
        newest = (await read.execute(sa.text("SELECT max(known_to) FROM ratio_checkpoint"))).scalar_one()
    assert newest <= STARTED + timedelta(days=20)


async def test_a_province_needs_none(province: Province, database: RolledBack) -> None:
    await told(province, 14, Random(10))
    await province.complete()
    assert await build(database, checkpoints.STEP) == 0


async def test_an_altered_checkpoint_is_found(province: Province, database: RolledBack) -> None:
    await told(province, 14, Random(11))
    await province.complete()
    await build(database)
    async with database.tx() as tx:
        await tx.execute(sa.text("UPDATE ratio_checkpoint SET den[1] = den[1] + 1"))
    async with database.read() as read:
        assert len(await queries.wrong_ones(read, 3)) == 3


async def test_building_and_counting_at_once_leave_no_wrong_line(
    fresh_database: Callable[[str], ServiceDatabase],
) -> None:
    database = Database(fresh_database("sharing").url, 8)
    province = Province(database)
    await province.prepare()
    await told(province, 14, Random(12))
    await province.complete()

    async def tell(number: int) -> None:
        for nth in range(4):
            at = STARTED + timedelta(days=number * 5 + nth)
            await province.mast("VNPT", since=date(2021, 1, 1) + timedelta(days=number), at=at)

    await asyncio.gather(*(tell(number) for number in range(4)), *(build(database) for _ in range(2)))
    async with database.read() as read:
        assert await queries.wrong_ones(read, 1000) == []
    assert await build(database) >= 0
    assert await proof.faults(database) == []
    await database.close()
