"""Answers whose JSON PostgreSQL made: passed on as they are, not parsed and printed again."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict

from kernel.edge import Now, entity_tag, require_match
from kernel.errors import TooLarge
from kernel.export import CSV, GEOJSON, JSON, XLSX, accepted
from kernel.listing import Dated
from services.registry.api.schemas.statements import RecordedRead
from services.registry.commands.records import Recorded
from services.registry.domain.times import LATEST, Times, times
from services.registry.queries.reach import Found
from services.registry.queries.settled import settled

PREFIX = "/api/registry/v1"


class OneAsked(Dated):
    """The query of one thing that has two times."""

    model_config = ConfigDict(extra="forbid", frozen=True)


async def asked_times(now: Now, asked: Annotated[OneAsked, Query()]) -> Times:
    return times(asked.as_of, asked.known_at, now)


AsAsked = Annotated[Times, Depends(asked_times)]


async def listed_times(request: Request, asked: Dated, now: Now) -> Times:
    """What a list shows. A whole list in many reads is one state: all of it as known at one instant."""
    at = times(asked.as_of, asked.known_at, now)
    if at.known != LATEST or accepted(request, JSON, CSV, XLSX, GEOJSON) == JSON:
        return at
    async with request.app.state.database.look() as read:
        known = min(now, await settled(read, request.app.state.clock))
    return at._replace(known=known, known_at=known)


def places(request: Request) -> bool:
    """Whether rows need their point whatever members were asked for."""
    return GEOJSON in request.headers.get("accept", "")


def raw(body: str, *, media_type: str = JSON, headers: dict[str, str] | None = None) -> Response:
    return Response(body, media_type=media_type, headers=headers)


def told(one: Found) -> Response:
    return raw(one.item, headers={"ETag": entity_tag(one.no)})


def recorded(one: Recorded) -> RecordedRead:
    return RecordedRead(id=one.id, public_no=one.public_no or None, version=one.no, change_id=one.change_id)


def answer_recorded(one: Recorded, response: Response, *, location: str | None = None) -> RecordedRead:
    response.headers["ETag"] = entity_tag(one.no)
    if location:
        response.headers["Location"] = f"{PREFIX}/{location}/{one.id}"
    return recorded(one)


def still(given: str) -> Callable[[int], None]:
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


def body_of(media_type: str, example: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """What a route says of a body that it reads itself."""
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema, "example": example}}}}
