"""A dossier from filing to the standing mast, in both regimes, through the commands."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import system
from kernel.clock import local_date
from kernel.db import new_id
from services.permits import commands, jobs, queries
from services.permits.domain.application import Decision, Opinion, PartDraft
from services.permits.queries.verify import faults
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_shipped import CASES
from tests.permits.world import AN, HOA, HUNG, LAN, MINH, local, settings

pytestmark = pytest.mark.database


async def locked(tx: AsyncSession, id: UUID, actor: object = HUNG) -> queries.Dossier:
    return await queries.application(tx, id, actor=actor, lock=True)  # type: ignore[arg-type]


async def subjects(tx: AsyncSession, id: UUID) -> list[str]:
    rows = await tx.execute(
        sa.text("SELECT subject FROM outbox WHERE envelope->>'subject' = :id ORDER BY seq"), {"id": str(id)}
    )
    return list(rows.scalars())


async def test_a_notice_of_today_ends_in_a_standing_mast(tx: AsyncSession) -> None:
    receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
    assert receipt.procedure == "mast.new.notice@1"
    assert receipt.number == "HS-2026-00001"
    assert (receipt.received_on, receipt.effective_on) == (date(2026, 2, 9), date(2026, 2, 9))
    assert receipt.due_on == date(2026, 2, 12)
    changed = await commands.accept(
        tx, LAN, await locked(tx, receipt.id), settings=settings(), now=local(2026, 2, 10, 9)
    )
    assert (changed.state, changed.due_on) == ("under_review", date(2026, 3, 2))
    for actor, function in ((LAN, "construction"), (MINH, "transport"), (HOA, "natural_resources")):
        dossier = await locked(tx, receipt.id, actor)
        changed = await commands.give_opinion(
            tx, actor, dossier, function, Opinion("agree"), settings=settings(), now=local(2026, 2, 11, 9)
        )
    assert changed.state == "ready"
    decided = await commands.decide(
        tx, HUNG, await locked(tx, receipt.id), Decision("no_objection"), settings=settings(), now=local(2026, 2, 12, 9)
    )
    assert (decided.state, decided.decision_number) == ("decided", "1/2026/TBXD-SXD")
    for kind, on in (("commencement", date(2026, 2, 24)), ("completion", date(2026, 3, 20))):
        dossier = await locked(tx, receipt.id, AN)
        changed = await commands.notify_works(tx, AN, dossier, kind, on, now=local(2026, 3, 20, 10))
    assert changed.state == "closed"
    assert await subjects(tx, receipt.id) == [
        "permits.application.filed.v1",
        "permits.application.accepted.v1",
        "permits.opinion.given.v1",
        "permits.opinion.given.v1",
        "permits.opinion.given.v1",
        "permits.application.decided.v1",
        "permits.works.commenced.v1",
        "permits.works.completed.v1",
    ]
    state = (await tx.execute(sa.text("SELECT count(*) FROM deadline WHERE state <> 'stopped'"))).scalar_one()
    assert state == 0


FIRST_CASES = {case["procedure"]: case for case in reversed(CASES)}


@pytest.mark.parametrize("label", sorted(FIRST_CASES))
async def test_a_dossier_of_each_shipped_procedure_runs_to_its_end_by_the_clock_alone(
    database: RolledBack, label: str
) -> None:
    """Received, then silence: complete and agreed to by the worker, day by day; decided by the lead, built, closed."""
    case = FIRST_CASES[label]
    received = datetime.fromisoformat(case["received_at"])
    own = dict(case["site"])
    height = Decimal(str(own.pop("height_m")))
    commune = "32002@2025" if received.date() >= date(2025, 7, 1) else "32044@2023"
    place = {"kind": own.pop("kind", "mast"), "height_m": height, "facts": own, "code": None, "commune": commune}
    async with database.tx() as tx:
        file_id = await world.stored(tx, AN, now=received)
        sites = [world.site(**place)] * case.get("sites", 1)
        parts = [PartDraft(code, file_id) for code in case["parts"]]
        filing = commands.Filing(case["work"], sites, parts)
        receipt = await commands.file(tx, AN, filing, application_id=new_id(), settings=settings(), now=received)
    assert receipt.procedure == label
    now, state = received, "received"
    for _ in range(60):
        now += timedelta(days=1)
        await jobs.pass_deadlines(database, settings(), now)
        async with database.tx() as tx:
            dossier = await queries.application(tx, receipt.id, actor=system("test"))
        state = dossier.state
        if state == "ready":
            break
    # Where the law knows no silence the asked are overdue and answer in the end.
    deemed = any(clock.on_expiry == "deemed_agreed" for clock in dossier.procedure.clocks)
    assert (state == "ready") == deemed
    assert {review.function for review in dossier.reviews} == set(case["asked"])
    assert all((review.outcome == "silent") == deemed for review in dossier.reviews)
    async with database.tx() as tx:
        for review in () if deemed else dossier.reviews:
            who = world.person("asked", review.org, "reviewer", functions=(review.function,))
            held = await locked(tx, receipt.id, who)
            await commands.give_opinion(tx, who, held, review.function, Opinion("agree"), settings=settings(), now=now)
        assert (await locked(tx, receipt.id, system("test"))).state == "ready"
    org, function = dossier.lead_org, dossier.lead_function
    lead = world.person("lead", "SXD" if org == "SGTVT" else org, "lead", functions=(function,))
    favourable = dossier.procedure.may_build[0]
    async with database.tx() as tx:
        held = await locked(tx, receipt.id, lead)
        decided = await commands.decide(tx, lead, held, Decision(favourable), settings=settings(), now=now)
        assert decided.state == "decided"
        if dossier.procedure.effect == "build":
            for kind in ("commencement", "completion"):
                held = await locked(tx, receipt.id, AN)
                ended = await commands.notify_works(tx, AN, held, kind, local_date(now), now=now)
            assert ended.state == "closed"
        open_clocks = await tx.execute(sa.text("SELECT count(*) FROM deadline WHERE state <> 'stopped'"))
        assert open_clocks.scalar_one() == 0
    assert await faults(database) == []


async def test_a_fourth_function_a_rename_and_a_merger_are_data_alone(database: RolledBack) -> None:
    """Nothing of the code knows a department: the procedure's next version, a name and a mandate are rows."""
    before = local(2026, 11, 23, 9)
    async with database.tx() as tx:
        first = await world.filed(tx, now=before)
        await commands.accept(tx, LAN, await locked(tx, first.id), settings=settings(), now=before)
        found = next(each for _, each in await queries.procedures(tx) if each.label == "mast.new.notice@1")
        body = {**found.model_dump(mode="json", by_alias=True), "version": 2}
        body["agencies"] = [*body["agencies"], {"function": "telecom", "source": "Quy chế phối hợp"}]
        draft = await commands.draft_law(tx, world.MAI, new_id(), "procedure", body, now=before)
        held = await queries.law_draft(tx, draft, lock=True)
        await commands.publish_draft(tx, world.MAI, held, settings=settings(), now=before)
        # The department of land is renamed, and from the first of December the one of construction takes it over.
        gone = world.organisation("SNNMT", world.mandate("natural_resources", date(2000, 1, 1), MERGING), no=2)
        renamed = gone.versions[0].model_copy(update={"name_vi": "Sở Đất đai", "successor": "SXD"})
        taking = world.organisation(
            "SXD",
            world.mandate("construction"),
            world.mandate("transport"),
            world.mandate("natural_resources", MERGING),
            no=2,
        )
        await commands.take_organisations(tx, [gone.model_copy(update={"versions": [renamed]}), taking], {})
        later = local(2026, 12, 1, 9)
        second = await world.filed(tx, now=later)
        await commands.accept(tx, LAN, await locked(tx, second.id), settings=settings(), now=later)
        now_asked = {r.function: r.org for r in (await locked(tx, second.id)).reviews}
        assert now_asked == {
            "construction": "SXD",
            "transport": "SXD",
            "natural_resources": "SXD",
            "telecom": "SKHCN",
        }
        # What the old department was asked, its successor answers; the running dossier keeps its procedure.
        heir = world.person("heir", "SXD", "reviewer", functions=("natural_resources",))
        running = await locked(tx, first.id, heir)
        assert [r.org for r in running.reviews] == ["SXD", "SXD", "SNNMT"]
        await commands.give_opinion(
            tx, heir, running, "natural_resources", Opinion("agree"), settings=settings(), now=later
        )
        names = await queries.organisations(tx)
        assert names["SNNMT"]["vi"] == "Sở Đất đai"


MERGING = date(2026, 12, 1)
