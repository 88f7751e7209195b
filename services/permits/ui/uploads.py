"""Files that come with a form: kept at once, so that a refused form need not send them again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor
from kernel.errors import Fault, Invalid, NotFound, TooLarge
from services.permits import commands, queries

PREFIX = "parts-"
MOST_FILES = 200


@dataclass(frozen=True)
class Uploads:
    """The files of one form by the code of their part: stored already, or refused with a fault."""

    stored: Mapping[str, queries.FileRow]
    refused: Mapping[str, Fault]

    def taken(
        self, values: Mapping[str, str], codes: Iterable[str]
    ) -> tuple[list[tuple[str, UUID]], dict[str, str], list[Fault]]:
        """Each part with its file, from this form or an earlier try of it; the values for the next try; the faults."""
        parts: list[tuple[str, UUID]] = []
        kept, faults = dict(values), []
        for code in codes:
            if code in self.refused:
                faults.append(self.refused[code])
                continue
            if row := self.stored.get(code):
                kept |= {f"kept-{code}": str(row.id), f"name-{code}": row.name}
            if held := kept.get(f"kept-{code}", ""):
                parts.append((code, _uuid(held)))
        return parts, kept, faults


async def _sent(request: Request, actor: CurrentActor) -> Uploads:
    form = await request.form()
    stored: dict[str, queries.FileRow] = {}
    refused: dict[str, Fault] = {}
    for name, sent in form.multi_items()[:MOST_FILES]:
        code = name.removeprefix(PREFIX)
        if code == name or not isinstance(sent, UploadFile) or not sent.filename:
            continue
        try:
            stored[code] = await _store(request, actor, sent)
        except (Invalid, TooLarge) as refusal:
            detail, params = (
                (refusal.errors[0].detail, refusal.errors[0].params)
                if refusal.errors
                else (
                    refusal.detail,
                    refusal.params,
                )
            )
            refused[code] = Fault(f"/parts/{code}", "file", detail, **params)
    return Uploads(stored, refused)


# Named before `tx` in a route: inside its transaction a second connection would be asked for while one is held, and
# as many such forms at once as there are connections would all wait for one another.
Sent = Annotated[Uploads, Depends(_sent)]


def field_of(name: str, parts: list[tuple[str, UUID]]) -> str:
    """`parts-0-file` -> the field of that part."""
    pieces = name.split("-")
    if pieces[0] == "parts" and len(pieces) == 3 and pieces[1].isdigit():
        return f"parts-{parts[int(pieces[1])][0]}"
    return name


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
