"""What no form and no honest system sends: refused with its place, never a fault of ours."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest

from kernel.db import Database
from kernel.web.forms import form_token
from services.permits.app import create
from services.permits.domain.application import SupplementItem, check_request
from services.permits.domain.refusals import DossierFaulty
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack, client_of
from tests.permits import world
from tests.permits.test_filing import URL, body, send
from tests.permits.test_procedures import made
from tests.permits.world import AN, HOA, HUNG, LAN

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
PAGE = {"Accept": "text/html"}


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": "a\0b"}, "/sites/0/name"),
        ({"commune": "\0"}, "/sites/0/commune"),
        ({"facts": {"foundation": None}}, "/sites/0/facts/foundation"),
        ({"facts": {"foundation": {}}}, "/sites/0/facts/foundation"),
    ],
)
async def test_a_site_that_cannot_be_stored(
    client: httpx.AsyncClient, header: Header, given: dict[str, Any], place: str
) -> None:
    an = header(AN)
    assert pointers(await client.post(URL, json=body(await send(client, an), **given), headers=an)) == [place]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work", "\0"),
        ("applicant", "\0"),
        ("received_reason", "a\0"),
        ("received_at", "0001-01-01T00:00:00+14:00"),
        ("received_at", "9999-12-31T23:59:59-14:00"),
        ("received_at", "2026-11-20T08:00:00"),
        ("received_at", 0),
    ],
)
async def test_a_receipt_that_cannot_be_stored(
    client: httpx.AsyncClient, header: Header, name: str, value: Any
) -> None:
    lan = header(LAN)
    given = {"applicant": "VIETTEL", "received_at": "2026-11-20T08:00:00+07:00", "received_reason": "giấy"}
    filed = {**body(await send(client, lan)), **given, name: value}
    assert pointers(await client.post(URL, json=filed, headers=lan)) == [f"/{name}"]


@pytest.mark.parametrize("name", ["state", "applicant", "work", "commune", "q"])
async def test_a_filter_with_a_nul(client: httpx.AsyncClient, header: Header, name: str) -> None:
    assert pointers(await client.get(URL, params={name: "\0"}, headers=header(AN))) == [f"/query/{name}"]
    if name != "commune":
        queue = await client.get("/api/permits/v1/queue", params={name: "\0"}, headers=header(LAN))
        assert pointers(queue) == [f"/query/{name}"]
    if name in ("state", "applicant", "q"):
        for page in ("queue", "applications"):
            answer = await client.get(f"/permits/{page}", params={name: "\0"}, headers=header(LAN, **PAGE))
            assert answer.status_code == 422


@pytest.mark.parametrize("at", ["2026-02-30T00:00:00Z", "yesterday morning", 1, None, {}, "999999-01-01"])
async def test_a_cursor_of_no_moment(client: httpx.AsyncClient, header: Header, at: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([at, str(uuid4())]).encode()).decode().rstrip("=")
    answer = await client.get(URL, params={"cursor": cursor}, headers=header(AN))
    assert pointers(answer) == ["/query/cursor"]
    assert answer.json()["code"] == "BadCursor"


@pytest.mark.parametrize(
    ("act", "given", "place"),
    [
        ("completeness", {"outcome": "incomplete", "items": [{"code": "drawings", "reason": "\0"}]}, "/items/0/reason"),
        ("completeness", {"outcome": "complete", "items": [{"code": "drawings"}]}, "/items"),
        (
            "completeness",
            {"outcome": "incomplete", "items": [{"code": "drawings"}, {"code": "drawings"}]},
            "/items/1/code",
        ),
        ("withdrawal", {"reason": "\0"}, "/reason"),
        ("notices", {"kind": "commencement", "on": 0}, "/on"),
        ("notices", {"kind": "commencement", "on": "2026-11-25T00:00:00"}, "/on"),
        ("decision", {"outcome": "no_objection", "reason": "\0"}, "/reason"),
        (
            "opinions",
            {"function": "construction", "outcome": "conditions", "conditions": [{"text": " \n"}]},
            "/conditions/0/text",
        ),
        (
            "opinions",
            {"function": "construction", "outcome": "conditions", "conditions": [{"text": "x", "due_on": 1e18}]},
            "/conditions/0/due_on",
        ),
    ],
)
async def test_an_act_that_cannot_be_stored(
    client: httpx.AsyncClient, header: Header, database: RolledBack, act: str, given: Any, place: str
) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx)
    actor = {"withdrawal": AN, "notices": AN, "decision": HUNG}.get(act, LAN)
    answer = await client.post(f"{URL}/{receipt.id}/{act}", json=given, headers=header(actor))
    assert pointers(answer) == [place]
    read = await client.get(f"{URL}/{receipt.id}", headers=header(AN))
    assert (read.json()["state"], read.json()["version"]) == ("received", 1)


def test_a_request_names_a_part_once() -> None:
    items = [SupplementItem("drawings"), SupplementItem("land_paper"), SupplementItem("drawings")]
    with pytest.raises(DossierFaulty) as refused:
        check_request(items, [], made())
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/items/2/code", "item_twice")]


async def post(client: httpx.AsyncClient, header: Header, actor: Any, path: str, **more: Any) -> httpx.Response:
    token = form_token("tests", f"session-{actor.id}", date(2026, 11, 23))
    client.app.state.frame.clock = lambda: world.NOW  # type: ignore[attr-defined]
    fields = {"_csrf": token, **more.pop("data")}
    return await client.post(path, data=fields, headers=header(actor, **PAGE), **more)


@pytest.mark.parametrize("name", ["abc", "", "²", "-1", "99999999999999999999", "0-x"])
async def test_a_condition_field_with_an_odd_name(
    client: httpx.AsyncClient, header: Header, database: RolledBack, name: str
) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx)
    path, fields = f"/permits/applications/{receipt.id}/decision", {f"conditions-{name}-text": "x", "step": "add"}
    assert (await post(client, header, HUNG, path, data=fields)).status_code == 200


@pytest.mark.parametrize("days", ["²", "9" * 5000, "", "0", "-1", "1.5", "\0"])
async def test_days_that_are_no_number(
    client: httpx.AsyncClient, header: Header, database: RolledBack, days: str
) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx)
    path = f"/permits/applications/{receipt.id}/extension"
    assert (await post(client, header, HUNG, path, data={"days": days, "reason": "x"})).status_code == 422


def filing_form(**more: str) -> dict[str, str]:
    given = {
        "name": "BTS",
        "code": "ND163/A1",
        "height_m": "45",
        "lon": "105,15",
        "lat": "9,17",
        "commune": "32002@2025",
        "facts-foundation": "ground",
        **more,
    }
    return {"once": str(uuid4()), **{f"sites-0-{name}": value for name, value in given.items()}}


FILES = {f"parts-{code}": ("a.pdf", world.pdf(), "application/pdf") for code in world.NOTICE_PARTS}
NEW = "/permits/applications/new"


@pytest.mark.parametrize(
    ("name", "value"),
    [("capacity", "0"), ("capacity", "51"), ("capacity", "3,7"), ("capacity", "-3"), ("code", "x"), ("code", "ND163/")],
)
async def test_nothing_typed_is_silently_left_out(
    client: httpx.AsyncClient, header: Header, name: str, value: str
) -> None:
    answer = await post(client, header, AN, NEW, data=filing_form(**{name: value}), files=FILES)
    assert answer.status_code == 422
    assert f'id="sites-0-{name}-error"' in answer.text or f"sites-0-{name}" in answer.text


async def test_a_nul_in_a_form_is_left_out(client: httpx.AsyncClient, header: Header) -> None:
    answer = await post(client, header, AN, NEW, data=filing_form(name="BTS\0 7", commune="32002@2025\0"), files=FILES)
    assert answer.status_code == 303, answer.text[:2000]
    items = (await client.get(URL, headers=header(AN))).json()["items"]
    assert items[0]["sites"][0]["name"] == "BTS 7"


async def test_the_form_is_for_applicants_only(client: httpx.AsyncClient, header: Header) -> None:
    assert (await client.get(NEW, headers=header(LAN, **PAGE))).status_code == 403
    assert (await post(client, header, LAN, NEW, data=filing_form(), files=FILES)).status_code == 403


async def test_the_queue_knows_two_acts(client: httpx.AsyncClient, header: Header) -> None:
    answer = await post(client, header, HOA, "/permits/queue", data={"id": str(uuid4()), "act": "burn"})
    assert answer.status_code == 422


@pytest.fixture
async def narrow(committed: Database, realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    """The service with one connection: whoever wants a second one while holding it waits for ever."""
    database = Database(committed.url, 1)
    async with client_of(create, world.settings(committed.url), realm, database) as opened:
        opened.app.state.clock = lambda: world.NOW  # type: ignore[attr-defined]
        yield opened
    await database.close()


async def test_a_form_with_files_takes_one_connection_at_a_time(narrow: httpx.AsyncClient, header: Header) -> None:
    answer = await post(narrow, header, AN, NEW, data=filing_form(), files=FILES)
    assert answer.status_code == 303, answer.text[:2000]


async def test_a_download_takes_one_connection_at_a_time(narrow: httpx.AsyncClient, header: Header) -> None:
    file_id = await send(narrow, header(AN))
    back = await narrow.get(f"/api/permits/v1/files/{file_id}", headers=header(AN))
    assert (back.status_code, back.content) == (200, world.pdf())
