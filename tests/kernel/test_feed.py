"""Places in the outbox: no gap, each once, and nobody who comes late is passed over."""

import asyncio

import pytest
import sqlalchemy as sa

from kernel import feed, outbox
from kernel.auth import system
from kernel.tasks import end
from tests.kernel.conftest import Happened, now, relay_of, running, until

pytestmark = pytest.mark.database
ACTOR = system("test")


async def tell(database, *numbers: int) -> None:
    async with database.tx() as tx:
        await outbox.record_many(tx, ACTOR, [(Happened(n=n), n) for n in numbers], now=now())


async def placed(database, limit: int = feed.AT_ONCE) -> int:
    async with database.tx() as tx:
        return await feed.place(tx, limit)


async def rows(database) -> list[tuple[int | None, int]]:
    async with database.read() as read:
        found = await read.execute(
            sa.text("SELECT position, CAST(envelope->'data'->>'n' AS int) FROM outbox ORDER BY position")
        )
        return [tuple(row) for row in found]


async def test_places_follow_the_numbers_without_a_gap(database):
    await tell(database, *range(1, 6))
    assert [await placed(database, 2) for _ in range(4)] == [2, 2, 1, 0]
    await tell(database, 6)
    assert await placed(database) == 1
    assert await rows(database) == [(n, n) for n in range(1, 7)]


async def test_a_lower_number_committed_later_gets_the_next_place(database):
    async with database.tx() as slow:
        await outbox.record(slow, ACTOR, Happened(n=1), subject=1, now=now())
        await tell(database, 2)
        assert await placed(database) == 1
        assert await rows(database) == [(1, 2)]
    assert await placed(database) == 1
    assert await rows(database) == [(1, 2), (2, 1)]


async def test_what_was_rolled_back_leaves_no_gap(database):
    with pytest.raises(RuntimeError):
        async with database.tx() as tx:
            await outbox.record(tx, ACTOR, Happened(n=1), subject=1, now=now())
            raise RuntimeError
    await tell(database, 2)
    await placed(database)
    assert await rows(database) == [(1, 2)]


async def test_only_one_gives_places_at_a_time(database):
    await tell(database, 1)
    async with database.tx() as tx:
        assert await feed.place(tx) == 1
        assert await placed(database) == 0


async def test_the_relay_and_whoever_gives_places_never_stop_one_another(database, bus, settings):
    """Both change the same rows: thousands of events, no deadlock, each sent and placed once."""

    async def give() -> None:
        while True:
            await placed(database, 300)
            await asyncio.sleep(0)

    placing = asyncio.create_task(give())
    async with running(relay_of(settings, bus)):
        for start in range(0, 3000, 500):
            await asyncio.gather(*(tell(database, *range(start + n, start + n + 50)) for n in range(0, 500, 50)))
        await until(lambda: _all_done(database, placing))
    await end([placing])
    positions = [position for position, _ in await rows(database)]
    assert positions == list(range(1, 3001))


async def _all_done(database, placing: asyncio.Task[None]) -> bool:
    assert not placing.done(), placing.exception()
    async with database.read() as read:
        left = await read.execute(sa.text("SELECT count(*) FROM outbox WHERE sent_at IS NULL OR position IS NULL"))
        return left.scalar_one() == 0
