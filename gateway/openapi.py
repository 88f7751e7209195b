"""One OpenAPI document of all services, merged from their committed ones: it is there when a service is not."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway import errors
from gateway.catalogue import problems
from kernel import logging
from kernel.errors import Refusal, TooLarge
from kernel.openapi import PROBLEM as _PROBLEM

ROOT = Path(__file__).parent.parent
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_SECTIONS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links")
_log = logging.get("gateway.openapi")

Document = dict[str, Any]
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
# Those of a connection itself (its framing, its head) are answered before there is an operation.
_DOOR: tuple[type[Refusal], ...] = (
    errors.PathRefused,
    errors.BadRequest,
    errors.CrossSiteRefused,
    errors.ServiceBroke,
    errors.ServiceAway,
    errors.ServiceBusy,
    errors.SessionsAway,
    errors.ServiceSlow,
)
_DOOR_OF_BODIES: tuple[type[Refusal], ...] = (errors.BodyTooSlow, TooLarge)


def committed(services: list[str], root: Path = ROOT) -> dict[str, Document]:
    """The services' documents as `make openapi` wrote them; one that is not there is left out, and said."""
    found = {}
    for service in services:
        path = root / "services" / service / "openapi.json"
        if path.exists():
            found[service] = json.loads(path.read_text())
        else:
            _log.warning("no OpenAPI document", upstream=service)
    return found


def merge(documents: Mapping[str, Document], public_url: str, issuer: str) -> Document:
    """Paths side by side; a component whose name two services use for different things gets the service's prefix."""
    merged: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "hatang",
            "version": "1",
            "description": (
                "All services behind one address. A program gets its access token from "
                f"`{issuer}/protocol/openid-connect/token` (client credentials)."
            ),
        },
        "servers": [{"url": public_url}],
        "paths": dict(_OWN_PATHS),
        "components": {section: {} for section in _SECTIONS},
        "tags": [],
    }
    operations: set[str] = set()
    for service, document in documents.items():
        _add(merged, service, document, operations)
    merged["components"]["schemas"].setdefault("Problem", _PROBLEM)
    merged["x-problems"] = problems(documents)
    merged["components"] = {name: section for name, section in merged["components"].items() if section}
    return merged


def _add(merged: Document, service: str, document: Document, operations: set[str]) -> None:
    renamed = _renamed(merged["components"], service, document.get("components", {}))
    for section, components in document.get("components", {}).items():
        for name, component in components.items():
            reference = f"#/components/{section}/{name}"
            target = renamed.get(reference, reference).rpartition("/")[2]
            made = _rewritten(component, renamed)
            # Generated clients name their classes after the title.
            merged["components"].setdefault(section, {})[target] = made if target == name else {**made, "title": target}
    for path, item in document.get("paths", {}).items():
        if path.startswith("/api/"):
            merged["paths"][path] = _at_the_door(_unique_operations(_rewritten(item, renamed), service, operations))
    known = {tag["name"] for tag in merged["tags"]}
    merged["tags"] += [tag for tag in document.get("tags", []) if tag["name"] not in known]


def _renamed(present: Document, service: str, components: Document) -> dict[str, str]:
    """References that have to change: same name, other content. Renaming is repeated, as it changes the referrers."""
    renamed: dict[str, str] = {}
    while True:
        clashes = {
            f"#/components/{section}/{name}": f"#/components/{section}/{service}_{name}"
            for section, members in components.items()
            for name, component in members.items()
            if name in present.get(section, {}) and present[section][name] != _rewritten(component, renamed)
        }
        if clashes.keys() <= renamed.keys():
            return renamed
        renamed.update(clashes)


def _rewritten(node: Any, renamed: Mapping[str, str]) -> Any:
    if not renamed:
        return node
    if isinstance(node, dict):
        return {key: _rewritten(value, renamed) for key, value in node.items()}
    if isinstance(node, list):
        return [_rewritten(value, renamed) for value in node]
    return renamed.get(node, node) if isinstance(node, str) else node


