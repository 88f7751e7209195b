"""Conditions: where those of several departments meet, what a decision takes over, how each is followed to its end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.permits.domain.application import Condition, ConditionBook, compare, merged
from services.permits.domain.application.conditions import Subject, contradictions
from tests.permits.test_filing import send
from tests.permits.test_moves import Dossier, dossier  # noqa: F401
from tests.permits.test_pages import Pages, attached, filed, pages, words  # noqa: F401
from tests.permits.world import AN, BINH, HOA, HUNG, LAN, MAI, MINH, TUAN

Header = Callable[..., dict[str, str]]
SUBJECTS = {
    "height_max": Subject("height", "upper"),
    "height_min": Subject("height", "lower"),
    "height_is": Subject("height", "exact"),
    "lights": Subject("lights", "exact", ("required", "forbidden")),
}
BOOK = ConditionBook(("before_use",), SUBJECTS, ("construction", "transport"))


def said(subject: str, value: str, text: str = "x", of: str = "construction") -> Condition:
    return Condition(text, subject=subject, value=value, of=(of,))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (said("height_max", "42"), said("height_max", "42,0"), ("same", 0, 1)),
        (said("height_max", "45"), said("height_max", "42"), ("stricter", 0, 1)),
        (said("height_min", "45"), said("height_min", "42"), ("stricter", 1, 0)),
        (said("height_max", "42"), said("height_min", "45"), ("contrary", 0, 1)),
        (said("height_max", "45"), said("height_min", "45"), None),
        (said("height_is", "45"), said("height_max", "42"), ("contrary", 0, 1)),
        (said("lights", "required"), said("lights", "forbidden"), ("contrary", 0, 1)),
        (said("lights", "required"), said("height_max", "42"), None),
        (Condition("Hoàn trả  mặt bằng."), Condition("hoàn trả mặt bằng"), ("same", 0, 1)),
        (Condition("Hoàn trả mặt bằng"), Condition("Che chắn công trường"), None),
        (Condition("Cao 42 m"), said("height_max", "42", "Cao 42 m"), None),
    ],
)
def test_two_conditions_meet(one: Condition, other: Condition, found: Any) -> None:
    assert [tuple(each) for each in compare([one, other], BOOK)] == ([found] if found else [])


NUMERIC = st.builds(
    said,
    st.sampled_from(["height_max", "height_min", "height_is"]),
    st.integers(1, 6).map(str),
    of=st.sampled_from(["construction", "transport"]),
)


@pytest.mark.unit
@given(st.lists(NUMERIC, max_size=6))
def test_what_is_taken_over_binds_exactly_as_much_as_all_together(conditions: list[Condition]) -> None:
    def allowed(listed: list[Condition]) -> set[int]:
        return {h for h in range(8) if all(_holds(each, h) for each in listed)}

    kept = merged(conditions, BOOK)
    assert allowed(kept) == allowed(conditions)
    assert {f for each in kept for f in each.of} == {f for each in conditions for f in each.of}
    assert not [found for found in compare(kept, BOOK) if found.kind != "contrary"]
    assert (allowed(kept) == set()) == bool(contradictions(kept, BOOK))
    shuffled = merged(conditions[::-1], BOOK)
    assert {(c.subject, c.value) for c in shuffled} == {(c.subject, c.value) for c in kept}


def _holds(condition: Condition, height: int) -> bool:
    value = int(condition.value)
    return {"height_max": height <= value, "height_min": height >= value, "height_is": height == value}[
        condition.subject
    ]


def conditions(*listed: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"text": text, "subject": subject, "value": value} for text, subject, value in listed]


async def opinion(dossier: Dossier, actor: object, function: str, *listed: tuple[str, str, str], **more: Any) -> Any:  # noqa: F811
    outcome = "conditions" if listed else "agree"
    said = {"function": function, "outcome": outcome, "conditions": conditions(*listed), **more}
    return await dossier.well(actor, "opinions", said)


SETBACK = ("Lùi 20 m", "road_setback_min", "20")
LOW = ("Cao tối đa 40 m", "height_max", "40")
HIGH = ("Cao tối thiểu 42 m", "height_min", "42")


@pytest.mark.database
async def test_the_lead_sees_them_side_by_side_and_cannot_decide_a_contradiction(dossier: Dossier) -> None:  # noqa: F811
    await dossier.accepted()
    await opinion(dossier, LAN, "construction", HIGH, ("Lùi ít nhất 15 m", "road_setback_min", "15"))
    await opinion(dossier, MINH, "transport", SETBACK)
    await opinion(dossier, HOA, "natural_resources", LOW)
    url = f"/api/permits/v1/applications/{dossier.id}/conditions"
    for actor, status in ((AN, 403), (BINH, 403), (MAI, 403), (TUAN, 200), (HUNG, 200)):
        found = await dossier.client.get(url, headers=dossier.header(actor))
        assert found.status_code == status, found.text
    beside = found.json()
    assert [(f["kind"], f["first"], f["second"]) for f in beside["findings"]] == [
        ("contrary", 0, 3),
        ("stricter", 1, 2),
    ]
    assert [(c["text"], c["of"]) for c in beside["proposal"]] == [
        (HIGH[0], ["construction"]),
        (SETBACK[0], ["construction", "transport"]),
        (LOW[0], ["natural_resources"]),
    ]
    wrong = await dossier.act(HUNG, "decision", {"outcome": "no_objection", "conditions": beside["proposal"]})
    assert [(e["pointer"], e["code"]) for e in wrong.json()["errors"]] == [("/conditions/2", "contrary")]
    done = {"outcome": "no_objection", "conditions": beside["proposal"][:2]}
    assert (await dossier.well(HUNG, "decision", done))["state"] == "decided"
    kept = (await dossier.read(AN))["decision"]["conditions"]
    assert [(c["no"], c["of"], c["state"], c["verifier_org"]) for c in kept] == [
        (1, ["construction"], "open", "SXD"),
        (2, ["construction", "transport"], "open", "SXD"),
    ]


@pytest.mark.database
@pytest.mark.parametrize(
    ("condition", "pointer", "code"),
    [
        ({"kind": "someday"}, "kind", "kind_unknown"),
        ({"subject": "poetry", "value": "1"}, "subject", "subject_unknown"),
        ({"subject": "height_max"}, "value", "missing"),
        ({"subject": "height_max", "value": "NaN"}, "value", "number"),
        ({"subject": "height_max", "value": "1e99"}, "value", "number"),
        ({"subject": "obstacle_lights", "value": "maybe"}, "value", "choice"),
        ({"verifier": "defence"}, "verifier", "verifier_unknown"),
        ({"due_on": "2026-11-23"}, "due_on", "past"),
    ],
)
async def test_a_condition_says_what_its_lists_know(
    dossier: Dossier,  # noqa: F811
    condition: dict[str, str],
    pointer: str,
    code: str,
) -> None:
    await dossier.accepted()
    said = {"function": "transport", "outcome": "conditions", "conditions": [{"text": "x", **condition}]}
    answer = await dossier.act(MINH, "opinions", said)
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/conditions/0/{pointer}", code)]


@pytest.mark.database
async def test_a_condition_is_shown_rejected_shown_again_and_met(dossier: Dossier, header: Header) -> None:  # noqa: F811
    await dossier.ready()
    done = [
        {"text": "Lùi 20 m", "verifier": "transport", "due_on": "2026-12-31", "of": ["transport"]},
        {"text": "Đo độ nghiêng"},
    ]
    await dossier.well(HUNG, "decision", {"outcome": "no_objection", "conditions": done})
    file_id = await send(dossier.client, header(AN))
    theirs = await send(dossier.client, header(BINH))
    shown = {"no": 1, "file": file_id}
    assert await dossier.refused(AN, "condition-evidence", {"no": 9, "remark": "x"}) == (409, "NoSuchCondition")
    assert await dossier.refused(AN, "condition-evidence", {"no": 1}) == (422, "DossierFaulty")
    assert await dossier.refused(AN, "condition-evidence", {"no": 1, "file": theirs}) == (422, "DossierFaulty")
    judged = {"no": 1, "outcome": "rejected", "remark": "Thiếu kích thước"}
    assert await dossier.refused(MINH, "condition-verdicts", judged) == (409, "WrongConditionState")
    await dossier.well(AN, "condition-evidence", shown)
    # The function that verifies it, and nobody else, not even the lead.
    assert await dossier.refused(LAN, "condition-verdicts", judged) == (403, "Forbidden")
    assert await dossier.refused(HOA, "condition-verdicts", judged) == (403, "Forbidden")
    assert await dossier.refused(MINH, "condition-verdicts", {**judged, "remark": ""}) == (422, "DossierFaulty")
    await dossier.well(MINH, "condition-verdicts", judged)
    seen = (await dossier.read(AN))["decision"]["conditions"][0]
    assert (seen["state"], seen["remark"], seen["changed_name"]) == ("rejected", "Thiếu kích thước", MINH.name)
    await dossier.well(AN, "condition-evidence", shown)
    await dossier.well(MINH, "condition-verdicts", {"no": 1, "outcome": "met"})
    assert await dossier.refused(AN, "condition-evidence", shown) == (409, "WrongConditionState")
    await dossier.well(HUNG, "condition-verdicts", {"no": 2, "outcome": "waived", "remark": "Đã đo khi nghiệm thu"})
    assert [c["state"] for c in (await dossier.read())["decision"]["conditions"]] == ["met", "waived"]
    # The evidence is a file of the dossier: who sees the one reads the other.
    for actor, status in ((MINH, 200), (BINH, 404)):
        read = await dossier.client.get(f"/api/permits/v1/files/{file_id}", headers=header(actor))
        assert read.status_code == status


TEXT = {
    "kind": "condition",
    "code": "road_setback",
    "title": "Khoảng lùi",
    "text": "Lùi 25 m",
    "source": "QĐ 1",
    "function": "transport",
    "subject": "road_setback_min",
    "value": "25",
    "valid_from": "2026-12-01",
}


@pytest.mark.database
async def test_the_library_is_dated_and_each_head_writes_for_his_own_function(
    client: httpx.AsyncClient, header: Header
) -> None:
    url = "/api/permits/v1/phrases"

    async def write(actor: object, **more: Any) -> httpx.Response:
        return await client.post(url, json={**TEXT, **more}, headers=header(actor))

    assert (await write(MINH)).status_code == 403
    assert (await write(HUNG)).json()["code"] == "Forbidden"
    for more, pointer in (
        ({"value": None}, "/value"),
        ({"when": "someday"}, "/when"),
        ({"function": "poetry"}, "/function"),
        ({"valid_from": "2026-11-22"}, "/valid_from"),
        ({"valid_to": "2026-12-01"}, "/valid_to"),
    ):
        answer = await write(MAI, **more)
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer], more
    assert (await write(TUAN)).json() == {"code": "road_setback", "no": 2}
    assert [e["code"] for e in (await write(TUAN)).json()["errors"]] == ["order"]
    for day, text in (("2026-11-30", "20"), ("2026-12-01", "25")):
        asked = {"kind": "condition", "code": "road_setback", "function": "transport", "valid_on": day}
        found = await client.get(url, params=asked, headers=header(MINH))
        assert [row["value"] for row in found.json()["items"]] == [text]


@pytest.mark.database
async def test_the_pages_of_conditions_from_the_library_to_the_verdict(pages: Pages) -> None:  # noqa: F811
    at = await filed(pages)
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    form = {"function": "transport", "outcome": "agree", "review_version": "1"}
    taken = await pages.post(MINH, f"{at}/opinion", {**form, "step": "take", "phrase": "condition:road_setback"})
    assert "Giữ khoảng lùi tới mép ngoài của đường." in taken.text
    row = {
        "conditions-0-text": "Giữ khoảng lùi",
        "conditions-0-subject": "road_setback_min",
        "conditions-0-value": "20",
        "conditions-0-verifier": "transport",
        "conditions-0-due_on": "31/12/2026",
    }
    await pages.done(MINH, f"{at}/opinion", {**form, **row, "outcome": "conditions", "step": "send"})
    lights = {"conditions-0-text": "Có đèn", "conditions-0-subject": "obstacle_lights=required"}
    said = {"function": "construction", "outcome": "conditions", "review_version": "1", "step": "send"}
    await pages.done(LAN, f"{at}/opinion", {**said, **lights})
    dark = {"conditions-0-text": "Không đèn", "conditions-0-subject": "obstacle_lights=forbidden"}
    await pages.done(HOA, f"{at}/opinion", {**said, "function": "natural_resources", **dark})
    beside = words(await pages.get(TUAN, f"{at}/opinions"))
    assert "Mâu thuẫn" in beside
    assert "Đèn cảnh báo chướng ngại vật: không được" in beside
    page = await pages.get(HUNG, f"{at}/decision")
    fields = {each["name"]: each.get("value", "") for each in page.select("form input[name]")}
    chosen = {each["name"]: each.find("option", selected=True) for each in page.select("form select")}
    fields |= {name: option["value"] if option else "" for name, option in chosen.items()}
    fields |= {each["name"]: each.get_text() for each in page.select("form textarea")}
    assert fields["conditions-1-of"] == "transport"
    del fields["_csrf"]
    wrong = await pages.wrong(HUNG, f"{at}/decision", {**fields, "outcome": "no_objection", "step": "check"})
    assert [a["href"] for a in wrong.select(".am-errs a")] == ["#f-conditions-2"]
    await pages.done(
        HUNG, f"{at}/decision", {**fields, "conditions-2-text": "", "outcome": "no_objection", "step": "send"}
    )
    one = f"{at}/condition?no=2"
    assert (await pages.get(AN, one)).select_one("input[type=file]")
    assert not (await pages.get(LAN, one)).select("form [name=remark]")
    assert (await pages.wrong(AN, f"{at}/condition-evidence", {"no": "2"})).select_one("#e-remark")
    await pages.done(AN, f"{at}/condition-evidence", {"no": "2", "remark": "Ảnh chụp"}, attached("evidence"))
    wrong = await pages.wrong(MINH, f"{at}/condition-verdict", {"no": "2", "step": "reject"})
    assert wrong.select_one("#e-remark")
    await pages.done(MINH, f"{at}/condition-verdict", {"no": "2", "step": "meet"})
    assert "Đã đáp ứng" in words(await pages.get(AN, at))
    await pages.get(AN, f"{at}/condition?no=7", 409)


@pytest.mark.database
async def test_the_page_says_who_is_asked_and_why_and_asks_another(pages: Pages) -> None:  # noqa: F811
    at = await filed(pages)
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    beside = words(await pages.get(HUNG, f"{at}/opinions"))
    assert "Chiều cao trên mặt đất (m) >= 100: 45.5" in beside
    assert not (await pages.get(MINH, f"{at}/opinions")).select("form [name=function]")
    wrong = await pages.wrong(HUNG, f"{at}/opinion-request", {"function": "defence", "reason": ""})
    assert [a["href"] for a in wrong.select(".am-errs a")] == ["#f-reason"]
    await pages.done(HUNG, f"{at}/opinion-request", {"function": "defence", "reason": "Gần đồn biên phòng"})
    assert "Gần đồn biên phòng" in words(await pages.get(HUNG, f"{at}/opinions"))


@pytest.mark.database
async def test_the_page_of_the_library(pages: Pages) -> None:  # noqa: F811
    listed = await pages.get(MINH, "/permits/phrases?function=transport")
    assert "Khoảng lùi tới đường" in words(listed)
    assert not listed.select("form#next")
    begun = await pages.get(TUAN, "/permits/phrases?kind=condition&code=road_setback")
    assert begun.find("input", {"name": "value"})["value"] == "20"  # type: ignore[index]
    said = {**TEXT, "valid_from": "01/12/2026"}
    wrong = await pages.wrong(TUAN, "/permits/phrases", {**said, "code": "Đường", "text": " ", "valid_to": "x"})
    assert [a["href"] for a in wrong.select(".am-errs a")] == ["#f-text", "#f-code", "#f-valid_to"]
    await pages.done(TUAN, "/permits/phrases", said)
    await pages.get(AN, "/permits/phrases", 403)
