"""Lists over HTTP: filters, fields, expansion, totals, other forms; one statement each, however many rows."""

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pytest

from services.permits import commands, queries
from services.permits.domain.application import Decision
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, BINH, HUNG, LAN, MAI, local, settings

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
API = "/api/permits/v1"
URL = f"{API}/applications"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def five(database: RolledBack) -> list[str]:
    """Four dossiers of Viettel, one of VNPT: received, under review, decided, the others received later."""
    numbers = []
    async with database.tx() as tx:
        for hour, who in ((8, AN), (9, AN), (10, AN), (11, AN), (12, BINH)):
            receipt = await world.filed(tx, who, now=local(2026, 11, 16 + hour % 4, hour), name=f"=BTS {hour}")
            numbers.append(receipt.number)
            if hour in (9, 10):
                dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
                await commands.accept(tx, LAN, dossier, settings=settings(), now=local(2026, 11, 20, 9))
            if hour == 10:
                dossier = await queries.application(tx, receipt.id, actor=HUNG, lock=True)
                said = Decision("no_objection", reason="khẩn")
                await commands.decide(tx, HUNG, dossier, said, settings=settings(), now=local(2026, 11, 20, 10))
    return numbers


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "12345"),
        ({"applicant": "VNPT"}, "5"),
        ({"applicant.in": "VNPT,VIETTEL"}, "12345"),
        ({"state": "received"}, "145"),
        ({"state.in": "under_review,decided"}, "23"),
        ({"state.ne": "received"}, "23"),
        ({"work": "mast.new"}, "12345"),
        ({"procedure": "mast.new.permit@1"}, ""),
        ({"number": "HS-2026-00004"}, "4"),
        ({"received_on": "2026-11-17"}, "2"),
        ({"received_on.gte": "2026-11-18"}, "34"),
        ({"received_on.gt": "2026-11-18"}, "4"),
        ({"received_on.lte": "2026-11-16"}, "15"),
        ({"received_on.gte": "2026-11-17", "received_on.lt": "2026-11-19"}, "23"),
        ({"commune": "32002@2025"}, "12345"),
        ({"commune": "32044@2023"}, ""),
        ({"lead": "SXD"}, "12345"),
        ({"outcome": "no_objection"}, "3"),
        ({"outcome.in": "objection"}, ""),
        ({"due_on.lt": "2026-11-23"}, "15"),
        ({"q": "bts 9"}, "2"),
        ({"q": "%"}, ""),
        ({"q": "00003"}, "3"),
    ],
)
async def test_what_a_filter_finds(
    client: httpx.AsyncClient, header: Header, five: list[str], asked: dict[str, Any], found: str
) -> None:
    answer = await client.get(URL, params={**asked, "total": "true", "fields": "number"}, headers=header(MAI))
    assert answer.status_code == 200, answer.text
    assert sorted(row["number"] for row in answer.json()["items"]) == [five[int(n) - 1] for n in found]
    assert answer.json()["total"] == len(found)


@pytest.mark.parametrize(
    ("path", "asked", "pointer"),
    [
        ("applications", {"colour": "red"}, "/query/colour"),
        ("applications", {"state": "burnt"}, "/query/state"),
        ("applications", {"received_on.gte": "yesterday"}, "/query/received_on.gte"),
        ("applications", {"height_m.gte": "45"}, "/query/height_m.gte"),
        ("applications", {"fields": "id,price"}, "/query/fields"),
        ("applications", {"expand": "sites"}, "/query/expand"),
        ("applications", {"limit": "0"}, "/query/limit"),
        ("queue", {"tab": "everything"}, "/query/tab"),
        ("queue", {"expand": "parts"}, "/query/expand"),
        ("procedures", {"valid_on": "1"}, "/query/valid_on"),
        ("codes", {"fields": "price"}, "/query/fields"),
    ],
)
async def test_what_cannot_be_asked(
    client: httpx.AsyncClient, header: Header, path: str, asked: dict[str, str], pointer: str
) -> None:
    answer = await client.get(f"{API}/{path}", params=asked, headers=header(LAN))
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("path", ["applications", "queue", "procedures", "codes"])
async def test_pages_join_without_gap_or_double(
    client: httpx.AsyncClient, header: Header, five: list[str], path: str
) -> None:
    whole = (await client.get(f"{API}/{path}", params={"limit": 500}, headers=header(LAN))).json()["items"]
    assert len(whole) >= 2
    seen: list[Any] = []
    asked: dict[str, Any] = {"limit": 1}
    while True:
        page = (await client.get(f"{API}/{path}", params=asked, headers=header(LAN))).json()
        seen += page["items"]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert seen == whole


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("applications", 1),
        ("applications?total=true&expand=parts,clocks&q=BTS", 1),
        ("procedures", 1),
        ("codes", 1),
        ("events?after=0", 1),
        # The calendar's newest version and the counts of the tabs besides.
        ("queue", 3),
    ],
)
async def test_a_list_is_a_fixed_number_of_statements(
    client: httpx.AsyncClient, header: Header, database: RolledBack, five: list[str], path: str, most: int
) -> None:
    await client.get(f"{API}/{path}", headers=header(LAN))
    async with database.said() as said:
        answer = await client.get(f"{API}/{path}", headers=header(LAN))
        assert answer.status_code == 200
    assert len(said) == most, said


