"""For programmers: what each problem code means, and what has changed in the API."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import static
from gateway.catalogue import problems
from gateway.changes import Change, changes
from gateway.errors import BadLimit
from gateway.openapi import Document
from gateway.operations import deprecated
from kernel.errors import N_, NoSuchPage
from kernel.paging import decode_cursor, encode_cursor
from kernel.web.i18n import locale_of
from kernel.web.render import render

_PAGE_SIZE, _LARGEST_PAGE = 50, 500
_KEPT = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
KIND_WORDS = {"added": N_("Added"), "changed": N_("Changed"), "deprecated": N_("Deprecated"), "removed": N_("Removed")}


class Reference:
    def __init__(self, documents: Mapping[str, Document], merged: Document) -> None:
        self._problems = problems(documents)
        self._changes = changes()
        self._going = list(deprecated(merged))

    def routes(self) -> list[Route]:
        return [
            Route("/problems", self.problem_page),
            Route("/problems/{code}", self.one_problem_page),
            Route("/changes", self.change_page),
            Route("/api/problems", self.problem_list),
            Route("/api/changes", self.change_list),
        ]

    async def problem_page(self, request: Request) -> Response:
        return render(request, "gateway/problems.html", {"own": static.own, "problems": self._problems})

    async def one_problem_page(self, request: Request) -> Response:
        code = request.path_params["code"]
        found = next((problem for problem in self._problems if problem["code"] == code), None)
        if found is None:
            raise NoSuchPage
        return render(request, "gateway/problem.html", {"own": static.own, "problem": found})

    async def change_page(self, request: Request) -> Response:
        context = {"own": static.own, "changes": self._changes, "kinds": KIND_WORDS, "going": self._going}
        return render(request, "gateway/changes.html", context)

    async def problem_list(self, request: Request) -> Response:
        return _page(request, self._problems)

    async def change_list(self, request: Request) -> Response:
        locale = locale_of(request)
        return _page(request, [_told(change, locale) for change in self._changes])


def _told(change: Change, locale: str) -> dict[str, Any]:
    return {
        "id": change.id,
        "date": change.date,
        "kind": change.kind,
        "operations": change.operations,
        "text": change.text[locale],
    }


def _page(request: Request, entries: list[dict[str, Any]]) -> Response:
    limit, begin = _limit(request), 0
    if cursor := request.query_params.get("cursor"):
        begin = _begin(cursor)
    rest = encode_cursor([begin + limit]) if begin + limit < len(entries) else None
    body = orjson.dumps({"items": entries[begin : begin + limit], "next": rest})
    return Response(body, media_type="application/json", headers=_KEPT)


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", str(_PAGE_SIZE))
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= _LARGEST_PAGE:
        raise BadLimit(largest=_LARGEST_PAGE)
    return int(given)


def _begin(cursor: str) -> int:
    match decode_cursor(cursor):
        case [int(begin)] if 0 <= begin < 1_000_000:
            return begin
        case _:
            return 0