def _at_the_door(item: Document) -> Document:
    """The same operations with what the gateway itself can answer before a service is asked, or in its place."""
    known = {**item}
    for method in METHODS & item.keys():
        responses = {status: dict(told) for status, told in item[method]["responses"].items()}
        writes = "requestBody" in item[method]
        for refusal in (*_DOOR, *(_DOOR_OF_BODIES if writes else ())):
            told = responses.setdefault(str(refusal.status), {"content": _PROBLEM_CONTENT, "x-codes": []})
            codes = sorted({*told["x-codes"], refusal.__name__})
            said = f"{HTTPStatus(refusal.status).phrase}: {', '.join(codes)}."
            told |= {"x-codes": codes, "description": said}
        known[method] = {**item[method], "responses": dict(sorted(responses.items()))}
    return known


def _unique_operations(item: Document, service: str, operations: set[str]) -> Document:
    unique = dict(item)
    for method in METHODS & item.keys():
        name = item[method].get("operationId")
        if name in operations:
            name = f"{service}_{name}"
            unique[method] = {**item[method], "operationId": name}
        if name:
            operations.add(name)
    return unique


def _listing(summary: str, operation: str, described: str, item: Document) -> Document:
    """A public list of the gateway's own, in the shape that all lists have."""
    listed = {"type": "object", "required": ["items", "next"], "properties": {
        "items": {"type": "array", "items": item}, "next": {"type": ["string", "null"]}}}  # fmt: skip
    fault = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {"422": ["BadCursor", "BadLimit"], "429": ["TooMany"]}
    return {
        "get": {
            "tags": ["gateway"],
            "summary": summary,
            "description": described,
            "operationId": operation,
            "parameters": _PAGING,
            "security": [],
            "responses": {
                "200": {"description": "One page.", "content": {"application/json": {"schema": listed}}},
                **{
                    status: {"description": ", ".join(codes), "x-codes": codes, "content": fault}
                    for status, codes in refusals.items()
                },
            },
        }
    }


_PAGING = [
    {
        "name": "limit",
        "in": "query",
        "description": "Rows a page holds at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
    },
    {"name": "cursor", "in": "query", "description": "`next` of the page before.", "schema": {"type": "string"}},
]
_TEXTS = {
    "type": "object",
    "required": ["en", "vi"],
    "properties": {"en": {"type": "string"}, "vi": {"type": "string"}},
}
_MEANING = {
    "type": "object",
    "required": ["services", "detail"],
    "properties": {"services": {"type": "array", "items": {"type": "string"}}, "detail": _TEXTS},
}
_CODE = {
    "type": "object",
    "required": ["code", "status", "meanings"],
    "properties": {
        "code": {"type": "string", "examples": ["NotFound"]},
        "status": {"type": "integer"},
        "meanings": {"type": "array", "items": _MEANING},
    },
}
_CHANGE = {
    "type": "object",
    "required": ["id", "date", "kind", "operations", "text"],
    "properties": {
        "id": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "kind": {"type": "string", "enum": ["added", "changed", "deprecated", "removed"]},
        "operations": {"type": "array", "items": {"type": "string"}},
        "text": {"type": "string", "description": "In the language of Accept-Language."},
    },
}


def _plain(summary: str, operation: str, answers: Mapping[str, str]) -> Document:
    responses = {status: {"description": text} for status, text in answers.items()}
    return {"get": {"tags": ["gateway"], "summary": summary, "operationId": operation, "responses": responses}}


_OWN_PATHS: Document = {
    "/health/live": _plain("The gateway's process answers", "gateway_live", {"200": "It does."}),
    "/health/ready": _plain(
        "Every service and what it depends on is ready",
        "gateway_ready",
        {"200": "All are ready.", "503": "One is not; the body lists each."},
    ),
    "/api/problems": _listing(
        "Problem codes", "gateway_problems", "Every code a problem document can carry, with its meanings.", _CODE
    ),
    "/api/changes": _listing(
        "Changes of the API", "gateway_changes", "What changed for those who program against it, newest first.", _CHANGE
    ),
    "/openapi.json": _plain("This document", "gateway_openapi", {"200": "OpenAPI 3.1."}),
}
