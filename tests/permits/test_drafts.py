"""Law written, tried and published: bad versions refused with their place, moved days shown before and told after."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kernel.db import new_id
from services.permits import commands, jobs, queries
from services.permits.queries.verify import faults
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_moves import Dossier, dossier  # noqa: F401
from tests.permits.test_pages import Pages, pages, words  # noqa: F401
from tests.permits.world import AN, HUNG, LAN, MAI, MINH, NOW, settings

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/law-drafts"


class Desk:
    def __init__(self, client: httpx.AsyncClient, header: Header) -> None:
        self.client, self.header = client, header

    async def begin(self, kind: str, body: dict[str, Any]) -> str:
        answer = await self.client.post(URL, json={"kind": kind, "body": body}, headers=self.header(MAI))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def trial(self, id: str) -> Any:
        answer = await self.client.get(f"{URL}/{id}/trial", headers=self.header(MAI))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def publish(self, id: str, **more: str) -> httpx.Response:
        return await self.client.post(f"{URL}/{id}/publication", headers=self.header(MAI, **more))


@pytest.fixture
def desk(client: httpx.AsyncClient, header: Header) -> Desk:
    return Desk(client, header)


async def body_of(database: RolledBack, label: str, **more: Any) -> dict[str, Any]:
    async with database.read() as read:
        found = next(each for _, each in await queries.procedures(read) if each.label == label)
    return {**found.model_dump(mode="json", by_alias=True), **more}


async def calendar(client: httpx.AsyncClient, header: Header, *days: str, **more: Any) -> dict[str, Any]:
    """The calendar in force with more days off, as the next version."""
    listed = (await client.get("/api/permits/v1/calendars", headers=header(MAI))).json()["items"][0]
    body = {name: listed[name] for name in ("area", "starts_on", "ends_on", "cutoff", "half_cutoff", "source")}
    known = [{name: value for name, value in day.items() if value is not None} for day in listed["days"]]
    off = [{"day": day, "kind": "off", "vi": "Nghỉ bão", "en": "Storm", "source": "Công điện"} for day in days]
    return {**body, "no": listed["no"] + 1, "days": [*known, *off], **more}


async def test_a_procedure_is_drafted_tried_mended_and_published(desk: Desk, database: RolledBack) -> None:
    broken = await body_of(database, "mast.new.notice@1", version=3, lead="poetry", outcomes=["no_objection"])
    id = await desk.begin("procedure", broken)
    told = await desk.trial(id)
    assert (told["publishable"], told["running"]) == (False, None)
    assert told["faults"]
    assert (await desk.publish(id, **{"If-Match": '"1"'})).json()["code"] == "DraftBroken"
    cases = (
        ({"version": 3}, "/body/version"),
        ({"work": "poetry", "version": 2}, "/body/work"),
        ({"valid_from": "2026-02-01", "version": 2}, "/body"),
        ({"valid_to": "2027-01-01", "version": 2}, "/body"),
        ({"clocks": [], "version": 2}, "/body/clocks"),
        ({"agencies": [{"function": "poetry"}], "version": 2}, "/body"),
    )
    version = 1
    for more, pointer in cases:
        body = await body_of(database, "mast.new.notice@1", **more)
        kept = await desk.client.post(
            f"{URL}/{id}/body", json={"body": body}, headers=desk.header(MAI, **{"If-Match": f'"{version}"'})
        )
        version = kept.json()["version"]
        assert pointer in [fault["pointer"] for fault in (await desk.trial(id))["faults"]], more
    fixed = await body_of(database, "mast.new.notice@1", version=2, four_eyes=True)
    stale = await desk.client.post(
        f"{URL}/{id}/body", json={"body": fixed}, headers=desk.header(MAI, **{"If-Match": '"1"'})
    )
    assert stale.status_code == 412
    await desk.client.post(f"{URL}/{id}/body", json={"body": fixed}, headers=desk.header(MAI, **{"If-Match": "*"}))
    assert (await desk.trial(id))["publishable"]
    assert (await desk.publish(id, **{"If-Match": "*"})).status_code == 200
    assert (await desk.publish(id, **{"If-Match": "*"})).json()["code"] == "DraftPublished"
    again = await desk.client.post(
        f"{URL}/{id}/body", json={"body": fixed}, headers=desk.header(MAI, **{"If-Match": "*"})
    )
    assert again.json()["code"] == "DraftPublished"
    # A dossier filed from now on is governed by it: two people sign.
    async with database.tx() as tx:
        receipt = await world.filed(tx)
    assert receipt.procedure == "mast.new.notice@2"


async def test_a_calendar_shows_what_it_moves_and_tells_those_concerned(
    desk: Desk,
    dossier: Dossier,  # noqa: F811
    database: RolledBack,
    header: Header,
) -> None:
    async with database.tx() as tx:
        for actor in (AN, HUNG, LAN, MINH):
            await commands.meet(tx, actor, now=NOW)
    await dossier.accepted()
    for more, pointer in (
        ({"no": 7}, "/body/no"),
        ({"area": "01"}, "/body/area"),
        ({"ends_on": "2026-12-31", "days": []}, "/body/ends_on"),
        ({"ends_on": "2028-12-31", "days": []}, "/body/ends_on"),
        ({"starts_on": "2026-01-01", "days": []}, "/body/starts_on"),
        ({"source": None}, "/body/source"),
    ):
        id = await desk.begin("calendar", await calendar(desk.client, header, **more))
        assert [f["pointer"] for f in (await desk.trial(id))["faults"]] == [pointer], more
    id = await desk.begin("calendar", await calendar(desk.client, header, "2026-12-02", "2026-12-03"))
    told = await desk.trial(id)
    # The opinions are due the day before the storm; the decision moves over two days and a weekend.
    assert (told["publishable"], told["running"], told["moved"]) == (True, 4, 1)
    assert told["moves"] == [
        {
            "number": "HS-2026-00001",
            "clock": "decision",
            "function": None,
            "due_on": "2026-12-08",
            "moved_to": "2026-12-10",
        }
    ]
    clocks = {c["clock"]: c["due_on"] for c in (await dossier.read())["clocks"]}
    assert clocks["decision"] == "2026-12-08"
    assert (await desk.publish(id, **{"If-Match": '"1"'})).status_code == 200
    clocks = {c["clock"]: c["due_on"] for c in (await dossier.read())["clocks"]}
    assert clocks["decision"] == "2026-12-10"
    await jobs.remind_people(database, settings(), NOW)
    await jobs.remind_people(database, settings(), NOW)
    for actor in (AN, HUNG):
        inbox = (await desk.client.get("/api/permits/v1/notices", headers=header(actor))).json()["items"]
        assert [(n["kind"], n["params"]["was"], n["params"]["due_on"]) for n in inbox] == [
            ("moved", "2026-12-08", "2026-12-10")
        ]
    assert (await desk.client.get("/api/permits/v1/notices", headers=header(MINH))).json()["items"] == []
    assert await faults(database) == []


async def test_nobody_but_the_publisher_writes_law(desk: Desk, header: Header) -> None:
    for actor in (AN, HUNG, LAN):
        assert (await desk.client.get(URL, headers=header(actor))).status_code == 403
    assert (await desk.client.get(f"{URL}/{new_id()}", headers=header(MAI))).status_code == 404


async def test_the_pages_of_the_law(pages: Pages, database: RolledBack) -> None:  # noqa: F811
    listed = await pages.get(MAI, "/permits/law")
    assert "mast.new.notice@1" in words(listed)
    assert "Lịch làm việc kết thúc" not in words(listed)
    at = await pages.done(MAI, "/permits/law", {"of": "mast.new.notice@1"})
    page = await pages.get(MAI, f"{at}?received=09/02/2026")
    body = json.loads(page.find("textarea").get_text())  # type: ignore[union-attr]
    assert (body["version"], "Không có gì sai" in words(page)) == (2, True)
    assert "12/02/2026" in words(page)
    said = {"version": "1", "step": "keep", "body": "{"}
    assert (await pages.wrong(MAI, at, said)).select_one("#e-body")
    await pages.done(MAI, at, {**said, "body": json.dumps({**body, "lead": "poetry"})})
    assert "unknown function poetry" in words(await pages.get(MAI, at))
    await pages.wrong(MAI, at, {"version": "2", "step": "publish", "body": ""})
    await pages.done(MAI, at, {**said, "version": "2", "body": json.dumps({**body, "four_eyes": True})})
    assert await pages.done(MAI, at, {"version": "3", "step": "publish"}) == "/permits/law"
    assert "mast.new.notice@2" in words(await pages.get(MAI, "/permits/law"))
    assert not (await pages.get(MAI, at)).select("button[value=publish]")
    pages.at(2030, 8, 1, 9)
    assert "Lịch làm việc kết thúc ngày 31/12/2030" in words(await pages.get(MAI, "/permits/law"))
    drafted = await pages.done(MAI, "/permits/law", {"of": "calendar"})
    assert "96.2" in words(await pages.get(MAI, drafted))
    await pages.get(HUNG, "/permits/law", 403)
