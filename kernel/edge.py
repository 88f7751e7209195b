"""Where HTTP meets the commands: who calls, which transaction, what time it is. Ten lines a route are left to write."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import idempotency
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.errors import N_, Fault, Forbidden, Refusal, Stale, TooLarge, Unauthenticated
from kernel.web import forms

bearer = HTTPBearer(auto_error=False, description="Access token of the realm, audience `hatang-api`.")


async def authenticate(request: Request) -> Actor:
    """Raises Unauthenticated (401) without a valid bearer token; remembers the caller for this request."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    actor: Actor = await request.app.state.verifier.verify(token.strip())
    request.state.actor = actor
    return actor


async def current_actor(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Actor:
    return await authenticate(request)


CurrentActor = Annotated[Actor, Depends(current_actor)]


class Needs:
    """The coarse gate of a route: without one of these capabilities nothing is read. Commands ask the policy again.

    No capabilities: every signed-in caller. `permission` is what the policy's table calls it.
    """

    def __init__(self, permission: str, capabilities: frozenset[str]) -> None:
        self.permission, self.capabilities = permission, capabilities

    async def __call__(self, actor: CurrentActor) -> None:
        if self.capabilities and not actor.can(*self.capabilities):
            raise Forbidden


class FormExpired(Forbidden):
    detail = N_("This form is too old. Load the page again and repeat what you did.")


async def form_checked(request: Request, actor: CurrentActor) -> None:
    """Every post of a page proves that it comes from a page of this session."""
    if request.method == "POST":
        form = await request.form()
        frame = request.app.state.frame
        token = form.get(forms.FIELD)
        day = local_date(request.app.state.clock())
        if not forms.check_form(frame.form_key, actor.sid or actor.id, day, token if isinstance(token, str) else None):
            raise FormExpired


class IdempotencyKeyMissing(Refusal):
    status = 400
    detail = N_("Send an Idempotency-Key, so that a retry of this request has one effect.")


class PreconditionRequired(Refusal):
    status = 428
    detail = N_("Send If-Match with the ETag of what you read, or * to change it whatever it is now.")


IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Your own mark for this request, 1 to 255 printable characters, needed on every POST. The same key"
        " with the same request within 7 days: the stored answer, one effect."
    ),
]


def require_key(request: Request, key: str | None) -> str | None:
    """The key of a write of the API, else None: pages are guarded by their form. Raises IdempotencyKeyMissing (400)."""
    if request.method != "POST" or not request.url.path.startswith("/api/"):
        return None
    if key is None:
        raise IdempotencyKeyMissing(errors=[Fault("/headers/Idempotency-Key", "missing", IdempotencyKeyMissing.detail)])
    return key


async def open_tx(
    request: Request, actor: CurrentActor, idempotency_key: IdempotencyKey = None
) -> AsyncIterator[AsyncSession]:
    key = require_key(request, idempotency_key)
    state = request.app.state
    async with state.database.tx() as tx:
        request.state.now = state.clock()
        if key is not None:
            route = request.scope["route"].path
            body = await request.body()
            print_ = idempotency.fingerprint(request.method, request.url.path, request.url.query, body)
            await idempotency.begin(tx, actor.id, key, f"POST {route}", print_, request.state.now)
            request.state.idempotency = (tx, actor.id, key)
        yield tx
        if getattr(request.state, "refused", False):
            await tx.rollback()


async def open_read(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.look() as read:
        yield read


# scope="function": with a plain yield dependency the answer leaves before the commit.
Tx = Annotated[AsyncSession, Depends(open_tx, scope="function")]
Read = Annotated[AsyncSession, Depends(open_read, scope="function")]


async def present(request: Request) -> datetime:
    """Inside a transaction the instant at which it began, so that no command is older than its transaction."""
    now: datetime | None = getattr(request.state, "now", None)
    return now if now is not None else request.app.state.clock()


Now = Annotated[datetime, Depends(present)]
JSON_LIMIT_MB = 5


def entity_tag(version: int) -> str:
    return f'"{version}"'


async def if_match(
    if_match: Annotated[
        str | None,
        Header(description="`ETag` of what was read, needed to change a thing; `*`: whatever it is now."),
    ] = None,
) -> str:
    """Raises PreconditionRequired (428)."""
    if if_match is None:
        raise PreconditionRequired(errors=[Fault("/headers/If-Match", "missing", PreconditionRequired.detail)])
    return if_match


IfMatch = Annotated[str, Depends(if_match)]


def require_match(given: str, version: int) -> None:
    """Raises Stale (412) when the caller read another version."""
    if given != "*" and entity_tag(version) not in [tag.strip() for tag in given.split(",")]:
        raise Stale(errors=[Fault("/headers/If-Match", "stale", Stale.detail)])


class _Edge(APIRoute):
    """Stores the answer beside its idempotency key, in the command's transaction; a refused page rolls back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            # Before FastAPI reads the body: a stranger learns nothing of what a body should look like.
            await authenticate(request)
            if request.headers.get("content-type", "").startswith("application/json"):
                await _limited_body(request)
            response = await original(request)
            claimed = getattr(request.state, "idempotency", None)
            if response.status_code >= 400:
                request.state.refused = True
            elif claimed is not None:
                tx, client, key = claimed
                headers = dict(response.headers.items())
                # A route whose answer holds a secret names what a replay may say in its place.
                body = getattr(request.state, "replayed_body", bytes(response.body))
                await idempotency.store(tx, client, key, response.status_code, headers, body)
            return response

        return handler


async def _limited_body(request: Request) -> None:
    """Raises TooLarge (413): parsing holds the event loop, so a JSON body has a bound of its own."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > JSON_LIMIT_MB * 1_000_000:
            raise TooLarge(limit_mb=JSON_LIMIT_MB)
        pieces.append(piece)
    request._body = b"".join(pieces)


def api_router(prefix: str, tags: list[str]) -> APIRouter:
    """Closed by default: every route under it demands an Actor."""
    return APIRouter(
        prefix=prefix,
        tags=list(tags),
        route_class=_Edge,
        dependencies=[Depends(current_actor)],
        responses={
            401: {"description": "No valid access token."},
            403: {"description": "Seen, but not allowed."},
            404: {"description": "Not there, or not to be seen by the caller."},
            422: {"description": "Malformed; `errors` lists every fault with its pointer."},
        },
    )


EVERYBODY = Actor(id="everybody", org="", kind="anonymous", capabilities=frozenset({"everybody"}))


class Open:
    """The mark of a route that asks nobody who he is; it reads as `EVERYBODY`, whose reach is the policy's to say."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self) -> None: ...


def open_router(prefix: str, tags: list[str]) -> APIRouter:
    """Open data: no route under it knows who asks, and none changes anything."""
    return APIRouter(
        prefix=prefix,
        tags=list(tags),
        responses={422: {"description": "Malformed; `errors` lists every fault with its pointer."}},
    )


def ui_router(prefix: str) -> APIRouter:
    """Pages: closed by default, every post carries the form token, none of it in the API document."""
    return APIRouter(
        prefix=prefix,
        route_class=_Edge,
        include_in_schema=False,
        dependencies=[Depends(current_actor), Depends(form_checked)],
    )
