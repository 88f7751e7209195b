"""The registry's lists and writes as docs/api.md promises them: filters, members, forms, batches, one state."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy as sa

from kernel.export import CSV, GEOJSON, XLSX
from services.registry.commands import structures
from services.registry.commands.imports import ImportRow, import_structures
from services.registry.commands.stations import register_station
from services.registry.domain.station import StationFacts
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, body, mast

API = "/api/registry/v1"
MASTS, STATIONS = f"{API}/masts", f"{API}/stations"
UNKNOWN = "01a20fe5-7ef0-730f-96c6-026e63e61857"


@pytest.fixture
async def masts(database):
    """Twelve: heights 30 to 41, capacity 0 to 3, evidence 1 and 2, in service and idle by turns."""
    rows = [
        ImportRow(
            no,
            mast(
                name=f"Cột {no:02}",
                owner=("VIETTEL", "VNPT", "MOBIFONE")[no % 3],
                status=("in_service", "idle")[no % 2],
                height_m=str(30 + no),
                capacity=no % 4,
                commune=("32098@2023", "32248@2023")[no // 6],
                point=(104.8 + no / 100, 9.0),
            ),
            MAY_2015,
            evidence=1 + no % 2,
        )
        for no in range(12)
    ]
    async with database.tx() as tx:
        made = await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)
        for structure, operator, status in (
            (0, "VIETTEL", "active"), (0, "VNPT", "active"), (1, "VNPT", "planned"), (3, "VIETTEL", "inactive"),
        ):  # fmt: skip
            said = StationFacts(operator=operator, status=status, technologies=["4G", "5G"] if structure else ["4G"])
            await register_station(tx, REGISTRAR, said, structure_id=made.ids[structure], valid_from=MAY_2015, now=NOW)
    return made


async def get(client, headers, path, status=200, **query):
    answer = await client.get(path, params={k.replace("__", "."): v for k, v in query.items()}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def numbers(client, headers, **query):
    return {int(item["name"][-2:]) for item in (await get(client, headers, MASTS, **query))["items"]}


async def test_filters_take_operators(client, people, masts):
    who, all_ = people["officer"], set(range(12))
    assert await numbers(client, who, height_m__gte=38) == {8, 9, 10, 11}
    assert await numbers(client, who, height_m__gt="37.5", height_m__lte=40) == {8, 9, 10}
    assert await numbers(client, who, height_m__lt=31) == {0}
    assert await numbers(client, who, status__in="idle,dismantled") == {1, 3, 5, 7, 9, 11}
    assert await numbers(client, who, status__ne="idle") == {0, 2, 4, 6, 8, 10}
    assert await numbers(client, who, owner__in="VNPT,MOBIFONE") == {n for n in all_ if n % 3}
    assert await numbers(client, who, owner__ne="VNPT") == {n for n in all_ if n % 3 != 1}
    assert await numbers(client, who, evidence__gte=2) == {1, 3, 5, 7, 9, 11}
    assert await numbers(client, who, evidence=1) == {0, 2, 4, 6, 8, 10}
    assert await numbers(client, who, capacity__gte=3) == {3, 7, 11}
    assert await numbers(client, who, capacity__lte=0) == {0, 4, 8}
    assert await numbers(client, who, commune__in="32248@2025-07,nowhere") == {6, 7, 8, 9, 10, 11}
    assert await numbers(client, who, district="968@2023") == {0, 1, 2, 3, 4, 5}
    assert await numbers(client, who, district__in="968@2023,973@2023") == all_
    assert await numbers(client, who, name="Cột 07") == {7}
    assert await numbers(client, who, public_no=masts.public_nos[4]) == {4}
    assert await numbers(client, who, code="A2b", free="true") == {2, 6, 10}
    assert await numbers(client, who, valid_from__gte="2015-05-01", valid_from__lt="2015-05-02") == all_
    assert await numbers(client, who, recorded_at__gte="2026-11-20T02:00:00Z") == all_
    assert await numbers(client, who, recorded_at__lt="2026-11-20T09:00:00+07:00") == set()


@pytest.mark.parametrize(
    "query",
    [
        {"min_height_m": 3}, {"colour": "red"}, {"height_m.gte": "NaN"}, {"height_m.gte": "1e400"}, {"owner.gte": "A"},
        {"evidence.gte": 7}, {"capacity.gte": 99999999999}, {"as_of": "0001-01-01"}, {"limit": 501}, {"status": "new"},
        {"owner": "\0"}, {"fields": "id,secret"}, {"expand": "dossier"}, {"bbox": "1,2,3"}, {"zoom": 3},
        {"cursor": "WyJhIiwiYiJd"}, {"cursor": "WyJhIl0"}, {"known_at": "soon"},
    ],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused(client, people, query):
    answer = await client.get(MASTS, params=query, headers=people["officer"])
    assert answer.status_code == 422, answer.text
    assert (await client.get(MASTS, params=query, headers={**people["officer"], "Accept": CSV})).status_code in (
        422, 200 if "cursor" in query else 422,
    )  # fmt: skip


async def test_members_are_chosen_and_added(client, people, masts):
    who = people["officer"]
    page = await get(client, who, MASTS, fields="name,height_m", total="true", limit=5)
    assert page["total"] == 12
    assert [set(item) for item in page["items"]] == [{"name", "height_m"}] * 5
    (found,) = (await get(client, who, MASTS, name="Cột 00", expand="stations,placements,owner"))["items"]
    assert [(s["operator"], s["operator_name"]) for s in found["stations"]] == [
        ("VIETTEL", "Viettel"),
        ("VNPT", "VNPT"),
    ]
    assert {"CM-2023", "CM-2024-12", "CM-2025-07"} <= {p["boundary_set"] for p in found["placements"]}
    assert found["owner"] == found["owner_organisation"]["code"] == "VIETTEL"
    assert (found["district"], found["used"]) == ("968@2023", 2)
    (few,) = (await get(client, who, MASTS, name="Cột 00", fields="id,stations"))["items"]
    assert set(few) == {"id", "stations"}
    assert "total" not in await get(client, who, MASTS)


async def test_a_planned_station_is_seen_by_its_operator_and_the_owner_of_the_mast(client, people, masts, realm):
    path = f"{MASTS}/{masts.ids[1]}"
    mobifone = realm.header("mobifone-api", "MOBIFONE", "owner")
    for headers, seen in ((people["vnpt"], 1), (people["officer"], 1), (mobifone, 0), (people["viettel"], 0)):
        assert len((await get(client, headers, path))["stations"]) == seen
        (listed,) = (await get(client, headers, MASTS, name="Cột 01", expand="stations"))["items"]
        assert len(listed["stations"]) == seen
        assert len((await get(client, headers, STATIONS, structure_id=str(masts.ids[1])))["items"]) == seen


@pytest.mark.parametrize(
    ("query", "statements"),
    [({}, 1), ({"total": "true"}, 1), ({"expand": "stations,placements,owner", "fields": "id,stations"}, 1)],
)
@pytest.mark.parametrize("path", [MASTS, STATIONS, f"{API}/units", f"{API}/organisations"])
async def test_a_page_is_one_statement(client, people, masts, database, path, query, statements):
    asked = query if path == MASTS else {k: v for k, v in query.items() if k == "total"}
    for limit in (1, 50):
        async with database.said() as said:
            assert (await client.get(path, params={"limit": limit, **asked}, headers=people["vnpt"])).status_code == 200
        assert len(said) == statements


async def test_the_filtered_list_is_told_whole_in_each_form(client, people, masts):
    who, query = people["officer"], {"status": "idle", "height_m.gte": "33", "limit": 2}
    answer = await client.get(MASTS, params=query, headers={**who, "Accept": CSV})
    assert answer.headers["content-disposition"] == 'attachment; filename="masts.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["Cột 03", "Cột 05", "Cột 07", "Cột 09", "Cột 11"]
    assert (rows[0]["height_m"], rows[0]["lon"], json.loads(rows[0]["code"])) == ("33.00", "104.83", ["TT14", "A2b"])
    book = openpyxl.load_workbook(
        io.BytesIO((await client.get(MASTS, params=query, headers={**who, "Accept": XLSX})).content)
    )
    assert [row[0].value for row in book.active["D1:D6"]] == ["name", *(row["name"] for row in rows)]
    geojson = {**who, "Accept": GEOJSON}
    found = (await client.get(MASTS, params={**query, "fields": "name"}, headers=geojson)).json()
    assert [f["properties"] for f in found["features"]] == [{"name": row["name"]} for row in rows]
    assert found["features"][0]["geometry"] == {"type": "Point", "coordinates": [104.83, 9.0]}
    expanded = await client.get(MASTS, params={"expand": "stations", "name": "Cột 00"}, headers={**who, "Accept": CSV})
    (row,) = csv.DictReader(io.StringIO(expanded.content.decode("utf-8-sig")))
    assert len(json.loads(row["stations"])) == 2
    none = await client.get(MASTS, params=query, headers={**who, "Accept": "application/pdf"})
    assert (none.status_code, none.json()["code"]) == (406, "NotAcceptable")


async def test_a_long_file_is_one_state(client, people, masts, monkeypatch):
    """What is recorded while the rows stream is not among them, and nothing that was there is lost."""
    monkeypatch.setattr("kernel.export.ROWS_AT_ONCE", 2)
    clock, changed = client.app.state.clock, 0
    sent = client.app.state.database.look

    async def rename() -> None:
        nonlocal changed
        changed += 1
        later = clock() + timedelta(seconds=changed)
        async with client.app.state.database.tx() as tx:
            for number in (5, 11):
                await structures.change(
                    tx, REGISTRAR, "mast", masts.ids[number], mast(name=f"Cột {'A' * changed}{number}", owner=None,
                    status=None, code=None, height_m=None, point=None, commune=None, capacity=None),
                    valid_from=MAY_2015, now=later,
                )  # fmt: skip

    reads = 0

    def look():
        nonlocal reads
        reads += 1
        return sent()

    monkeypatch.setattr(client.app.state.database, "look", look)
    async with client.stream("GET", MASTS, headers={**people["officer"], "Accept": CSV}) as answer:
        await rename()
        names = [line.split(",")[3] async for line in answer.aiter_lines()]
    assert reads >= 6
    assert names == ["name", *(f"Cột {n:02}" for n in range(12))]
    assert "Cột A5" in {item["name"] for item in (await get(client, people["officer"], MASTS))["items"]}


async def test_many_are_registered_each_by_itself(client, people, database):
    items = [body(name="Cột A"), body(name="Cột B", owner="VNPT"), body(name="Cột C", height_m="900")]
    answer = await client.post(f"{MASTS}:batch", json={"items": items}, headers=people["viettel"])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["done"], told["refused"]) == (1, 2)
    assert [item["status"] for item in told["items"]] == [201, 403, 422]
    assert told["items"][0]["body"]["public_no"].startswith("CM-")
    assert told["items"][2]["problem"]["errors"][0]["pointer"] == "/height_m"
    assert [item["name"] for item in (await get(client, people["viettel"], MASTS))["items"]] == ["Cột A"]
    too_many = {"items": [body(name=str(n)) for n in range(101)]}
    assert (await client.post(f"{MASTS}:batch", json=too_many, headers=people["viettel"])).status_code == 422
    stations = [
        {"structure_id": told["items"][0]["body"]["id"], "facts": {"operator": o}, "valid_from": "2020-01-01"}
        for o in ("VIETTEL", "VNPT")
    ]
    batch = await client.post(f"{STATIONS}:batch", json={"items": stations}, headers=people["viettel"])
    assert [item["status"] for item in batch.json()["items"]] == [201, 403]


async def test_a_write_on_a_thing_says_which_version_it_read(client, people):
    made = await client.post(MASTS, json=body(), headers=people["viettel"])
    assert made.headers["location"] == f"{MASTS}/{made.json()['id']}"
    assert made.headers["etag"] == '"1"'
    path, change = f"{made.headers['location']}/changes", {"patch": {"capacity": 4}, "valid_from": "2020-01-01"}
    without = await client.post(path, json=change, headers={**people["viettel"], "If-Match": ""})
    assert (without.status_code, without.json()["code"]) == (428, "PreconditionRequired")
    stale = await client.post(path, json=change, headers={**people["viettel"], "If-Match": '"7"'})
    assert stale.status_code == 412
    keyless = await client.post(path, json=change, headers={**people["viettel"], "Idempotency-Key": ""})
    assert (keyless.status_code, keyless.json()["code"]) == (400, "IdempotencyKeyMissing")
    loose = await client.post(path, json={**change, "colour": "red"}, headers=people["viettel"])
    assert (loose.status_code, loose.json()["errors"][0]["pointer"]) == (422, "/colour")


async def test_one_station_has_its_structure_a_tag_and_a_history(client, people, masts):
    listed = await get(
        client, people["officer"], STATIONS, operator="VIETTEL", expand="structure", status__ne="removed"
    )
    assert [item["structure"]["name"] for item in listed["items"]] == ["Cột 00", "Cột 03"]
    assert [i["status"] for i in (await get(client, people["officer"], STATIONS, technology="5G"))["items"]] == [
        "planned",
        "inactive",
    ]
    assert (await get(client, people["officer"], STATIONS, status__in="active,planned", total="true"))["total"] == 3
    one = f"{STATIONS}/{listed['items'][0]['id']}"
    read = await client.get(one, headers=people["vnpt"])
    assert (read.headers["etag"], read.json()["structure"]["name"]) == ('"1"', "Cột 00")
    assert (await get(client, people["vnpt"], one, 404, as_of="2010-01-01"))["code"] == "StationNotFound"
    off = {"patch": {"status": "inactive"}, "valid_from": "2021-01-01", "reason": "Sửa chữa"}
    assert (await client.post(f"{one}/changes", json=off, headers=people["viettel"])).status_code == 201
    told = await get(client, people["viettel"], f"{one}/history")
    assert [(c["act"], c["reason"]) for c in told["changes"]] == [("register", ""), ("change", "Sửa chữa")]
    assert [v["status"] for v in told["versions"] if v["recorded_to"] is None] == ["active", "inactive"]
    assert (await get(client, people["vnpt"], f"{one}/history", 403))["code"] == "NotAllowed"
    assert (await get(client, people["vnpt"], f"{STATIONS}/{UNKNOWN}/history", 404))["code"] == "StationNotFound"
    since = {"recorded_at.gte": datetime.now(UTC).isoformat()}
    assert (await client.get(STATIONS, params=since, headers=people["officer"])).json()["items"] == []


async def test_a_station_on_what_one_may_not_see_is_as_one_on_nothing(client, people, database):
    hidden = (await client.post(MASTS, json=body(status="permitted"), headers=people["viettel"])).json()
    station = {"structure_id": hidden["id"], "facts": {"operator": "VNPT"}, "valid_from": "2020-01-01"}
    answer = await client.post(STATIONS, json=station, headers=people["vnpt"])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_structure")
    own = {**station, "facts": {"operator": "VIETTEL"}}
    made = (await client.post(STATIONS, json=own, headers=people["viettel"])).json()
    for path in (f"{STATIONS}/{made['id']}", f"{STATIONS}/{made['id']}/history"):
        assert (await client.get(path, headers=people["vnpt"])).status_code == 404
        assert (await client.get(path, headers=people["viettel"])).status_code == 200
    off = {"patch": {"status": "removed"}, "valid_from": "2021-01-01"}
    changed = await client.post(f"{STATIONS}/{made['id']}/changes", json=off, headers=people["vnpt"])
    assert changed.status_code == 404


async def test_an_import_tells_nobody_what_others_have(client, people):
    plan = body(status="permitted", name="Cột mật", point=(104.8, 9.0))
    assert (await client.post(MASTS, json=plan, headers=people["viettel"])).status_code == 201
    text = "owner,status,name,height_m,lon,lat,commune,valid_from\r\n" + "\r\n".join(
        f"VIETTEL,in_service,{name},45,104.8,9.0,32098@2023,2016-01-01" for name in ("Cột mật", "Cột khác")
    )
    answer = await client.post(f"{MASTS}:import?dry_run=true", content=text.encode(), headers=people["vnpt"])
    assert {e["code"] for e in answer.json()["errors"]} == {"not_yours"}


async def test_what_begins_later_is_a_plan(client, people):
    """In service from a day to come on: nobody else's business before."""
    made = (await client.post(MASTS, json=body("2031-01-01"), headers=people["viettel"])).json()
    for day in ("2026-01-01", "2031-01-01", "2040-01-01"):
        path = f"{MASTS}/{made['id']}?as_of={day}"
        assert (await client.get(path, headers=people["vnpt"])).status_code == 404
        assert (await get(client, people["vnpt"], MASTS, as_of=day))["items"] == []
        assert (await get(client, people["vnpt"], f"{MASTS}:map", as_of=day))["total"] == 0
    assert len((await get(client, people["viettel"], MASTS, as_of="2031-01-01"))["items"]) == 1
    assert (await client.get(f"{MASTS}/{made['id']}/history", headers=people["vnpt"])).status_code == 404


