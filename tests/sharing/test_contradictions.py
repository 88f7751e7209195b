"""What register, stations and agreements cannot all be right about, found by the worker and settled by auditors."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import local_date
from kernel.db import Database
from kernel.edge import entity_tag
from kernel.errors import Stale
from services.sharing import data
from services.sharing.commands import contradictions as commands
from services.sharing.commands import copies
from services.sharing.commands.agreements import terminate
from services.sharing.domain.contradiction import Rules, due_on
from services.sharing.domain.refusals import ContradictionClosed
from services.sharing.gauges import figures
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, VIETTEL, Province

API = "/api/sharing/v1"
TODAY = local_date(NOW)
RULES = data.contradictions()
People = dict[str, dict[str, str]]


# Rules


@pytest.mark.unit
@given(st.dates(date(2023, 10, 12), date(2100, 1, 1)))
def test_each_rule_holds_once_on_every_day_and_gives_days_to_settle(day: date) -> None:
    holding = RULES.on(day)
    assert len({rule.code for rule in holding}) == len(holding) == 6
    assert all(due_on(holding, rule.code, day) > day for rule in holding)


@pytest.mark.unit
def test_two_rules_of_one_code_are_not_in_force_together() -> None:
    first = RULES.rules[0]
    later = first.model_copy(update={"valid_from": date(2027, 1, 1), "days": 10})
    with pytest.raises(ValueError, match="two rules"):
        Rules(rules=[first, later])
    followed = Rules(rules=[first.model_copy(update={"valid_to": date(2027, 1, 1)}), later])
    assert due_on(followed.on(date(2027, 1, 1)), first.code, date(2027, 1, 1)) == date(2027, 1, 11)
    assert due_on(followed.on(date(2026, 12, 31)), first.code, date(2026, 12, 31)) == date(2027, 1, 30)


# Looking


async def look(database: Database, now: datetime = NOW, rules: Rules = RULES) -> int:
    async with database.tx() as tx:
        return await commands.look(tx, rules, now=now)


async def cases(database: Database, *, gone: bool = False) -> list[tuple[str, UUID, UUID, str]]:
    async with database.read() as read:
        rows = await read.execute(
            sa.text(
                "SELECT rule, structure_id, thing, org FROM contradiction WHERE (gone_at IS NOT NULL) = :gone"
                " ORDER BY rule, org"
            ),
            {"gone": gone},
        )
        return [tuple(row) for row in rows]


@pytest.mark.database
async def test_a_station_needs_an_agreement_unless_it_is_the_owners(province: Province, database: RolledBack) -> None:
    mast = await province.mast("VNPT")
    await province.station(mast, "VINAPHONE")
    await province.station(mast, "VNPT")
    await province.station(mast, "MOBIFONE", status="inactive")
    await look(database)
    assert await cases(database) == []
    station = await province.station(mast, "VIETTEL")
    assert await look(database) == 1
    assert await cases(database) == [("station_without_agreement", mast, station, "VIETTEL")]
    async with database.tx() as tx:
        due = (await tx.execute(sa.text("SELECT due_on FROM contradiction"))).scalar_one()
    assert due == TODAY + timedelta(days=30)
    assert await look(database, NOW + timedelta(minutes=1)) == 0


@pytest.mark.database
async def test_an_agreement_of_a_mast_needs_equipment(province: Province, database: RolledBack) -> None:
    mast, pole = await province.mast(), await province.mast(kind="pole")
    idle = await province.mast(status="under_construction")
    agreement = await province.agree(mast)
    for other in (pole, idle):
        await province.agree(other)
    await province.agree(mast, "MOBIFONE", since=TODAY + timedelta(days=1))
    await province.agree(mast, "PCCM")
    await look(database)
    assert await cases(database) == [("agreement_without_station", mast, agreement.id, "VNPT")]
    # Another brand of the same enterprise is the tenant's equipment.
    await province.station(mast, "VINAPHONE")
    await look(database)
    assert await cases(database) == []
    assert len(await cases(database, gone=True)) == 1


@pytest.mark.database
async def test_a_station_on_air_the_day_after_its_agreement(province: Province, database: RolledBack) -> None:
    mast, renewed = await province.mast(), await province.mast()
    earlier = await province.agree(mast, since=date(2020, 1, 1), until=date(2022, 1, 1))
    agreement = await province.agree(mast, since=date(2023, 1, 1), until=TODAY)
    for one in (mast, renewed):
        await province.station(one, "VNPT")
    await province.agree(renewed, since=date(2023, 1, 1), until=TODAY)
    await province.agree(renewed, since=TODAY)
    await look(database, NOW - timedelta(days=1))
    assert await cases(database) == []
    await look(database)
    assert await cases(database) == [("agreement_ended", mast, agreement.id, "VNPT")]
    assert earlier.id != agreement.id


@pytest.mark.database
async def test_a_merger_makes_tenant_and_owner_one(province: Province, database: RolledBack) -> None:
    mast = await province.mast()
    agreement = await province.agree(mast)
    await province.station(mast, "VNPT")
    await look(database)
    assert await cases(database) == []
    founded = tellings.register(date(2000, 1, 1), kind="operator", legal_entity="VNPT")
    merged = tellings.change(2, "change", TODAY, {"legal_entity": "VIETTEL"}, at=NOW)
    async with database.tx() as tx:
        await copies.store_organisations(tx, tellings.organisation_items("VNPT", [founded, merged]))
    await look(database)
    assert await cases(database) == [("tenant_is_owner", mast, agreement.id, "VNPT")]


@pytest.mark.database
@pytest.mark.parametrize("status", ["idle", "dismantled"])
async def test_a_structure_out_of_use_while_agreed_on(province: Province, database: RolledBack, status: str) -> None:
    gone = tellings.change(2, "change", TODAY, {"status": status})
    mast = await province.mast(more=[gone])
    agreement = await province.agree(mast)
    await look(database, NOW - timedelta(days=1))
    assert [case[0] for case in await cases(database)] == ["agreement_without_station"]
    await look(database)
    assert await cases(database) == [("structure_not_in_use", mast, agreement.id, "VIETTEL")]


@pytest.mark.database
async def test_a_structure_that_changed_hands(province: Province, database: RolledBack) -> None:
    mast = await province.mast(more=[tellings.change(2, "change", TODAY, {"owner": "OCK"})])
    agreement = await province.agree(mast)
    await province.station(mast, "VNPT")
    await look(database, NOW - timedelta(days=1))
    assert await cases(database) == []
    await look(database)
    assert await cases(database) == [("owner_changed", mast, agreement.id, "VIETTEL")]


@pytest.mark.database
async def test_what_is_mended_goes_by_itself_and_comes_again_as_another_case(
    province: Province, database: RolledBack
) -> None:
    mast = await province.mast()
    station = uuid4()
    registered = tellings.register(date(2020, 1, 1), operator="VNPT", status="active")
    off = tellings.change(2, "change", TODAY, {"status": "inactive"}, at=NOW)
    on = tellings.change(3, "change", TODAY, {"status": "active"}, at=NOW + timedelta(hours=1))
    for count in (1, 2, 3):
        async with database.tx() as tx:
            items = tellings.station_items(station, mast, [registered, off, on][:count])
            await copies.store_stations(tx, items)
        assert await look(database, NOW + timedelta(hours=count)) == 1
    assert len(await cases(database)) == len(await cases(database, gone=True)) == 1
    # A rule that is no longer in force finds nothing, and what it had found goes.
    ended = RULES.rules[0].model_copy(update={"valid_to": TODAY})
    await look(database, NOW + timedelta(hours=4), Rules(rules=[ended, *RULES.rules[1:]]))
    assert await cases(database) == []


@pytest.mark.database
async def test_two_workers_find_a_case_once(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    database = Database(fresh_database("sharing").url, 4)
    province = Province(database)
    await province.prepare()
    await province.station(await province.mast(), "VNPT")
    now = datetime.now(UTC)
    assert sorted(await asyncio.gather(*(look(database, now) for _ in range(3))))[-1] == 1
    assert len(await cases(database)) == 1
    async with database.read() as read:
        (case,) = (await read.execute(sa.text("SELECT id FROM contradiction"))).scalars()

    async def assign(who: str) -> bool:
        try:
            async with database.tx() as tx:
                await commands.assign(tx, AUDITOR, case, who, None, now=now, if_match=entity_tag(1))
        except Stale:
            return False
        return True

    assert sorted(await asyncio.gather(assign("A"), assign("B"))) == [False, True]
    await database.close()


# Settling


@pytest.mark.database
async def test_a_case_is_assigned_and_closed_with_its_reason(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    mast = await province.mast()
    await province.station(mast, "VNPT")
    await province.station(await province.mast(), "MOBIFONE")
    await look(database)
    who = people["auditor"]
    listed = (await client.get(f"{API}/contradictions?org=VNPT&total=true", headers=who)).json()
    assert (listed["total"], listed["items"][0]["title_vi"]) == (1, "Trạm không có thoả thuận")
    case = listed["items"][0]["id"]
    act = f"{API}/contradictions/{case}"
    body = {"assignee": "Mai", "due_on": "2026-11-22"}
    assigned = await client.post(f"{act}/assignment", json=body, headers={**who, "If-Match": '"1"'})
    assert (assigned.status_code, assigned.headers["ETag"]) == (201, '"2"')
    assert (assigned.json()["assignee"], assigned.json()["due_on"]) == ("Mai", "2026-11-22")
    stale = await client.post(f"{act}/assignment", json=body, headers={**who, "If-Match": '"1"'})
    assert stale.status_code == 412
    for wrong, pointer in (({"assignee": " "}, "/assignee"), ({**body, "due_on": "2026-11-19"}, "/due_on")):
        refused = await client.post(f"{act}/assignment", json=wrong, headers={**who, "If-Match": "*"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    client.app.state.clock = lambda: NOW + timedelta(days=3)  # type: ignore[attr-defined]
    late = (await client.get(f"{API}/contradictions?overdue=true", headers=who)).json()["items"]
    assert [row["id"] for row in late] == [case]
    ending = {"outcome": "settled", "reason": " "}
    refused = await client.post(f"{act}/closure", json=ending, headers={**who, "If-Match": "*"})
    assert refused.json()["errors"][0]["pointer"] == "/reason"
    ending["reason"] = "Đã ký phụ lục"
    closed = await client.post(f"{act}/closure", json=ending, headers={**who, "If-Match": '"2"'})
    assert (closed.json()["state"], closed.json()["closed_by"]) == ("settled", "skhcn.mai")
    again = await client.post(f"{act}/closure", json=ending, headers={**who, "If-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "ContradictionClosed")
    # What is settled does not come again while it holds, and is no longer counted.
    assert await look(database, NOW + timedelta(days=3)) == 0
    async with database.read() as read:
        told = await figures(read, NOW + timedelta(days=3))
    assert told["contradictions_open", "station_without_agreement"] == 1
    async with database.tx() as tx:
        acts = await tx.execute(sa.text("SELECT act FROM audit WHERE thing = :id ORDER BY seq"), {"id": case})
        assert list(acts.scalars()) == ["sharing:audit:assign", "sharing:audit:close"]
    for other in ("viettel", "reviewer", "nobody"):
        assert (await client.get(f"{API}/contradictions", headers=people[other])).status_code == 403
        assert (await client.get(act, headers=people[other])).status_code == 403
    for form in ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"):
        answer = await client.get(f"{API}/contradictions", headers={**who, "Accept": form})
        assert answer.headers["content-type"].startswith(form)


@pytest.mark.database
async def test_what_is_gone_is_not_assigned_any_more(province: Province, database: RolledBack) -> None:
    mast = await province.mast(status="idle")
    agreement = await province.agree(mast)
    await look(database)
    async with database.tx() as tx:
        await terminate(tx, VIETTEL, agreement.id, TODAY, "x", now=NOW)
    await look(database, NOW + timedelta(minutes=1))
    async with database.tx() as tx:
        (case,) = (await tx.execute(sa.text("SELECT id FROM contradiction"))).scalars()
        with pytest.raises(ContradictionClosed):
            await commands.assign(tx, AUDITOR, case, "Mai", None, now=NOW)


@pytest.mark.database
async def test_the_work_list_is_worked_off_on_its_pages(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    who = people["auditor"]
    assert "Không có gì mâu thuẫn" in (await client.get("/sharing/audit", headers=who)).text
    mast = await province.mast()
    await province.station(mast, "VNPT")
    await province.agree(mast, "MOBIFONE")
    await look(database)
    page = BeautifulSoup((await client.get("/sharing/audit", headers=who)).text, "html.parser")
    assert len(page.select("tbody tr")) == 2
    assert [tab.small.get_text() for tab in page.select(".am-tabs a")[:3]] == ["2", "1", "1"]  # type: ignore[union-attr]
    only = await client.get("/sharing/audit?rule=station_without_agreement", headers=who)
    (row,) = BeautifulSoup(only.text, "html.parser").select("tbody tr td.k a")
    path = str(row["href"])
    one = await client.get(path, headers=who)
    assert "Trạm không có thoả thuận" in one.text
    token = BeautifulSoup(one.text, "html.parser").select_one("form.am-form input[name=_csrf]")
    form: dict[str, Any] = {"_csrf": token["value"]}  # type: ignore[index]
    wrong = await client.post(f"{path}/assignment", data={**form, "assignee": "", "due_on": "x"}, headers=who)
    assert wrong.status_code == 422
    given = {**form, "assignee": "Mai", "due_on": "21/11/2026"}
    made = await client.post(f"{path}/assignment", data=given, headers=who)
    assert made.status_code == 303
    assert "Mai" in (await client.get("/sharing/audit", headers=who)).text
    client.app.state.clock = lambda: NOW + timedelta(days=2)  # type: ignore[attr-defined]
    late = await client.get("/sharing/audit?show=overdue", headers=who)
    assert "1 ngày" in BeautifulSoup(late.text, "html.parser").select_one("tr.over .am-chip").get_text()  # type: ignore[union-attr]
    client.app.state.clock = lambda: NOW  # type: ignore[attr-defined]
    assert (await client.post(f"{path}/closure", data={**form, "reason": ""}, headers=who)).status_code == 422
    ended = await client.post(
        f"{path}/closure", data={**form, "outcome": "dismissed", "reason": "Khai nhầm"}, headers=who
    )
    assert ended.status_code == 303
    pole = await province.mast(kind="pole")
    await province.station(pole, "VNPT")
    await look(database)
    of_pole = await client.get(f"{API}/contradictions?structure_id={pole}", headers=who)
    case = await client.get(f"/sharing/audit/contradictions/{of_pole.json()['items'][0]['id']}", headers=who)
    assert f"/registry/poles/{pole}" in case.text
    every = await client.get("/sharing/audit?show=all", headers=who)
    assert "Bỏ qua" in every.text
    assert "Khai nhầm" in (await client.get(path, headers=who)).text
    assert (await client.get("/sharing/audit", headers=people["viettel"])).status_code == 403


@pytest.mark.database
async def test_a_long_look_is_followed_by_a_long_rest(province: Province, database: RolledBack) -> None:
    async def rests(after: float) -> bool:
        async with database.tx() as tx:
            return await commands.rests(tx, now=NOW + timedelta(seconds=after))

    assert not await rests(0)
    await look(database)
    assert not await rests(3600)
    async with database.tx() as tx:
        await tx.execute(sa.text("UPDATE contradiction_look SET took = interval '10 seconds'"))
    assert (await rests(199), await rests(200)) == (True, False)
