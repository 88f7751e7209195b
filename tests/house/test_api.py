"""One way of saying things: what docs/api.md promises, checked on every operation of every document."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "permits", "sharing")
DOCUMENTS = {service: json.loads((ROOT / "services" / service / "openapi.json").read_text()) for service in SERVICES}
ASKS_ONLY = (":check", ":simulate")
PATH = re.compile(r"/api/[a-z]+/v1(/[a-z]+(-[a-z]+)*|/\{[a-z_]+\})+(:[a-z]+(-[a-z]+)*)?")
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Operation(NamedTuple):
    service: str
    method: str
    path: str
    told: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.told.get("parameters", ())}

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = DOCUMENTS[self.service]["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    @property
    def answer(self) -> dict[str, Any]:
        """The schema of its success as JSON."""
        success = next(value for status, value in self.told["responses"].items() if status < "300")
        return self.resolved(success.get("content", {}).get("application/json", {}).get("schema", {}))

    @property
    def body(self) -> dict[str, Any] | None:
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else self.resolved(content["schema"])


ALL = [
    Operation(service, method, path, told)
    for service, document in DOCUMENTS.items()
    for path, operations in document["paths"].items()
    for method, told in operations.items()
]
LISTS = [one for one in ALL if one.method == "get" and "items" in one.answer.get("properties", {})]


def faults(one: Operation) -> Iterator[str]:
    yield from _names(one)
    yield from _words(one)
    if one in LISTS:
        yield from _list(one)
    if one.method != "get":
        yield from _write(one)
    yield from _problems(one)


def _names(one: Operation) -> Iterator[str]:
    if not PATH.fullmatch(one.path):
        yield "its path has another style"
    if not re.fullmatch(r"[a-z]+(_[a-z]+)+", one.told["operationId"]):
        yield f"operation id {one.told['operationId']}"
    for name, parameter in one.parameters.items():
        if parameter["in"] != "header" and not all(SNAKE.fullmatch(part) for part in name.split(".")):
            yield f"parameter {name}"
    for name in (one.body or {}).get("properties", {}):
        if not SNAKE.fullmatch(name):
            yield f"member {name}"


def _words(one: Operation) -> Iterator[str]:
    if not one.told.get("description") or not one.told.get("summary"):
        yield "no summary or description"
    if one.told["operationId"].replace("_", " ") == one.told.get("summary", "").lower():
        yield "its summary only repeats its name"
    if one.body is not None and not ("examples" in one.body or "example" in one.body):
        yield "no example of its body"


def _list(one: Operation) -> Iterator[str]:
    if one.path.endswith("/events"):
        yield from _feed(one)
        return
    for name in ("limit", "cursor", "total", "fields"):
        if name not in one.parameters:
            yield f"a list without {name}"
    if "next" not in one.answer["properties"]:
        yield "a list whose answer has no next"


def _feed(one: Operation) -> Iterator[str]:
    """A feed goes on from a place; what is behind it never changes, so that there is neither a page nor a count."""
    for name in ("after", "limit"):
        if name not in one.parameters:
            yield f"a feed without {name}"
    for name in ("cursor", "total", "fields"):
        if name in one.parameters:
            yield f"a feed with {name}"
    if "next" not in one.answer.get("required", ()):
        yield "a feed whose answer may have no next"


def _write(one: Operation) -> Iterator[str]:
    if (
        one.method == "post"
        and not one.path.endswith(ASKS_ONLY)
        and "idempotency-key" not in {name.lower() for name in one.parameters}
    ):
        yield "a write without Idempotency-Key"
    if re.search(r"\}(/|$)", one.path) and not one.path.endswith(ASKS_ONLY):
        if "if-match" not in {name.lower() for name in one.parameters}:
            yield "an act on a thing without If-Match"
        if not {"412", "428"} <= set(one.told["responses"]):
            yield "an act on a thing that does not promise 412 and 428"
    if one.body is not None and one.body.get("additionalProperties") is not False:
        yield "a body that takes unknown members"


def _problems(one: Operation) -> Iterator[str]:
    refused = {status: value for status, value in one.told["responses"].items() if status >= "400"}
    for status, value in refused.items():
        schema = value.get("content", {}).get("application/problem+json", {}).get("schema", {})
        if schema.get("$ref") != "#/components/schemas/Problem" or not value.get("x-codes"):
            yield f"{status} without a problem"
    for status in ("401", "403", "422", "429", "500", "503"):
        if status not in refused:
            yield f"no {status}"
    explained = {problem["code"] for problem in DOCUMENTS[one.service]["x-problems"]}
    for code in {code for value in refused.values() for code in value.get("x-codes", ())} - explained:
        yield f"{code} is explained nowhere"


@pytest.mark.parametrize("one", ALL, ids=str)
def test_every_operation_keeps_the_conventions(one):
    assert list(faults(one)) == []


def test_operation_ids_are_unique():
    ids = [one.told["operationId"] for one in ALL]
    assert sorted(ids) == sorted(set(ids))


def test_every_problem_is_said_in_vietnamese():
    untold = [
        problem["code"]
        for document in DOCUMENTS.values()
        for problem in document["x-problems"]
        if problem["detail"]["en"] and problem["detail"]["vi"] == problem["detail"]["en"]
    ]
    assert untold == []


def test_the_rules_bite():
    """A list without paging, a POST without key, a write without problems and another style are each found."""
    bad = Operation(
        "sharing",
        "post",
        "/api/sharing/v1/someThing/{id}/act",
        {
            "operationId": "Bad",
            "parameters": [{"name": "badName", "in": "query"}],
            "requestBody": {"content": {"application/json": {"schema": {"properties": {"badMember": {}}}}}},
            "responses": {"200": {}, "409": {}},
        },
    )
    found = list(_names(bad)) + list(_words(bad)) + list(_write(bad)) + list(_problems(bad))
    assert len(found) >= 10
    rows = Operation("sharing", "get", "/api/sharing/v1/things", {"operationId": "list_things", "responses": {
        "200": {"content": {"application/json": {"schema": {"properties": {"items": {}}}}}}}})  # fmt: skip
    assert len(list(_list(rows))) == 5
    feed = Operation("permits", "get", "/api/permits/v1/events", {**rows.told, "parameters": [{"name": "cursor"}]})
    assert len(list(_list(feed))) == 4
