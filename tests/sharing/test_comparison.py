"""Two figures side by side: every structure that makes a difference is named once, with its reasons."""

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup

from tests.sharing import tellings
from tests.sharing.conftest import Province

pytestmark = pytest.mark.database
API = "/api/sharing/v1/ratios/comparison"
People = dict[str, dict[str, str]]
BEFORE, AFTER = {"before_as_of": "2024-06-30", "boundary_set": "CM-2023"}, {"as_of": "2026-06-30"}


async def get(client: httpx.AsyncClient, who: dict[str, str], path: str = "", **query: str) -> dict[str, Any]:
    answer = await client.get(API + path, params={**BEFORE, **AFTER, **query}, headers=who)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
async def changed(province: Province) -> dict[str, str]:
    """One structure for each way in which two days differ, and one that stays."""
    down = tellings.change(2, "change", date(2025, 1, 1), {"status": "dismantled"})
    sold = tellings.change(2, "change", date(2025, 1, 1), {"owner": "VNPT"})
    moved = tellings.change(2, "change", date(2025, 1, 1), {"commune": "32128@2023"})
    made = {
        "stays": await province.mast(),
        "left": await province.mast(more=[down]),
        "entered": await province.mast(since=date(2025, 3, 1)),
        "changed_owner": await province.mast(more=[sold]),
        "changed_unit": await province.mast(more=[moved]),
        "became_shared": await province.mast(),
        "ceased_shared": await province.mast(),
    }
    await province.agree(made["became_shared"], since=date(2025, 2, 1))
    await province.agree(made["ceased_shared"], since=date(2024, 1, 1), until=date(2025, 2, 1))
    return {name: str(id_) for name, id_ in made.items()}


async def test_each_way_to_differ_is_told_once_with_its_reasons(
    client: httpx.AsyncClient, people: People, changed: dict[str, str]
) -> None:
    told = await get(client, people["auditor"])
    assert (told["before"]["counted"], told["before"]["shared"]) == (6, 1)
    assert (told["after"]["counted"], told["after"]["shared"]) == (6, 1)
    assert set(told["changes"].values()) == {1}
    rows = (await get(client, people["auditor"], "/structures"))["items"]
    assert {row["change"]: row["id"] for row in rows} == {k: v for k, v in changed.items() if k != "stays"}
    by = {row["change"]: row for row in rows}
    assert by["entered"]["before"] is None
    assert by["left"]["after"]["reason"] == "not_counted:status"
    assert (by["changed_owner"]["before"]["owner"], by["changed_owner"]["after"]["owner"]) == ("VIETTEL", "VNPT")
    assert [by["became_shared"][side]["reason"] for side in ("before", "after")] == ["single_enterprise", "shared"]
    only = await get(client, people["auditor"], "/structures", change="left", total="true")
    assert (only["total"], len(only["items"])) == (1, 1)


async def test_a_filter_tells_what_came_into_it_and_went_out(
    client: httpx.AsyncClient, people: People, changed: dict[str, str]
) -> None:
    of_vnpt = await get(client, people["auditor"], "/structures", owner="VNPT")
    assert [(row["change"], row["id"]) for row in of_vnpt["items"]] == [("entered", changed["changed_owner"])]
    assert of_vnpt["items"][0]["before"]["owner"] == "VIETTEL"


async def test_knowledge_definitions_and_boundaries_are_compared_too(
    client: httpx.AsyncClient, people: People, province: Province, changed: dict[str, str]
) -> None:
    late = datetime(2026, 10, 1, tzinfo=UTC)
    wrong = tellings.change(2, "change", date(2026, 1, 1), {"status": "idle"}, at=late)
    mast = await province.mast(more=[wrong])
    same_day = {"before_as_of": "2026-06-30", "before_known_at": "2026-09-30"}
    rows = (await get(client, people["auditor"], "/structures", **same_day))["items"]
    assert ("left", str(mast)) in [(row["change"], row["id"]) for row in rows]
    strict = {"before_as_of": "2026-06-30", "definition": "mast.verified.1", "before_definition": "mast.declared.1"}
    told = await get(client, people["auditor"], **strict)
    assert told["changes"]["ceased_shared"] == told["before"]["shared"] == 1
    borders = {"before_as_of": "2026-06-30", "boundary_set": "CM-2024-12", "before_boundary_set": "CM-2023"}
    assert (await get(client, people["auditor"], **borders))["changes"]["changed_unit"] == 0


async def test_nobody_else_sees_a_plan_and_the_statements_do_not_grow(
    client: httpx.AsyncClient, people: People, province: Province, changed: dict[str, str]
) -> None:
    """By mistake it was recorded as standing: today it is only a plan, whatever was known before."""
    late = datetime(2026, 10, 1, tzinfo=UTC)
    secret = await province.mast(more=[tellings.change(2, "change", date(2020, 1, 1), {"status": "planned"}, at=late)])
    same_day = {"before_as_of": "2026-06-30", "before_known_at": "2026-09-30"}
    for who, sees in (("auditor", True), ("viettel", True), ("vnpt", False)):
        rows = (await get(client, people[who], "/structures", **same_day))["items"]
        assert (str(secret) in {row["id"] for row in rows}) == sees, who
    async with province.database.said() as seen:
        await get(client, people["auditor"], "/structures")
    assert len(seen) == 3, "two scopes, one list"


async def test_the_page_shows_both_figures_and_what_made_the_difference(
    client: httpx.AsyncClient, people: People, changed: dict[str, str]
) -> None:
    query = {"before_as_of": "30/06/2024", "as_of": "30/06/2026"}
    answer = await client.get("/sharing/ratio/compare", params=query, headers=people["auditor"])
    page = BeautifulSoup(answer.text, "html.parser")
    assert [tag.get_text() for tag in page.select(".am-fig")] == ["16,67%", "16,67%"]
    assert len(page.select("tbody tr")) == 6
    assert "Thành dùng chung" in page.get_text()
    one = await client.get("/sharing/ratio/compare", params={**query, "change": "left"}, headers=people["auditor"])
    assert len(BeautifulSoup(one.text, "html.parser").select("tbody tr")) == 1
    wrong = await client.get("/sharing/ratio/compare?before_as_of=xx&as_of=29/02/2024", headers=people["auditor"])
    assert wrong.status_code == 200
    assert "27/05/2024" in wrong.text
