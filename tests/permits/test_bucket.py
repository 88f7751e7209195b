"""Parts on their way to the bucket of a real NATS server, and filing while it is away."""

import hashlib
import os
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from kernel.auth import Actor
from kernel.bus import Bus
from kernel.db import Database, new_id
from kernel.errors import Unavailable
from services.permits import commands, jobs, queries
from services.permits.clients import Parts
from tests.fixtures.servers import OpenBroker
from tests.permits import world
from tests.permits.world import AN, NOW, local, settings

pytestmark = pytest.mark.database


@pytest.fixture
async def bus(nats_server: OpenBroker) -> AsyncIterator[Bus]:
    opened = Bus(settings(nats_url=nats_server.url("permits"), stream_prefix=f"t{uuid4().hex[:8]}."))
    await opened.connect(wait=True)
    yield opened
    await opened.close()


async def store(database: Database, content: bytes, actor: Actor = AN) -> UUID:
    async def body() -> AsyncIterator[bytes]:
        yield content

    async with commands.take(body(), "a.pdf", settings()) as taken, database.tx() as tx:
        return (await commands.store_file(tx, actor, taken, file_id=new_id(), now=NOW)).id


async def back(database: Database, bus: Bus, file_id: UUID) -> bytes:
    async with database.read() as read:
        row = await queries.file(read, file_id, actor=AN)
    return b"".join([piece async for piece in queries.content(database, bus, row)])


def large() -> bytes:
    """A PDF of three chunks and a bit: a comment in the middle."""
    head, tail = world.pdf().split(b"xref\n", 1)
    padding = b"%" + os.urandom(1_600_000).hex().encode() + b"\n"
    start = int(tail.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    return head + padding + b"xref\n" + tail.replace(b"%d\n%%%%EOF" % start, b"%d\n%%%%EOF" % (start + len(padding)))


async def test_a_file_moves_to_the_bucket_and_is_read_from_there(committed: Database, bus: Bus) -> None:
    content = large()
    file_id = await store(committed, content)
    assert await back(committed, bus, file_id) == content
    assert await jobs.move_parts(committed, bus, NOW) == 1
    assert await jobs.move_parts(committed, bus, NOW) == 0
    assert await Parts(bus).holds(hashlib.sha256(content).hexdigest())
    assert await jobs.drop_chunks(committed, settings(), local(2026, 11, 29)) == 0
    assert await jobs.drop_chunks(committed, settings(), local(2026, 12, 1)) == 1
    async with committed.read() as read:
        assert (await read.execute(sa.text("SELECT count(*) FROM file_chunk"))).scalar_one() == 0
    assert await back(committed, bus, file_id) == content


async def test_filing_goes_on_while_the_broker_is_away(committed: Database) -> None:
    away = Bus(settings())
    file_id = await store(committed, world.pdf())
    assert await jobs.move_parts(committed, away, NOW) == 0
    async with committed.tx() as tx:
        receipt = await world.filed(tx)
    assert receipt.number == "HS-2026-00001"
    assert await back(committed, away, file_id) == world.pdf()


async def test_a_part_that_only_an_absent_bucket_has_is_unavailable_and_not_lost(committed: Database, bus: Bus) -> None:
    file_id = await store(committed, world.pdf())
    await jobs.move_parts(committed, bus, NOW)
    await jobs.drop_chunks(committed, settings(), local(2026, 12, 1))
    with pytest.raises(Unavailable):
        await back(committed, Bus(settings()), file_id)


async def test_objects_that_no_row_names_are_swept_when_old(committed: Database, bus: Bus) -> None:
    kept, unused = large(), world.pdf()
    for content in (kept, unused):
        await store(committed, content)
    await jobs.move_parts(committed, bus, NOW)
    async with committed.tx() as tx:
        await tx.execute(sa.text("DELETE FROM file WHERE size < 2000"))
    later = local(2099, 1, 1)
    assert await jobs.sweep_bucket(committed, bus, settings(), local(2020, 1, 1)) == 0
    assert await jobs.sweep_bucket(committed, bus, settings(), later) == 1
    assert await Parts(bus).holds(hashlib.sha256(kept).hexdigest())
    assert not await Parts(bus).holds(hashlib.sha256(unused).hexdigest())
