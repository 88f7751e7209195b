"""An audit of the ratio: drawn by risk and again by its seed, inspected, closed; operators see nothing of it."""

import asyncio
import csv
import io
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from kernel.db import Database
from services.sharing import data
from services.sharing.commands import audit_plans as commands
from services.sharing.commands import contradictions, copies
from services.sharing.domain import sampling
from services.sharing.domain.refusals import AuditClosed
from services.sharing.queries import ratios
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, Province

pytestmark = pytest.mark.database
API = "/api/sharing/v1"
BEFORE = NOW - timedelta(hours=1)
CSV = {"Accept": "text/csv"}
People = dict[str, dict[str, str]]


async def draw(client: httpx.AsyncClient, people: People, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{API}/audit-plans", json={"as_of": "2026-10-31", **body}, headers=people["auditor"])
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = (await client.get(answer.headers["Location"], headers=people["auditor"])).json()
    return told


async def items(
    client: httpx.AsyncClient, people: People, plan: str, query: str = "drawn=true"
) -> list[dict[str, Any]]:
    answer = await client.get(f"{API}/audit-plans/{plan}/items?{query}", headers=people["auditor"])
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def found(client: httpx.AsyncClient, people: People, plan: str, structure: Any, **body: Any) -> httpx.Response:
    path = f"{API}/audit-plans/{plan}/items/{structure}/finding"
    given = {"as_recorded": True, "inspected_on": "2026-11-18", **body}
    return await client.post(path, json=given, headers=people["auditor"])


async def test_the_sample_is_by_risk_and_anybody_draws_it_again(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    for _ in range(6):
        await province.mast(since=date(2020, 1, 1))
    paper = await province.mast()
    await province.agree(paper, now=BEFORE)
    tower = await province.mast("OCK")
    await province.station(tower, "VNPT")
    idle, planned = await province.mast(status="idle"), await province.mast(status="planned")
    async with database.tx() as tx:
        await contradictions.look(tx, data.contradictions(), now=NOW)
    await province.complete()
    plan = await draw(client, people, size=7, seed="xo so 20/11/2026")
    assert (plan["shared"], plan["counted"], plan["drawn"], plan["result"]) == (1, 8, 7, None)
    sizes = {each["code"]: (each["size"], each["drawn"]) for each in plan["strata"]}
    # The agreement without a station and the tower company's mast are both contradicted; all are only declared.
    assert sizes == {"low": (7, 5), "high": (2, 2)}
    answer = await client.get(f"{API}/audit-plans/{plan['id']}/items", headers={**people["auditor"], **CSV})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {str(planned)} & {row["structure_id"] for row in rows} == set()
    assert str(idle) in {row["structure_id"] for row in rows}
    frame: dict[str, list[str]] = defaultdict(list)
    drawn: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        frame[row["stratum"]].append(row["structure_id"])
        if row["place"]:
            drawn[row["stratum"]].append((int(row["place"]), row["structure_id"]))
    for code, (_, count) in sizes.items():
        assert sampling.draw(plan["seed"], frame[code], count) == [key for _, key in sorted(drawn[code])]
    risky = {row["structure_id"]: row["signs"] for row in await items(client, people, plan["id"], "stratum=high")}
    assert risky == {
        str(paper): ["contradiction", "paper_only", "weak_evidence"],
        str(tower): ["contradiction", "tower_single", "weak_evidence"],
    }
    assert (await draw(client, people, size=9))["seed"] != (await draw(client, people, size=9))["seed"]


async def test_only_what_every_copy_holds_is_drawn_and_no_more_than_there_is(client, people, province) -> None:
    await province.mast()
    post: dict[str, Any] = {"url": f"{API}/audit-plans", "headers": people["auditor"]}
    early = await client.post(json={"as_of": "2026-10-31", "size": 1}, **post)
    assert early.json()["code"] == "NotAllKnownYet"
    await province.complete()
    late = await client.post(json={"as_of": "2026-11-20", "known_at": "2026-11-19", "size": 1}, **post)
    assert late.status_code == 422
    many = await client.post(json={"as_of": "2026-10-31", "size": 2}, **post)
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/size")
    nothing = await client.post(json={"as_of": "2026-10-31", "kind": "duct", "size": 1}, **post)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "NothingCounted")


async def test_findings_correct_the_ratio_and_show_when_the_record_was_corrected(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    masts = [await province.mast(evidence=4) for _ in range(4)]
    shared = masts[0]
    agreement = await province.agree(shared, now=BEFORE)
    await province.station(shared, "VNPT")
    await province.complete()
    plan = await draw(client, people, size=4)
    assert (plan["best_bound"], plan["percent"]) == ("0.00", "25.00")
    who, path = people["auditor"], f"{API}/audit-plans/{plan['id']}"
    early = await client.post(f"{path}/closure", json={}, headers=who)
    assert (early.status_code, early.json()["code"]) == (409, "ItemsOpen")
    for wrong, pointer in (
        ({"as_recorded": False, "note": "x"}, "/counted"),
        ({"as_recorded": False, "counted": False, "shared": True, "note": "x"}, "/shared"),
        ({"as_recorded": False, "counted": True, "shared": True, "note": "x"}, "/as_recorded"),
        ({"as_recorded": False, "counted": False, "shared": False}, "/note"),
        ({"inspected_on": "2026-11-21"}, "/inspected_on"),
    ):
        refused = await found(client, people, plan["id"], shared, **wrong)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), wrong
    first = await found(client, people, plan["id"], shared)
    assert (first.status_code, first.headers["ETag"], first.json()["mended"]) == (201, '"2"', None)
    gone = {"as_recorded": False, "counted": False, "shared": False, "note": "Đã tháo dỡ", "evidence_sha256": "a" * 64}
    answer = await found(client, people, plan["id"], masts[1], **gone)
    assert (answer.json()["verdict"], answer.json()["mended"], answer.json()["found_by"]) == (
        "differs", False, "skhcn.mai",
    )  # fmt: skip
    so_far = (await client.get(path, headers=who)).json()
    assert (so_far["inspected"], so_far["differing"]) == (2, 1)
    assert float(so_far["result"]["bound"]) > 0
    # The register says it too now, and the finding shows it by itself.
    taken_down = tellings.change(2, "change", date(2026, 10, 1), {"status": "dismantled"}, at=NOW)
    registered = tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")
    async with database.tx() as tx:
        told = tellings.structure_items(masts[1], "CM-M-000002-1", [registered, taken_down])
        await copies.store_structures(tx, told)
    assert [row["structure_id"] for row in await items(client, people, plan["id"], "mended=true")] == [str(masts[1])]
    stale = f"{path}/items/{shared}/finding"
    body = {"as_recorded": True, "inspected_on": "2026-11-18"}
    assert (await client.post(stale, json=body, headers={**who, "If-Match": '"1"'})).status_code == 412
    for mast in masts[2:]:
        await found(client, people, plan["id"], mast)
    closed = await client.post(f"{path}/closure", json={}, headers=who)
    assert closed.status_code == 201, closed.text
    assert closed.json()["result"] == {"percent": "33.33", "bound": "0.00", "shared": "1.0", "counted": "3.0"}
    assert (await found(client, people, plan["id"], shared)).json()["code"] == "AuditClosed"
    assert (await client.post(f"{path}/closure", json={}, headers=who)).json()["code"] == "AuditClosed"
    # What it says stays, whatever is learnt afterwards.
    assert (await client.get(path, headers=who)).json()["result"]["percent"] == "33.33"
    assert (await client.get(f"{API}/audit-plans?closed=true", headers=who)).json()["items"][0]["differing"] == 1
    sheet = {**who, "Accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    assert (await client.get(f"{path}/items", headers=sheet)).content.startswith(b"PK")
    for other in ("viettel", "reviewer", "nobody"):
        for address in (f"{API}/audit-plans", path, f"{path}/items", f"{path}/items/{shared}"):
            assert (await client.get(address, headers=people[other])).status_code == 403
    assert agreement.id


async def test_what_was_not_drawn_is_not_inspected(client, people, province) -> None:
    masts = {str(await province.mast()) for _ in range(3)}
    await province.complete()
    plan = await draw(client, people, size=2)
    drawn = {row["structure_id"] for row in await items(client, people, plan["id"])}
    (left,) = masts - drawn
    assert (await found(client, people, plan["id"], left)).json()["code"] == "ItemNotFound"
    assert (await client.get(f"{API}/audit-plans/{left}", headers=people["auditor"])).json()["code"] == "AuditNotFound"


async def test_a_finding_and_the_closing_wait_for_each_other(
    fresh_database: Callable[[str], ServiceDatabase],
) -> None:
    database = Database(fresh_database("sharing").url, 4)
    province = Province(database)
    await province.prepare()
    mast = await province.mast()
    await province.complete()
    async with database.tx() as tx:
        scope = await ratios.scope(
            tx, actor=AUDITOR, kind="mast", as_of=date(2026, 10, 1), known_at=NOW - timedelta(days=1), now=NOW
        )
        plan = await commands.draw(tx, AUDITOR, scope, 1, "x", data.sampling(), now=NOW)
        await commands.inspect(tx, AUDITOR, plan, mast, commands.Finding(True, date(2026, 11, 1)), now=NOW)
    gone = commands.Finding(False, date(2026, 11, 2), False, False, note="x")

    async def inspect() -> str:
        try:
            async with database.tx() as tx:
                await commands.inspect(tx, AUDITOR, plan, mast, gone, now=NOW)
        except AuditClosed:
            return "closed"
        return "found"

    async def close() -> str:
        async with database.tx() as tx:
            await commands.close(tx, AUDITOR, plan, now=NOW)
        return "kept"

    first, _ = await asyncio.gather(inspect(), close())
    async with database.read() as read:
        row = (await read.execute(sa.text("SELECT result FROM audit_plan"))).scalar_one()
        item = (await read.execute(sa.text("SELECT found_counted FROM audit_item"))).scalar_one()
    # Either the finding is in the result, or it was refused.
    assert (first, item) in (("found", False), ("closed", True))
    assert (row == {}) == (first == "found")
    await database.close()


async def test_lists_of_the_audit_are_one_statement_and_their_pages_the_whole(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    for _ in range(3):
        await province.station(await province.mast(), "VNPT")
        await province.agree(await province.mast(), now=BEFORE)
    async with database.tx() as tx:
        await contradictions.look(tx, data.contradictions(), now=NOW)
    await province.complete()
    plans = [await draw(client, people, size=size) for size in (3, 4, 5)]
    for address, count in (
        (f"{API}/contradictions", 6),
        (f"{API}/contradictions?rule.in=station_without_agreement&state=open&holds=true&overdue=false", 3),
        (f"{API}/audit-plans", 3),
        (f"{API}/audit-plans/{plans[0]['id']}/items", 6),
        (f"{API}/audit-plans/{plans[2]['id']}/items?drawn=true&inspected=false", 5),
    ):
        async with database.said() as said:
            whole = (await client.get(address, headers=people["auditor"])).json()["items"]
        assert (len(said), len(whole)) == (1, count), address
        paged: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"limit": 1, "total": "true"}
        while True:
            url = httpx.URL(address).copy_merge_params(asked)
            page = (await client.get(url, headers=people["auditor"])).json()
            paged += page["items"]
            if page["next"] is None:
                break
            asked["cursor"] = page["next"]
        assert (paged, page["total"]) == (whole, count)
    async with database.said() as said:
        await client.get(f"{API}/audit-plans/{plans[0]['id']}", headers=people["auditor"])
    assert len(said) == 1


def form_of(page: httpx.Response) -> dict[str, Any]:
    token = BeautifulSoup(page.text, "html.parser").select_one(
        "form.am-form input[name=_csrf], form.am-confirm input[name=_csrf]"
    )
    assert token is not None
    return {"_csrf": token["value"]}


async def test_an_audit_is_drawn_inspected_and_closed_on_its_pages(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    who, path = people["auditor"], "/sharing/audit/plans"
    assert "Chưa có cuộc kiểm tra nào" in (await client.get(path, headers=who)).text
    mast = await province.mast()
    await province.complete()
    form = form_of(await client.get(f"{path}/new", headers=who))
    asked = {**form, "kind": "mast", "as_of": "31/10/2026", "set": "CM-2023", "size": "1", "seed": ""}
    for wrong in ({"size": "x"}, {"as_of": "31/31/2026"}, {"size": "5"}, {"as_of": "31/10/2027"}):
        refused = await client.post(f"{path}/new", data={**asked, **wrong}, headers=who)
        assert refused.status_code == 422, wrong
    made = await client.post(f"{path}/new", data=asked, headers=who)
    assert made.status_code == 303, made.text
    plan = made.headers["Location"].partition("?")[0]
    page = await client.get(plan, headers=who)
    assert "Chưa có kết quả kiểm tra" in page.text
    item = f"{plan}/items/{mast}"
    one = await client.get(item, headers=who)
    assert f"/registry/masts/{mast}" in one.text
    given = {**form_of(one), "found": "shared", "note": "", "inspected_on": "18/11/2026", "evidence_sha256": "xyz"}
    assert (await client.post(item, data=given, headers=who)).status_code == 422
    given["evidence_sha256"] = ""
    assert (await client.post(item, data=given, headers=who)).status_code == 422
    assert (await client.post(f"{plan}/closure", data=form_of(one), headers=who)).status_code == 409
    given["note"] = "Hai trạm của hai nhà mạng"
    assert (await client.post(item, data=given, headers=who)).status_code == 303
    again = await client.get(item, headers=who)
    assert "chưa ghi như đã thấy" in again.text
    shown = await client.get(f"{plan}?show=differs", headers=who)
    assert "100,00" in shown.text
    confirm = await client.get(f"{plan}/closure", headers=who)
    assert (await client.post(f"{plan}/closure", data=form_of(confirm), headers=who)).status_code == 303
    closed = await client.get(item, headers=who)
    assert closed.status_code == 200
    assert "am-form" not in closed.text
    listed = await client.get(path, headers=who)
    assert "31/10/2026" in listed.text
    whole = await client.get(f"{plan}/items.csv?all=1", headers=who)
    assert str(mast) in whole.text
    assert (await client.get(f"{plan}/items.xlsx", headers=who)).content.startswith(b"PK")
    for other in (path, plan, item, f"{plan}/items.csv"):
        assert (await client.get(other, headers=people["viettel"])).status_code == 403
    assert UUID(plan.rpartition("/")[2])
