"""What needs commits: two at once, and the worker between a real broker and a real database."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa

from contracts.envelope import ActorRef, Envelope, Event
from contracts.registry import OrganisationChanged, StationChanged, StructureChanged, UnitChanged
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.db import Database, new_id
from kernel.inbox import Consumer
from kernel.tasks import end
from services.sharing.commands import copies, proof
from services.sharing.commands.agreements import agree
from services.sharing.domain.agreement import Terms
from services.sharing.domain.refusals import AgreementOverlaps
from services.sharing.handlers import HANDLERS
from services.sharing.queries import ratios
from services.sharing.queries.digests import digests
from services.sharing.settings import SharingSettings
from services.sharing.tables import AgreementKind
from tests.fixtures.servers import OpenBroker, ServiceDatabase
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, ORGANISATIONS, VIETTEL, VNPT, Province

pytestmark = pytest.mark.database
ROOT = Path(__file__).parents[2]


async def test_two_agreements_of_one_pair_at_once_make_one(fresh_database: Callable[[str], ServiceDatabase]):
    database = Database(fresh_database("sharing").url, 4)
    province = Province(database)
    await province.prepare()
    mast = await province.mast()

    async def record(actor: object, start: date) -> bool:
        try:
            async with database.tx() as tx:
                await agree(tx, actor, mast, "VNPT", Terms("lease", start), now=NOW)  # type: ignore[arg-type]
        except AgreementOverlaps:
            return False
        return True

    starts = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    done = await asyncio.gather(*(record(actor, day) for actor in (VIETTEL, VNPT) for day in starts))
    assert sorted(done) == [False] * 5 + [True]
    assert await proof.faults(database) == []
    await database.close()


async def test_what_an_object_was_made_or_changed_to_is_kept(fresh_database: Callable[[str], ServiceDatabase]):
    database = Database(fresh_database("sharing").url, 2)
    async with database.tx() as tx:
        tx.add(AgreementKind(code="swap", title_vi="a", title_en="a", source="x"))
    async with database.tx() as tx:
        kind = await tx.get(AgreementKind, "swap")
        kind.title_vi = "b"
    async with database.read() as read:
        assert (await read.get(AgreementKind, "swap")).title_vi == "b"
    await database.close()


async def test_an_agreement_and_a_station_at_once_are_both_counted(fresh_database: Callable[[str], ServiceDatabase]):
    database = Database(fresh_database("sharing").url, 6)
    province = Province(database)
    await province.prepare()
    masts = [await province.mast("OCK") for _ in range(6)]
    ock = VIETTEL.__class__("ock", "OCK", "person", capabilities=frozenset({"owner"}))
    await asyncio.gather(
        *(province.agree(mast, "VNPT", actor=ock) for mast in masts),
        *(province.station(mast, "VIETTEL") for mast in masts),
    )
    assert await proof.faults(database) == []
    async with database.read() as read:
        shared = await read.execute(
            sa.text("SELECT count(DISTINCT structure_id) FROM ratio_span WHERE shared AND recorded_to = 'infinity'")
        )
        assert shared.scalar_one() == 6
    await database.close()


def envelope(event: Event, event_id: object = None) -> bytes:
    made = Envelope(
        id=event_id or new_id(),  # type: ignore[arg-type]
        source="registry",
        type=event.type,
        subject="import",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        actor=ActorRef(id="demo", org="DEMO", kind="system"),
        data=event.model_dump(mode="json"),
    )
    return made.model_dump_json().encode()


@asynccontextmanager
async def connected(nats_server: OpenBroker, database: ServiceDatabase) -> AsyncIterator[tuple[SharingSettings, Bus]]:
    settings = SharingSettings(
        name="sharing",
        database_url=database.url,
        nats_url=nats_server.url("sharing"),
        form_key="tests",
        demo=True,
        stream_prefix=f"t{uuid4().hex[:8]}.",
    )
    bus = Bus(settings)
    await bus.connect(wait=True)
    await bus.ensure_stream("registry")
    yield settings, bus
    await bus.js.delete_stream(bus.stream("registry"))
    await bus.close()


def story() -> list[bytes]:
    """Forty masts with a station each, in events of ten items; told twice, stations first, one event twice."""
    log = [tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")]
    station = [tellings.register(date(2021, 1, 1), operator="VNPT", status="active", evidence=4)]
    ids = [uuid4() for _ in range(40)]
    masts = [i for n, key in enumerate(ids) for i in tellings.structure_items(key, f"CM-M-{n:06}-0", log)]
    stations = [i for key in ids for i in tellings.station_items(uuid4(), key, station)]
    organisations = [i for spec in ORGANISATIONS for i in tellings.organisation(*spec)]
    events: list[Event] = [StationChanged(items=stations[n : n + 10]) for n in range(0, 40, 10)]
    events += [StructureChanged(items=masts[n : n + 10]) for n in range(0, 40, 10)]
    events += [UnitChanged(items=tellings.units()), OrganisationChanged(items=organisations)]
    told = [envelope(event) for event in events]
    return [*told, told[0], *[envelope(event) for event in events]]


async def told(bus: Bus, messages: list[bytes]) -> None:
    for message in messages:
        kind = Envelope.model_validate_json(message).type
        await bus.js.publish(bus.subject(kind), message)


async def test_the_worker_fills_the_copies_and_they_can_be_rebuilt(
    nats_server: OpenBroker, fresh_database: Callable[[str], ServiceDatabase]
):
    prepared = fresh_database("sharing")
    async with connected(nats_server, prepared) as (settings, bus):
        await told(bus, story())
        info = await bus.js.stream_info(bus.stream("registry"))
        mark = datetime(2026, 11, 1, tzinfo=UTC)
        await bus.put_watermark("registry", mark, info.state.last_seq)
        database = Database(prepared.url, 4)
        consumer = Consumer(database, bus, "sharing", "registry", HANDLERS, Clock())
        running = asyncio.create_task(consumer.run())
        try:
            await _reached(database, mark)
        finally:
            await end([running])
        assert await proof.faults(database) == []
        async with database.read() as read:
            held = await read.execute(sa.text("SELECT thing, count(*) AS held FROM belief GROUP BY thing"))
            assert {row.thing: row.held for row in held} == {
                "structure": 40,
                "station": 40,
                "organisation": len(ORGANISATIONS),
                "unit": len(tellings.units()),
            }
            assert (await read.execute(sa.text("SELECT count(*) FROM parked"))).scalar_one() == 0
        before = await digests(database)
        async with database.tx() as tx:
            await tx.execute(sa.text("DELETE FROM station_copy"))
        assert "differ from what is known" in (await asyncio.to_thread(_run, settings, "verify")).stderr
        rebuilt = await asyncio.to_thread(_run, settings, "rebuild", "all")
        assert "stations: 40 beliefs" in rebuilt.stdout, rebuilt.stderr
        verified = await asyncio.to_thread(_run, settings, "verify")
        assert (verified.returncode, verified.stdout.strip()) == (0, "sharing: well"), verified.stderr
        digest = await asyncio.to_thread(_run, settings, "digest")
        assert orjson.loads(digest.stdout) == before
        await database.close()


async def _reached(database: Database, mark: datetime) -> None:
    for _ in range(300):
        if await _until(database) == mark:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the copy never became complete")


async def _until(database: Database) -> datetime | None:
    async with database.read() as read:
        found = await read.execute(sa.text("SELECT until FROM watermark WHERE source = 'registry'"))
        return found.scalar_one_or_none()


def _run(settings: SharingSettings, *verb: str) -> "subprocess.CompletedProcess[str]":
    told = {
        "SHARING_DATABASE_URL": settings.database_url,
        "NATS_URL": settings.nats_url,
        "FORM_KEY": settings.form_key,
        "STREAM_PREFIX": settings.stream_prefix,
    }
    argv = [sys.executable, "-m", "services.sharing", *verb]
    return subprocess.run(argv, env={**os.environ, **told}, cwd=ROOT, capture_output=True, text=True, check=False)


async def test_1320_masts_of_which_155_are_shared(fresh_database: Callable[[str], ServiceDatabase]):
    database = Database(fresh_database("sharing").url, 2)
    province = Province(database)
    await province.prepare()
    log = [tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")]
    station = [tellings.register(date(2021, 1, 1), operator="VNPT", status="active")]
    ids = [uuid4() for _ in range(1320)]
    async with database.tx() as tx:
        items = [i for n, key in enumerate(ids) for i in tellings.structure_items(key, f"CM-M-{n:06}-0", log)]
        await copies.store_structures(tx, items)
        await copies.store_stations(tx, [i for key in ids[:155] for i in tellings.station_items(uuid4(), key, station)])

    async def figure() -> tuple[int, int, str]:
        async with database.read() as read:
            scope = await ratios.scope(
                read,
                actor=AUDITOR,
                kind="mast",
                as_of=date(2026, 11, 20),
                known_at=NOW,
                now=NOW,
                boundary_set="CM-2023",
            )
            found = orjson.loads(await ratios.ratio(read, scope))
            return found["shared"], found["counted"], found["percent"]

    assert await figure() == (155, 1320, "11.74")
    fresh = await province.mast()
    assert await figure() == (155, 1321, "11.73")
    await province.agree(fresh)
    assert await figure() == (156, 1321, "11.81")
    await province.mast(status="permitted")
    assert await figure() == (156, 1321, "11.81")
    await database.close()
