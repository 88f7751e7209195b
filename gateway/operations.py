"""What the merged API document says about the operation at hand: what it costs, and whether it is on its way out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

from gateway.openapi import METHODS, Document
from gateway.settings import GatewaySettings

Added = tuple[tuple[bytes, bytes], ...]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEAVY = ("text/csv", "application/vnd.openxmlformats", "application/geo+json")
_HEAVY_BYTES = tuple(media.encode() for media in _HEAVY)


@dataclass(frozen=True, slots=True)
class Operation:
    """`cost` in units of the rate limit, `export_cost` when a table or a map is asked for; `added` goes on the answer.

    `path` is the template, as a span is named after it.
    """

    cost: float
    export_cost: float
    added: Added
    path: str = ""


@dataclass(slots=True)
class _Node:
    named: dict[bytes, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    operations: dict[str, Operation] = field(default_factory=dict)


class Operations:
    """Finds an operation by method and path in a tree of the document's path segments."""

    def __init__(self, document: Document, settings: GatewaySettings) -> None:
        self._settings = settings
        self._version = ((b"api-version", str(document["info"]["version"]).encode()),)
        self._unknown = {
            True: Operation(settings.cost_read, settings.cost_export, self._version),
            False: Operation(settings.cost_write, settings.cost_write, self._version),
        }
        self._root = _Node()
        for path, item in document["paths"].items():
            if path.startswith("/api/"):
                self._add(path, item)

    def find(self, method: str, path: bytes) -> Operation:
        node: _Node | None = self._root
        for segment in path.split(b"/")[2:]:
            assert node is not None
            node = node.named.get(segment) or node.any
            if node is None:
                break
        found = node.operations.get("GET" if method == "HEAD" else method) if node else None
        return found or self._unknown[method in _SAFE]

    def _add(self, path: str, item: dict[str, Any]) -> None:
        node = self._root
        for segment in path.encode().split(b"/")[2:]:
            if b"{" in segment:
                node.any = node = node.any or _Node()
            else:
                node = node.named.setdefault(segment, _Node())
        for method in METHODS & item.keys():
            node.operations[method.upper()] = self._operation(method.upper(), path, item[method])

    def _operation(self, method: str, path: str, described: dict[str, Any]) -> Operation:
        cost = float(described.get("x-cost") or self._cost(method, described))
        return Operation(cost, max(cost, self._settings.cost_export), self._version + _farewell(described), path)

    def _cost(self, method: str, described: dict[str, Any]) -> float:
        if method not in _SAFE:
            return self._settings.cost_write
        parameters = {parameter.get("name") for parameter in described.get("parameters", ())}
        return self._settings.cost_list if parameters & {"cursor", "bbox"} else self._settings.cost_read


def is_export(accept: bytes | None) -> bool:
    return accept is not None and any(media in accept for media in _HEAVY_BYTES)


def _farewell(described: dict[str, Any]) -> Added:
    """RFC 9745 and RFC 8594: since when an operation is deprecated, when it will be gone, and where that is explained.

    `x-deprecated-since` and `x-sunset` are days (YYYY-MM-DD); without the first it counts as long deprecated.
    """
    if not described.get("deprecated"):
        return ()
    since = _instant(described.get("x-deprecated-since", "1970-01-01"))
    name = described.get("operationId", "")
    said: list[tuple[bytes, bytes]] = [
        (b"deprecation", f"@{int(since.timestamp())}".encode()),
        (b"link", f'</changes#{name}>; rel="deprecation"; type="text/html"'.encode()),
    ]
    if sunset := described.get("x-sunset"):
        said.append((b"sunset", format_datetime(_instant(sunset), usegmt=True).encode()))
    return tuple(said)


def _instant(day: str) -> datetime:
    found = date.fromisoformat(day)
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def deprecated(document: Document) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation that is marked deprecated."""
    for path, item in document["paths"].items():
        for method in sorted(METHODS & item.keys()):
            if item[method].get("deprecated"):
                yield method.upper(), path, item[method]
