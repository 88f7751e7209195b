"""The composition of a service's web process: lifespan, error answers, health, request trace."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel import health, logging, metrics, migrations, openapi, trace
from kernel.auth import TokenVerifier
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import (
    N_,
    Fault,
    Forbidden,
    InternalError,
    MalformedRequest,
    NoSuchPage,
    Refusal,
    TooLarge,
    Unavailable,
    WrongMethod,
    problem,
)
from kernel.idempotency import Replay
from kernel.settings import ServiceSettings
from kernel.web.frame import Frame, NavGroup
from kernel.web.i18n import locale_of
from kernel.web.render import render_error

log = logging.get(__name__)


def create_app(
    settings: ServiceSettings,
    *,
    title: str,
    api: Sequence[APIRouter],
    ui: Sequence[APIRouter],
    package: Path,
    nav: Sequence[NavGroup],
) -> FastAPI:
    """`package` is the service's folder: its locale, ui/templates and migrations are found there."""
    clock = Clock(settings.clock_file, settings.demo)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await app.state.bus.connect()
        yield
        await app.state.bus.close()
        await app.state.database.close()

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
    )
    app.state.settings, app.state.clock = settings, clock
    app.state.database = Database(settings.database_url, settings.pool_size)
    app.state.bus = Bus(settings)
    app.state.verifier = TokenVerifier(settings.issuer, settings.audience)
    app.state.frame = Frame(
        locale_dirs=[package / "locale"],
        template_dirs=[package / "ui" / "templates"],
        nav=nav,
        demo=settings.demo,
        form_key=settings.form_key,
        clock=clock,
    )
    for router in (*api, *ui, health.router(settings.name, migrations.head(package / "migrations"))):
        app.include_router(router)
    _answer_errors(app)
    for layer in (Adopted, metrics.Measured, trace.Traced):
        app.add_middleware(layer)
    metrics.watch_pool(app.state.database.engine)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app


def _operation(route: APIRoute) -> str:
    """Stable operation ids: the function's name, or `name=` of the route, such as `list_agreements`."""
    return route.name


class Adopted:
    """Adopts the caller's trace, and answers 503 instead of 500 when the database is away."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        trace.adopt(given.decode("latin-1"))

        async def with_trace(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-trace-id", trace.trace_id().encode())]
            await send(message)

        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await with_trace(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            # Let through, it would close the connection that the gateway keeps for the next request.
            if begun:
                raise
            answer = await _broken(Request(scope), error)
            await answer(scope, receive, with_trace)


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        return _answer(request, error)

    @app.exception_handler(Replay)
    async def replayed(request: Request, answer: Replay) -> Response:
        headers = {**answer.headers, "Idempotency-Replayed": "true"}
        return Response(answer.body, answer.status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return _answer(request, MalformedRequest(errors=[_fault(e) for e in error.errors()]))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        kinds: dict[int, type[Refusal]] = {404: NoSuchPage, 405: WrongMethod, 403: Forbidden, 413: TooLarge}
        kind = kinds.get(error.status_code)
        return _answer(request, kind() if kind else MalformedRequest(errors=[Fault("/", "malformed", _UNREADABLE)]))

    @app.exception_handler(sa.exc.DBAPIError)
    async def database(request: Request, error: sa.exc.DBAPIError) -> Response:
        if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError | sa.exc.OperationalError):
            return _answer(request, Unavailable(headers={"Retry-After": "2"}))
        if _is_value(error.orig):
            return _answer(request, MalformedRequest(errors=[Fault("/", "not_storable", _UNREADABLE)]))
        log.error("request.failed", path=request.url.path, exc_info=error)
        return _answer(request, InternalError())

    for outage in (OSError, TimeoutError, sa.exc.TimeoutError):
        app.add_exception_handler(outage, _away)
    app.add_exception_handler(Exception, _broken)


def _is_value(error: BaseException | None) -> bool:
    """Class 22 of SQLSTATE, or a value that the driver could not even send: a NUL, a day beyond the calendar."""
    state = str(getattr(error, "sqlstate", "") or "")
    return state.startswith("22") or isinstance(getattr(error, "__cause__", None), asyncpg.DataError)


async def _away(request: Request, error: Exception) -> Response:
    log.warning("request.away", path=request.url.path, error=repr(error)[:300])
    return _answer(request, Unavailable(headers={"Retry-After": "2"}))


async def _broken(request: Request, error: Exception) -> Response:
    log.error("request.failed", path=request.url.path, exc_info=error)
    return _answer(request, InternalError())


def _answer(request: Request, refusal: Refusal) -> Response:
    translate = request.app.state.frame.translations(locale_of(request)).gettext
    is_page = not request.url.path.startswith(("/api/", "/health/")) and "text/html" in request.headers.get(
        "accept", ""
    )
    if is_page:
        return render_error(request, status=refusal.status, detail=refusal.say(translate), trace_id=trace.trace_id())
    return JSONResponse(
        problem(refusal, translate, trace.trace_id()),
        refusal.status,
        headers=refusal.headers,
        media_type="application/problem+json",
    )


_PLACES = {"body": "", "query": "/query", "path": "/path", "header": "/headers", "cookie": "/cookies"}
_WORDS = {
    "missing": N_("This value is required."),
    "extra_forbidden": N_("This field is not known here."),
    "string_too_short": N_("This text is too short."),
    "string_too_long": N_("This text is too long."),
    "greater_than": N_("This number is too small."),
    "greater_than_equal": N_("This number is too small."),
    "less_than": N_("This number is too large."),
    "less_than_equal": N_("This number is too large."),
    "json_invalid": N_("This is not valid JSON."),
    "enum": N_("This value is not in the list of allowed values."),
    "literal_error": N_("This value is not in the list of allowed values."),
    "too_short": N_("This list is too short."),
    "too_long": N_("This list is too long."),
}
_UNREADABLE = N_("This value cannot be read as what is expected here.")


def _fault(error: dict[str, Any]) -> Fault:
    place, *path = [str(part) for part in error["loc"]]
    if error["type"] == "json_invalid":
        # What pydantic gives is a position in the text, not a place in the document.
        path = []
    pointer = "".join([_PLACES.get(place, f"/{place}"), *(f"/{part}" for part in path)])
    return Fault(pointer or "/", error["type"], _WORDS.get(error["type"], _UNREADABLE))
