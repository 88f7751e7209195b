"""Files: one raw body in, the same bytes out; neither is ever held in memory as a whole."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from kernel import idempotency, sensitive
from kernel.db import new_id
from kernel.edge import CurrentActor, IdempotencyKey, api_router, require_key
from kernel.errors import TooLarge
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.filing import FileRead
from services.permits.commands import Taken
from services.permits.domain import policy
from services.permits.domain.files import EXTENSIONS

router = api_router("/api/permits/v1", ["files"])
FileId = Annotated[UUID, Path(description="The file.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"])]
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}}


@router.post(
    "/files", status_code=201, response_model=FileRead, openapi_extra=BODY, dependencies=[needs("permits:file:store")]
)
async def store_file(
    request: Request,
    actor: CurrentActor,
    name: Annotated[str, Query(max_length=300, description="The file's name, for people.")] = "",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send one PDF, JPG or PNG as the raw body. Its id is then named in a dossier, within 48 hours."""
    policy.demand(actor, "permits:file:store")
    require_key(request, idempotency_key)
    settings = request.app.state.settings
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > settings.max_file_mb * 1_000_000:
        raise TooLarge(limit_mb=settings.max_file_mb)
    async with commands.take(request.stream(), name, settings) as taken:
        return await _store(request, actor, taken, idempotency_key)


async def _store(request: Request, actor: CurrentActor, taken: Taken, key: str | None) -> Response:
    """The transaction begins when the body is here: a slow sender holds no connection. The hash is the fingerprint."""
    state = request.app.state
    async with state.database.tx() as tx:
        now = state.clock()
        if key is not None:
            print_ = idempotency.fingerprint("POST", request.url.path, request.url.query, taken.sha256.encode())
            await idempotency.begin(tx, actor.id, key, "POST /api/permits/v1/files", print_, now)
        row = await commands.store_file(tx, actor, taken, file_id=new_id(), now=now)
        read = FileRead(id=row.id, sha256=row.sha256, media_type=row.media_type, size=row.size, name=row.name)
        headers = {"Location": f"/api/permits/v1/files/{row.id}"}
        response = Response(orjson.dumps(read.model_dump(mode="json")), 201, headers, "application/json")
        if key is not None:
            await idempotency.store(tx, actor.id, key, 201, dict(response.headers), bytes(response.body))
    return response


@router.get(
    "/files/{id}",
    response_class=StreamingResponse,
    responses={200: {"content": dict.fromkeys(EXTENSIONS, BINARY), "description": "The file."}},
    dependencies=[needs("permits:file:read")],
)
async def read_file(
    id: FileId,
    request: Request,
    actor: CurrentActor,
    inline: Annotated[bool, Query(description="To be shown in the browser rather than saved.")] = False,
) -> Response:
    """The bytes as they were sent. For whoever sees a dossier that holds them; until then for who sent them."""
    # Not the `Read` of the edge: the content takes a connection of its own while that one would still be held.
    async with request.app.state.database.read() as read:
        row = await queries.file(read, id, actor=actor)
    await sensitive.note(request, actor, "permits:file:read", id, of=row.org)
    stream = queries.content(request.app.state.database, request.app.state.bus, row)
    first = await anext(stream)

    async def body() -> Any:
        yield first
        async for piece in stream:
            yield piece

    return StreamingResponse(body(), media_type=row.media_type, headers=_headers(row, inline))


def _headers(row: queries.FileRow, inline: bool) -> dict[str, str]:
    """Nothing the file says is believed by a browser: no sniffing, no script, no frame, its own name only as text."""
    disposition = "inline" if inline else "attachment"
    return {
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(row.name)}",
        "Content-Length": str(row.size),
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
        "ETag": f'"{row.sha256}"',
    }
