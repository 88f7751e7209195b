"""What the worker does: deadlines that pass, events that come doubled, late and shuffled, a calendar that changes."""

import random
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import ActorRef, Envelope, Event
from contracts.registry import OrganisationChanged, UnitChanged
from kernel.inbox import Received, apply
from services.permits import commands, jobs, queries
from services.permits.commands.publish import publish_calendar
from services.permits.domain.application import Decision, Opinion
from services.permits.domain.calendar import CalendarDay, CalendarFile
from services.permits.handlers import HANDLERS
from services.permits.queries.verify import faults
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, HUNG, LAN, MINH, NOW, local, settings

pytestmark = pytest.mark.database


async def state(tx: AsyncSession, receipt: commands.Receipt) -> str:
    return (await queries.application(tx, receipt.id, actor=HUNG)).state


async def test_silence_of_the_authority_is_complete_and_of_the_asked_is_agreement(database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 12, 23, 59)) == 0
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 13, 0, 0)) == 1
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 13, 0, 1)) == 0
    async with database.tx() as tx:
        assert await state(tx, receipt) == "under_review"
        dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
        await commands.give_opinion(
            tx, LAN, dossier, "construction", Opinion("agree"), settings=settings(), now=local(2026, 2, 13, 9)
        )
    # Asked on Friday 13/02, before Tết: five working days end on Friday 27/02.
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 27, 12)) == 0
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 28, 0, 5)) == 2
    async with database.tx() as tx:
        assert await state(tx, receipt) == "ready"
        events = await tx.execute(
            sa.text(
                "SELECT envelope->'actor'->>'kind', envelope->'data'->>'outcome' FROM outbox WHERE subject LIKE :s"
                " ORDER BY seq"
            ),
            {"s": "%opinion%"},
        )
        assert [tuple(row) for row in events] == [("person", "agree"), ("system", "silent"), ("system", "silent")]
        entry = await tx.execute(
            sa.text("SELECT effective_on FROM clock_event WHERE clock='completeness' AND kind='stop'")
        )
        assert entry.scalar_one() == date(2026, 2, 12)


