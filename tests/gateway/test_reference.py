"""What programmers look up: versions, deprecations, changes, and the meaning of every problem code."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from gateway import catalogue, changes, openapi
from gateway.operations import Operations, deprecated
from tests.gateway.conftest import Running
from tests.gateway.test_pages import settings

HTML = {"Accept": "text/html"}
SERVICES = ["registry", "permits", "sharing"]


def old(**more: object) -> openapi.Document:
    operation = {"operationId": "things", "deprecated": True, "responses": {"200": {"description": "x"}}, **more}
    return {"paths": {"/api/registry/v1/things/{id}": {"get": operation}}, "components": {}}


@pytest.mark.unit
def test_a_deprecated_operation_says_since_when_until_when_and_where_that_is_told() -> None:
    document = old(**{"x-deprecated-since": "2026-11-01", "x-sunset": "2027-06-30"})
    merged = openapi.merge({"registry": document}, "/", "i")
    added = dict(Operations(merged, settings()).find("GET", b"/api/registry/v1/things/7").added)
    assert added == {
        b"api-version": b"1",
        b"deprecation": b"@1793491200",
        b"sunset": b"Wed, 30 Jun 2027 00:00:00 GMT",
        b"link": b'</changes#things>; rel="deprecation"; type="text/html"',
    }
    assert [path for _, path, _ in deprecated(merged)] == ["/api/registry/v1/things/{id}"]


@pytest.mark.unit
def test_without_days_it_is_deprecated_all_the_same_and_a_current_one_is_not() -> None:
    operations = Operations(openapi.merge({"registry": old()}, "/", "i"), settings())
    assert dict(operations.find("GET", b"/api/registry/v1/things/7").added)[b"deprecation"] == b"@0"
    assert operations.find("GET", b"/api/registry/v1/others").added == ((b"api-version", b"1"),)


@pytest.mark.unit
def test_every_change_is_dated_and_said_in_both_languages(tmp_path: Path) -> None:
    found = changes.changes()
    assert found == sorted(found, key=lambda one: one.date, reverse=True)
    known = openapi.merge(openapi.committed(SERVICES), "/", "i")
    operations = {
        item[method]["operationId"] for item in known["paths"].values() for method in openapi.METHODS & item.keys()
    }
    for change in found:
        assert isinstance(change.date, date)
        assert set(change.operations) <= operations
    broken = tmp_path / "changes.toml"
    broken.write_text('[[change]]\nid="a"\ndate=2026-01-01\nkind="added"\noperations=[]\ntext={vi="a"}\n')
    with pytest.raises(ValueError, match="a has an unknown kind or lacks a language"):
        changes.changes(broken)
    assert tomllib.loads(changes.FILE.read_text())


@pytest.mark.unit
def test_every_code_of_the_services_and_of_the_gateway_is_listed_with_its_text_in_both_languages() -> None:
    documents = openapi.committed(SERVICES)
    listed = {problem["code"]: problem for problem in catalogue.problems(documents)}
    for service, document in documents.items():
        for problem in document["x-problems"]:
            assert any(service in meaning["services"] for meaning in listed[problem["code"]]["meanings"])
    for code in ("TooMany", "PathRefused", "ServiceAway", "BadRequest", "LogoutRefused", "InternalError"):
        assert code in listed
    for problem in catalogue.own():
        assert problem["detail"]["vi"] != problem["detail"]["en"], problem["code"]
        assert problem["detail"]["en"]


@pytest.mark.unit
def test_the_merged_document_carries_the_codes() -> None:
    merged = openapi.merge(openapi.committed(SERVICES), "/", "i")
    assert {"TooMany", "ApplicationNotFound"} <= {problem["code"] for problem in merged["x-problems"]}


@pytest.mark.database
async def test_the_link_of_a_problem_document_leads_to_its_explanation(running: Running) -> None:
    problem = (await running.client.get("/api/registry//x")).json()
    page = await running.client.get(problem["type"], headers=HTML)
    assert page.status_code == 200
    assert "Địa chỉ" in page.text
    assert "The address holds" in page.text
    assert (await running.client.get("/problems/Nothing", headers=HTML)).status_code == 404


@pytest.mark.database
async def test_the_page_of_codes_lists_each_once_for_each_meaning(running: Running) -> None:
    for language, word in (("vi", "Ý nghĩa"), ("en", "Meaning")):
        answer = await running.client.get("/problems", headers={**HTML, "Accept-Language": language})
        page = BeautifulSoup(answer.text, "html.parser")
        codes = [str(link["href"]) for link in page.select("tbody td a")]
        wanted = catalogue.problems(openapi.committed(SERVICES))
        assert len(codes) == sum(len(problem["meanings"]) for problem in wanted)
        assert word in page.text


@pytest.mark.database
async def test_changes_are_a_list_like_every_other(running: Running) -> None:
    first = (await running.client.get("/api/changes?limit=1", headers={"Accept-Language": "en"})).json()
    assert set(first["items"][0]) == {"id", "date", "kind", "operations", "text"}
    assert first["items"][0]["text"].isascii()
    told, cursor = [first["items"][0]["id"]], first["next"]
    while cursor is not None:
        answer = await running.client.get("/api/changes", params={"limit": 1, "cursor": cursor})
        told, cursor = [*told, answer.json()["items"][0]["id"]], answer.json()["next"]
    assert told[-1] == "first"
    assert len(told) == len(set(told)) > 1
    for query, code in (("limit=0", "BadLimit"), ("limit=x", "BadLimit"), ("limit=501", "BadLimit"),
                        ("limit=%C2%B2", "BadLimit"), ("cursor=%00", None), ("cursor=xx", "BadCursor")):  # fmt: skip
        answer = await running.client.get(f"/api/changes?{query}")
        assert answer.status_code == 422, query
        assert code is None or answer.json()["code"] == code
    assert (await running.client.get("/api/problems?limit=500")).json()["next"] is None
    page = await running.client.get("/changes", headers=HTML)
    assert "2026" in page.text


@pytest.mark.database
async def test_api_answers_name_their_version_and_pages_do_not(running: Running) -> None:
    assert (await running.client.get("/api/registry/echo")).headers["api-version"] == "1"
    assert (await running.client.get("/api/registry/closed")).headers["api-version"] == "1"
    assert "api-version" not in (await running.client.get("/registry/echo")).headers
