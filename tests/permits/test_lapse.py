"""The applicant's own time: answered, or lapsed and refused; who leads by grade and place; what is only on record."""

from collections.abc import Callable

import httpx
import pytest

from kernel.auth import Actor
from services.permits import commands, jobs, queries
from services.permits.domain.application import Decision, PartDraft, SupplementItem
from services.permits.domain.refusals import SupplementTooLate, WrongMove
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, HUNG, XUYEN, local, settings

pytestmark = pytest.mark.database
WORK = {"work": "building.new", "kind": "equipment_house", "parts": world.PERMIT_PARTS, "height_m": 12}


async def asked(database: RolledBack, officer: Actor = XUYEN) -> commands.Receipt:
    """Received on Monday 23/11/2026, a supplement asked for on Wednesday: the applicant has Thursday and Friday."""
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9), **WORK)
        dossier = await queries.application(tx, receipt.id, actor=officer, lock=True)
        items = [SupplementItem("drawings", "Thiếu mặt đứng")]
        await commands.request_supplement(tx, officer, dossier, items, settings=settings(), now=local(2026, 11, 25, 9))
    return receipt


async def test_a_grade_four_work_is_led_by_the_commune(database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9), **WORK)
        dossier = await queries.application(tx, receipt.id, actor=XUYEN)
        assert (dossier.lead_org, dossier.lead_function) == ("UBND32002", "commune")
        high = await world.filed(tx, now=local(2026, 11, 23, 9), **{**WORK, "height_m": 80})
        dossier = await queries.application(tx, high.id, actor=HUNG)
        assert (dossier.lead_org, dossier.lead_function) == ("SXD", "construction")


async def test_an_unanswered_request_lapses_once_and_is_refused(database: RolledBack) -> None:
    receipt = await asked(database)
    assert await jobs.pass_deadlines(database, settings(), local(2026, 11, 27, 23, 59)) == 0
    assert await jobs.pass_deadlines(database, settings(), local(2026, 11, 28, 0, 0)) == 1
    assert await jobs.pass_deadlines(database, settings(), local(2026, 11, 28, 0, 1)) == 0
    async with database.tx() as tx:
        found = await queries.detail(tx, receipt.id, actor=AN)
        assert found["supplement_requests"][0]["lapsed_on"] == "2026-11-27"
        due = {clock["clock"]: (clock["state"], clock["due_on"]) for clock in found["clocks"]}
        assert due["refusal"] == ("running", "2026-11-30")
        assert due["answer"][0] == "stopped"
        dossier = await queries.application(tx, receipt.id, actor=AN, lock=True)
        file_id = await world.stored(tx, AN)
        with pytest.raises(SupplementTooLate):
            part = [PartDraft("drawings", file_id)]
            await commands.supplement(tx, AN, dossier, part, settings=settings(), now=local(2026, 11, 28, 9))
        dossier = await queries.application(tx, receipt.id, actor=XUYEN, lock=True)
        refusal = Decision("refused", "Không bổ sung đúng hạn")
        decided = await commands.decide(tx, XUYEN, dossier, refusal, settings=settings(), now=local(2026, 11, 30, 9))
        assert (decided.state, decided.decision_number) == ("decided", "1/2026/GPXD-UBND32002")


async def test_while_the_applicant_has_time_nothing_is_refused(database: RolledBack) -> None:
    receipt = await asked(database)
    async with database.tx() as tx:
        dossier = await queries.application(tx, receipt.id, actor=XUYEN, lock=True)
        with pytest.raises(WrongMove):
            said = Decision("refused", "Không đạt")
            await commands.decide(tx, XUYEN, dossier, said, settings=settings(), now=local(2026, 11, 26, 9))


async def test_an_answered_request_does_not_lapse_and_may_still_be_refused(database: RolledBack) -> None:
    receipt = await asked(database)
    async with database.tx() as tx:
        dossier = await queries.application(tx, receipt.id, actor=AN, lock=True)
        part = [PartDraft("drawings", await world.stored(tx, AN))]
        await commands.supplement(tx, AN, dossier, part, settings=settings(), now=local(2026, 11, 26, 9))
    assert await jobs.pass_deadlines(database, settings(), local(2026, 11, 28, 0, 0)) == 0
    async with database.tx() as tx:
        dossier = await queries.application(tx, receipt.id, actor=XUYEN, lock=True)
        with pytest.raises(WrongMove):
            granted = Decision("granted")
            await commands.decide(tx, XUYEN, dossier, granted, settings=settings(), now=local(2026, 11, 30, 9))
        said = Decision("refused", "Bản vẽ vẫn thiếu")
        await commands.decide(tx, XUYEN, dossier, said, settings=settings(), now=local(2026, 11, 30, 9))


async def test_a_consent_on_record_lets_nothing_be_built(database: RolledBack) -> None:
    async with database.tx() as tx:
        parts = ("application_form", "road_design")
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9), work="road.approval", parts=parts)
        lead = world.person("sxd.duong", "SXD", "reviewer", "head", "lead", "registrar", functions=("transport",))
        dossier = await queries.application(tx, receipt.id, actor=lead, lock=True)
        await commands.accept(tx, lead, dossier, settings=settings(), now=local(2026, 11, 23, 10))
        dossier = await queries.application(tx, receipt.id, actor=lead, lock=True)
        said = Decision("granted", reason="Đã kiểm tra hiện trường")
        await commands.decide(tx, lead, dossier, said, settings=settings(), now=local(2026, 11, 25, 9))
        decision = await queries.decision(tx, receipt.id)
        assert decision is not None
        assert (decision.outcome, decision.may_build) == ("granted", False)


async def test_the_pages_say_that_the_time_is_over(
    database: RolledBack, client: httpx.AsyncClient, header: Callable[..., dict[str, str]]
) -> None:
    receipt = await asked(database)
    await jobs.pass_deadlines(database, settings(), local(2026, 11, 28, 0, 0))
    client.app.state.clock = lambda: local(2026, 11, 30, 9)  # type: ignore[attr-defined]
    page = f"/permits/applications/{receipt.id}"
    for reader, words in (
        (XUYEN, "Đã hết thời gian bổ sung. Từ chối trước hết ngày 30/11/2026."),
        (AN, "có thể nộp hồ sơ mới"),
    ):
        answer = await client.get(page, headers=header(reader))
        assert answer.status_code == 200
        assert words in answer.text
    deciding = (await client.get(f"{page}/decision", headers=header(XUYEN))).text
    assert 'value="refused"' in deciding
    assert 'value="granted"' not in deciding
