"""docs/openapi.json: all services in one document, and what would break the programs of those who use it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway import openapi
from gateway.settings import SERVICES

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "openapi.json"
# The addresses of `make run`; a gateway serves the same document with its own.
PUBLIC_URL, ISSUER = "http://127.0.0.1:8080", "http://127.0.0.1:8081/realms/hatang"
Document = dict[str, Any]


def document() -> Document:
    return openapi.merge(openapi.committed(list(SERVICES)), PUBLIC_URL, ISSUER)


def text(made: Document) -> str:
    return json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def committed() -> Document:
    return json.loads(FILE.read_text()) if FILE.exists() else {"paths": {}}


def breaks(old: Document, new: Document) -> list[str]:
    """What a program written against `old` can no longer do with `new`."""
    found: list[str] = []
    for path, operations in old["paths"].items():
        for method, told in operations.items():
            here = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{here} is gone")
            elif not told.get("deprecated"):
                found += [f"{here}: {each}" for each in _operation(old, told, new, now)]
    return found


def _operation(old: Document, told: Document, new: Document, now: Document) -> Iterator[str]:
    if told["operationId"] != now["operationId"]:
        yield f"operation id {told['operationId']} became {now['operationId']}"
    yield from _parameters(told, now)
    for status in told["responses"]:
        if status < "300" and status not in now["responses"]:
            yield f"{status} is no longer answered"
    before, after = _asked(old, told), _asked(new, now)
    if before is not None and after is not None:
        yield from _schema(old, before, new, after, "body", asked=True)
    before, after = _answered(old, told), _answered(new, now)
    if before is not None and after is not None:
        yield from _schema(old, before, new, after, "answer", asked=False)


def _parameters(told: Document, now: Document) -> Iterator[str]:
    before = {(one["in"], one["name"].lower()): one for one in told.get("parameters", ())}
    after = {(one["in"], one["name"].lower()): one for one in now.get("parameters", ())}
    for key in before.keys() - after.keys():
        yield f"parameter {key[1]} is gone"
    for key, one in after.items():
        if one.get("required") and not before.get(key, {}).get("required"):
            yield f"parameter {key[1]} is needed now"


def _asked(document: Document, told: Document) -> Document | None:
    schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else _resolved(document, schema)


def _answered(document: Document, told: Document) -> Document | None:
    none: Document = {}
    success = next((value for status, value in sorted(told["responses"].items()) if status < "300"), none)
    schema = success.get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else _resolved(document, schema)


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _schema(
    old: Document, before: Document, new: Document, after: Document, at: str, *, asked: bool, depth: int = 8
) -> Iterator[str]:
    """An answer may only gain; a body may only ask for less."""
    if depth == 0:
        return
    if (
        _kinds(before)
        and _kinds(after)
        and not (_kinds(before) <= _kinds(after) if asked else _kinds(after) <= _kinds(before))
    ):
        yield f"{at} was {'/'.join(sorted(_kinds(before)))}, is {'/'.join(sorted(_kinds(after)))}"
    words, said = set(map(str, before.get("enum", ()))), set(map(str, after.get("enum", ())))
    if asked and said and words - said:
        yield f"{at} no longer takes {', '.join(sorted(words - said))}"
    members, now = before.get("properties", {}), after.get("properties", {})
    for name in members.keys() - now.keys():
        yield f"{at}/{name} is gone"
    if asked:
        for name in set(after.get("required", ())) - set(before.get("required", ())):
            yield f"{at}/{name} is needed now"
    for name in members.keys() & now.keys():
        inner, outer = _resolved(old, members[name]), _resolved(new, now[name])
        yield from _schema(old, inner, new, outer, f"{at}/{name}", asked=asked, depth=depth - 1)
    if "items" in before and "items" in after:
        inner, outer = _resolved(old, before["items"]), _resolved(new, after["items"])
        yield from _schema(old, inner, new, outer, f"{at}/*", asked=asked, depth=depth - 1)


def _kinds(schema: Document) -> set[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return {kind}
    if isinstance(kind, list):
        return set(kind)
    return {each for option in schema.get("anyOf", ()) for each in _kinds(option)} - {""}
