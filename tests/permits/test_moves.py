"""Every act on a dossier over HTTP: its effect, its refusals, its version."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from services.permits import commands, queries
from services.permits.domain.application import chart
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_filing import body, send
from tests.permits.world import AN, BINH, HOA, HUNG, LAN, MAI, MINH, TUAN, local

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/applications"
OPINIONS = ((LAN, "construction"), (MINH, "transport"), (HOA, "natural_resources"))


class Dossier:
    """One dossier and the people around it; `act` posts and returns the answer."""

    def __init__(self, client: httpx.AsyncClient, header: Header) -> None:
        self.client, self.header, self.id = client, header, ""

    def at(self, moment: datetime) -> None:
        self.client.app.state.clock = lambda: moment  # type: ignore[attr-defined]

    async def file(self, actor: object = AN, parts: tuple[str, ...] = world.NOTICE_PARTS, **site: Any) -> str:
        held = self.header(actor)
        answer = await self.client.post(URL, json=body(await send(self.client, held), parts, **site), headers=held)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]
        return self.id

    async def act(self, actor: object, what: str, given: Any = None, **headers: str) -> httpx.Response:
        return await self.client.post(f"{URL}/{self.id}/{what}", json=given, headers=self.header(actor, **headers))

    async def well(self, actor: object, what: str, given: Any = None, **headers: str) -> Any:
        answer = await self.act(actor, what, given, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, actor: object, what: str, given: Any = None, **headers: str) -> tuple[int, str]:
        answer = await self.act(actor, what, given, **headers)
        return answer.status_code, answer.json()["code"]

    async def read(self, actor: object = HUNG) -> Any:
        answer = await self.client.get(f"{URL}/{self.id}", headers=self.header(actor))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def accepted(self, **site: Any) -> None:
        await self.file(**site)
        await self.well(LAN, "completeness", {"outcome": "complete"})

    async def ready(self, **site: Any) -> None:
        await self.accepted(**site)
        for actor, function in OPINIONS:
            await self.well(actor, "opinions", {"function": function, "outcome": "agree"})


@pytest.fixture
def dossier(client: httpx.AsyncClient, header: Header) -> Dossier:
    return Dossier(client, header)


async def test_accepting_asks_the_three_functions_and_their_holders_of_that_day(dossier: Dossier) -> None:
    await dossier.accepted()
    found = await dossier.read()
    assert found["state"] == "under_review"
    assert [(r["function"], r["org"], r["outcome"]) for r in found["reviews"]] == [
        ("construction", "SXD", None),
        ("transport", "SXD", None),
        ("natural_resources", "SNNMT", None),
    ]
    running = {(c["clock"], c["function"]): c["due_on"] for c in found["clocks"] if c["state"] == "running"}
    assert running[("decision", None)] == "2026-12-08"
    assert running[("consultation", "transport")] == "2026-12-01"


async def test_before_the_departments_merged_others_are_asked(dossier: Dossier) -> None:
    dossier.at(local(2025, 2, 26, 9))
    await dossier.file(parts=world.PERMIT_PARTS, commune="32044@2023")
    await dossier.well(LAN, "completeness", {"outcome": "complete"})
    assert [r["org"] for r in (await dossier.read())["reviews"]] == ["SXD", "SGTVT", "STNMT"]
    dossier.at(local(2025, 3, 5, 9))
    # What the old department was asked, its successor answers.
    await dossier.well(MINH, "opinions", {"function": "transport", "outcome": "agree"})
    await dossier.well(HOA, "opinions", {"function": "natural_resources", "outcome": "agree"})


async def test_a_tall_mast_asks_defence_too(dossier: Dossier) -> None:
    await dossier.accepted(height_m="100.0", parts=(*world.NOTICE_PARTS, "height_consent"))
    assert [r["org"] for r in (await dossier.read())["reviews"]][-1] == "BCH"


async def test_a_supplement_pauses_the_notice_and_resumes_after_it(dossier: Dossier) -> None:
    dossier.at(local(2026, 2, 9, 8, 30))
    await dossier.file()
    dossier.at(local(2026, 2, 11, 9))
    asked = {"outcome": "incomplete", "items": [{"code": "drawings", "reason": "thiếu mặt cắt móng"}]}
    assert (await dossier.well(LAN, "completeness", asked))["state"] == "incomplete"
    assert (await dossier.read(AN))["supplement_requests"][0]["items"] == asked["items"]
    clocks = {c["clock"]: c for c in (await dossier.read())["clocks"]}
    assert (clocks["decision"]["state"], clocks["decision"]["due_on"], clocks["decision"]["remaining"]) == (
        "paused",
        None,
        8,
    )
    dossier.at(local(2026, 2, 21, 10))
    file_id = await send(dossier.client, dossier.header(AN))
    wrong = await dossier.act(AN, "supplements", {"parts": [{"code": "land_paper", "file": file_id}]})
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/parts/drawings"]
    given = {"parts": [{"code": "drawings", "file": file_id}]}
    assert (await dossier.well(AN, "supplements", given))["state"] == "supplemented"
    clocks = {c["clock"]: c for c in (await dossier.read())["clocks"]}
    assert clocks["decision"]["due_on"] == "2026-03-05"
    assert clocks["completeness"]["due_on"] == "2026-02-26"
    drawings = [p for p in (await dossier.read())["parts"] if p["code"] == "drawings"]
    assert [(p["no"], p["replaced_at"] is None) for p in drawings] == [(1, False), (2, True)]
    again = {"outcome": "incomplete", "items": [{"code": "drawings"}]}
    assert await dossier.refused(LAN, "completeness", again) == (409, "RoundsUsedUp")


async def test_under_the_permit_a_second_request_may_ask_nothing_new(dossier: Dossier) -> None:
    dossier.at(local(2025, 10, 6, 9))
    await dossier.file(parts=world.PERMIT_PARTS)
    await dossier.well(LAN, "completeness", {"outcome": "incomplete", "items": [{"code": "drawings"}]})
    file_id = await send(dossier.client, dossier.header(AN))
    await dossier.well(AN, "supplements", {"parts": [{"code": "drawings", "file": file_id}]})
    clocks = {c["clock"]: c for c in (await dossier.read())["clocks"]}
    assert (clocks["completeness"]["state"], clocks["recheck"]["due_on"]) == ("stopped", "2025-10-13")
    fresh = await dossier.act(LAN, "completeness", {"outcome": "incomplete", "items": [{"code": "land_paper"}]})
    assert [e["code"] for e in fresh.json()["errors"]] == ["item_new"]
    await dossier.well(LAN, "completeness", {"outcome": "incomplete", "items": [{"code": "drawings"}]})
    await dossier.well(AN, "supplements", {"parts": [{"code": "drawings", "file": file_id}]})
    done = await dossier.well(LAN, "completeness", {"outcome": "complete"})
    assert done["due_on"] == "2025-10-27"


@pytest.mark.parametrize(
    ("items", "codes"), [([], ["none"]), ([{"code": "poem"}], ["part_unknown"]), ([{"code": "drawings"}], [])]
)
async def test_a_request_is_itemised(dossier: Dossier, items: list[dict[str, str]], codes: list[str]) -> None:
    await dossier.file()
    answer = await dossier.act(LAN, "completeness", {"outcome": "incomplete", "items": items})
    assert [e["code"] for e in answer.json().get("errors", [])] == codes


async def test_opinions_need_what_they_claim(dossier: Dossier) -> None:
    await dossier.accepted()
    for given, pointer in (
        ({"outcome": "disagree"}, "/grounds"),
        ({"outcome": "conditions"}, "/conditions"),
        ({"outcome": "maybe"}, "/outcome"),
    ):
        answer = await dossier.act(LAN, "opinions", {"function": "construction", **given})
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    conditions = [{"text": "Giữ khoảng lùi 20 m", "due_on": "2026-12-31"}]
    given = {"function": "construction", "outcome": "conditions", "conditions": conditions}
    await dossier.well(LAN, "opinions", given)
    (kept,) = (await dossier.read())["reviews"][0]["conditions"]
    assert {name: kept[name] for name in ("text", "due_on", "kind")} == {**conditions[0], "kind": None}


async def test_nobody_answers_for_another_function(dossier: Dossier) -> None:
    await dossier.accepted()
    own = {"function": "construction", "outcome": "agree"}
    assert await dossier.refused(MINH, "opinions", own) == (403, "Forbidden")
    assert await dossier.refused(HOA, "opinions", own) == (403, "Forbidden")
    assert await dossier.refused(LAN, "opinions", {"function": "defence", "outcome": "agree"}) == (
        409,
        "ReviewNotAsked",
    )
    assert await dossier.refused(MAI, "opinions", own) == (403, "Forbidden")
    assert await dossier.refused(AN, "opinions", own) == (403, "Forbidden")
    assert await dossier.refused(BINH, "opinions", own) == (403, "Forbidden")
    assert await dossier.refused(BINH, "withdrawal", {}) == (404, "ApplicationNotFound")


async def test_signing_twice_is_a_conflict_and_says_nothing_new(dossier: Dossier) -> None:
    await dossier.accepted()
    given = {"function": "transport", "outcome": "agree"}
    await dossier.well(MINH, "opinions", given)
    before = await dossier.read()
    assert await dossier.refused(TUAN, "opinions", given) == (409, "AlreadyAnswered")
    assert (await dossier.read())["version"] == before["version"]


async def test_who_drafted_may_not_sign(dossier: Dossier) -> None:
    await dossier.accepted()
    given = {"function": "transport", "outcome": "agree", "grounds": "Ngoài hành lang"}
    await dossier.well(TUAN, "opinion-drafts", given)
    assert [r["signed_by"] for r in (await dossier.read())["reviews"]] == [None, None, None]
    assert await dossier.refused(TUAN, "opinions", given) == (403, "OwnDraft")
    assert (await dossier.well(MINH, "opinions", given))["state"] == "under_review"


async def duty(dossier: Dossier, way: str, function: str = "transport", **more: Any) -> httpx.Response:
    said = {"org": "SXD", "function": function, "way": way, "valid_from": "2026-11-23", "reason": "Quy chế", **more}
    return await dossier.client.post("/api/permits/v1/duties", json=said, headers=dossier.header(MAI))


async def test_three_people_draft_check_and_sign_by_the_departments_duties(dossier: Dossier) -> None:
    assert (await duty(dossier, "three_persons")).status_code == 201
    await dossier.accepted()
    named = {"function": "transport"}
    given = {**named, "outcome": "agree", "grounds": "Ngoài hành lang"}
    assert await dossier.refused(TUAN, "opinions", given) == (409, "DraftMissing")
    assert await dossier.refused(MINH, "opinion-submissions", named) == (409, "DraftMissing")
    await dossier.well(MINH, "opinion-drafts", given)
    assert await dossier.refused(TUAN, "opinions", given) == (409, "StepsRequired")
    await dossier.well(MINH, "opinion-submissions", named)
    assert await dossier.refused(MINH, "opinion-drafts", given) == (409, "WrongStage")
    passed = {**named, "outcome": "passed"}
    assert await dossier.refused(MINH, "opinion-checks", passed) == (403, "OwnDraft")
    assert await dossier.refused(TUAN, "opinion-signatures", named) == (409, "WrongStage")
    returned = {**named, "outcome": "returned"}
    assert await dossier.refused(TUAN, "opinion-checks", returned) == (422, "ReasonMissing")
    await dossier.well(TUAN, "opinion-checks", {**returned, "reason": "Thiếu căn cứ"})
    # Written again by another: both have written it now, so neither passes nor signs it.
    await dossier.well(world.LIEN, "opinion-drafts", given)
    await dossier.well(world.LIEN, "opinion-submissions", named)
    assert await dossier.refused(MINH, "opinion-checks", passed) == (403, "OwnDraft")
    await dossier.well(TUAN, "opinion-checks", passed)
    assert await dossier.refused(TUAN, "opinion-signatures", named) == (403, "OwnCheck")
    assert await dossier.refused(MINH, "opinion-signatures", named) == (403, "Forbidden")
    seen = next(r for r in (await dossier.read(AN))["reviews"] if r["function"] == "transport")
    assert (seen["stage"], seen["outcome"], seen["grounds"], seen["drafted_by"]) == ("sign", None, None, None)
    await dossier.well(world.BAO, "opinion-signatures", named)
    signed = next(r for r in (await dossier.read())["reviews"] if r["function"] == "transport")
    assert (signed["stage"], signed["outcome"], signed["drafted_by"], signed["checked_by"], signed["signed_by"]) == (
        "answered",
        "agree",
        world.LIEN.id,
        TUAN.id,
        world.BAO.id,
    )
    assert await dossier.refused(world.BAO, "opinion-signatures", named) == (409, "AlreadyAnswered")


async def test_two_people_and_the_rule_of_the_day_on_which_was_asked(dossier: Dossier, database: RolledBack) -> None:
    await dossier.accepted()
    assert (await duty(dossier, "two_persons", valid_from="2026-11-24")).status_code == 201
    # Asked the day before: one person may still answer alone.
    given = {"function": "transport", "outcome": "agree"}
    await dossier.well(MINH, "opinions", given)
    dossier.at(local(2026, 11, 25, 9))
    await dossier.accepted(name="BTS An Xuyên 2")
    assert await dossier.refused(TUAN, "opinions", given) == (409, "DraftMissing")
    await dossier.well(MINH, "opinion-drafts", given)
    await dossier.well(MINH, "opinion-submissions", {"function": "transport"})
    await dossier.well(TUAN, "opinion-signatures", {"function": "transport"})
    async with database.read() as read:
        acts = await read.execute(
            sa.text("SELECT act, before->>'stage' FROM audit WHERE thing = :id AND act LIKE 'permits:opinion:%'"),
            {"id": dossier.id},
        )
    assert [tuple(row) for row in acts] == [
        ("permits:opinion:draft", "asked"),
        ("permits:opinion:submit", "draft"),
        ("permits:opinion:give", None),
    ]


async def test_silence_over_a_draft_and_the_late_signature(dossier: Dossier, database: RolledBack) -> None:
    await duty(dossier, "two_persons")
    await dossier.accepted()
    named = {"function": "transport"}
    await dossier.well(MINH, "opinion-drafts", {**named, "outcome": "disagree", "grounds": "Trong hành lang"})
    await dossier.well(MINH, "opinion-submissions", named)
    async with database.tx() as tx:
        held = await queries.application(tx, UUID(dossier.id), actor=HUNG, lock=True)
        review = next(r for r in held.reviews if r.function == "transport")
        day, late = date(2026, 12, 1), local(2026, 12, 2, 0, 1)
        await commands.fall_silent(tx, held, review.id, due_on=day, settings=world.settings(), now=late)
    dossier.at(local(2026, 12, 2, 9))
    await dossier.well(TUAN, "opinion-signatures", named)
    found = next(r for r in (await dossier.read())["reviews"] if r["function"] == "transport")
    assert (found["outcome"], found["late"], found["silent_on"]) == ("disagree", True, "2026-12-01")


async def test_a_function_is_asked_again_with_a_clock_of_its_own(dossier: Dossier) -> None:
    await dossier.accepted()
    again = {"function": "transport", "reason": "Vị trí đã dời"}
    assert await dossier.refused(HUNG, "opinion-requests", again) == (409, "StillAsked")
    refuses = {"function": "transport", "outcome": "disagree", "grounds": "Trong hành lang"}
    await dossier.well(MINH, "opinions", refuses)
    assert await dossier.refused(LAN, "opinion-requests", again) == (403, "Forbidden")
    assert await dossier.refused(HUNG, "opinion-requests", {**again, "reason": " "}) == (422, "ReasonMissing")
    for actor, function in ((LAN, "construction"), (HOA, "natural_resources")):
        await dossier.well(actor, "opinions", {"function": function, "outcome": "agree"})
    assert (await dossier.read())["state"] == "ready"
    dossier.at(local(2026, 11, 26, 9))
    assert (await dossier.well(HUNG, "opinion-requests", again))["state"] == "under_review"
    found = await dossier.read()
    own = [r for r in found["reviews"] if r["function"] == "transport"]
    rounds = [(r["round"], r["outcome"], r["due_on"], r["ask_reason"]) for r in own]
    # Five working days from Thursday 26/11; the decision is still due on 08/12.
    assert rounds == [(1, "disagree", "2026-12-01", None), (2, None, "2026-12-03", "Vị trí đã dời")]
    clocks = [c["due_on"] for c in found["clocks"] if c["clock"] == "decision"]
    assert clocks == ["2026-12-08"]
    assert await dossier.refused(HUNG, "decision", {"outcome": "no_objection"}) == (422, "ReasonMissing")
    assert (await dossier.well(TUAN, "opinions", {"function": "transport", "outcome": "agree"}))["state"] == "ready"
    # The first round's objection is no more in the way.
    assert (await dossier.well(HUNG, "decision", {"outcome": "no_objection"}))["state"] == "decided"
    assert await dossier.refused(HUNG, "opinion-requests", again) == (409, "WrongMove")


async def test_the_lead_asks_a_function_that_no_rule_names(dossier: Dossier) -> None:
    await dossier.accepted()
    for function, code in (("poetry", "FunctionUnknown"), ("fire", "FunctionUnknown")):
        asked = {"function": function, "reason": "Gần kho xăng dầu"}
        assert await dossier.refused(HUNG, "opinion-requests", asked) == (422, code)
    await dossier.well(HUNG, "opinion-requests", {"function": "defence", "reason": "Gần đồn biên phòng"})
    last = (await dossier.read())["reviews"][-1]
    assert (last["function"], last["org"], last["round"]) == ("defence", "BCH", 1)


async def test_duties_are_set_by_the_publisher_from_today_on(dossier: Dossier) -> None:
    for more, code in (
        ({"org": "NOBODY"}, "org_unknown"),
        ({"function": "poetry"}, "function_unknown"),
        ({"valid_from": "2026-11-22"}, "past"),
    ):
        answer = await duty(dossier, "two_persons", **more)
        assert [fault["code"] for fault in answer.json()["errors"]] == [code]
    assert (await duty(dossier, "two_persons", reason=" ")).json()["code"] == "ReasonMissing"
    await duty(dossier, "two_persons")
    await duty(dossier, "one_person")
    listed = await dossier.client.get(
        "/api/permits/v1/duties?valid_on=2026-12-01&fields=function,way", headers=dossier.header(HUNG)
    )
    assert listed.json()["items"] == [{"function": "transport", "way": "one_person"}]


async def test_who_drafts_is_told_only_with_the_signature(dossier: Dossier) -> None:
    await dossier.accepted()
    given = {"function": "transport", "outcome": "agree"}
    await dossier.well(MINH, "opinion-drafts", given)
    review = next(r for r in (await dossier.read())["reviews"] if r["function"] == "transport")
    assert (review["drafted"], review["drafted_by"], review["outcome"]) == (True, None, None)
    await dossier.well(TUAN, "opinions", given)
    review = next(r for r in (await dossier.read())["reviews"] if r["function"] == "transport")
    assert (review["drafted"], review["drafted_by"], review["outcome"]) == (False, MINH.id, "agree")


async def test_a_stale_version_is_refused(dossier: Dossier) -> None:
    await dossier.accepted()
    given = {"function": "transport", "outcome": "agree"}
    assert await dossier.refused(MINH, "opinions", given, **{"If-Match": '"1"'}) == (412, "Stale")
    await dossier.well(MINH, "opinions", given, **{"If-Match": '"2"'})


async def test_the_lead_decides_when_all_have_answered(dossier: Dossier) -> None:
    await dossier.ready()
    assert (await dossier.read())["state"] == "ready"
    done = await dossier.well(HUNG, "decision", {"outcome": "no_objection"})
    assert (done["state"], done["decision_number"]) == ("decided", "1/2026/TBXD-SXD")
    assert await dossier.refused(HUNG, "decision", {"outcome": "no_objection"}) == (409, "WrongMove")


@pytest.mark.parametrize("actor", [LAN, MINH, AN, MAI])
async def test_nobody_else_decides(dossier: Dossier, actor: object) -> None:
    await dossier.ready()
    assert await dossier.refused(actor, "decision", {"outcome": "no_objection"}) == (403, "Forbidden")


async def test_deciding_early_or_against_an_objection_needs_a_reason(dossier: Dossier) -> None:
    await dossier.accepted()
    assert await dossier.refused(HUNG, "decision", {"outcome": "no_objection"}) == (422, "ReasonMissing")
    disagree = {"function": "transport", "outcome": "disagree", "grounds": "Trong hành lang an toàn"}
    await dossier.well(MINH, "opinions", disagree)
    await dossier.well(LAN, "opinions", {"function": "construction", "outcome": "agree"})
    await dossier.well(HOA, "opinions", {"function": "natural_resources", "outcome": "not_involved"})
    assert await dossier.refused(HUNG, "decision", {"outcome": "no_objection"}) == (422, "ReasonMissing")
    assert await dossier.refused(HUNG, "decision", {"outcome": "granted", "reason": "x"}) == (422, "DossierFaulty")
    assert await dossier.refused(HUNG, "decision", {"outcome": "objection"}) == (422, "DossierFaulty")
    done = await dossier.well(HUNG, "decision", {"outcome": "objection", "grounds": "Không bảo đảm hành lang"})
    assert done["state"] == "decided"
    assert await dossier.refused(AN, "notices", {"kind": "commencement", "on": "2026-11-25"}) == (409, "NothingBuilt")


async def test_the_time_to_decide_is_extended_once_and_with_a_reason(dossier: Dossier) -> None:
    dossier.at(local(2025, 10, 6, 9))
    await dossier.file(parts=world.PERMIT_PARTS)
    await dossier.well(LAN, "completeness", {"outcome": "complete"})
    assert await dossier.refused(HUNG, "extensions", {"days": 5}) == (422, "ReasonMissing")
    assert await dossier.refused(HUNG, "extensions", {"days": 11, "reason": "x"}) == (409, "ExtensionNotAllowed")
    assert await dossier.refused(LAN, "extensions", {"days": 5, "reason": "x"}) == (403, "Forbidden")
    assert (await dossier.well(HUNG, "extensions", {"days": 10, "reason": "Khảo sát lại"}))["due_on"] == "2025-11-05"
    assert await dossier.refused(HUNG, "extensions", {"days": 1, "reason": "x"}) == (409, "ExtensionNotAllowed")


async def test_a_notice_procedure_knows_no_extension(dossier: Dossier) -> None:
    await dossier.accepted()
    assert await dossier.refused(HUNG, "extensions", {"days": 5, "reason": "x"}) == (409, "ExtensionNotAllowed")


async def test_works_are_notified_in_order(dossier: Dossier) -> None:
    await dossier.ready()
    early = {"kind": "commencement", "on": "2026-11-25"}
    assert await dossier.refused(AN, "notices", early) == (409, "WrongMove")
    await dossier.well(HUNG, "decision", {"outcome": "no_objection"})
    for given, code in (
        ({"kind": "completion", "on": "2026-11-23"}, "order"),
        ({"kind": "commencement", "on": "2026-11-22"}, "before_decision"),
        ({"kind": "commencement", "on": "2028-01-01"}, "too_far"),
    ):
        answer = await dossier.act(AN, "notices", given)
        assert [e["code"] for e in answer.json()["errors"]] == [code]
    assert (await dossier.well(AN, "notices", early))["state"] == "decided"
    assert await dossier.refused(AN, "notices", early) == (409, "NoticeGivenAlready")
    dossier.at(local(2026, 12, 20, 9))
    for given, code in (
        ({"kind": "completion", "on": "2026-11-24"}, "before_start"),
        ({"kind": "completion", "on": "2026-12-21"}, "ahead"),
    ):
        answer = await dossier.act(AN, "notices", given)
        assert [e["code"] for e in answer.json()["errors"]] == [code]
    assert (await dossier.well(AN, "notices", {"kind": "completion", "on": "2026-12-20"}))["state"] == "closed"
    assert await dossier.refused(HUNG, "notices", early) == (403, "Forbidden")


async def test_withdrawn_is_the_end(dossier: Dossier) -> None:
    await dossier.accepted()
    assert await dossier.refused(HUNG, "withdrawal", {}) == (403, "Forbidden")
    assert (await dossier.well(AN, "withdrawal", {"reason": "đổi vị trí"}))["state"] == "withdrawn"
    assert await dossier.refused(AN, "withdrawal", {}) == (409, "WrongMove")
    assert await dossier.refused(MINH, "opinions", {"function": "transport", "outcome": "agree"}) == (
        409,
        "WrongMove",
    )
    assert {c["state"] for c in (await dossier.read())["clocks"]} == {"stopped"}


async def test_every_change_is_audited_and_its_time_grows(dossier: Dossier, database: RolledBack) -> None:
    await dossier.ready()
    dossier.at(local(2026, 11, 22, 9))
    await dossier.well(HUNG, "decision", {"outcome": "no_objection"})
    async with database.read() as read:
        rows = await read.execute(
            sa.text("SELECT act, at FROM audit WHERE thing = :id ORDER BY seq"), {"id": dossier.id}
        )
        acts = rows.all()
    assert [act for act, _ in acts] == [
        "permits:application:file",
        "permits:completeness:check",
        *["permits:opinion:give"] * 3,
        "permits:decision:make",
    ]
    times = [at for _, at in acts]
    assert times == sorted(times)
    assert times[-1] > times[-2]


async def test_the_trace_says_why(dossier: Dossier) -> None:
    await dossier.accepted()
    answer = await dossier.client.get(f"{URL}/{dossier.id}/clock", headers=dossier.header(HUNG))
    assert answer.status_code == 200, answer.text
    traced = answer.json()
    assert (traced["procedure"], traced["calendar"], traced["calendar_ends_on"]) == (
        "mast.new.notice@1",
        "96.1",
        "2030-12-31",
    )
    decision = next(c for c in traced["clocks"] if c["clock"] == "decision")
    assert (decision["due_on"], decision["length"], decision["used"], decision["unverified"]) == (
        "2026-12-08",
        10,
        0,
        True,
    )
    holiday = next(day for day in decision["days"] if day["day"] == "2026-11-24")
    assert (holiday["kind"], holiday["name"]["vi"]) == ("holiday", "Ngày Văn hoá Việt Nam")
    assert [day["day"] for day in decision["days"] if day["due"]] == ["2026-12-08"]


async def test_the_queue_is_the_departments_own(dossier: Dossier) -> None:
    await dossier.accepted()
    queue = "/api/permits/v1/queue"

    async def rows(actor: object, tab: str = "all") -> list[Any]:
        answer = await dossier.client.get(queue, params={"tab": tab}, headers=dossier.header(actor))
        assert answer.status_code == 200, answer.text
        assert answer.json()["counts"][tab] == len(answer.json()["items"])
        return list(answer.json()["items"])

    (minh,) = await rows(MINH)
    assert (minh["asked"], minh["deadline"]["clock"], minh["deadline"]["due_on"]) == (
        "transport",
        "consultation",
        "2026-12-01",
    )
    (hung,) = await rows(HUNG)
    assert (hung["asked"], hung["deadline"]["due_on"]) == ("construction", "2026-12-01")
    assert await rows(MAI) == []
    assert (await dossier.client.get(queue, headers=dossier.header(AN))).status_code == 403
    assert len(await rows(MINH, "unassigned")) == 1
    await dossier.well(MINH, "claim")
    assert len(await rows(MINH, "mine")) == 1
    assert len(await rows(TUAN, "mine")) == 0
    await dossier.well(MINH, "hand-back")
    assert len(await rows(MINH, "mine")) == 0
    await dossier.well(MINH, "opinions", {"function": "transport", "outcome": "agree"})
    assert await rows(MINH) == []
    dossier.at(local(2026, 11, 29, 9))
    assert len(await rows(HUNG, "soon")) == 1
    dossier.at(local(2026, 12, 2, 9))
    assert len(await rows(HOA, "overdue")) == 1
    await dossier.well(AN, "withdrawal", {})
    assert await rows(HUNG) == []


def test_the_drawn_statechart_is_the_codes() -> None:
    drawn = Path(__file__).parents[2] / "docs" / "dossier-states.md"
    assert drawn.read_text() == chart() + "\n", "python -m services.permits statechart > docs/dossier-states.md"
