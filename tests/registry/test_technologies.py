"""How far the old networks are switched off, over the quarters and as known then."""

from datetime import date, timedelta

from bs4 import BeautifulSoup

from services.registry.commands import structures
from services.registry.commands.stations import change_station, register_station
from services.registry.domain.quarters import quarters
from services.registry.domain.station import StationFacts
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

PATH = "/api/registry/v1/stations:technologies"


def test_quarters_end_with_the_day_asked_for():
    assert quarters(date(2026, 11, 20), 4) == [
        date(2026, 3, 31),
        date(2026, 6, 30),
        date(2026, 9, 30),
        date(2026, 11, 20),
    ]
    assert quarters(date(2026, 3, 31), 2) == [date(2025, 12, 31), date(2026, 3, 31)]
    assert quarters(date(2026, 1, 1), 2) == [date(2025, 12, 31), date(2026, 1, 1)]


async def test_stations_on_air_are_counted_by_technology_and_quarter(client, people, database):
    async with database.tx() as tx:
        one = await structures.register(tx, REGISTRAR, "mast", mast(), valid_from=MAY_2015, now=NOW)
        made = [
            await register_station(
                tx, REGISTRAR, StationFacts(operator=operator, status="active", technologies=["2G", "4G"]),
                structure_id=one.id, valid_from=MAY_2015, now=NOW - timedelta(days=400),
            )
            for operator in ("VIETTEL", "VNPT")
        ]  # fmt: skip
        off = StationFacts(technologies=["4G", "5G"])
        await change_station(tx, REGISTRAR, made[0].id, off, valid_from=date(2026, 7, 1), now=NOW - timedelta(days=3))
    asked = {"as_of": "2026-11-20", "quarters": 3}

    async def told(who, **more):
        answer = await client.get(PATH, params={**asked, **more}, headers=people[who])
        assert answer.status_code == 200, answer.text
        return {(row["operator"], row["technology"]): row["counts"] for row in answer.json()["operators"]}

    assert await told("officer") == {
        ("VIETTEL", "2G"): [1, 0, 0], ("VNPT", "2G"): [1, 1, 1], ("VIETTEL", "4G"): [1, 1, 1],
        ("VNPT", "4G"): [1, 1, 1], ("VIETTEL", "5G"): [0, 1, 1],
    }  # fmt: skip
    assert set(await told("vnpt")) == {("VNPT", "2G"), ("VNPT", "4G")}
    assert (await told("officer", known_at="2026-11-01"))["VIETTEL", "2G"] == [1, 1, 1]
    async with database.said() as said:
        answer = await client.get("/registry/technologies?as_of=20/11/2026", headers=people["officer"])
    soup = BeautifulSoup(answer.text, "html.parser")
    assert (len(soup.select("polyline")), len(said)) == (3, 2)
    assert soup.select_one("table tbody tr").get_text(" ", strip=True).endswith("2 1 1")
    empty = await client.get("/registry/technologies?as_of=01/01/2011", headers=people["officer"])
    assert "am-empty" in empty.text
