"""Definitions and plans are published by people, too: tried first, then once; no day that is over changes."""

import copy
from typing import Any

import httpx
import orjson
import pytest
from bs4 import BeautifulSoup

from services.sharing.api.law import DefinitionPublish, PlanPublish
from tests.fixtures.service import RolledBack
from tests.sharing.conftest import Province

pytestmark = pytest.mark.database
API = "/api/sharing/v1"
People = dict[str, dict[str, str]]
DEFINITION: dict[str, Any] = DefinitionPublish.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,assignment]
PLAN: dict[str, Any] = PlanPublish.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,assignment]


async def post(client: httpx.AsyncClient, who: dict[str, str], path: str, body: Any) -> httpx.Response:
    return await client.post(f"{API}/{path}", json=body, headers=who)


async def test_a_definition_is_tried_then_published_and_counts_at_once(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    shared = await province.mast()
    await province.agree(shared, "VNPT")
    await province.mast("VNPT")
    who = people["auditor"]
    tried = (await post(client, who, "definitions:check", DEFINITION)).json()
    assert (tried["shared"], tried["counted"], tried["default"]["shared"]) == (0, 2, 1)
    assert tried["reasons"] == {"single_enterprise": 1, "evidence": 1}
    listed = (await client.get(f"{API}/definitions", headers=who)).json()["items"]
    assert DEFINITION["code"] not in {row["code"] for row in listed}
    made = await post(client, who, "definitions", DEFINITION)
    assert made.status_code == 201, made.text
    figure = await client.get(f"{API}/ratios?definition=mast.documented.1", headers=who)
    assert (figure.json()["shared"], figure.json()["counted"]) == (0, 2)
    again = await post(client, who, "definitions", DEFINITION)
    assert (again.status_code, again.json()["code"]) == (409, "PublishedAlready")


async def test_a_default_never_changes_a_day_that_is_over(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    await province.mast()
    who = people["auditor"]
    past = {**DEFINITION, "default": True, "valid_from": "2026-11-20"}
    refused = await post(client, who, "definitions", past)
    assert (refused.json()["code"], refused.json()["errors"][0]["pointer"]) == ("DayTooEarly", "/valid_from")
    assert (await post(client, who, "definitions", {**DEFINITION, "default": True})).status_code == 201
    other = {**DEFINITION, "code": "mast.other", "default": True}
    assert (await post(client, who, "definitions", other)).json()["code"] == "DefaultsOverlap"
    today = (await client.get(f"{API}/ratios", headers=who)).json()["definition"]
    later = (await client.get(f"{API}/ratios?as_of=2027-01-01", headers=who)).json()["definition"]
    assert (today, later) == ("mast.declared.1", "mast.documented.1")


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(DEFINITION), **changes}


def leaf(fact: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


@pytest.mark.parametrize(
    "body",
    [
        changed(minimum=1), changed(version=10**12), changed(code="a\x00b"), changed(code=""), changed(sharers=[]),
        changed(counted=leaf("price", "==", 1)), changed(counted=leaf("status", "<", 3)),
        changed(counted=leaf("capacity", ">", "x")), changed(counted=leaf("status", "in", "x")),
        changed(counted=leaf("status", "==", "a\x00")), changed(counted={"all": []}), changed(valid_from="0001-01-01"),
        changed(valid_to="2026-12-31"), changed(title={"vi": "x"}), changed(counted={"not": {"not": {"any": []}}}),
    ],
)  # fmt: skip
async def test_a_definition_that_makes_no_sense_is_refused(client, people, province, body) -> None:
    for path in ("definitions", "definitions:check"):
        assert (await post(client, people["auditor"], path, body)).status_code == 422


async def test_a_plan_is_published_and_its_targets_stand_beside_the_others(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    who = people["auditor"]
    assert (await post(client, who, "plans", PLAN)).status_code == 201
    rows = (await client.get(f"{API}/targets?plan=CM-2030", headers=who)).json()["items"]
    assert [(row["kind"], row["percent"], row["due_on"]) for row in rows] == [("mast", "40", "2030-12-31")]
    assert (await post(client, who, "plans", PLAN)).json()["code"] == "PublishedAlready"
    target = PLAN["targets"][0]
    for changes, code in (
        ({"boundary_set": "X"}, "BoundarySetUnknown"),
        ({"targets": [target, target]}, "TargetsDoubled"),
        ({"targets": [{**target, "percent": "101"}]}, "PercentMalformed"),
        ({"targets": [{**target, "percent": "NaN"}]}, "PercentMalformed"),
    ):
        answer = await post(client, who, "plans", {**PLAN, "code": "CM-2031", **changes})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await post(client, who, "plans", {**PLAN, "code": "CM-2031", "targets": []})).status_code == 422
    forecast = await client.get(f"{API}/ratios/forecast", headers=who)
    assert "2030-12-31" in {goal["due_on"] for goal in forecast.json()["targets"]}


async def context(client: httpx.AsyncClient, who: dict[str, str], query: str = "") -> str:
    """What the board says it speaks of."""
    page = BeautifulSoup((await client.get(f"/sharing/ratio{query}", headers=who)).text, "html.parser")
    (said,) = page.select("main .am-context, .am-head .am-context")
    return said.get_text()


async def test_a_figure_is_held_only_against_the_plan_that_meant_its_borders(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    await province.mast()
    who = people["auditor"]
    before = (await client.get(f"{API}/indicators?code=I.3", headers=who)).json()["items"][0]
    assert "Kế hoạch 250/KH-UBND" in await context(client, who)
    assert (await post(client, who, "plans", PLAN)).status_code == 201
    # The indicator stays within the borders of its own plan; the board turns to the plan that is in force.
    assert (await client.get(f"{API}/indicators?code=I.3", headers=who)).json()["items"][0] == before
    now = await context(client, who)
    assert "Kế hoạch 2026–2030" in now
    assert "250/KH-UBND" not in now
    assert "Kế hoạch 250/KH-UBND" in await context(client, who, "?as_of=31/12/2024")
    borders = {row["kind"]: row["boundary_set"] for row in (await client.get(f"{API}/open/ratios")).json()["items"]}
    assert borders == {"mast": "CM-2025-07", "pole": "CM-2023", "duct": "CM-2023"}


async def test_only_a_publisher_publishes(client: httpx.AsyncClient, people: People, province: Province) -> None:
    for who in ("viettel", "reviewer", "nobody"):
        for path, body in (("plans", PLAN), ("definitions", DEFINITION), ("definitions:check", DEFINITION)):
            assert (await post(client, people[who], path, body)).status_code == 403


async def test_the_pages_show_what_is_published_and_publish_more(client, people, province) -> None:
    await province.mast()
    who = people["auditor"]
    shown = await client.get("/sharing/law", headers=people["viettel"])
    assert "mast.declared.1" in shown.text
    assert "/sharing/law/plans/new" not in shown.text
    form = await client.get("/sharing/law/plans/new", headers=who)
    token = BeautifulSoup(form.text, "html.parser").select_one("main form input[name=_csrf]")["value"]
    plan = {"_csrf": token, "code": "KH-2030", "title_vi": "Kế hoạch 2030", "source": "x", "boundary_set": "CM-2025-07"}
    wrong = await client.post("/sharing/law/plans/new", data={**plan, "targets": "mast mai 40"}, headers=who)
    assert wrong.status_code == 422
    assert "mast 31/12/2030 40" in wrong.text
    over = await client.post("/sharing/law/plans/new", data={**plan, "targets": "mast 31/12/2030 140"}, headers=who)
    assert "tỷ lệ từ 0 đến 100" in over.text
    made = await client.post("/sharing/law/plans/new", data={**plan, "targets": "mast 31/12/2030 40,5 %"}, headers=who)
    assert made.status_code == 303
    assert "Kế hoạch 2030" in (await client.get("/sharing/law", headers=who)).text
    begun = await client.get("/sharing/law/definitions/new?from=mast.declared.1", headers=who)
    text = BeautifulSoup(begun.text, "html.parser").select_one("textarea").get_text()
    assert orjson.loads(text)["version"] == 2
    sent = {"_csrf": token, "text": text, "act": "try"}
    tried = await client.post("/sharing/law/definitions/new", data=sent, headers=who)
    assert "0 trên 1" in tried.text
    broken = await client.post("/sharing/law/definitions/new", data={**sent, "text": "{"}, headers=who)
    assert broken.status_code == 422
    empty = await client.post("/sharing/law/definitions/new", data={**sent, "text": "{}"}, headers=who)
    assert "code" in empty.text
    published = await client.post("/sharing/law/definitions/new", data={**sent, "act": "publish"}, headers=who)
    assert published.status_code == 303
    assert "mast.declared.2" in (await client.get("/sharing/law", headers=who)).text
