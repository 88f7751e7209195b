"""`verify`, `digest`, `rebuild`: what is well is said to be well, and each kind of harm is named."""

import hashlib
import random
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa

from contracts.envelope import Event
from contracts.registry import StationChanged, StructureChanged
from services.sharing.commands import copies, proof
from services.sharing.commands.rebuild import StreamIncomplete, rebuild
from services.sharing.queries.digests import digests
from tests.sharing import tellings
from tests.sharing.conftest import NOW, Province
from tests.sharing.test_order import random_world, record_agreements, snapshot, tell, telling

pytestmark = pytest.mark.database


@pytest.fixture
async def lived(province: Province) -> Province:
    rng = random.Random(11)
    world = random_world(rng, 10)
    await tell(province, telling(world), 1000)
    await record_agreements(province, world, rng)
    return province


async def test_a_lived_history_is_well(lived: Province):
    assert await proof.faults(lived.database) == []


async def test_nothing_at_all_is_well(province: Province):
    assert await proof.faults(province.database) == []


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("UPDATE ratio_delta SET num = num + 1 WHERE ctid = (SELECT min(ctid) FROM ratio_delta)", "naive count"),
        ("DELETE FROM ratio_span WHERE ctid = (SELECT min(ctid) FROM ratio_span)", "differ from what is known"),
        ("DELETE FROM belief WHERE thing = 'structure' AND no = 2", "lacks 1 beliefs"),
        ("UPDATE structure_copy SET recorded_to = recorded_from + interval '1 second'", "do not end where"),
        ("UPDATE structure_copy SET status = 'idle' WHERE status = 'in_service'", "differ from what is known"),
        (
            "DELETE FROM agreement_version WHERE ctid = (SELECT min(ctid) FROM agreement_version)",
            "differs from its log",
        ),
        (
            "UPDATE structure SET kind = NULL WHERE id IN (SELECT structure_id FROM station_copy)",
            "wait for their structure",
        ),
    ],
)
async def test_harm_is_found(harm: str, named: str, lived: Province):
    async with lived.database.tx() as tx:
        await tx.execute(sa.text(harm))
    assert any(named in fault for fault in await proof.faults(lived.database))


async def test_the_digest_is_of_the_sorted_lines(province: Province):
    mast = await province.mast()
    found = await digests(province.database)
    told = hashlib.sha256(f"{mast} 1\n".encode()).hexdigest()
    assert found["registry.structure"] == told
    believed = hashlib.sha256(f"{mast}|2020-01-01||VIETTEL|in_service|32005@2023|3|\n".encode()).hexdigest()
    assert found["registry.structure.believed"] == believed
    assert found["registry.station"] == found["agreement"] == hashlib.sha256(b"").hexdigest()


async def stream(*events: Event) -> AsyncIterator[list[Event]]:
    for event in events:
        yield [event]


async def test_a_rebuilt_copy_equals_the_one_before(province: Province):
    world = random_world(random.Random(5), 6)
    told = telling(world)
    await tell(province, told, 1000)
    before = await snapshot(province)
    structures = [item for store, item in told if store is copies.store_structures]
    stations = [item for store, item in told if store is copies.store_stations]
    async with province.database.tx() as tx:
        await tx.execute(sa.text("UPDATE structure_copy SET owner = 'NOBODY'"))
        await rebuild(tx, "structures", stream(*[StructureChanged(items=[item]) for item in structures]), now=NOW)
        await rebuild(tx, "stations", stream(StationChanged(items=stations)), now=NOW)
    assert await snapshot(province) == before


async def test_a_stream_with_a_hole_is_refused_and_nothing_is_lost(province: Province):
    log = [
        tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023"),
        tellings.change(2, "change", date(2023, 1, 1), {"status": "idle"}),
    ]
    items = tellings.structure_items(uuid4(), "CM-M-000001-0", log)
    async with province.database.tx() as tx:
        await copies.store_structures(tx, items)
    before = await snapshot(province)
    with pytest.raises(StreamIncomplete, match="1 beliefs"):
        async with province.database.tx() as tx:
            await rebuild(tx, "structures", stream(StructureChanged(items=items[1:])), now=NOW)
    assert await snapshot(province) == before
