"""Every example of the document, sent as it stands by somebody who may: it is understood, and done where it can be."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import pytest

from infra.documents import authorisation, merged
from infra.local.visitor import Visitor
from tests.fixtures.product import Launched

pytestmark = pytest.mark.system
DOCUMENT = merged.committed()
WHO = {
    "applicant": ("viettel-api",),
    "owner": ("viettel-api",),
    "registrar": ("sxd.lan",),
    "reviewer": ("sxd.lan", "sgtvt.minh", "stnmt.hoa"),
    "head": ("sxd.hung",),
    "lead": ("sxd.hung",),
    "auditor": ("skhcn.mai",),
    "publisher": ("skhcn.mai",),
    "administrator": ("quantri",),
    "everybody": (),
}
NAMES = ("id", "client_id", "username", "code")
TRIED = 40


@pytest.fixture(scope="module")
def visitors(playground: Launched) -> Iterator[dict[str, Visitor]]:
    made = {
        name: Visitor.client(playground.url, playground.issuer, name)
        if name.endswith("-api")
        else Visitor.person(playground.url, name)
        for name in {name for names in WHO.values() for name in names}
    }
    yield made
    for visitor in made.values():
        visitor.http.close()


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def examples() -> Iterator[tuple[str, str, Any]]:
    """Path, permission, body."""
    for path, operations in DOCUMENT["paths"].items():
        told = operations.get("post", {})
        content = told.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            for body in resolved(content["schema"]).get("examples", ()):
                yield path, told["x-permission"], body


@cache
def holders(service: str, permission: str) -> tuple[str, ...]:
    cells = authorisation.cells(service)[permission]
    names = (name for capability, cell in cells.items() if cell != "-" for name in WHO[capability])
    return tuple(dict.fromkeys(names))


def addresses(visitor: Visitor, path: str) -> Iterator[str]:
    """The path with each thing of its collections that the caller sees, or the path itself."""
    collection, braced, rest = path.replace("{no}", "1").partition("/{")
    if not braced:
        yield path.replace("{no}", "1")
        return
    asked, _, act = rest.partition("}")
    answer = visitor.http.get(collection, params={"limit": TRIED})
    rows = answer.json()["items"] if answer.status_code == 200 else []
    for row in rows:
        name = next(row[name] for name in (asked, *NAMES) if name in row)
        yield from addresses(visitor, f"{collection}/{name}{act}")


@pytest.mark.parametrize(("path", "permission", "body"), list(examples()), ids=lambda value: str(value)[:60])
def test_every_example_is_understood(visitors: dict[str, Visitor], path: str, permission: str, body: Any):
    seen: dict[int, str] = {}
    for name in holders(path.split("/")[2], permission):
        for address in addresses(visitors[name], path):
            headers = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
            answer = visitors[name].http.post(address, json=body, headers=headers)
            seen.setdefault(answer.status_code, answer.text[:300])
            if answer.status_code < 300:
                return
    if not seen:
        pytest.skip("the demo holds nothing of the kind")
    # Nothing of the demo is in the state for it, or the example's own ids are nobody's: it is understood at least.
    assert seen.keys() <= {403, 404, 409, 422}, seen
    assert "MalformedRequest" not in seen.get(422, ""), seen
    assert seen.keys() & {409, 422} or "NotFound" in seen[404], seen


TAGGED = [
    (path, told["get"]["x-permission"])
    for path, told in DOCUMENT["paths"].items()
    if "ETag" in told.get("get", {}).get("responses", {}).get("200", {}).get("headers", {})
]


@pytest.mark.parametrize(("path", "permission"), TAGGED, ids=lambda value: str(value)[:60])
def test_what_can_be_changed_tells_its_version_when_it_is_read(
    visitors: dict[str, Visitor], path: str, permission: str
):
    for name in holders(path.split("/")[2], permission):
        for address in addresses(visitors[name], path):
            answer = visitors[name].http.get(address)
            if answer.status_code == 200:
                assert answer.headers["etag"].strip('"').isdigit(), address
                return
    pytest.skip("the demo holds nothing of the kind")
