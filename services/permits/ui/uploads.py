"""Files that come with a form: kept at once, so that a refused form need not send them again."""

from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import Fault, Invalid, NotFound, TooLarge
from services.permits import commands, queries


def field_of(name: str, parts: list[tuple[str, UUID]]) -> str:
    """`parts-0-file` -> the field of that part."""
    pieces = name.split("-")
    if pieces[0] == "parts" and len(pieces) == 3 and pieces[1].isdigit():
        return f"parts-{parts[int(pieces[1])][0]}"
    return name


async def uploads(
    request: Request, actor: Actor, form: FormData, values: dict[str, str], codes: list[str]
) -> tuple[list[tuple[str, UUID]], dict[str, str], list[Fault]]:
    """Stores what came, at once and for itself, so that a refused form need not send it again."""
    parts: list[tuple[str, UUID]] = []
    kept, faults = dict(values), []
    for code in codes:
        sent = form.get(f"parts-{code}")
        if isinstance(sent, UploadFile) and sent.filename:
            try:
                row = await _store(request, actor, sent)
            except (Invalid, TooLarge) as refusal:
                detail = refusal.errors[0].detail if refusal.errors else refusal.detail
                params = refusal.errors[0].params if refusal.errors else refusal.params
                faults.append(Fault(f"/parts/{code}", "file", detail, **params))
                continue
            kept |= {f"kept-{code}": str(row.id), f"name-{code}": row.name}
        held = kept.get(f"kept-{code}", "")
        if held:
            parts.append((code, _uuid(held)))
    return parts, kept, faults


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


async def _store(request: Request, actor: Actor, sent: UploadFile) -> queries.FileRow:
    async def body() -> Any:
        while piece := await sent.read(1 << 20):
            yield piece

    state = request.app.state
    async with commands.take(body(), sent.filename or "", state.settings) as taken, state.database.tx() as tx:
        return await commands.store_file(tx, actor, taken, file_id=new_id(), now=state.clock())
