"""The plate of a structure: a sheet to print, and the page that everybody reaches by its code, without signing in."""

import json
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from kernel.edge import EVERYBODY, CurrentActor, Now, Read, open_router, ui_router
from kernel.papers import qr_svg
from kernel.web.render import gettext_of, render
from services.registry.commands.structures import StructureNotFound
from services.registry.domain import policy
from services.registry.domain.number import is_public_number, kind_of
from services.registry.domain.times import times
from services.registry.queries import structures
from services.registry.queries.asked import Filter
from services.registry.ui import words
from services.registry.ui.gate import needs, opened

router = ui_router("/registry")
open_ = open_router("/registry/open", ["open data"])


def address(request: Request, public_no: str) -> str:
    """What the code says: short, and the same as long as the number is."""
    return f"{request.app.state.settings.public_url}/registry/open/plates/{public_no}"


@open_.get("/plates/{public_no}", dependencies=[opened("registry:plate:read")], include_in_schema=False)
async def behind(request: Request, read: Read, now: Now, public_no: str) -> HTMLResponse:
    """What anybody may know of what stands here: whose it is, what it is, and whether it is on the register."""
    kind = kind_of(public_no) if is_public_number(public_no) else None
    if kind is None:
        raise StructureNotFound
    at = times(None, None, now)
    found = await structures.structures(read, EVERYBODY, kind, Filter(public_no=public_no), at, limit=1)
    rows = json.loads(found.items)
    if not rows:
        raise StructureNotFound
    context = {"row": rows[0], "kind": kind, "words": words, "at": at, "public_no": public_no}
    return render(request, "registry/plate_public.html", context)


async def _sheet(request: Request, actor: Any, read: Any, now: Any, kind: str, structure_id: UUID) -> HTMLResponse:
    one = await structures.structure(read, actor, kind, structure_id, times(None, None, now))
    if one is None:
        raise StructureNotFound
    item = json.loads(one.item)
    link = address(request, item["public_no"])
    context = {
        "agency": (gettext_of(request, "Ca Mau province"), gettext_of(request, "Register of passive infrastructure")),
        "sheet_title": item["public_no"],
        "sheet_line": gettext_of(request, words.ONE[kind]),
        "footer": [link],
        "item": item,
        "code": Markup(qr_svg(link, sized=False)),  # noqa: S704 -- drawn by us
        "is_open": policy.sees(EVERYBODY, item["owner"], {item["status"]}),
    }
    return render(request, "registry/plate.html", context)


def _add(kind: str, plural: str) -> None:
    @router.get(f"/{plural}/{{structure_id}}/plate", dependencies=[needs("registry:structure:read")])
    async def sheet(request: Request, actor: CurrentActor, read: Read, now: Now, structure_id: UUID) -> HTMLResponse:
        return await _sheet(request, actor, read, now, kind, structure_id)


for _kind, _plural in words.PLURAL.items():
    _add(_kind, _plural)
