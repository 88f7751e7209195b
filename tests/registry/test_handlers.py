"""What follows from permits' events: once, whatever comes twice, late, together or in the wrong order."""

import asyncio
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa

from contracts.envelope import ActorRef, Envelope
from contracts.permits import ApplicationDecided, Site, WorksCommenced, WorksCompleted
from kernel.db import new_id
from kernel.inbox import Received, apply, by_stream
from services.registry.commands.permits import StructureNotKnownYet
from services.registry.domain.times import times
from services.registry.handlers import HANDLERS
from services.registry.queries import proof, structures
from tests.registry.conftest import NOW, OFFICER, committing

MAST, APPLICATION = UUID("01a20fe5-7ef0-730f-96c6-000000000001"), UUID("01a20fe5-7ef0-730f-96c6-0000000000aa")
KNOWN = {event.type: (event, handler) for event, handler in HANDLERS.items()}


def received(event, number=None):
    envelope = Envelope(
        id=number or new_id(), source="permits", type=event.type, subject=str(APPLICATION), time=NOW,
        actor=ActorRef(id="sxd.hung", org="SXD", kind="person"), data=event.model_dump(mode="json"),
    )  # fmt: skip
    return Received(envelope, event)


def dossier(version, **more):
    return {
        "application_id": APPLICATION, "number": "HS-2026-00001", "version": version, "applicant": "VIETTEL",
        "procedure": "mast.new.notice@1", **more,
    }  # fmt: skip


def decided(may_build=True, **site):
    place = {
        "no": 1, "structure_id": MAST, "kind": "mast", "name": "CMU-0999", "code": ("ND163", "A1"), "height_m": "42",
        "lon": 104.84, "lat": 9.05, "commune": "32098@2025-07", "capacity": 3, **site,
    }  # fmt: skip
    return ApplicationDecided(
        **dossier(5), outcome="no_objection" if may_build else "objection", may_build=may_build,
        decision_number="12/2026", decided_on=date(2026, 11, 10), sites=[Site(**place)],
    )  # fmt: skip


def commenced(on=date(2026, 11, 12), mast=MAST):
    return WorksCommenced(**dossier(6), structure_ids=[mast], on=on)


def completed(on=date(2026, 11, 18), mast=MAST):
    return WorksCompleted(**dossier(7), structure_ids=[mast], on=on)


async def take(database, *batch):
    async with database.tx() as tx:
        await apply(tx, "permits", batch, KNOWN, NOW)


async def found(database, day=date(2026, 11, 20)):
    import orjson

    async with database.read() as read:
        one = await structures.structure(read, OFFICER, "mast", MAST, times(day, None, NOW))
    return None if one is None else orjson.loads(one.item)


async def told(database):
    async with database.read() as read:
        statement = "SELECT count(*) FROM outbox WHERE subject = 'registry.structure.changed.v1'"
        return (await read.execute(sa.text(statement))).scalar_one()


def test_only_the_permits_stream_is_listened_to():
    assert list(by_stream(HANDLERS)) == ["permits"]


async def test_a_decision_brings_the_mast_into_the_registry(database):
    await take(database, received(decided()))
    mast = await found(database)
    assert (mast["status"], mast["owner"], mast["valid_from"], mast["evidence"]) == (
        "permitted", "VIETTEL", "2026-11-10", 3,
    )  # fmt: skip
    assert mast["application_id"] == str(APPLICATION)
    assert mast["facts"]["status"]["evidence_ref"]["decision"] == "12/2026"
    assert await found(database, date(2026, 11, 9)) is None


async def test_a_refusal_creates_nothing(database):
    await take(database, received(decided(may_build=False)))
    assert await found(database) is None


async def test_the_whole_life_in_one_batch(database):
    await take(database, received(decided()))
    await take(database, received(commenced()), received(completed()))
    assert [(await found(database, date(2026, 11, d)))["status"] for d in (11, 12, 18)] == [
        "permitted",
        "under_construction",
        "in_service",
    ]
    mast = await found(database)
    assert (mast["facts"]["status"]["evidence"], mast["version"]) == (4, 3)


@pytest.mark.parametrize("event", [decided(), commenced(), completed()])
async def test_the_same_delivery_twice_is_one_effect(database, event):
    await take(database, received(decided()))
    one = received(event)
    await take(database, one)
    before = await told(database)
    await take(database, one)
    await take(database, one, one)
    assert await told(database) == before


@pytest.mark.parametrize("event", [decided(height_m="99"), commenced(), completed()])
async def test_the_same_fact_under_another_id_is_no_second_effect(database, event):
    await take(database, received(decided()), received(commenced()), received(completed()))
    before, mast = await told(database), await found(database)
    await take(database, received(event))
    assert (await told(database), await found(database)) == (before, mast)


async def test_a_completion_that_comes_first_is_not_undone_by_the_commencement(database):
    await take(database, received(decided()))
    await take(database, received(completed()))
    await take(database, received(commenced()))
    assert [(await found(database, date(2026, 11, d)))["status"] for d in (12, 18)] == [
        "under_construction",
        "in_service",
    ]


async def test_both_notices_of_one_day_end_in_service_in_either_order(database):
    day = date(2026, 11, 12)
    await take(database, received(decided()))
    await take(database, received(completed(day)))
    await take(database, received(commenced(day)))
    assert (await found(database))["status"] == "in_service"


@pytest.mark.parametrize("event", [commenced(), completed()])
async def test_a_notice_that_overtook_its_decision_comes_again(database, event):
    with pytest.raises(StructureNotKnownYet):
        await take(database, received(event))
    await take(database, received(decided()), received(event))
    assert (await found(database))["status"] == event_status(event)


def event_status(event):
    return "under_construction" if isinstance(event, WorksCommenced) else "in_service"


async def test_a_decision_that_comes_after_a_later_fact_changes_nothing(database):
    await take(database, received(decided()), received(completed()))
    await take(database, received(decided(height_m="99")))
    mast = await found(database)
    assert (mast["status"], mast["height_m"]) == ("in_service", "42.00")


@pytest.mark.parametrize("make", [decided, commenced, completed])
async def test_two_at_the_same_time_have_one_effect(fresh_database, make):
    async with committing(fresh_database("registry").url) as database:
        if make is not decided:
            await take(database, received(decided()))
        before = await told(database)
        await asyncio.gather(*(take(database, received(make())) for _ in range(6)))
        assert await told(database) == before + 1
        assert await proof.faults(database) == []


async def test_a_change_by_hand_and_an_event_at_the_same_time_are_both_kept(fresh_database):
    from services.registry.commands import structures as commands
    from services.registry.domain.structure import MastFacts
    from tests.registry.conftest import REGISTRAR

    async with committing(fresh_database("registry").url) as database:
        await take(database, received(decided()))

        async def by_hand():
            async with database.tx() as tx:
                await commands.change(
                    tx, REGISTRAR, "mast", MAST, MastFacts(capacity=5), valid_from=date(2026, 11, 11), now=NOW
                )

        await asyncio.gather(by_hand(), take(database, received(commenced())), by_hand())
        mast = await found(database)
        assert (mast["capacity"], mast["status"], mast["version"]) == (5, "under_construction", 4)
        assert await proof.faults(database) == []
