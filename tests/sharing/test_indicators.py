"""The plan's thirty indicators, their values, and what everybody may take without signing in."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from kernel.db import Database
from services.sharing import data
from services.sharing.commands import indicators as commands
from services.sharing.domain import indicators as rules
from services.sharing.domain.refusals import ChangeUnexplained
from tests.fixtures.servers import ServiceDatabase
from tests.sharing.conftest import AUDITOR, NOW, VIETTEL, Province

API = "/api/sharing/v1"
PLAN = "250/KH-UBND"
SHIPPED = {one.code: one for one in data.indicators().indicators}
People = dict[str, dict[str, str]]
SHEET = Path(__file__).parents[3] / "shared" / "data" / "plan_250_indicators.csv"


# Rules


@pytest.mark.unit
def test_the_shipped_indicators_are_those_of_the_plan() -> None:
    assert len(SHIPPED) == 30
    if not SHEET.exists():
        pytest.skip("the plan's table is not beside the checkout")
    words = {"Có": "1", "Chưa": "0"}
    for row in csv.DictReader(SHEET.open(encoding="utf-8")):
        indicator = SHIPPED[row["code"]]
        assert indicator.title.vi == row["name_vi"]
        assert indicator.base == (words.get(row["base_2023_06"], row["base_2023_06"]) or None)
        cells = {year: words.get(row[f"target_{year}"], row[f"target_{year}"]) for year in ("2023", "2024", "2025")}
        assert indicator.targets == {year: cell for year, cell in cells.items() if cell}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("code", "value", "day", "light"),
    [
        ("I.3", "13", "2023-12-31", "met"),
        ("I.3", "12.9999", "2023-12-31", "near"),
        ("I.3", "11", "2023-12-31", "missed"),
        ("I.3", "18.999", "2024-03-01", "near"),
        ("I.3", "24.9999", "2026-11-20", "near"),
        ("I.3", None, "2024-03-01", "unknown"),
        ("III.1", "0", "2023-12-31", "met"),
        ("III.1", "0", "2024-12-31", "near"),
        ("IV.1.b", "0", "2023-06-30", "missed"),
        ("IV.1.c", "1", "2023-06-30", "met"),
        ("V.8", "59", "2024-06-30", "near"),
    ],
)
def test_the_light_compares_with_the_target_in_force(code: str, value: str | None, day: str, light: str) -> None:
    exact = None if value is None else Decimal(value)
    assert rules.light(SHIPPED[code], exact, date.fromisoformat(day)) == light


@pytest.mark.unit
@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("percent", "11,74", "11.74"),
        ("percent", "11.74 %", "11.74"),
        ("percent", "100.01", None),
        ("percent", "-1", None),
        ("percent", "NaN", None),
        ("percent", "1e400", None),
        ("percent", "1.23456", None),
        ("yes_no", "2", None),
        ("yes_no", "1", "1"),
        ("count", "1.5", None),
        ("count", "7", "7"),
        ("mbps", "1e2", "100"),
        ("per_100", "", None),
    ],
)
def test_a_value_is_read_as_people_write_it(unit: Any, text: str, value: str | None) -> None:
    read = rules.read_value(unit, text)
    assert read == (None if value is None else Decimal(value))


@pytest.mark.unit
@given(st.sampled_from(sorted(SHIPPED)), st.decimals(0, 200, places=2), st.dates(date(2023, 1, 1), date(2030, 1, 1)))
def test_more_is_never_worse(code: str, value: Decimal, day: date) -> None:
    order = ("missed", "near", "met")
    lights = [rules.light(SHIPPED[code], each, day) for each in (value, value + 1)]
    assert order.index(lights[0]) <= order.index(lights[1])


# Values


async def listed(client: httpx.AsyncClient, who: dict[str, str], **query: str) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"{API}/indicators", params=query, headers=who)
    assert answer.status_code == 200, answer.text
    return {row["code"]: row for row in answer.json()["items"]}


async def entered(client: httpx.AsyncClient, who: dict[str, str], **body: Any) -> httpx.Response:
    given = {"plan": PLAN, "code": "V.1", "as_of": "2026-09-30", "source": "Báo cáo quý III", **body}
    return await client.post(f"{API}/indicator-values", json=given, headers=who)


@pytest.mark.database
async def test_counted_ones_come_from_the_register_and_others_from_their_source(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    shared = await province.mast()
    await province.agree(shared, "VNPT")
    for _ in range(6):
        await province.mast("VNPT")
    assert (await entered(client, people["auditor"], value="81,5")).status_code == 201
    found = await listed(client, people["viettel"])
    assert len(found) == 30
    masts, ducts, mobile = found["I.3"], found["I.5"], found["V.1"]
    assert (masts["shared"], masts["counted_in"], masts["value"], masts["light"]) == (1, 7, "14.29", "missed")
    assert (ducts["value"], ducts["light"]) == (None, "unknown")
    assert (mobile["value"], mobile["value_on"], mobile["target"], mobile["light"]) == (
        "81.5",
        "2026-09-30",
        "80",
        "met",
    )
    assert (await listed(client, people["viettel"], as_of="2026-09-29"))["V.1"]["value"] is None
    in_time = await listed(client, people["viettel"], known_at="2026-11-19")
    assert in_time["V.1"]["value"] is None
    sheet = await client.get(f"{API}/indicators", headers={**people["viettel"], "Accept": "text/csv"})
    assert len(list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))) == 30


@pytest.mark.database
async def test_a_value_is_corrected_with_a_reason_and_taken_back_and_nothing_is_lost(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    who = people["auditor"]
    await entered(client, who, value="81")
    silent = await entered(client, who, value="82")
    assert (silent.status_code, silent.json()["code"]) == (422, "ChangeUnexplained")
    assert (await entered(client, who, value="82", reason="Nhập nhầm")).status_code == 201
    assert (await listed(client, who))["V.1"]["value"] == "82"
    await entered(client, who, as_of="2026-06-30", value="75")
    assert (await entered(client, who, value=None, reason="Chưa đủ căn cứ")).status_code == 201
    assert (await listed(client, who))["V.1"]["value"] == "75"
    history = (await client.get(f"{API}/indicator-values?code=V.1", headers=who)).json()["items"]
    assert [(row["value"], row["current"]) for row in history] == [
        (None, True), ("82", False), ("81", False), ("75", True),
    ]  # fmt: skip
    current = (await client.get(f"{API}/indicator-values?current=true", headers=who)).json()["items"]
    assert [row["value"] for row in current] == [None, "75"]
    for body, code in (
        ({"code": "X.1", "value": "1"}, "IndicatorNotFound"), ({"code": "I.3", "value": "1"}, "IndicatorCounted"),
        ({"value": "abc"}, "ValueMalformed"), ({"value": "1", "source": " "}, "SourceMissing"),
        ({"value": "1", "as_of": "2027-01-01"}, "DayTooLate"), ({"value": None}, "ChangeUnexplained"),
    ):  # fmt: skip
        assert (await entered(client, who, **body)).json()["code"] == code


@pytest.mark.database
async def test_an_enterprise_tells_its_own_value_which_others_do_not_see(client, people, province) -> None:
    assert (await entered(client, people["viettel"], value="60")).status_code == 201
    seen = {
        who: [row["org"] for row in (await client.get(f"{API}/indicator-values", headers=people[who])).json()["items"]]
        for who in ("viettel", "vnpt", "auditor", "reviewer")
    }
    assert seen == {"viettel": ["VIETTEL"], "vnpt": [], "auditor": ["VIETTEL"], "reviewer": []}
    assert (await listed(client, people["auditor"]))["V.1"]["value"] is None
    assert (await entered(client, people["reviewer"], value="60")).status_code == 403


@pytest.mark.database
async def test_of_two_at_once_the_second_must_say_why(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    database = Database(fresh_database("sharing").url, 4)
    await Province(database).prepare()

    async def enter(value: str) -> bool:
        try:
            async with database.tx() as tx:
                await commands.enter(tx, AUDITOR, PLAN, "V.1", date(2026, 9, 30), value, "x", "", now=NOW)
        except ChangeUnexplained:
            return False
        return True

    assert sorted(await asyncio.gather(*(enter(str(value)) for value in range(60, 64)))) == [False] * 3 + [True]
    async with database.tx() as tx:
        await commands.enter(tx, VIETTEL, PLAN, "V.1", date(2026, 9, 30), "1", "x", "", now=NOW)
    await database.close()


# Open data


OPEN = ("ratios", "targets", "indicators", "statements")


@pytest.mark.database
async def test_everybody_takes_the_open_data_in_each_form(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    shared = await province.mast()
    await province.agree(shared, "VNPT", now=NOW - timedelta(hours=1))
    await province.mast("VNPT")
    await province.complete()
    await client.post(f"{API}/statements", json={"as_of": "2026-10-31"}, headers=people["auditor"])
    for name in OPEN:
        path = f"{API}/open/{name}"
        told = await client.get(path)
        assert told.status_code == 200, told.text
        assert told.json()["items"], name
        for answer in (await client.get(f"{path}.csv"), await client.get(path, headers={"Accept": "text/csv"})):
            assert answer.headers["content-type"].startswith("text/csv")
            assert len(answer.text.splitlines()) > 1
        assert (await client.get(f"{path}.xlsx")).content.startswith(b"PK")
    rows = (await client.get(f"{API}/open/ratios?kind=mast&by=owner")).json()["items"]
    assert [(row["by"], row["key"], row["shared"], row["counted"]) for row in rows] == [
        ("total", "", 1, 2), ("owner", "VIETTEL", 1, 1), ("owner", "VNPT", 0, 1),
    ]  # fmt: skip
    first = (await client.get(f"{API}/open/ratios?limit=2&total=true")).json()
    assert first["total"] == 3
    rest = (await client.get(f"{API}/open/ratios?limit=2&cursor={first['next']}")).json()
    assert [row["kind"] for row in [*first["items"], *rest["items"]]] == ["mast", "pole", "duct"]
    page = await client.get("/sharing/open")
    assert page.status_code == 200
    assert "50,00%" in page.text
    assert "/sharing/agreements" not in page.text


@pytest.mark.database
async def test_open_data_tells_no_plan_no_tenant_and_no_day_to_come(client, province) -> None:
    shared = await province.mast()
    agreement = await province.agree(shared, "VNPT")
    await province.mast("MOBIFONE", status="planned")
    await province.mast("MOBIFONE", since=date(2027, 1, 1))
    for name in OPEN:
        for query in ("", "?by=unit", "?by=owner") if name == "ratios" else ("",):
            told = await client.get(f"{API}/open/{name}{query}")
            assert str(agreement.id) not in told.text
            assert "MOBIFONE" not in told.text
    for name in ("ratios", "targets", "indicators"):
        later = await client.get(f"{API}/open/{name}?as_of=2027-06-30")
        assert (later.status_code, later.json()["code"]) == (403, "PlansNotShown")
    assert (await client.get(f"{API}/indicators")).status_code == 401
    assert (await client.post(f"{API}/open/ratios")).status_code in (401, 405)


# Pages


@pytest.mark.database
async def test_the_board_and_an_indicator_are_shown_and_a_value_is_entered(client, people, province) -> None:
    who = people["auditor"]
    board = await client.get("/sharing/indicators", headers=who)
    assert board.text.count("Chưa có giá trị") >= 30
    assert "Chưa" in board.text
    page = await client.get("/sharing/indicators/V.1", headers=who)
    token = BeautifulSoup(page.text, "html.parser").select_one("form.am-form input[name=_csrf]")["value"]
    form = {"_csrf": token, "as_of": "30/09/2026", "value": "81,5", "source": "Báo cáo quý III"}
    wrong = await client.post("/sharing/indicators/V.1", data={**form, "value": "-3"}, headers=who)
    assert wrong.status_code == 422
    assert "Giá trị này không hợp lệ" in wrong.text
    assert (await client.post("/sharing/indicators/V.1", data={**form, "as_of": "x"}, headers=who)).status_code == 422
    made = await client.post("/sharing/indicators/V.1", data=form, headers=who)
    assert made.status_code == 303
    shown = await client.get("/sharing/indicators/V.1", headers=who)
    assert "81,5/100 dân" in shown.text
    assert "Đạt chỉ tiêu" in shown.text
    for code in ("I.3", "III.1", "IV.1.đ"):
        one = await client.get(f"/sharing/indicators/{code}", headers=people["viettel"])
        assert one.status_code == 200
    assert "_csrf" not in BeautifulSoup(one.text, "html.parser").select_one("main").text
    assert (await client.get("/sharing/indicators/X", headers=who)).status_code == 404
    wrong_day = await client.get("/sharing/indicators?as_of=99/99/2026", headers=who)
    assert "27/05/2024" in wrong_day.text
