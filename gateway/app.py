"""The composition root: what is taken at all, who is asking, and which door leads where."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from contracts.pages import NAV
from gateway import cookies, headers, openapi, shield
from gateway.cookies import Cookies
from gateway.door import Door
from gateway.errors import CrossSiteRefused, MethodRefused, PathRefused
from gateway.health import Health
from gateway.identity import Identity
from gateway.pages import Pages
from gateway.paths import is_plain, local_target
from gateway.proxy import Passage, Proxy
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream
from gateway.vault import Vault
from kernel import logging, trace
from kernel.app import InternalError, MalformedRequest, NoSuchPage, WrongMethod
from kernel.auth import TokenVerifier
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.errors import Refusal, Unauthenticated, problem
from kernel.web.frame import Frame
from kernel.web.i18n import locale_of
from kernel.web.render import render_error

PACKAGE = Path(__file__).parent
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Their answers are the same for everybody, so no session is looked up for them.
_IMPERSONAL = (
    b"/static/",
    b"/health/",
    b"/openapi.json",
    b"/language",
    b"/theme",
    b"/favicon.ico",
    b"/sign-in",
    b"/callback",
)
_log = logging.get("gateway")


class SignInNeeded(Unauthenticated):
    """A page that only a signed-in person may see: the browser is sent to the door instead."""


class Gateway:
    """Pure ASGI: a service's path goes to its proxy, everything else to the pages application."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self._cookies = Cookies(settings)
        self._fixed = shield.fixed_headers(settings)
        self._origin = settings.public_origin.encode()
        self._proxies: dict[bytes, Proxy] = {}
        self._pages = Starlette(
            lifespan=self._lifespan,
            exception_handlers={Refusal: _refused, HTTPException: _plain, Exception: _broken},
        )
        self._pages.state.frame = Frame(
            locale_dirs=[PACKAGE / "locale"],
            template_dirs=[PACKAGE / "templates"],
            nav=NAV,
            demo=settings.demo,
            form_key=settings.form_key,
            clock=Clock(settings.clock_file, settings.demo),
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        settings = self.settings
        async with AsyncExitStack() as stack:
            bus = Bus(settings)
            await bus.connect()
            stack.push_async_callback(bus.close)
            self._identity = Identity(settings, TokenVerifier(settings.issuer, settings.audience, settings.keys_url))
            stack.push_async_callback(self._identity.close)
            self._sessions = Sessions(bus, self._identity, Vault(settings.secret, "sessions"))
            await self._sessions.start()
            stack.push_async_callback(self._sessions.close)
            upstreams = [Upstream(name, address, settings) for name, address in settings.upstreams.items()]
            for upstream in upstreams:
                stack.push_async_callback(upstream.close)
                self._proxies[upstream.name.encode()] = Proxy(upstream, settings)
            document = openapi.merge(openapi.committed(list(settings.upstreams)), settings.public_url, settings.issuer)
            door = Door(settings, self._identity, self._sessions, self._cookies)
            app.router.routes.extend(Pages(settings, upstreams, Health(upstreams, bus), door, document).routes())
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        given = headers.first(scope["headers"], b"traceparent")
        traceparent = trace.adopt(given.decode("latin-1") if given else None)
        answer = _Answer(shield.shielded(send, self._fixed, trace.trace_id()))
        try:
            self._check(scope)
            await self._enter(scope, receive, answer, traceparent)
        except Refusal as refusal:
            await self._refuse(scope, receive, answer, refusal)
        except Exception as error:
            _log.error("request failed", path=scope["path"], exc_info=error)
            if not answer.has_begun:
                await self._refuse(scope, receive, answer, InternalError())

    def _check(self, scope: Scope) -> None:
        """What no service gets to see: odd methods and paths, and unsafe requests that another site made."""
        if scope["method"] not in _METHODS:
            raise MethodRefused
        if not is_plain(scope["raw_path"], scope["query_string"]):
            raise PathRefused
        if scope["method"] in _SAFE or self._cookies.session_of(scope) is None:
            return
        same_site = headers.first(scope["headers"], b"sec-fetch-site") == b"same-origin"
        if not same_site and headers.first(scope["headers"], b"origin") != self._origin:
            raise CrossSiteRefused

    async def _enter(self, scope: Scope, receive: Receive, answer: "_Answer", traceparent: str) -> None:
        path: bytes = scope["raw_path"]
        _, first, second, *_ = (*path.split(b"/", 3), b"", b"")
        is_api = first == b"api"
        proxy = self._proxies.get(second if is_api else first)
        if proxy is not None:
            passage = await self._passage(scope, traceparent, is_page=not is_api)
            await proxy.forward(scope, receive, answer, passage)
            return
        if not path.startswith(_IMPERSONAL):
            await self._recognise(scope)
        await self._pages(scope, receive, answer)

    async def _passage(self, scope: Scope, traceparent: str, *, is_page: bool) -> Passage:
        chosen = cookies.choices(scope)
        cookie = self._cookies.session_of(scope)
        token, added = None, cookies.keep_choices(scope) if is_page else ()
        if cookie is not None and headers.first(scope["headers"], b"authorization") is None:
            session = await self._sessions.find(cookie)
            if session is None:
                added = (*added, self._cookies.clear(self._cookies.session))
            else:
                token = scope.setdefault("state", {})["token"] = session.tokens.access
        return Passage(
            traceparent=traceparent,
            token=token,
            language=chosen["lang"].encode() if "lang" in chosen else None,
            cookies="; ".join(f"{name}={value}" for name, value in chosen.items()),
            added=added,
            on_401=SignInNeeded() if is_page and headers.wants_html(scope["headers"]) else None,
        )

    async def _recognise(self, scope: Scope) -> None:
        """For the gateway's own pages: the person in `request.state`, where the frame looks for one."""
        state = scope.setdefault("state", {})
        session = await self._sessions.find(self._cookies.session_of(scope))
        if session is not None:
            state["actor"] = await self._identity.actor(session.tokens.access)
            state["token"] = session.tokens.access

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        scope["app"] = self._pages
        request = Request(scope, receive)
        if isinstance(refusal, SignInNeeded):
            response = self._to_sign_in(request)
        else:
            await self._name_reader(scope)
            response = _refused(request, refusal)
        await response(scope, receive, send)

    async def _name_reader(self, scope: Scope) -> None:
        """An error page keeps its reader's name and menu, as long as that needs nobody who may be away."""
        state = scope.setdefault("state", {})
        if "token" in state and "actor" not in state:
            try:
                state["actor"] = await self._identity.actor(state["token"])
            except Refusal:
                _log.info("error page without its reader's name")

    def _to_sign_in(self, request: Request) -> Response:
        """GET comes back to the same address; a post to the page it was sent from. htmx is told to leave the page."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        is_partial = request.headers.get("hx-request") == "true"
        if is_partial or request.method not in _SAFE:
            here = self._page_behind(request)
        target = f"/sign-in?next={quote(local_target(here), safe='')}"
        if is_partial:
            return Response(status_code=401, headers={"HX-Redirect": target, "Cache-Control": "no-store"})
        response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
        response.raw_headers.append(self._cookies.clear(self._cookies.session))
        return response

    def _page_behind(self, request: Request) -> str:
        address = request.headers.get("hx-current-url") or request.headers.get("referer", "")
        if not address.startswith(f"{self.settings.public_origin}/"):
            return "/"
        parts = urlsplit(address)
        return parts.path + (f"?{parts.query}" if parts.query else "")


class _Answer:
    """A `send` that remembers whether the answer has begun: from then on no other can be given."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        self._send = send

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    translate = request.app.state.frame.translations(locale_of(request)).gettext
    path = request.scope["path"]
    if headers.wants_html(request.scope["headers"]) and not path.startswith(("/api/", "/health/", "/static/")):
        page = render_error(request, status=error.status, detail=error.say(translate), trace_id=trace.trace_id())
        page.headers.update(error.headers)
        return page
    return JSONResponse(
        problem(error, translate, trace.trace_id()),
        error.status,
        headers={"Cache-Control": "no-store", **error.headers},
        media_type="application/problem+json",
    )


def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds: dict[int, type[Refusal]] = {404: NoSuchPage, 405: WrongMethod}
    return _refused(request, kinds.get(error.status_code, MalformedRequest)())


def _broken(request: Request, error: Exception) -> Response:
    return _refused(request, InternalError())


def create_app(settings: GatewaySettings) -> Gateway:
    return Gateway(settings)