async def test_organisations_and_units_one_by_one(client, people):
    who, path = people["vnpt"], f"{API}/organisations"
    read = await client.get(f"{path}/VIETTEL", headers=who)
    assert (read.json()["code"], read.headers["etag"]) == ("VIETTEL", f'"{read.json()["version"]}"')
    then = await get(client, who, f"{path}/SGTVT", as_of="2024-01-01")
    assert (then["active"], [m["function"] for m in then["mandates"]]) == (True, ["transport"])
    assert (await get(client, who, f"{path}/SGTVT"))["active"] is False
    assert (await get(client, who, f"{path}/NOBODY", 404))["code"] == "OrganisationNotFound"
    functions = await get(client, who, path, function="transport", as_of="2024-01-01")
    assert [item["code"] for item in functions["items"]] == ["SGTVT"]
    two = await get(client, who, path, code__in="VIETTEL,VNPT", kind="operator", active="true", total="true")
    assert ({item["code"] for item in two["items"]}, two["total"]) == ({"VIETTEL", "VNPT"}, 2)
    assert {i["code"] for i in (await get(client, who, path, q="viettel"))["items"]} >= {"VIETTEL"}
    unit = await client.get(f"{API}/units/32098@2023", headers=who)
    assert (unit.json()["name"], unit.json()["parent"]) == ("Thị trấn Sông Đốc", "968@2023")
    assert unit.headers["etag"]
    assert unit.json()["successors"]
    assert (await get(client, who, f"{API}/units/32098@1999", 404))["code"] == "UnitNotFound"
    codes = await get(client, who, f"{API}/units", code="32098", fields="id")
    assert {item["id"] for item in codes["items"]} >= {"32098@2023", "32098@2025-07"}
    merged = await get(
        client, who, f"{API}/units", as_of="2026-01-01", level="commune", parent="96@2025-07", total="true"
    )
    assert merged["total"] >= 60
    found = await client.get(f"{API}/units?level=commune&fields=name&limit=1", headers={**who, "Accept": GEOJSON})
    assert found.json()["features"][0]["properties"].keys() == {"name"}
    pages = await get(client, who, path, limit=3)
    rest = await get(client, who, path, limit=3, cursor=pages["next"])
    assert not {i["code"] for i in pages["items"]} & {i["code"] for i in rest["items"]}


async def test_known_at_holds_for_organisations_too(client, people, database):
    async with database.read() as session:
        first = (await session.execute(sa.text("SELECT min(recorded_from) FROM organisation_version"))).scalar_one()
    before = (first - timedelta(days=2)).date().isoformat()
    assert (await get(client, people["vnpt"], f"{API}/organisations", known_at=before))["items"] == []
