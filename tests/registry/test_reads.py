"""Lists and maps: filters, both times, pages, and how many statements they take."""

import pytest
import sqlalchemy as sa

from services.registry.commands.imports import ImportRow, import_structures
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

MASTS = "/api/registry/v1/masts"
PLACES = (("Cột Sông Đốc 1", "32098@2023"), ("Cột Đất Mũi 2", "32248@2023"), ("Cột Lợi An 3", "32122@2023"))


@pytest.fixture
async def masts(database):
    rows = [
        ImportRow(
            no,
            mast(
                name=f"{PLACES[no % 3][0]}-{no}", commune=PLACES[no % 3][1], owner=("VIETTEL", "VNPT")[no % 2],
                status=("in_service", "in_service", "in_service", "idle")[no % 4], point=(104.8 + no / 100, 9.0),
            ),
            MAY_2015,
        )
        for no in range(24)
    ]  # fmt: skip
    async with database.tx() as tx:
        return await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)


async def names(client, headers, **query):
    answer = await client.get(MASTS, params={"limit": 500, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_filters_narrow(client, people, masts):
    who = people["officer"]
    assert len(await names(client, who)) == 24
    assert len(await names(client, who, owner="VNPT")) == 12
    assert len(await names(client, who, status="idle", owner="VNPT")) == 6
    assert len(await names(client, who, bbox="104.795,8.9,104.825,9.1")) == 3
    assert await names(client, who, owner="NOBODY") == []


async def test_search_needs_no_accents(client, people, masts):
    who = people["officer"]
    assert len(await names(client, who, q="song doc")) == 8
    assert len(await names(client, who, q="đất mũi")) == 8
    assert len(await names(client, who, q="tran van thoi vnpt")) == 8
    assert await names(client, who, q="zzz") == []
    number = masts.public_nos[5]
    assert len(await names(client, who, q=number)) == 1


async def test_a_unit_of_any_vintage_finds_its_masts(client, people, masts):
    who = people["officer"]
    assert len(await names(client, who, commune="32098@2023")) == 8
    assert len(await names(client, who, commune="32098@2025-07")) == 8
    assert len(await names(client, who, commune="32134@2025-07")) == 8
    assert len(await names(client, who, district="968@2023")) == 16
    assert len(await names(client, who, district="96@2025-07")) == 24


async def test_pages_follow_each_other_without_a_hole(client, people, masts):
    found, cursor = [], None
    while True:
        query = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(MASTS, params=query, headers=people["officer"])).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 24
    assert (await client.get(MASTS, params={"cursor": "xx"}, headers=people["officer"])).json()["code"] == "BadCursor"


async def test_a_list_of_the_past_and_of_what_was_known(client, people, masts):
    who = people["officer"]
    assert await names(client, who, as_of="2015-04-30") == []
    assert len(await names(client, who, as_of="2015-05-01")) == 24
    assert await names(client, who, known_at="2026-11-19") == []
    assert len(await names(client, who, known_at="2026-11-20T09:00:00+07:00")) == 24
    refused = await client.get(MASTS, params={"known_at": "2199-01-01"}, headers=who)
    assert (refused.status_code, refused.json()["code"]) == (422, "KnownAtInFuture")


async def test_the_list_says_how_far_it_goes(client, people, masts, database):
    page = (await client.get(MASTS, params={"limit": 1}, headers=people["officer"])).json()
    assert page["complete_to"] is None
    async with database.tx() as tx:
        await tx.execute(sa.text("INSERT INTO watermark VALUES ('permits', '2026-11-20T02:00:00Z')"))
    page = (await client.get(MASTS, params={"limit": 1}, headers=people["officer"])).json()
    assert page["complete_to"].startswith("2026-11-20T02:00:00")


@pytest.mark.parametrize("limit", [1, 20])
async def test_a_list_is_one_statement_however_long(client, people, masts, database, limit):
    async with database.said() as said:
        await client.get(MASTS, params={"limit": limit}, headers=people["officer"])
    assert len(said) == 1


async def test_one_mast_and_the_map_are_one_statement_each(client, people, masts, database):
    for path in (f"{MASTS}/{masts.ids[0]}", f"{MASTS}/{masts.ids[0]}/history", f"{MASTS}:map?zoom=8"):
        async with database.said() as said:
            assert (await client.get(path, headers=people["officer"])).status_code == 200
        assert len(said) == 1


async def test_an_import_takes_as_many_statements_for_forty_as_for_one(database):
    async def statements(number, name="x"):
        rows = [ImportRow(n, mast(name=f"{name}-{number}-{n}"), MAY_2015) for n in range(number)]
        async with database.tx() as tx, database.said() as said:
            await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)
        return len(said)

    # The driver asks once for the columns' types; a few rows do without COPY.
    await statements(30)
    assert await statements(40) == await statements(31)


async def test_the_map_clusters_by_zoom_and_loses_none(client, people, masts):
    who = people["officer"]
    for zoom in (3, 9, 12, 16):
        found = (await client.get(f"{MASTS}:map", params={"zoom": zoom}, headers=who)).json()
        marks = found["features"]
        assert sum(f["properties"].get("cluster", 1) for f in marks) == found["total"] == 24
    assert all("cluster" not in f["properties"] for f in marks)
    far = (await client.get(f"{MASTS}:map", params={"zoom": 3}, headers=who)).json()["features"]
    assert len(far) == 1
    boxed = await client.get(f"{MASTS}:map", params={"zoom": 9, "bbox": "104.795,8.9,104.825,9.1"}, headers=who)
    assert boxed.json()["total"] == 3
    bad = await client.get(f"{MASTS}:map", params={"bbox": "1,2,3"}, headers=who)
    assert bad.json()["code"] == "BadBox"


async def test_units_and_organisations_are_found_as_they_were(client, people):
    who = people["viettel"]

    async def units(**query):
        return (await client.get("/api/registry/v1/units", params={"limit": 500, **query}, headers=who)).json()["items"]

    assert len(await units(boundary_set="CM-2023", level="commune")) == 101
    assert len(await units(boundary_set="CM-2024-12", level="commune")) == 100
    assert len(await units(boundary_set="CM-2025-07", level="commune")) == 64
    assert {u["id"] for u in await units(q="hoa thanh", level="commune")} >= {"32038@2023", "32041@2025-07"}
    path = "/api/registry/v1/organisations"
    then = (await client.get(path, params={"as_of": "2024-01-01", "limit": 500}, headers=who)).json()["items"]
    now = (await client.get(path, params={"as_of": "2026-01-01", "limit": 500}, headers=who)).json()["items"]
    held = [{m["function"]: o["code"] for o in found for m in o["mandates"]} for found in (then, now)]
    assert [h["transport"] for h in held] == ["SGTVT", "SXD"]
    assert next(o for o in now if o["code"] == "SGTVT")["successor"] == "SXD"


async def test_the_question_of_masts_nearby_is_answered(database, masts):
    from contracts.registry import MastsNear
    from services.registry.answers import masts_near

    question = MastsNear(lon=104.8, lat=9.0, radius_m=2500, as_of=NOW.date())
    found = (await masts_near(database, question)).items
    assert [round(m.distance_m, -1) for m in found] == [0, 1100, 2200]
    assert found[0].owner == "VIETTEL"
