"""The doors: what is answered is committed, what is refused left no trace, the same key has one effect."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from kernel import audit
from kernel.app import create_app
from kernel.clock import local_date
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag, require_match, ui_router
from kernel.errors import Conflict, Fault
from kernel.web import forms
from tests.fixtures.realm import Realm
from tests.fixtures.service import client_of

pytestmark = pytest.mark.database


class NoCapacity(Conflict):
    detail = "The mast has {left} free positions."


api = api_router("/api/test/v1", ["things"])
ui = ui_router("/test")


@api.post("/things", status_code=201)
async def make(name: str, tx: Tx, actor: CurrentActor, now: Now, response: Response) -> dict[str, str]:
    await audit.record(tx, actor, "test:thing:make", name, now=now)
    response.headers["ETag"] = entity_tag(1)
    if name == "refused":
        raise NoCapacity(errors=[Fault("/name", "taken", "The mast has {left} free positions.", left=0)], left=0)
    return {"name": name}


@api.put("/things/{name}")
async def change(name: str, tx: Tx, match: IfMatch) -> dict[str, str]:
    require_match(match, 3)
    return {"name": name}


@api.get("/things")
async def count(read: Read) -> int:
    return (await read.execute(sa.text("SELECT count(*) FROM audit"))).scalar_one()


class Named(BaseModel):
    name: str


@api.post("/named")
async def named(body: Named) -> str:
    return body.name


@api.post("/broken")
async def broken() -> None:
    raise ZeroDivisionError


@ui.post("/page")
async def page(request: Request, tx: Tx, actor: CurrentActor, now: Now) -> Response:
    await audit.record(tx, actor, "test:thing:make", "page", now=now)
    form = await request.form()
    return HTMLResponse("again", 422) if form["ok"] == "no" else HTMLResponse("well", 200)


@pytest.fixture
async def client(settings, tmp_path: Path, database):
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    realm = Realm()

    def make_app(given):
        return create_app(given, title="test", api=[api], ui=[ui], package=tmp_path, nav=[])

    async with client_of(make_app, settings, realm, database) as client:
        client.headers.update(realm.header("viettel-api", "VIETTEL", "applicant"))
        yield client


async def rows(client) -> int:
    return (await client.get("/api/test/v1/things")).json()


async def test_every_route_demands_a_token(client):
    del client.headers["authorization"]
    for method, path in (
        ("POST", "/api/test/v1/things?name=a"),
        ("GET", "/api/test/v1/things"),
        ("POST", "/test/page"),
    ):
        answer = await client.request(method, path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "Unauthenticated"


async def test_an_answer_is_committed_before_it_leaves(client):
    answer = await client.post("/api/test/v1/things?name=a")
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert await rows(client) == 1


async def test_a_refusal_leaves_no_trace_and_says_what_and_where_in_the_callers_language(client):
    answer = await client.post("/api/test/v1/things?name=refused", headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == "NoCapacity"
    assert body["errors"] == [{"pointer": "/name", "code": "taken", "detail": "The mast has 0 free positions."}]
    assert len(body["trace_id"]) == 32
    assert await rows(client) == 0


async def test_the_same_key_gives_the_stored_answer_and_one_effect(client):
    key = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(client.post("/api/test/v1/things?name=a", headers=key) for _ in range(4)))
    assert {a.status_code for a in answers} == {201}
    assert {a.content for a in answers} == {b'{"name":"a"}'}
    assert sorted(a.headers.get("idempotency-replayed", "") for a in answers) == ["", "true", "true", "true"]
    assert all(a.headers["etag"] == '"1"' for a in answers)
    assert await rows(client) == 1


async def test_the_same_key_with_another_request_is_refused(client):
    key = {"Idempotency-Key": "k1"}
    await client.post("/api/test/v1/things?name=a", headers=key)
    answer = await client.post("/api/test/v1/things?name=b", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "IdempotencyKeyReused")


async def test_a_stale_if_match_is_refused(client):
    assert (await client.put("/api/test/v1/things/a", headers={"If-Match": '"3"'})).status_code == 200
    answer = await client.put("/api/test/v1/things/a", headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "Stale")


async def test_a_write_says_by_which_key_it_may_be_repeated_and_which_version_it_changes(client):
    answer = await client.post("/api/test/v1/things?name=a", headers={"Idempotency-Key": ""})
    assert (answer.status_code, answer.json()["code"]) == (400, "IdempotencyKeyMissing")
    assert answer.json()["errors"][0]["pointer"] == "/headers/Idempotency-Key"
    assert await rows(client) == 0
    answer = await client.put("/api/test/v1/things/a")
    assert (answer.status_code, answer.json()["code"]) == (428, "PreconditionRequired")


async def test_a_page_that_refuses_rolls_back(client):
    state = client.app.state
    token = forms.form_token(state.frame.form_key, "session-viettel-api", local_date(state.clock()))
    for ok, status, kept in (("no", 422, 0), ("yes", 200, 1)):
        answer = await client.post("/test/page", data={"ok": ok, forms.FIELD: token})
        assert answer.status_code == status
        assert await rows(client) == kept


async def test_a_page_without_its_form_token_is_refused(client):
    answer = await client.post("/test/page", data={"ok": "yes"})
    assert (answer.status_code, answer.json()["code"]) == (403, "FormExpired")
    assert await rows(client) == 0


async def test_malformed_requests_name_every_fault(client):
    answer = await client.post("/api/test/v1/things")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/name"
    assert (await client.get("/api/test/v1/nothing")).json()["code"] == "NoSuchPage"
    assert (await client.delete("/api/test/v1/things")).status_code == 405


async def test_what_postgresql_cannot_store_is_the_callers_mistake(client):
    answer = await client.post("/api/test/v1/things?name=a%00b")
    assert (answer.status_code, answer.json()["code"]) == (422, "MalformedRequest")
    assert await rows(client) == 0


async def test_a_broken_route_is_500_with_its_trace_and_the_connection_lives(client):
    answer = await client.post("/api/test/v1/broken", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert answer.headers["x-trace-id"] == answer.json()["trace_id"]


async def test_a_json_body_has_a_bound_of_its_own(client):
    body = b'{"name": "' + b"a" * 6_000_000 + b'"}'
    answer = await client.post("/api/test/v1/named", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "TooLarge")
    assert (await client.post("/api/test/v1/named", json={"name": "a"})).json() == "a"


async def test_invalid_json_names_the_document(client):
    answer = await client.post("/api/test/v1/named", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.json()["errors"][0]["pointer"] == "/"
