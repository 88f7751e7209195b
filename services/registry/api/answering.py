"""Answers whose JSON PostgreSQL made: passed on as they are, not parsed and printed again."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request
from fastapi.responses import Response

from kernel.edge import Now, entity_tag, require_match
from kernel.errors import TooLarge
from kernel.paging import encode_cursor
from services.registry.api.schemas import RecordedRead
from services.registry.commands.records import Recorded
from services.registry.domain.times import Times, times

GEOJSON = "application/geo+json"


async def asked_times(
    now: Now,
    as_of: Annotated[date | None, Query(description="As it was at the end of this day; today.")] = None,
    known_at: Annotated[str | None, Query(description="As known at this instant, or end of this day; now.")] = None,
) -> Times:
    return times(as_of, known_at, now)


AsAsked = Annotated[Times, Depends(asked_times)]


def raw(body: str, *, media_type: str = "application/json", headers: dict[str, str] | None = None) -> Response:
    return Response(body, media_type=media_type, headers=headers)


def listed(items: str, last: list[Any] | None, **more: Any) -> Response:
    """A page around the items' JSON."""
    following = encode_cursor(last) if last else None
    tail = orjson.dumps({"next": following, **more}).decode()
    return raw(f'{{"items":{items},{tail[1:]}')


def recorded(one: Recorded, response: Response) -> RecordedRead:
    response.headers["ETag"] = entity_tag(one.no)
    return RecordedRead(id=one.id, public_no=one.public_no or None, version=one.no, change_id=one.change_id)


def still(given: str | None) -> Callable[[int], None]:
    """The command's check, under its lock, that the caller read the newest version. Raises Stale (412)."""
    return lambda no: require_match(given, no)


async def bounded_body(request: Request, limit_mb: int) -> bytes:
    """The whole body, refused while it streams once it outgrows the limit. Raises TooLarge (413)."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_mb * 1024 * 1024:
            raise TooLarge(limit_mb=limit_mb)
        chunks.append(chunk)
    # Kept where the idempotency check looks for it: a stream is read only once.
    request._body = b"".join(chunks)
    return request._body
