"""A poisoned message: parked, shown, mended, redriven, and its effect is there once."""

import json

import pytest
import sqlalchemy as sa

from contracts.envelope import ActorRef, Envelope
from kernel import parked
from kernel.auth import Actor, system
from kernel.bus import Bus
from kernel.db import Database, new_id
from kernel.worker import Duties, Worker
from tests.kernel.conftest import Happened, now

pytestmark = pytest.mark.database
ADMIN = Actor(id="quantri", org="SKHCN", kind="person", capabilities=frozenset({"administrator"}))


def envelope(n: object) -> bytes:
    made = Envelope(
        id=new_id(),
        source="permits",
        type=Happened.type,
        subject="1",
        time=now(),
        actor=ActorRef(id="t", org="T", kind="system"),
        data={"n": n},
    )
    return made.model_dump_json().encode()


@pytest.fixture
async def worker(database: Database, settings):
    seen: list[int] = []

    async def note(tx, received, *, now) -> None:
        for one in received:
            if one.event.n == 13:
                raise RuntimeError("cannot digest 13")
            seen.append(one.event.n)

    made = Worker(settings, Duties({Happened: note}))
    made.seen = seen  # type: ignore[attr-defined]
    yield made
    await made._database.close()


async def park(database: Database, payload: bytes, number: int = 7) -> str:
    async with database.tx() as tx:
        await parked.park(tx, "permits", number, Happened.type, payload, "RuntimeError()", now=now())
    return f"permits-{number}"


async def found(database: Database, identifier: str) -> parked.Parked:
    async with database.read() as read:
        return await parked.message(read, identifier)


async def ask(database: Database, identifier: str) -> None:
    async with database.tx() as tx:
        await parked.ask_redrive(tx, ADMIN, "registry", identifier, now=now())


async def mend(database: Database, identifier: str, text: str) -> None:
    async with database.tx() as tx:
        await parked.mend(tx, ADMIN, "registry", identifier, text, now=now())


async def acts(database: Database) -> list[str]:
    async with database.read() as read:
        return list((await read.execute(sa.text("SELECT act FROM audit ORDER BY seq"))).scalars())


async def test_a_mended_message_has_its_effect_once(database, worker):
    poisoned = envelope(13)
    identifier = await park(database, poisoned)
    await ask(database, identifier)
    await worker._redrive()
    failed = await found(database, identifier)
    assert (failed.state, failed.tries) == ("waiting", 1)
    assert "cannot digest 13" in failed.error

    text = json.dumps({**json.loads(poisoned), "data": {"n": 14}})
    await mend(database, identifier, text)
    await ask(database, identifier)
    await worker._redrive()
    await worker._redrive()
    assert worker.seen == [14]
    done = await found(database, identifier)
    assert (done.state, done.original, done.text) == ("redriven", poisoned, text)
    assert await acts(database) == ["registry:parked:redrive", "registry:parked:mend", "registry:parked:redrive"]


async def test_what_the_inbox_knows_has_no_second_effect(database, worker):
    payload = envelope(1)
    for number in (1, 2):
        await ask(database, await park(database, payload, number))
    await worker._redrive()
    assert worker.seen == [1]
    assert (await found(database, "permits-2")).state == "redriven"


async def test_a_mending_keeps_the_id_and_is_a_message(database):
    identifier = await park(database, envelope(1))
    for text in ("nonsense", "{}", envelope(2).decode()):
        with pytest.raises(parked.MessageUnreadable):
            await mend(database, identifier, text)


async def test_dropped_is_settled_and_says_why(database):
    identifier = await park(database, b"nonsense")
    with pytest.raises(parked.DropReasonMissing):
        async with database.tx() as tx:
            await parked.drop(tx, ADMIN, "registry", identifier, " ", now=now())
    async with database.tx() as tx:
        await parked.drop(tx, ADMIN, "registry", identifier, "sent by mistake", now=now())
    with pytest.raises(parked.ParkedMessageSettled):
        await ask(database, identifier)
    async with database.read() as read:
        assert await parked.waiting(read) == 0
        assert [each.id for each in await parked.messages(read, state="dropped")] == [identifier]
        after = (await read.execute(sa.text("SELECT after FROM audit"))).scalar_one()
    assert after["reason"] == "sent by mistake"


async def test_a_new_streams_old_number_makes_room_only_when_settled(database):
    identifier = await park(database, b"first")
    with pytest.raises(RuntimeError, match="another message"):
        await park(database, b"second")
    async with database.tx() as tx:
        await parked.drop(tx, system("t"), "registry", identifier, "no", now=now())
    await park(database, b"second")
    assert (await found(database, identifier)).state == "waiting"


@pytest.mark.parametrize("identifier", ["", "permits", "permits-x", "permits-99", "permits-" + "9" * 30])
async def test_an_unknown_one_is_not_there(database, identifier):
    with pytest.raises(parked.NoSuchParkedMessage):
        await found(database, identifier)


async def test_pages_of_the_list_follow_each_other(database):
    for number in range(5):
        await park(database, b"x", number)
    async with database.read() as read:
        first = await parked.messages(read, limit=3)
        rest = await parked.messages(read, after=(first[-1].parked_at, first[-1].id), limit=3)
    assert [each.stream_seq for each in first + rest] == [4, 3, 2, 1, 0]


def test_the_bus_is_named_after_its_user(settings):
    assert Bus(settings).name == "permits"
