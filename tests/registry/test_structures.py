"""Registering, changing, correcting, undoing, moving on: by the API, on real PostgreSQL."""

import sqlalchemy as sa

from tests.registry.conftest import body

MASTS = "/api/registry/v1/masts"


async def born(client, headers, valid_from="2015-05-01", **changes):
    answer = await client.post(MASTS, json=body(valid_from, **changes), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def read(client, headers, mast, **query):
    answer = await client.get(f"{MASTS}/{mast['id']}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def events(database):
    async with database.read() as session:
        rows = await session.execute(
            sa.text("SELECT envelope FROM outbox WHERE subject = 'registry.structure.changed.v1' ORDER BY seq")
        )
        return [row.envelope for row in rows]


async def test_an_owner_registers_a_mast_and_it_is_told(client, people, database):
    mast = await born(client, people["viettel"])
    found = await read(client, people["viettel"], mast)
    assert found["public_no"] == mast["public_no"]
    assert (found["owner"], found["status"], found["height_m"], found["code"]) == (
        "VIETTEL", "in_service", "45.00", ["TT14", "A2b"],
    )  # fmt: skip
    assert found["commune_name"] == "Thị trấn Sông Đốc"
    assert {p["boundary_set"]: p["unit"] for p in found["placements"]}["CM-2025-07"] == "32098@2025-07"
    (envelope,) = await events(database)
    assert envelope["subject"] == mast["id"]
    assert envelope["actor"]["id"] == "viettel-api"
    (item,) = envelope["data"]["items"]
    assert (item["no"], item["change"]["act"], item["name"]) == (1, "register", "CMU-0412")
    assert item["versions"][0]["height_m"] == "45.00"
    assert item["versions"][0]["code"] == ["TT14", "A2b"]


async def test_a_bare_commune_code_becomes_the_unit_of_the_day(client, people):
    mast = await born(client, people["viettel"], "2023-01-01", commune="32002")
    assert (await read(client, people["viettel"], mast))["commune"] == "32002@2023"


async def test_every_fault_is_named_at_once(client, people):
    wrong = body(height_m="900", commune="nowhere", code=("TT14", "B9"), point=(9.05, 104.8))
    answer = await client.post(MASTS, json={**wrong, "evidence": 5}, headers=people["viettel"])
    assert answer.status_code == 422
    assert answer.json()["code"] == "FactsRefused"
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        ("/code", "unknown_code"),
        ("/height_m", "impossible_height"),
        ("/point", "swapped"),
        ("/commune", "unknown_unit"),
        ("/evidence", "evidence_too_high"),
    }
    assert "Mã loại B9 không có trong hệ TT14." in answer.text


async def test_nobody_registers_for_another(client, people):
    answer = await client.post(MASTS, json=body(owner="VNPT"), headers=people["viettel"])
    assert (answer.status_code, answer.json()["code"]) == (403, "NotAllowed")


async def test_a_change_holds_from_its_day_and_a_later_one_stays(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    path = f"{MASTS}/{mast['id']}/changes"
    for day, patch in (("2022-01-01", {"capacity": 5}), ("2019-06-01", {"height_m": "48"})):
        answer = await client.post(path, json={"patch": patch, "valid_from": day}, headers=who)
        assert answer.status_code == 201, answer.text
    assert [
        ((found := await read(client, who, mast, as_of=day))["height_m"], found["capacity"])
        for day in ("2019-05-31", "2019-06-01", "2022-01-01")
    ] == [("45.00", 3), ("48.00", 3), ("48.00", 5)]


async def test_what_was_known_before_stays_known_as_it_was(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    before = (await read(client, who, mast))["recorded_at"]
    history = (await client.get(f"{MASTS}/{mast['id']}/history", headers=who)).json()
    correction = {"corrects": history["changes"][0]["id"], "patch": {"height_m": "42"}, "reason": "Đo lại"}
    answer = await client.post(f"{MASTS}/{mast['id']}/corrections", json=correction, headers=who)
    assert answer.status_code == 201, answer.text
    now = await read(client, who, mast)
    assert (now["height_m"], now["capacity"]) == ("42.00", 3)
    assert (await read(client, who, mast, known_at=before))["height_m"] == "45.00"
    told = (await client.get(f"{MASTS}/{mast['id']}/history", headers=who)).json()
    assert [(c["no"], c["act"], c["corrects"]) for c in told["changes"]] == [
        (1, "register", None),
        (2, "correct", correction["corrects"]),
    ]
    assert [(v["opened_no"], v["closed_no"]) for v in told["versions"]] == [(1, 2), (2, None)]


async def test_a_change_is_corrected_once(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    correction = {"corrects": mast["change_id"], "patch": {"height_m": "42"}, "reason": "Đo lại"}
    path = f"{MASTS}/{mast['id']}/corrections"
    assert (await client.post(path, json=correction, headers=who)).status_code == 201
    again = await client.post(path, json=correction, headers=who)
    assert (again.status_code, again.json()["code"]) == (409, "AlreadyCorrected")


async def test_an_undo_names_what_builds_on_it(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    path = f"{MASTS}/{mast['id']}"
    first = (
        await client.post(
            f"{path}/changes", json={"patch": {"height_m": "48"}, "valid_from": "2019-01-01"}, headers=who
        )
    ).json()
    second = (
        await client.post(
            f"{path}/changes", json={"patch": {"height_m": "50"}, "valid_from": "2020-01-01"}, headers=who
        )
    ).json()
    undo = {"corrects": first["change_id"], "patch": {}, "reason": "Ghi nhầm cột"}
    refused = await client.post(f"{path}/corrections", json=undo, headers=who)
    assert (refused.status_code, refused.json()["code"]) == (409, "LaterChangesDepend")
    done = await client.post(f"{path}/corrections", json={**undo, "despite": [second["change_id"]]}, headers=who)
    assert done.status_code == 201, done.text
    assert [(await read(client, who, mast, as_of=d))["height_m"] for d in ("2019-06-01", "2020-01-01")] == [
        "45.00",
        "50.00",
    ]


async def test_undoing_the_registration_leaves_nothing_to_list(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    undo = {"corrects": mast["change_id"], "patch": {}, "reason": "Không có cột này"}
    assert (await client.post(f"{MASTS}/{mast['id']}/corrections", json=undo, headers=who)).status_code == 201
    assert (await client.get(f"{MASTS}/{mast['id']}", headers=who)).status_code == 404
    assert (await client.get(MASTS, headers=who)).json()["items"] == []


async def test_a_status_moves_by_its_own_door(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    path = f"{MASTS}/{mast['id']}"
    refused = await client.post(
        f"{path}/changes", json={"patch": {"status": "idle"}, "valid_from": "2020-01-01"}, headers=who
    )
    assert refused.json()["code"] == "StatusMovesApart"
    moved = await client.post(f"{path}/status-changes", json={"status": "idle", "on": "2020-01-01"}, headers=who)
    assert moved.status_code == 201
    back = await client.post(f"{path}/status-changes", json={"status": "planned", "on": "2021-01-01"}, headers=who)
    assert (back.status_code, back.json()["code"]) == (409, "WrongMove")
    before = await client.post(f"{path}/status-changes", json={"status": "dismantled", "on": "2019-01-01"}, headers=who)
    assert before.json()["code"] == "WrongMove"
    later = await client.post(f"{path}/status-changes", json={"status": "dismantled", "on": "2199-01-01"}, headers=who)
    assert later.json()["errors"][0]["code"] == "in_future"


async def test_who_read_an_older_version_is_told(client, people):
    who = people["viettel"]
    mast = await born(client, who)
    path = f"{MASTS}/{mast['id']}/changes"
    change = {"patch": {"capacity": 4}, "valid_from": "2019-01-01"}
    tag = (await client.get(f"{MASTS}/{mast['id']}", headers=who)).headers["etag"]
    first = await client.post(path, json=change, headers={**who, "If-Match": tag})
    assert (first.status_code, first.headers["etag"]) == (201, '"2"')
    second = await client.post(path, json=change, headers={**who, "If-Match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "Stale")


async def test_only_a_registrar_hands_a_mast_over(client, people):
    mast = await born(client, people["viettel"])
    change = {"patch": {"owner": "VNPT"}, "valid_from": "2021-01-01"}
    path = f"{MASTS}/{mast['id']}/changes"
    assert (await client.post(path, json=change, headers=people["viettel"])).status_code == 403
    assert (await client.post(path, json=change, headers=people["registrar"])).status_code == 201


async def test_a_plan_of_one_enterprise_is_nothing_to_another(client, people):
    mast = await born(client, people["viettel"], status="permitted")
    path = f"{MASTS}/{mast['id']}"
    assert (await client.get(path, headers=people["vnpt"])).status_code == 404
    assert (await client.get(MASTS, headers=people["vnpt"])).json()["items"] == []
    assert (await client.get(f"{MASTS}:map?zoom=9", headers=people["vnpt"])).json()["total"] == 0
    assert (await client.get(f"{path}/history", headers=people["vnpt"])).status_code == 404
    changed = await client.post(
        f"{path}/changes", json={"patch": {"capacity": 1}, "valid_from": "2020-01-01"}, headers=people["vnpt"]
    )
    assert changed.status_code == 404
    assert (await client.get(path, headers=people["officer"])).status_code == 200


async def test_a_standing_mast_is_seen_by_all_but_its_history_is_not(client, people):
    mast = await born(client, people["viettel"])
    path = f"{MASTS}/{mast['id']}"
    assert (await client.get(path, headers=people["vnpt"])).status_code == 200
    assert (await client.get(f"{path}/history", headers=people["vnpt"])).status_code == 403
    changed = await client.post(
        f"{path}/changes", json={"patch": {"capacity": 1}, "valid_from": "2020-01-01"}, headers=people["vnpt"]
    )
    assert changed.status_code == 403


async def test_a_repeated_post_has_one_effect(client, people, database):
    headers = {**people["viettel"], "Idempotency-Key": "k1"}
    first = await client.post(MASTS, json=body(), headers=headers)
    again = await client.post(MASTS, json=body(), headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(await events(database)) == 1


async def test_poles_and_ducts_go_the_same_road(client, people):
    facts = {
        "owner": "PCCM", "status": "in_service", "point": [104.84, 9.05], "commune": "32098@2023",
        "code": ["ND163", "C2"], "height_m": "8.5", "sector": "power",
    }  # fmt: skip
    pole = await client.post(
        "/api/registry/v1/poles", json={"facts": facts, "valid_from": "2020-01-01"}, headers=people["registrar"]
    )
    assert pole.status_code == 201
    assert pole.json()["public_no"].startswith("CM-P-")
    duct = {
        "owner": "VNPT",
        "status": "in_service",
        "point": [104.84, 9.05],
        "commune": "32098@2023",
        "length_m": "420",
    }
    made = await client.post(
        "/api/registry/v1/ducts", json={"facts": duct, "valid_from": "2020-01-01"}, headers=people["vnpt"]
    )
    assert made.json()["public_no"].startswith("CM-D-")
    assert (await client.get(f"{MASTS}/{pole.json()['id']}", headers=people["registrar"])).status_code == 404
    found = await client.get(f"/api/registry/v1/ducts/{made.json()['id']}", headers=people["registrar"])
    assert found.json()["length_m"] == "420.00"


async def test_a_station_takes_a_position(client, people, database):
    mast = await born(client, people["viettel"])
    station = {
        "structure_id": mast["id"],
        "facts": {"operator": "VNPT", "technologies": ["4G", "2G"]},
        "valid_from": "2020-01-01",
    }
    made = await client.post("/api/registry/v1/stations", json=station, headers=people["vnpt"])
    assert made.status_code == 201, made.text
    found = await read(client, people["viettel"], mast)
    assert (found["used"], found["stations"][0]["technologies"]) == (1, ["2G", "4G"])
    assert (await read(client, people["viettel"], mast, as_of="2019-12-31"))["used"] == 0
    off = {"patch": {"status": "removed"}, "valid_from": "2024-01-01"}
    path = f"/api/registry/v1/stations/{made.json()['id']}/changes"
    assert (await client.post(path, json=off, headers=people["viettel"])).status_code == 403
    assert (await client.post(path, json=off, headers=people["vnpt"])).status_code == 201
    assert (await read(client, people["viettel"], mast))["used"] == 0
    listed = await client.get("/api/registry/v1/stations?as_of=2021-01-01&operator=VNPT", headers=people["vnpt"])
    assert [row["status"] for row in listed.json()["items"]] == ["active"]
    async with database.read() as session:
        rows = await session.execute(
            sa.text("SELECT envelope->'data'->'items'->0 AS i FROM outbox WHERE subject LIKE '%station%' ORDER BY seq")
        )
        items = [row.i for row in rows]
    assert [(i["no"], len(i["versions"]), i["structure_id"]) for i in items] == [(1, 1, mast["id"]), (2, 2, mast["id"])]


async def test_a_station_needs_a_structure_and_an_operator(client, people):
    station = {
        "structure_id": "01a20fe5-7ef0-730f-96c6-026e63e61857",
        "facts": {"operator": "PCCM"},
        "valid_from": "2020-01-01",
    }
    answer = await client.post("/api/registry/v1/stations", json=station, headers=people["registrar"])
    assert {e["code"] for e in answer.json()["errors"]} == {"wrong_organisation", "unknown_structure"}


async def test_each_change_leaves_a_trace(client, people, database):
    mast = await born(client, people["viettel"])
    await client.post(
        f"{MASTS}/{mast['id']}/changes", json={"patch": {"capacity": 4}, "valid_from": "2020-01-01"},
        headers=people["viettel"],
    )  # fmt: skip
    async with database.read() as session:
        rows = (
            await session.execute(sa.text("SELECT * FROM audit WHERE thing = :id ORDER BY seq"), {"id": mast["id"]})
        ).all()
    assert [(row.actor, row.act) for row in rows] == [
        ("viettel-api", "registry:structure:register"),
        ("viettel-api", "registry:structure:change"),
    ]
    assert (rows[1].before["capacity"], rows[1].after["capacity"]) == (3, 4)
