"""A service's OpenAPI 3.1 document: FastAPI's, with every problem of every operation and one way of saying things."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from kernel.errors import (
    Forbidden,
    InternalError,
    MalformedRequest,
    Refusal,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from kernel.refusals import refusals_of

# What any operation can end in, whoever answers: the edge, the framework or the gateway before it.
ALWAYS = frozenset({Unauthenticated, Forbidden, MalformedRequest, TooMany, InternalError, Unavailable})
PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, `detail` in the caller's language; `/problems/{code}` explains it.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/NotFound"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "code": {"type": "string", "examples": ["NotFound"]},
        "detail": {"type": "string"},
        "trace_id": {"type": "string", "description": "Tell it to us when you ask about this answer."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "examples": ["/sites/0/height_m"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
# Optional to FastAPI, so that their absence is refused in our own words.
_NEEDED = {
    "idempotency-key": {
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
        "example": "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11",
    },
    "if-match": {"required": True, "schema": {"type": "string", "minLength": 1}, "example": "*"},
}
_TAG = {
    "ETag": {
        "description": "The version that was read: `If-Match` of whatever changes it.",
        "schema": {"type": "string"},
        "example": '"3"',
    }
}
_REFERENCE = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of `app`; `x-problems` lists every refusal it can answer with, its text in each language."""
    made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    components = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    components["Problem"] = PROBLEM
    told: set[type[Refusal]] = set()
    for path, method, refusals, permission in _doors(app):
        operation = made["paths"].get(path, {}).get(method)
        if operation is not None:
            refusals |= {TooLarge} if "requestBody" in operation else set()
            told |= refusals
            _problems(operation, refusals)
            for parameter in operation.get("parameters", ()):
                parameter.update(_NEEDED.get(parameter["name"], {}))
            operation["x-permission"] = permission
            operation["summary"] = operation.get("description", "").partition(". ")[0].partition("\n")[0].rstrip(".")
    _tags(made["paths"])
    made["x-problems"] = [_explained(app, refusal) for refusal in sorted(told, key=lambda kind: kind.__name__)]
    return made


def _doors(app: FastAPI) -> Iterator[tuple[str, str, set[type[Refusal]], str | None]]:
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None or not context.path:
            continue
        calls = list(_calls(dependant))
        permission = next((p for call in calls if (p := getattr(call, "permission", None))), None)
        for method in context.methods or ():
            yield context.path, method.lower(), {*refusals_of(*map(_function, calls)), *ALWAYS}, permission


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _function(call: Callable[..., Any]) -> Callable[..., Any]:
    """Of a callable object its method: that is where it refuses."""
    return call if hasattr(call, "__code__") or isinstance(call, type) else type(call)


def _problems(operation: dict[str, Any], refusals: set[type[Refusal]]) -> None:
    by_status: dict[int, list[str]] = defaultdict(list)
    for refusal in refusals:
        by_status[refusal.status].append(refusal.__name__)
    responses = operation["responses"]
    for status in [status for status in responses if status >= "400"]:
        del responses[status]
    for status, codes in sorted(by_status.items()):
        said = f"{HTTPStatus(status).phrase}: {', '.join(sorted(codes))}."
        responses[str(status)] = {"description": said, "content": _REFERENCE, "x-codes": sorted(codes)}


def _tags(paths: dict[str, Any]) -> None:
    """What an act asks for in `If-Match`, the thing it acts on tells when it is read."""
    for path, operations in list(paths.items()):
        asked = {each["name"] for operation in operations.values() for each in operation.get("parameters", ())}
        thing = paths.get(path.rpartition("/")[0], {}).get("get")
        if "if-match" in asked and thing is not None:
            thing["responses"]["200"]["headers"] = _TAG


def _explained(app: FastAPI, refusal: type[Refusal]) -> dict[str, Any]:
    frame = app.state.frame
    return {
        "code": refusal.__name__,
        "status": refusal.status,
        "detail": {"en": refusal.detail, "vi": frame.translations("vi").gettext(refusal.detail)},
    }
