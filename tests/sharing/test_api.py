"""The doors: who gets in, what comes out, and how many statements it takes."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from tests.sharing.conftest import Province
from tests.sharing.tellings import change

pytestmark = pytest.mark.database
API = "/api/sharing/v1"
People = dict[str, dict[str, str]]


def routes(app: FastAPI) -> list[tuple[str, str]]:
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and context.path.startswith((API, "/sharing/")):
            found += [(method, context.path) for method in sorted(context.methods or ())]
    return found


def filled(path: str) -> str:
    return path.replace("{agreement_id}", str(uuid4()))


async def test_every_route_wants_a_token_and_a_capability(client: httpx.AsyncClient, people: People):
    listed = routes(client.app)  # type: ignore[attr-defined]
    assert len(listed) >= 11
    for method, path in listed:
        if "/open" in path:
            continue
        assert (await client.request(method, filled(path))).status_code == 401, path
        assert (await client.request(method, filled(path), headers=people["nobody"])).status_code == 403, path


async def test_agreements_are_closed_to_officers_and_hidden_from_third_parties(
    client: httpx.AsyncClient, people: People, province: Province
):
    made = await province.agree(await province.mast())
    for path in (f"{API}/agreements", f"{API}/agreements/{made.id}"):
        assert (await client.get(path, headers=people["reviewer"])).status_code == 403
    hidden = await client.get(f"{API}/agreements/{made.id}", headers=people["mobifone"])
    assert (hidden.status_code, hidden.json()["code"]) == (404, "AgreementNotFound")
    assert (await client.get(f"{API}/agreements", headers=people["mobifone"])).json()["items"] == []
    for who in ("viettel", "vnpt", "auditor"):
        assert (await client.get(f"{API}/agreements/{made.id}", headers=people[who])).status_code == 200


async def test_an_agreement_from_recording_to_its_end(client: httpx.AsyncClient, people: People, province: Province):
    mast = await province.mast()
    body = {"structure_id": str(mast), "tenant": "VNPT", "kind": "lease", "valid_from": "2024-01-01", "number": "12/HĐ"}
    made = await client.post(f"{API}/agreements", json=body, headers=people["viettel"])
    assert (made.status_code, made.headers["etag"], made.json()["version"]) == (201, '"1"', 1)
    path = made.headers["location"]
    again = await client.post(f"{API}/agreements", json=body, headers=people["viettel"])
    assert (again.status_code, again.json()["code"]) == (409, "AgreementOverlaps")
    detail = await client.get(path, headers=people["vnpt"])
    assert detail.headers["etag"] == '"1"'
    assert detail.json()["versions"][0]["status"] == "in_force"
    over = {"on": "2025-01-01", "reason": "Dời trạm"}
    stale = await client.post(f"{path}/termination", json=over, headers={**people["vnpt"], "If-Match": '"9"'})
    assert stale.status_code == 412
    ended = await client.post(f"{path}/termination", json=over, headers={**people["vnpt"], "If-Match": '"1"'})
    assert (ended.status_code, ended.headers["etag"]) == (201, '"2"')
    wrong = {
        "corrects": detail.json()["changes"][0]["id"],
        "reason": "nhầm",
        "terms": {"kind": "lease", "valid_from": "2024-02-01"},
    }
    assert (await client.post(f"{path}/corrections", json=wrong, headers=people["viettel"])).status_code == 201
    read = (await client.get(path, headers=people["auditor"])).json()
    assert [c["act"] for c in read["changes"]] == ["register", "terminate", "correct"]
    assert [(v["valid_from"], v["status"]) for v in read["versions"]] == [
        ("2024-02-01", "in_force"),
        ("2025-01-01", "terminated"),
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"tenant": "VIETTEL"}, 422, "TenantIsOwner"),
        ({"structure_id": str(uuid4())}, 409, "StructureNotKnownYet"),
        ({"valid_to": "2023-01-01"}, 422, "EndsBeforeItBegins"),
        ({"valid_from": "soon"}, 422, "MalformedRequest"),
        ({"price": "1"}, 422, "MalformedRequest"),
    ],
)
async def test_refusals_carry_their_code(
    change: dict[str, str], status: int, code: str, client: httpx.AsyncClient, people: People, province: Province
):
    mast = await province.mast()
    body = {"structure_id": str(mast), "tenant": "VNPT", "kind": "lease", "valid_from": "2024-01-01", **change}
    answer = await client.post(f"{API}/agreements", json=body, headers=people["viettel"])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 409:
        assert answer.headers["retry-after"] == "2"


async def test_the_same_key_twice_has_one_effect(client: httpx.AsyncClient, people: People, province: Province):
    mast = await province.mast()
    body = {"structure_id": str(mast), "tenant": "VNPT", "kind": "lease", "valid_from": "2024-01-01"}
    headers = {**people["viettel"], "Idempotency-Key": "k1"}
    first = await client.post(f"{API}/agreements", json=body, headers=headers)
    second = await client.post(f"{API}/agreements", json=body, headers=headers)
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"


async def test_the_ratio_with_both_dates_and_its_lists(client: httpx.AsyncClient, people: People, province: Province):
    first, _ = await province.mast(), await province.mast("VNPT", commune="32128@2023")
    await province.mast(status="permitted")
    await province.agree(first, since=date(2024, 1, 1))
    asked = {"kind": "mast", "as_of": "2024-06-30", "known_at": "2026-11-20T02:00:00Z", "by": "owner"}
    found = (await client.get(f"{API}/ratios", params=asked, headers=people["mobifone"])).json()
    assert (found["shared"], found["counted"], found["percent"]) == (1, 2, "50.00")
    assert (found["definition"], found["boundary_set"], found["complete_to"]) == ("mast.declared.1", "CM-2023", None)
    assert [i["key"] for i in found["groups"]] == ["VIETTEL", "VNPT"]
    numbers = []
    cursor: str | None = None
    while True:
        params = {"as_of": "2024-06-30", "side": "denominator", "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{API}/ratios/structures", params=params, headers=people["auditor"])).json()
        numbers += [item["public_no"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert numbers == ["CM-M-000001-1", "CM-M-000002-1"]
    left_out = await client.get(
        f"{API}/ratios/structures", params={"as_of": "2024-06-30", "side": "excluded"}, headers=people["auditor"]
    )
    assert [i["reason"] for i in left_out.json()["items"]] == ["not_counted:status"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"known_at": "2026-11-21"}, "KnownAtInFuture"),
        ({"known_at": "2026-11-20T09:00:01+07:00"}, "KnownAtInFuture"),
        ({"known_at": "2026-11-20T01:00:00"}, "KnownAtMalformed"),
        ({"known_at": "yesterday"}, "KnownAtMalformed"),
        ({"definition": "mast.best.9"}, "DefinitionUnknown"),
        ({"kind": "pole", "definition": "mast.declared.1"}, "DefinitionUnknown"),
        ({"boundary_set": "HN-2008"}, "BoundarySetUnknown"),
        ({"kind": "tower"}, "MalformedRequest"),
    ],
)
async def test_what_cannot_be_asked(
    params: dict[str, str], code: str, client: httpx.AsyncClient, people: People, province: Province
):
    answer = await client.get(f"{API}/ratios", params=params, headers=people["auditor"])
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_today_may_be_named_and_a_later_day_may_be_asked_of_the_plans(
    client: httpx.AsyncClient, people: People, province: Province
):
    await province.mast()
    for params in ({"known_at": "2026-11-20"}, {"as_of": "2030-01-01"}):
        answer = await client.get(f"{API}/ratios", params=params, headers=people["auditor"])
        assert (answer.status_code, answer.json()["counted"]) == (200, 1)


async def test_nothing_counted_is_null(client: httpx.AsyncClient, people: People, province: Province):
    found = (await client.get(f"{API}/ratios", params={"kind": "duct"}, headers=people["auditor"])).json()
    assert (found["shared"], found["counted"], found["percent"]) == (0, 0, None)
    targets = (await client.get(f"{API}/targets", params={"kind": "duct"}, headers=people["auditor"])).json()["items"]
    assert {(t["needed"], t["gap"], t["met"]) for t in targets} == {(None, None, None)}


async def test_the_targets_are_held_against_the_province_before_the_merger(
    client: httpx.AsyncClient, people: People, province: Province
):
    await province.agree(await province.mast())
    await province.mast()
    await province.mast(commune="31825@2025-07")
    items = (await client.get(f"{API}/targets?kind=mast", headers=people["auditor"])).json()["items"]
    assert [(t["due_on"], t["percent"], t["is_base"]) for t in items] == [
        ("2023-06-30", "11.74", True),
        ("2023-12-31", "13", False),
        ("2024-12-31", "19", False),
        ("2025-12-31", "25", False),
    ]
    assert {(t["boundary_set"], t["shared"], t["counted"], t["met"]) for t in items} == {("CM-2023", 1, 2, True)}
    merged = await client.get(
        f"{API}/targets", params={"boundary_set": "CM-2025-07", "kind": "mast"}, headers=people["auditor"]
    )
    assert {t["counted"] for t in merged.json()["items"]} == {3}


async def test_the_trend_ends_on_the_day_asked_for(client: httpx.AsyncClient, people: People, province: Province):
    await province.mast(since=date(2023, 8, 15))
    params = {"since": "2023-07-01", "as_of": "2023-09-10"}
    found = (await client.get(f"{API}/ratios/trend", params=params, headers=people["auditor"])).json()
    assert [(i["day"], i["counted"], i["percent"]) for i in found["points"]] == [
        ("2023-07-31", 0, None),
        ("2023-08-31", 1, "0.00"),
        ("2023-09-10", 1, "0.00"),
    ]
    long = await client.get(f"{API}/ratios/trend", params={"since": "1900-01-01"}, headers=people["auditor"])
    assert (long.status_code, long.json()["code"]) == (422, "TooManyPoints")


async def test_definitions_and_boundary_sets_are_public_to_whoever_reads_figures(
    client: httpx.AsyncClient, people: People
):
    found = (await client.get(f"{API}/definitions", headers=people["viettel"])).json()["items"]
    assert [d["id"] for d in found] == ["duct.declared.1", "mast.declared.1", "mast.verified.1", "pole.declared.1"]
    assert found[1]["content"]["minimum"] == 2
    sets = (await client.get(f"{API}/boundary-sets", headers=people["viettel"])).json()["items"]
    assert [s["code"] for s in sets if s["reported"]] == ["CM-2023", "CM-2024-12", "CM-2025-07"]


async def test_statements_do_not_grow_with_rows(client: httpx.AsyncClient, people: People, province: Province):
    async def counts() -> list[int]:
        taken = []
        reports = ("/report-cycles", "/reports", "/report-lines")
        lists = ("/ratios/structures", "/agreements", "/targets", "/definitions", "/boundary-sets", *reports)
        for path in ("/ratios?by=owner", "/ratios/trend", *lists):
            async with province.database.said() as seen:
                assert (await client.get(API + path, headers=people["auditor"])).status_code == 200
            taken.append(len(seen))
        return taken

    await province.agree(await province.mast())
    few = await counts()
    assert few == [2, 2, 2, 1, 2, 1, 1, 1, 1, 1]
    for _ in range(6):
        await province.agree(await province.mast("MOBIFONE"), "VIETTEL")
    assert await counts() == few


async def test_a_batch_of_many_items_takes_as_many_statements_as_one(province: Province):
    from services.sharing.commands import copies
    from tests.sharing import tellings

    def items(count: int) -> list[Any]:
        log = [tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")]
        found = []
        for n in range(count):
            structure_id = uuid4()
            found += tellings.structure_items(structure_id, f"CM-M-{structure_id}-{n}", log)
        return found

    taken = []
    for count in (1, 50):
        async with province.database.said() as seen, province.database.tx() as tx:
            await copies.store_structures(tx, items(count))
        taken.append(len(seen))
    assert taken[1] <= taken[0]


async def test_the_watermark_is_told_as_complete_to(client: httpx.AsyncClient, people: People, province: Province):
    async with province.database.tx() as tx:
        await tx.execute(sa.text("INSERT INTO watermark (source, until) VALUES ('registry', '2026-11-20T01:59:00Z')"))
    found = (await client.get(f"{API}/ratios", headers=people["auditor"])).json()
    assert found["complete_to"] == "2026-11-20T01:59:00Z"


async def test_errors_speak_the_callers_language(client: httpx.AsyncClient, people: People, province: Province):
    mast = await province.mast(more=[change(2, "change", date(2021, 1, 1), {"status": "dismantled"})])
    body = {
        "structure_id": str(mast),
        "tenant": "VNPT",
        "kind": "lease",
        "valid_from": str(date(2022, 1, 1) + timedelta()),
    }
    english = await client.post(f"{API}/agreements", json=body, headers={**people["viettel"], "Accept-Language": "en"})
    assert english.json()["detail"].startswith("On 2022-01-01")
