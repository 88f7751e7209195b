"""The composition root: what is taken at all, who is asking, and which door leads where."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.pages import NAV
from gateway import cookies, headers, metrics, openapi, shield
from gateway.accounts import open_accounts
from gateway.answer import Answer
from gateway.callers import Caller, Callers
from gateway.cookies import Cookies
from gateway.door import Door
from gateway.errors import CrossSiteRefused, MethodRefused, PathRefused
from gateway.health import Health
from gateway.identity import Identity
from gateway.metrics import Metrics
from gateway.operations import Operations, is_export
from gateway.own_sessions import OwnSessions
from gateway.pages import Pages
from gateway.paths import is_plain, local_target
from gateway.proxy import Passage, Proxy
from gateway.rates import Rates
from gateway.reference import Reference
from gateway.refusals import SignInNeeded, broken, plain, refused
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream
from gateway.vault import Vault
from kernel import logging, trace
from kernel.auth import TokenVerifier
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.errors import InternalError, Refusal
from kernel.web.frame import Frame

PACKAGE = Path(__file__).parent
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Their answers are the same for everybody: no session is looked up for them and nothing is charged.
_IMPERSONAL = (b"/static/", b"/health/", b"/openapi.json", b"/language", b"/theme", b"/favicon.ico")
_SIGN_IN = (b"/sign-in", b"/callback")
_log = logging.get("gateway")


class Gateway:
    """Pure ASGI: a service's path goes to its proxy, everything else to the pages application."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self._cookies = Cookies(settings)
        self._fixed = shield.fixed_headers(settings)
        self._origin = settings.public_origin.encode()
        self._proxies: dict[bytes, Proxy] = {}
        self._metrics = Metrics()
        self._pages = Starlette(
            lifespan=self._lifespan,
            exception_handlers={Refusal: self._page_refused, HTTPException: plain, Exception: broken},
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
            verifier = TokenVerifier(settings.issuer, settings.audience, settings.keys_url)
            self._identity = Identity(settings, verifier)
            stack.push_async_callback(self._identity.close)
            self._sessions = Sessions(bus, self._identity, Vault(settings.secret, "sessions"))
            await self._sessions.start()
            stack.push_async_callback(self._sessions.close)
            self._callers, self._rates = Callers(settings, verifier), Rates(settings, bus)
            self._rates.start()
            stack.push_async_callback(self._rates.close)
            upstreams = [Upstream(name, address, settings) for name, address in settings.upstreams.items()]
            for upstream in upstreams:
                stack.push_async_callback(upstream.close)
                self._proxies[upstream.name.encode()] = Proxy(upstream, settings)
            documents = openapi.committed(list(settings.upstreams))
            document = openapi.merge(documents, settings.public_url, settings.issuer)
            self._operations = Operations(document, settings)
            door = Door(settings, self._identity, self._sessions, self._cookies, self._rates, self._callers)
            pages = Pages(settings, upstreams, Health(upstreams, bus), door, document)
            own_sessions = OwnSessions(self._sessions, self._cookies)
            reference = Reference(documents, document)
            own = (pages, own_sessions, reference, open_accounts(settings, bus, stack, self._sessions.end_person))
            app.router.routes.extend(route for part in own for route in part.routes())
            self._metrics.watch(self._sessions, self._rates, upstreams)
            if settings.metrics_port:
                await stack.enter_async_context(metrics.serving(settings, self._metrics))
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        began = time.perf_counter()
        answer = Answer(send, self._fixed)
        try:
            head = self._check(scope, answer)
            await self._enter(scope, receive, answer, head)
        except Refusal as refusal:
            await self._refuse(scope, receive, answer, refusal)
        except Exception as error:
            _log.error("request failed", path=scope["path"], exc_info=error)
            if not answer.has_begun:
                await self._refuse(scope, receive, answer, InternalError())
        finally:
            self._metrics.count(answer.kind, answer.status, time.perf_counter() - began)

    def _check(self, scope: Scope, answer: Answer) -> headers.Head:
        """What no service gets to see: odd methods, paths and headers, and unsafe requests that another site made."""
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        answer.traceparent = trace.adopt(given.decode("latin-1") if given else None)
        answer.trace_id = trace.trace_id().encode()
        head = headers.head_of(scope)
        if scope["method"] not in _METHODS:
            raise MethodRefused
        if not is_plain(scope["raw_path"], scope["query_string"]):
            raise PathRefused
        if scope["method"] in _SAFE or self._cookies.session_of(scope) is None:
            return head
        if head.get(b"sec-fetch-site") != b"same-origin" and head.get(b"origin") != self._origin:
            raise CrossSiteRefused
        return head

    async def _enter(self, scope: Scope, receive: Receive, answer: Answer, head: headers.Head) -> None:
        path: bytes = scope["raw_path"]
        _, first, second, *_ = (*path.split(b"/", 3), b"", b"")
        is_api = first == b"api"
        proxy = self._proxies.get(second if is_api else first)
        if proxy is None:
            answer.kind = "own"
            await self._enter_own(scope, receive, answer, path)
            return
        answer.kind = "api" if is_api else "page"
        passage, caller = await self._passage(scope, head, answer, is_page=not is_api)
        self._charge(scope, head, answer, caller, is_api=is_api)
        await proxy.forward(scope, receive, answer, passage)

    async def _enter_own(self, scope: Scope, receive: Receive, answer: Answer, path: bytes) -> None:
        if path in _SIGN_IN:
            answer.added = self._rates.charge("sign-in", self._callers.address(scope), 1)
        elif not path.startswith(_IMPERSONAL):
            caller = await self._recognise(scope)
            self._charge(scope, headers.head_of(scope), answer, caller, is_api=path.startswith(b"/api/"))
        await self._pages(scope, receive, answer)

    def _charge(self, scope: Scope, head: headers.Head, answer: Answer, caller: Caller, *, is_api: bool) -> None:
        if is_api:
            operation = self._operations.find(scope["method"], scope["raw_path"])
            cost = operation.export_cost if is_export(head.get(b"accept")) else operation.cost
            answer.added = operation.added
            scope["route"] = operation
        else:
            cost = self.settings.cost_read if scope["method"] in _SAFE else self.settings.cost_write
        answer.added = (*answer.added, *self._rates.charge(*caller, cost))

    async def _passage(
        self, scope: Scope, head: headers.Head, answer: Answer, *, is_page: bool
    ) -> tuple[Passage, Caller]:
        chosen = cookies.choices(scope)
        cookie = self._cookies.session_of(scope)
        token, added = None, cookies.keep_choices(scope) if is_page else ()
        given = head.get(b"authorization")
        caller = self._callers.of_address(scope) if given is None else await self._callers.of_token(given, scope)
        if cookie is not None and given is None:
            session = await self._sessions.find(cookie)
            if session is None:
                added = (*added, self._cookies.clear(self._cookies.session))
            else:
                token = scope.setdefault("state", {})["token"] = session.tokens.access
                caller = self._callers.of_session(session)
        passage = Passage(
            traceparent=answer.traceparent,
            token=token,
            language=chosen["lang"].encode() if "lang" in chosen else None,
            cookies="; ".join(f"{name}={value}" for name, value in chosen.items()),
            added=added,
            on_401=SignInNeeded() if is_page and headers.wants_html(head) else None,
        )
        return passage, caller

    async def _recognise(self, scope: Scope) -> Caller:
        """For the gateway's own pages: the person in `request.state`, where the frame looks for one."""
        state = scope.setdefault("state", {})
        session = await self._sessions.find(self._cookies.session_of(scope))
        if session is None:
            return self._callers.of_address(scope)
        state["actor"] = await self._identity.actor(session.tokens.access)
        state["token"], state["session"] = session.tokens.access, session
        return self._callers.of_session(session)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        scope["app"] = self._pages
        request = Request(scope, receive)
        if isinstance(refusal, SignInNeeded):
            response = self._to_sign_in(request)
        else:
            await self._name_reader(scope)
            response = refused(request, refusal)
        await response(scope, receive, send)

    async def _page_refused(self, request: Request, refusal: Exception) -> Response:
        if isinstance(refusal, SignInNeeded) and headers.wants_html(headers.head_of(request.scope)):
            return self._to_sign_in(request)
        return refused(request, refusal)

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


def create_app(settings: GatewaySettings) -> ASGIApp:
    """Spans cost nothing where no collector is named: then nothing is wrapped."""
    return trace.Traced(Gateway(settings)) if trace.is_on() else Gateway(settings)
