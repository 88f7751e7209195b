"""Rules of data quality: counted by owner in one statement, each figure the length of its work list."""

from datetime import UTC, date, datetime, timedelta

import pytest
from bs4 import BeautifulSoup

from services.registry import data
from services.registry.commands import structures
from services.registry.commands.imports import ImportRow, import_structures
from services.registry.commands.stations import register_station
from services.registry.domain.station import StationFacts
from services.registry.domain.structure import MastFacts
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

LONG_AGO = NOW - timedelta(days=800)
MASTS = "/api/registry/v1/masts"


@pytest.fixture
async def masts(database):
    """One as it should be, and one for each way of being otherwise."""
    good = {"foundation": "ground", "code": ("ND163", "A1")}
    wrong = [
        {}, {"capacity": None}, {"code": None}, {"foundation": None}, {"capacity": 1}, {"code": ("TT14", "A2b")},
        {"status": "permitted"}, {"owner": "VNPT"}, {"status": "dismantled", "code": None},
    ]  # fmt: skip
    rows = [
        ImportRow(n, mast(**{**good, "name": f"M{n}", "point": (104.8 + n / 100, 9.0), **one}), MAY_2015, evidence=4)
        for n, one in enumerate(wrong)
    ]
    rows.append(ImportRow(20, mast(**good, name="M20", point=(104.8, 9.0001)), MAY_2015, evidence=1))
    async with database.tx() as tx:
        made = await import_structures(tx, REGISTRAR, "mast", rows, now=datetime.now(UTC) - timedelta(days=800))
        for operator in ("VIETTEL", "VNPT"):
            said = StationFacts(operator=operator, status="active", technologies=["4G"])
            await register_station(tx, REGISTRAR, said, structure_id=made.ids[4], valid_from=MAY_2015, now=NOW)
        await structures.change(
            tx, REGISTRAR, "mast", made.ids[9], MastFacts(address="Ấp 1"), valid_from=date(2026, 1, 1), now=NOW
        )
    return made


async def told(client, headers, path=f"{MASTS}:quality", **query):
    answer = await client.get(path, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_each_rule_finds_what_breaks_it_and_its_list_holds_as_many(client, people, masts):
    found = await told(client, people["officer"])
    viettel, vnpt = found["owners"]
    assert (viettel["owner"], viettel["structures"], vnpt["owner_name"]) == ("VIETTEL", 8, "VNPT")
    assert viettel["faults"] == {
        "unconfirmed": 0, "only-declared": 1, "no-capacity": 1, "no-class": 1, "no-foundation": 1, "crowded": 1,
        "lapsed": 1, "near-duplicate": 2, "old-class": 1,
    }  # fmt: skip
    assert vnpt["faults"]["near-duplicate"] == 0
    assert vnpt["score"] == 100.0 > viettel["score"] > 80
    for rule in found["rules"]:
        listed = await told(client, people["officer"], MASTS, fault=rule["code"], **{"status.ne": "dismantled"})
        assert len(listed["items"]) == sum(owner["faults"][rule["code"]] for owner in found["owners"]), rule
    assert (await told(client, people["officer"], MASTS, fault="no-length"))["items"] == []
    past = await told(client, people["officer"], as_of="2015-06-01")
    assert past["owners"][0]["faults"]["lapsed"] == 0


async def test_what_nobody_confirmed_for_two_years_says_so(client, people, masts, database):
    async with database.tx() as tx:
        one = await structures.register(
            tx,
            REGISTRAR,
            "mast",
            mast(name="Lâu", point=(105, 9.1)),
            valid_from=MAY_2015,
            now=NOW - timedelta(days=800),
        )
    assert [m["name"] for m in (await told(client, people["officer"], MASTS, fault="unconfirmed"))["items"]] == ["Lâu"]
    async with database.tx() as tx:
        await structures.change(
            tx, REGISTRAR, "mast", one.id, MastFacts(capacity=3), valid_from=date(2026, 1, 1), now=NOW, evidence=5
        )
    assert (await told(client, people["officer"], MASTS, fault="unconfirmed"))["items"] == []


async def test_an_enterprise_is_told_of_its_own_records_alone(client, people, masts):
    assert [one["owner"] for one in (await told(client, people["vnpt"]))["owners"]] == ["VNPT"]
    assert (await client.get(f"{MASTS}:quality", headers=people["nobody"])).status_code == 403


async def test_the_page_leads_to_each_work_list_in_few_statements(client, people, masts, database):
    async with database.said() as said:
        answer = await client.get("/registry/quality", headers={**people["officer"], "Accept": "text/html"})
    soup = BeautifulSoup(answer.text, "html.parser")
    assert (answer.status_code, len(said) <= 2) == (200, True)
    assert len(soup.select("table")[1].select("tbody tr")) == len(data.quality().of("mast"))
    link = soup.select_one("a[href*='fault=near-duplicate']")["href"]
    listed = BeautifulSoup((await client.get(link, headers=people["officer"])).text, "html.parser")
    assert len(listed.select("#masts tbody tr")) == 2
    empty = await client.get("/registry/quality?kind=duct", headers=people["officer"])
    assert "am-empty" in empty.text
