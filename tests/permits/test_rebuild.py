"""The copies filled anew from the registry's stream on a real NATS server."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from contracts.envelope import ActorRef, Envelope, Event
from contracts.registry import OrganisationChanged, UnitChanged
from kernel.bus import Bus
from kernel.db import Database
from services.permits import jobs
from tests.fixtures.servers import OpenBroker
from tests.permits import world
from tests.permits.world import NOW

pytestmark = pytest.mark.database


@pytest.fixture
async def bus(nats_server: OpenBroker) -> AsyncIterator[Bus]:
    opened = Bus(world.settings(nats_url=nats_server.url("permits"), stream_prefix=f"t{uuid4().hex[:8]}."))
    await opened.connect(wait=True)
    await opened.ensure_stream("registry")
    yield opened
    await opened.close()


async def publish(bus: Bus, *events: Event) -> None:
    for event in events:
        envelope = Envelope(
            id=uuid4(), source="registry", type=event.type, subject="x", time=NOW,
            actor=ActorRef(id="a", org="b", kind="system"), data=event.model_dump(mode="json"),
        )  # fmt: skip
        await bus.js.publish(bus.subject(event.type), envelope.model_dump_json().encode())


async def held(database: Database) -> list[Any]:
    async with database.read() as read:
        units = await read.execute(sa.text("SELECT id, no, name FROM unit_copy ORDER BY id"))
        mandates = await read.execute(sa.text("SELECT org, function FROM mandate_copy ORDER BY 1, 2"))
        return [*(tuple(row) for row in units), *(tuple(row) for row in mandates)]


async def test_bent_copies_come_back_as_the_stream_says(committed: Database, bus: Bus) -> None:
    newer = world.UNITS[1].model_copy(update={"no": 2, "name": "Phường 4 mới"})
    await publish(
        bus,
        UnitChanged(items=world.UNITS),
        OrganisationChanged(items=world.ORGANISATIONS),
        UnitChanged(items=[newer]),
    )
    before = await held(committed)
    async with committed.tx() as tx:
        await tx.execute(sa.text("UPDATE unit_copy SET name = 'bent', no = 99"))
        await tx.execute(sa.text("DELETE FROM mandate_copy"))
    said = await jobs.rebuild_copies(committed, bus)
    assert said == f"{len(world.UNITS) + 1} statements on units and {len(world.ORGANISATIONS)} on organisations taken"
    after = await held(committed)
    assert [row for row in after if row not in before] == [("32002@2023", 2, "Phường 4 mới")]
    assert len(after) == len(before)


async def test_a_stream_with_holes_is_no_source(committed: Database, bus: Bus) -> None:
    await publish(bus, UnitChanged(items=world.UNITS), UnitChanged(items=world.UNITS))
    await bus.js.delete_msg(bus.stream("registry"), 1)
    before = await held(committed)
    with pytest.raises(SystemExit, match="republish"):
        await jobs.rebuild_copies(committed, bus)
    assert await held(committed) == before
    await publish(bus, OrganisationChanged(items=world.ORGANISATIONS))
    await jobs.rebuild_copies(committed, bus, republished=True)
    assert await held(committed) == before
