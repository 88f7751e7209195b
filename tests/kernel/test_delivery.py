"""From a commit to the effect elsewhere: nothing lost, nothing doubled, one bad message never stops the others."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import inbox, outbox
from kernel.auth import system
from kernel.clock import Clock
from kernel.inbox import Consumer
from tests.kernel.conftest import Happened, now, relay_of, running, until

pytestmark = pytest.mark.database
ACTOR = system("test")


async def tell(database, *numbers: int) -> None:
    async with database.tx() as tx:
        await outbox.record_many(tx, ACTOR, [(Happened(n=n), n) for n in numbers], now=now())


async def scalar(database, statement: str):
    async with database.read() as read:
        return (await read.execute(sa.text(statement))).scalar_one()


def collecting(database, bus, seen: list[int], fail_on: int | None = None) -> Consumer:
    async def note(tx: AsyncSession, received, *, now) -> None:
        for one in received:
            if one.event.n == fail_on:
                raise RuntimeError("cannot digest")
        seen.extend(one.event.n for one in received)

    return Consumer(database, bus, "registry", "permits", {Happened: note}, Clock())


async def test_what_is_committed_arrives_once_even_when_offered_again(database, bus, settings):
    seen: list[int] = []
    await tell(database, *range(700))
    async with running(relay_of(settings, bus), collecting(database, bus, seen)):
        await until(lambda: _is(len(seen) == 700))
        async with database.tx() as tx:
            assert await outbox.reoffer(tx) == 700
        await bus.js.purge_stream(bus.stream("permits"))
        await tell(database, 700)
        await until(lambda: _is(len(seen) >= 701))
    assert sorted(seen) == list(range(701))


async def test_a_lower_number_committed_later_is_still_sent(database, bus, settings):
    seen: list[int] = []
    async with running(relay_of(settings, bus), collecting(database, bus, seen)):
        async with database.tx() as slow:
            await outbox.record(slow, ACTOR, Happened(n=1), subject=1, now=now())
            await tell(database, 2)
            await until(lambda: _is(seen == [2]))
        await until(lambda: _is(seen == [2, 1]))


async def test_a_rolled_back_change_tells_nothing(database, bus, settings):
    with pytest.raises(RuntimeError):
        async with database.tx() as tx:
            await outbox.record(tx, ACTOR, Happened(n=1), subject=1, now=now())
            raise RuntimeError
    assert await scalar(database, "SELECT count(*) FROM outbox") == 0


async def test_only_the_bad_message_is_parked(database, bus, settings, monkeypatch):
    monkeypatch.setattr(inbox, "LAST_TRY", 2)
    seen: list[int] = []
    await tell(database, 1, 2, 3)
    async with running(relay_of(settings, bus), collecting(database, bus, seen, fail_on=2)):
        await until(lambda: _is(sorted(set(seen)) == [1, 3]))
        await until(lambda: _parked(database, 1))
    assert "cannot digest" in await scalar(database, "SELECT error FROM parked")


async def test_an_unreadable_message_is_kept_and_does_not_block(database, bus, settings):
    seen: list[int] = []
    await bus.js.publish(bus.subject(Happened.type), b"not json at all")
    await tell(database, 5)
    async with running(relay_of(settings, bus), collecting(database, bus, seen)):
        await until(lambda: _is(seen == [5]))
    assert await scalar(database, "SELECT payload FROM parked") == b"not json at all"


async def test_two_relays_send_each_event_once(database, bus, settings):
    await tell(database, *range(50))
    async with running(relay_of(settings, bus), relay_of(settings, bus)):
        await until(lambda: _unsent(database, 0))
    info = await bus.js.stream_info(bus.stream("permits"))
    assert info.state.messages == 50


async def test_an_open_writer_holds_the_watermark_back(database, bus, settings):
    async with running(relay_of(settings, bus)), database.tx() as open_writer:
        began = (await open_writer.execute(sa.text("SELECT now()"))).scalar_one()
        await asyncio.sleep(2.5)
        until_, _ = await bus.watermark("permits")
        assert until_ < began


async def _is(truth: bool) -> bool:
    return truth


async def _parked(database, number: int) -> bool:
    return await scalar(database, "SELECT count(*) FROM parked") == number


async def _unsent(database, number: int) -> bool:
    return await scalar(database, "SELECT count(*) FROM outbox WHERE sent_at IS NULL") == number