async def test_a_late_answer_is_kept_and_marked(database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
        dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
        await commands.accept(tx, LAN, dossier, settings=settings(), now=local(2026, 2, 10, 9))
    assert await jobs.pass_deadlines(database, settings(), local(2026, 2, 27)) == 3
    async with database.tx() as tx:
        dossier = await queries.application(tx, receipt.id, actor=MINH, lock=True)
        late = Opinion("disagree", "Trong hành lang")
        await commands.give_opinion(
            tx, MINH, dossier, "transport", late, settings=settings(), now=local(2026, 2, 27, 9)
        )
        found = await queries.detail(tx, receipt.id, actor=HUNG)
        transport = found["reviews"][1]
        assert (transport["outcome"], transport["late"], transport["silent_on"]) == ("disagree", True, "2026-02-24")
        assert found["state"] == "ready"


async def test_a_new_calendar_reads_the_running_clocks_anew(database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
        old = await queries.newest_calendar(tx, world.AREA)
        day = CalendarDay(day=date(2026, 2, 10), kind="off", vi="Bão", en="Storm", source="test")
        changed = CalendarFile(
            area=old.area,
            no=2,
            starts_on=old.starts_on,
            ends_on=old.ends_on,
            cutoff=old.cutoff,
            half_cutoff=old.half_cutoff,
            source="test",
            days=[*old.days, day],
        )
        before = (await queries.detail(tx, receipt.id, actor=AN))["clocks"]
        await publish_calendar(tx, changed, "hash", NOW)
        after = (await queries.detail(tx, receipt.id, actor=AN))["clocks"]
        due = [[c["due_on"] for c in clocks] for clocks in (before, after)]
        assert due == [["2026-02-12", "2026-03-02"], ["2026-02-13", "2026-03-03"]]
        traced = await queries.clocks(tx, receipt.id, actor=AN, area=world.AREA, now=NOW)
        assert traced.calendar == "96.2"
    assert await faults(database) == []


def received(event: Event) -> Received[Any]:
    envelope = Envelope(
        id=uuid4(),
        source="registry",
        type=event.type,
        subject="x",
        time=NOW,
        actor=ActorRef(id="a", org="b", kind="system"),
        data={},
    )
    return Received(envelope, event)


async def deliver(tx: AsyncSession, batch: list[Received[Any]]) -> None:
    handlers = {event.type: (event, handler) for event, handler in HANDLERS.items()}
    await apply(tx, "registry", batch, handlers, NOW)


async def content(tx: AsyncSession) -> list[Any]:
    found = []
    for copy in ("unit_copy", "organisation_copy", "mandate_copy"):
        rows = await tx.execute(sa.text(f"SELECT CAST(t AS text) FROM {copy} t ORDER BY 1"))
        found.append(list(rows.scalars()))
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_the_copies_end_alike_however_the_events_come(tx: AsyncSession, seed: int) -> None:
    units = [
        UnitChanged(items=[world.UNITS[1].model_copy(update={"no": no, "name": f"Phường {no}"})]) for no in range(2, 6)
    ]
    organisations = [
        OrganisationChanged(items=[world.organisation("SXD", *held, no=no)])
        for no, held in enumerate([[world.mandate("construction")], [], [world.mandate("transport")]], 2)
    ]
    events = [received(event) for event in (*units, *organisations)]
    for one in events:
        await deliver(tx, [one])
    expected = await content(tx)
    assert "Phường 5" in str(expected)
    await commands.empty_copies(tx)
    await world.populate(tx)
    shuffled = [received(one.event) for one in events * 2]
    random.Random(seed).shuffle(shuffled)
    for start in range(0, len(shuffled), 3):
        await deliver(tx, shuffled[start : start + 3])
    assert await content(tx) == expected


async def test_the_same_delivery_twice_is_one_effect(tx: AsyncSession) -> None:
    one = received(UnitChanged(items=[world.UNITS[1].model_copy(update={"no": 9, "name": "Mới"})]))
    await deliver(tx, [one, one])
    await tx.execute(sa.text("UPDATE unit_copy SET name = 'sentinel'"))
    await deliver(tx, [one])
    assert "Mới" not in str(await content(tx))


async def test_verify_finds_what_was_bent(database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
        dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
        await commands.accept(tx, LAN, dossier, settings=settings(), now=local(2026, 2, 10, 9))
        dossier = await queries.application(tx, receipt.id, actor=HUNG, lock=True)
        said = Decision("no_objection", reason="khẩn")
        await commands.decide(tx, HUNG, dossier, said, settings=settings(), now=local(2026, 2, 11, 9))
    assert await faults(database) == []
    async with database.tx() as tx:
        await tx.execute(sa.text("UPDATE deadline SET due_on = due_on + 1 WHERE clock = 'decision'"))
        await tx.execute(sa.text("UPDATE number_series SET last = last + 1 WHERE series = 'SXD:TBXD'"))
        await tx.execute(sa.text("UPDATE outbox SET envelope = '{}' WHERE subject = 'permits.application.decided.v1'"))
        await tx.execute(sa.text("UPDATE file_chunk SET bytes = 'bent'"))
    found = " | ".join(await faults(database))
    for said_ in ("deadline of decision", "SXD:TBXD/2026", "its event differ", "no longer has the content"):
        assert said_ in found


async def test_unused_files_go_and_used_ones_stay(database: RolledBack) -> None:
    async with database.tx() as tx:
        await world.stored(tx, AN)
        await world.filed(tx)
    assert await jobs.expire_files(database, settings(), local(2026, 11, 25, 8, 59)) == 0
    assert await jobs.expire_files(database, settings(), local(2026, 11, 25, 9, 1)) == 1
    async with database.read() as read:
        assert (await read.execute(sa.text("SELECT count(*) FROM file"))).scalar_one() == 1