async def test_a_dossier_is_one_statement(
    client: httpx.AsyncClient, header: Header, database: RolledBack, five: list[str]
) -> None:
    first = (await client.get(URL, headers=header(AN))).json()["items"][0]["id"]
    async with database.said() as said:
        answer = await client.get(f"{URL}/{first}", headers=header(AN))
    assert (answer.status_code, len(said)) == (200, 1)
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'


async def test_fields_and_expansion(client: httpx.AsyncClient, header: Header, five: list[str]) -> None:
    asked = {"fields": "number,lat", "number": five[0]}
    assert (await client.get(URL, params=asked, headers=header(AN))).json()["items"] == [
        {"number": five[0], "lat": 9.17}
    ]
    bare = (await client.get(URL, params={"number": five[2]}, headers=header(AN))).json()["items"][0]
    assert "parts" not in bare
    asked = {"number": five[2], "expand": "parts,clocks,supplement_requests,notices"}
    rich = (await client.get(URL, params=asked, headers=header(AN))).json()["items"][0]
    assert set(rich) - set(bare) == {"parts", "clocks", "supplement_requests", "notices"}
    assert [part["code"] for part in rich["parts"]] == ["drawings", "land_paper"]
    whole = (await client.get(f"{URL}/{rich['id']}", headers=header(AN))).json()
    assert {name: whole[name] for name in ("parts", "clocks", "notices")} == {
        name: rich[name] for name in ("parts", "clocks", "notices")
    }


async def test_as_csv_xlsx_and_geojson(client: httpx.AsyncClient, header: Header, five: list[str]) -> None:
    asked = {"applicant": "VIETTEL", "limit": 1}
    answer = await client.get(URL, params=asked, headers=header(MAI, Accept="text/csv"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["number"] for row in rows] == five[3::-1]
    assert (rows[0]["lon"], rows[0]["lat"], rows[0]["state"]) == ("105.15", "9.17", "received")
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    answer = await client.get(URL, params=asked, headers=header(MAI, Accept=XLSX))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] == five[3::-1]
    answer = await client.get(URL, params=asked, headers=header(MAI, Accept="application/geo+json"))
    features = answer.json()["features"]
    assert [feature["properties"]["number"] for feature in features] == five[3::-1]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [105.15, 9.17]}
    refused = await client.get(URL, headers=header(MAI, Accept="application/pdf"))
    assert (refused.status_code, refused.json()["code"]) == (406, "NotAcceptable")
    queue = await client.get(f"{API}/queue", headers=header(LAN, Accept="text/csv"))
    assert len(list(csv.DictReader(io.StringIO(queue.text)))) == 4


async def test_the_queue_says_for_whom_it_waits(client: httpx.AsyncClient, header: Header, five: list[str]) -> None:
    answer = (await client.get(f"{API}/queue", params={"total": "true"}, headers=header(LAN))).json()
    assert [row["number"] for row in answer["items"]] == [five[0], five[4], five[3], five[1]]
    assert (answer["total"], answer["counts"]["all"], answer["counts"]["overdue"]) == (4, 4, 2)
    overdue = (await client.get(f"{API}/queue", params={"tab": "overdue"}, headers=header(LAN))).json()["items"]
    assert [row["number"] for row in overdue] == [five[0], five[4]]
    waiting = (await client.get(f"{API}/queue", params={"asked": "transport"}, headers=header(world.MINH))).json()
    assert [(row["number"], row["asked"]) for row in waiting["items"]] == [(five[1], "transport")]


async def test_the_law_is_read_by_code(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN)
    asked = {"work": "mast.new", "valid_on": "2025-12-31", "fields": "code,version,lead,words"}
    (permit,) = (await client.get(f"{API}/procedures", params=asked, headers=an)).json()["items"]
    assert (permit["code"], permit["version"], permit["lead"]) == ("mast.new.permit", 1, "construction")
    assert permit["words"]["functions"]["construction"]["vi"]
    codes = (await client.get(f"{API}/codes", params={"list": "fact", "limit": 500}, headers=an)).json()["items"]
    assert {"foundation", "in_obstacle_surface"} <= {code["code"] for code in codes}
    foundation = next(code for code in codes if code["code"] == "foundation")
    assert "roof" in foundation["settings"]["choices"]
