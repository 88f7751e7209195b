"""What every list understands: operators, sparse fields, expansion, total, order across pages, and other forms."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import openpyxl
import pytest
from fastapi import Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import export
from kernel.app import create_app
from kernel.batch import Items, Results, each
from kernel.edge import CurrentActor, Tx, api_router
from kernel.errors import Conflict
from kernel.export import CSV, GEOJSON, XLSX, answered, listed_as
from kernel.listing import Listing, Order, Rows, Shape, Sparse, Words, conditions, operator, page
from kernel.listing import Page as ListPage
from tests.fixtures.realm import Realm
from tests.fixtures.service import client_of

pytestmark = pytest.mark.database
REALM = Realm()
COUNT = 4500
NUMBERS = "FROM (SELECT n, 'no ' || n AS name, (n % 7)::text AS rest, 105.0 + n / 1e6 AS lon, 9.0 AS lat"
SHAPE = Shape({"id": "t.n", "name": "t.name", "rest": "t.rest", "lon": "t.lon", "lat": "t.lat"}, {"double": "2 * t.n"})
api = api_router("/api/test/v1", ["numbers"])


class Number(Sparse):
    id: int
    name: str
    rest: str
    lon: float
    lat: float
    double: int | None = None


class Numbers(ListPage):
    items: list[Number]


class Asked(Listing):
    rest: str | None = None
    rest_in: Words | None = operator("rest", "in")
    id_gte: int | None = operator("id", "gte")
    id_lt: int | None = operator("id", "lt")
    expand: Words | None = None


@api.get("/numbers", **listed_as(Numbers, CSV, XLSX, GEOJSON))
async def numbers(request: Request, actor: CurrentActor, asked: Annotated[Asked, Query()]) -> Response:
    found, values = conditions(asked, {"id": "t.n", "rest": "t.rest"})
    source = f"{NUMBERS} FROM generate_series(1, {COUNT}) n) t WHERE {' AND '.join(['true', *found])}"

    async def fetch(read: AsyncSession, after: list[Any] | None, limit: int) -> Rows:
        row = SHAPE.sql(asked.fields, asked.expand)
        order = Order({"t.rest": "text", "t.n": "int"}, descending=True)
        return await page(read, row, source, order, values, limit=limit, after=after, total=asked.total)

    forms = (CSV, XLSX, GEOJSON)
    return await answered(request, asked, fetch, name="numbers", columns=list(SHAPE.members), forms=forms, of="us")


class Half(Conflict):
    detail = "{n} is odd."


class Given(BaseModel):
    n: int


@api.post("/halves:batch")
async def halves(request: Request, tx: Tx, body: Items[Given]) -> Results:
    async def act(one: Given) -> dict[str, Any]:
        if one.n % 2:
            raise Half(n=one.n)
        return {"half": one.n // 2}

    return await each(request, tx, body.items, act)


@pytest.fixture
async def client(settings: Any, tmp_path: Path, database: Any) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "migrations" / "versions").mkdir(parents=True)

    def make_app(given: Any) -> Any:
        return create_app(given, title="test", api=[api], ui=[], package=tmp_path, nav=[])

    async with client_of(make_app, settings, REALM, database) as client:
        client.headers.update(REALM.header("viettel-api", "VIETTEL", "applicant"))
        yield client


async def get(client: httpx.AsyncClient, query: str = "", **headers: str) -> httpx.Response:
    return await client.get(f"/api/test/v1/numbers{query}", headers=headers)


async def test_pages_follow_one_another_without_gap_or_double(client):
    found: list[tuple[str, int]] = []
    query = "?limit=500&total=true"
    while query:
        body = (await get(client, query)).json()
        assert (body["total"], body["of"]) == (COUNT, "us")
        found += [(row["rest"], row["id"]) for row in body["items"]]
        query = f"?limit=500&total=true&cursor={body['next']}" if body["next"] else ""
    assert found == sorted(((str(n % 7), n) for n in range(1, COUNT + 1)), reverse=True)


async def test_operators_narrow_and_fields_and_expand_choose(client):
    body = (await get(client, "?id.gte=10&id.lt=20&rest.in=1,2&fields=id,double")).json()
    assert body["items"] == [{"id": 16, "double": 32}, {"id": 15, "double": 30}]
    assert "total" not in body
    assert (await get(client, "?id.gte=15&id.lt=16&expand=double")).json()["items"][0]["double"] == 30


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("?fields=secret", "UnknownField", "/query/fields"),
        ("?expand=id", "UnknownField", "/query/expand"),
        ("?hight=3", "MalformedRequest", "/query/hight"),
        ("?id.like=3", "MalformedRequest", "/query/id.like"),
        ("?id.gte=x", "MalformedRequest", "/query/id.gte"),
        ("?limit=0", "MalformedRequest", "/query/limit"),
        ("?cursor=WzFd", "BadCursor", "/query/cursor"),
        ("?cursor=x", "BadCursor", "/query/cursor"),
    ],
)
async def test_what_cannot_be_asked_is_named(client, query, code, pointer):
    answer = await get(client, query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_the_whole_list_as_csv(client):
    answer = await get(client, "?id.lt=4&fields=id,name", Accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="numbers.csv"'
    assert list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))) == [
        {"id": str(n), "name": f"no {n}"} for n in (3, 2, 1)
    ]
    every = await get(client, "?limit=1", Accept="text/csv")
    assert len(every.text.splitlines()) == COUNT + 1


async def test_the_whole_list_as_a_sheet_and_as_geojson(client):
    sheet = openpyxl.load_workbook(io.BytesIO((await get(client, Accept=XLSX)).content)).active
    assert (sheet.max_row, [cell.value for cell in sheet[1]]) == (COUNT + 1, list(SHAPE.members))
    features = (await get(client, "?id.lt=3", Accept="application/json;q=0.5, application/geo+json")).json()["features"]
    assert features[1] == {
        "type": "Feature", "id": 1, "geometry": {"type": "Point", "coordinates": [105.000001, 9.0]},
        "properties": {"name": "no 1", "rest": "1"},
    }  # fmt: skip


async def test_a_form_that_is_not_offered_is_406_and_a_fault_is_said_before_the_stream_begins(client):
    assert (await get(client, Accept="image/png")).json()["code"] == "NotAcceptable"
    assert (await get(client, "?fields=secret", Accept="text/csv")).json()["code"] == "UnknownField"


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("application/json;q=0, */*", "text/csv"),
        ("text/csv;q=0.2, text/*;q=0.9", "text/csv"),
        ("text/csv;q=0.2, text/*;q=0.9, application/json;q=0.1", "text/csv"),
        ("*/*;q=0.1, text/csv", "text/csv"),
        ("*/*", "application/json"),
        ("text/csv;q=x", None),
        ("*/*;q=0", None),
    ],
)
def test_the_closest_range_says_how_well_a_form_is_liked(header: str, chosen: str | None):
    scope = {"type": "http", "path": "/things", "headers": [(b"accept", header.encode())]}
    request = Request(scope)
    if chosen is None:
        with pytest.raises(export.NotAcceptable):
            export.accepted(request, export.JSON, export.CSV)
    else:
        assert export.accepted(request, export.JSON, export.CSV) == chosen


def test_a_formula_is_marked_as_text():
    assert [export._safe(value) for value in ("=cmd()", "-1", -1, "a=b", None)] == ["'=cmd()", "'-1", -1, "a=b", None]
    for trick in ("\n=1", " =1", "\t\r@SUM(1)", "\u3000+1", "＝1"):
        assert export._safe(trick) == f"'{trick}"


async def test_a_batch_does_what_it_can_and_says_what_not(client):
    answer = await client.post("/api/test/v1/halves:batch", json={"items": [{"n": 4}, {"n": 3}, {"n": 2}]})
    body = answer.json()
    assert (answer.status_code, body["done"], body["refused"]) == (200, 2, 1)
    assert [one["status"] for one in body["items"]] == [201, 409, 201]
    assert (body["items"][0]["body"], body["items"][1]["problem"]["code"]) == ({"half": 2}, "Half")
    assert (await client.post("/api/test/v1/halves:batch", json={"items": []})).status_code == 422
