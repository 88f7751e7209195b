"""Filing over HTTP: regimes, faults all at once, idempotency, who may say what."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, BINH, HUNG, LAN, MAI, local

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/applications"


async def send(client: httpx.AsyncClient, header: dict[str, str], content: bytes | None = None) -> str:
    answer = await client.post("/api/permits/v1/files?name=a.pdf", content=content or world.pdf(), headers=header)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def body(file_id: str, parts: tuple[str, ...] = world.NOTICE_PARTS, **site: Any) -> dict[str, Any]:
    place = {
        "name": "BTS 1",
        "code": ["ND163", "A1"],
        "height_m": "45.0",
        "lon": 105.15,
        "lat": 9.17,
        "commune": "32002@2025",
        "capacity": 3,
        **site,
    }
    return {"sites": [place], "parts": [{"code": code, "file": file_id} for code in parts]}


async def test_a_dossier_filed_today_is_a_notice_with_a_receipt(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN)
    answer = await client.post(URL, json=body(await send(client, an)), headers=an)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert receipt["procedure"] == "mast.new.notice@1"
    assert receipt["number"] == "HS-2026-00001"
    # Monday 23/11 at 09:00; the 24th is a holiday, so the third working day is Friday.
    assert (receipt["effective_on"], receipt["due_on"]) == ("2026-11-23", "2026-11-27")
    assert answer.headers["etag"] == '"1"'
    read = await client.get(answer.headers["location"], headers=an)
    assert read.json()["sites"][0]["structure_id"] == receipt["sites"][0]["structure_id"]
    assert read.headers["etag"] == '"1"'


async def test_the_last_evening_of_2025_is_still_the_permit_regime(client: httpx.AsyncClient, header: Header) -> None:
    client.app.state.clock = lambda: local(2025, 12, 31, 17, 30)  # type: ignore[attr-defined]
    an = header(AN)
    answer = await client.post(URL, json=body(await send(client, an), world.PERMIT_PARTS), headers=an)
    receipt = answer.json()
    assert receipt["procedure"] == "mast.new.permit@1"
    assert (receipt["received_on"], receipt["effective_on"], receipt["due_on"]) == (
        "2025-12-31",
        "2026-01-05",
        "2026-01-13",
    )


async def test_every_fault_comes_back_at_once_with_its_pointer(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN)
    theirs = await send(client, header(BINH))
    given = body(
        theirs,
        ("land_paper", "poem"),
        lon=9.17,
        lat=105.15 - 20,
        commune="32002@2023",
        height_m="0",
        kind="pole",
        code=["ND163", "A9"],
        facts={"moon": 1, "foundation": "sky"},
    )
    answer = await client.post(URL, json=given, headers=an)
    assert answer.status_code == 422
    assert answer.json()["code"] == "DossierFaulty"
    found = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert found == {
        "/sites/0/kind": "kind_wrong",
        "/sites/0/height_m": "height",
        "/sites/0/code": "code_unknown",
        "/sites/0/lon": "outside",
        "/sites/0/lat": "outside",
        "/sites/0/commune": "unit_past",
        "/sites/0/facts/moon": "fact_unknown",
        "/sites/0/facts/foundation": "fact_wrong",
        "/parts/0/file": "file_unknown",
        "/parts/1/code": "part_unknown",
        "/parts/1/file": "file_unknown",
        "/parts/drawings": "part_missing",
    }


async def test_a_refused_filing_takes_no_number(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN)
    file_id = await send(client, an)
    assert (await client.post(URL, json=body(file_id, ()), headers=an)).status_code == 422
    assert (await client.post(URL, json=body(file_id), headers=an)).json()["number"] == "HS-2026-00001"


async def test_swapped_coordinates_are_named_as_such(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN, **{"Accept-Language": "en"})
    given = body(await send(client, an), lon=9.17, lat=9.17)
    given["sites"][0]["lat"] = 89.0
    plain = await client.post(URL, json=given, headers=an)
    assert "swapped" not in plain.text
    from services.permits.domain.application.intake import _point_faults

    box = (104.4, 8.3, 105.95, 9.75)
    assert "swapped" in _point_faults("", world.site(lon=9.17, lat=105.15), box)[0].detail


async def test_the_same_key_and_body_is_one_dossier(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN, **{"Idempotency-Key": "k-1"})
    given = body(await send(client, header(AN)))
    first = await client.post(URL, json=given, headers=an)
    again = await client.post(URL, json=given, headers=an)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    other = await client.post(URL, json={**given, "work": "mast.other"}, headers=an)
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")
    assert len((await client.get(URL, headers=header(AN))).json()["items"]) == 1


async def test_the_same_key_and_file_is_one_file(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    an = header(AN, **{"Idempotency-Key": "f-1"})
    first = await client.post("/api/permits/v1/files?name=a.pdf", content=world.pdf(), headers=an)
    again = await client.post("/api/permits/v1/files?name=a.pdf", content=world.pdf(), headers=an)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post("/api/permits/v1/files?name=a.pdf", content=world.pdf(2), headers=an)
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")
    async with database.read() as read:
        assert (await read.execute(sa.text("SELECT count(*) FROM file"))).scalar_one() == 1


async def test_only_a_registrar_says_when_paper_was_received(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN)
    file_id = await send(client, an)
    paper = {
        **body(file_id, world.PERMIT_PARTS, commune="32002@2025"),
        "applicant": "VIETTEL",
        "received_at": "2025-12-30T09:00:00+07:00",
        "received_reason": "Cổng dịch vụ công dừng",
    }
    assert (await client.post(URL, json=paper, headers=an)).json()["code"] == "RegistrarOnly"
    assert (await client.post(URL, json={**body(file_id), "applicant": "VNPT"}, headers=an)).status_code == 403
    answer = await client.post(URL, json=paper, headers=header(LAN))
    assert answer.status_code == 201, answer.text
    assert answer.json()["procedure"] == "mast.new.permit@1"
    assert (await client.get(answer.headers["location"], headers=an)).json()["applicant"] == "VIETTEL"
    no_reason = {**paper, "received_reason": " ", "received_at": "2027-01-01T00:00:00+07:00", "applicant": "NOBODY"}
    faults = (await client.post(URL, json=no_reason, headers=header(LAN))).json()["errors"]
    assert {fault["pointer"] for fault in faults} == {"/received_reason", "/received_at", "/applicant"}


async def test_who_files_nothing(client: httpx.AsyncClient, header: Header) -> None:
    file_id = await send(client, header(AN))
    assert (await client.post(URL, json=body(file_id), headers=header(HUNG))).status_code == 403


async def test_without_a_mandate_or_a_procedure_nothing_is_received(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    an = header(AN)
    given = body(await send(client, an))
    unknown = await client.post(URL, json={**given, "work": "bridge.new"}, headers=an)
    assert (unknown.status_code, unknown.json()["code"]) == (409, "NoProcedure")
    async with database.tx() as tx:
        await tx.execute(sa.text("DELETE FROM mandate_copy WHERE function = 'construction'"))
    nobody = await client.post(URL, json=given, headers=an)
    assert (nobody.status_code, nobody.json()["code"]) == (409, "NoMandate")


async def test_the_list_pages_by_key_and_in_one_statement(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    async with database.tx() as tx:
        for hour in range(8, 13):
            await world.filed(tx, now=local(2026, 11, 20, hour), name=f"BTS {hour}")
    seen: list[str] = []
    cursor: str | None = ""
    async with database.said() as said:
        while cursor is not None:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(URL, params=query, headers=header(AN))).json()
            seen += [row["number"] for row in page["items"]]
            cursor = page["next"]
    assert seen == [f"HS-2026-{no:05}" for no in (5, 4, 3, 2, 1)]
    assert len([each for each in said if "json_agg" in each or "FROM application" in each]) == 3
    found = (await client.get(URL, params={"q": "bts 9"}, headers=header(AN))).json()["items"]
    assert [row["number"] for row in found] == ["HS-2026-00002"]
    assert (await client.get(URL, params={"cursor": "x"}, headers=header(AN))).json()["code"] == "BadCursor"


async def test_who_sees_which_dossier(client: httpx.AsyncClient, header: Header, database: RolledBack) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx)
    seen = {}
    for who in (AN, BINH, HUNG, LAN, MAI, world.MINH, world.HOA, world.ADMIN):
        one = await client.get(f"{URL}/{receipt.id}", headers=header(who))
        listed = await client.get(URL, headers=header(who))
        assert (one.status_code == 200) == (len(listed.json()["items"]) == 1)
        seen[who.id] = one.status_code
    assert {name for name, status in seen.items() if status == 200} == {
        "viettel.an",
        "sxd.hung",
        "sxd.lan",
        "skhcn.mai",
    }
    assert {name: status for name, status in seen.items() if status == 403} == {"quantri": 403}
    assert set(seen.values()) == {200, 403, 404}
