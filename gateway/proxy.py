"""Forwarding: the caller's request to the service, the service's answer back, both as they flow."""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from gateway import headers
from gateway.errors import ServiceAway, ServiceBroke, ServiceSlow
from gateway.exchange import Body, ClientGone, Guard, Pace
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream
from gateway.wire import Away, Broke, Connection, Headers
from kernel import logging
from kernel.errors import Refusal

# An answer up to this size is read whole before the first byte leaves, so that a break can still become a 502.
_SMALL = 64 * 1024
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_log = logging.get("gateway.proxy")


@dataclass(frozen=True, slots=True)
class Passage:
    """What the gateway adds to one forwarded request, decided before the proxy is reached.

    `on_401`: what is raised instead of passing on a 401 (a page sends its reader to sign in).
    """

    traceparent: str
    token: str | None = None
    language: bytes | None = None
    cookies: str = ""
    added: tuple[tuple[bytes, bytes], ...] = ()
    on_401: Refusal | None = None


class Proxy:
    """The hop to one service. Raises Refusal as long as nothing has been answered yet."""

    def __init__(self, upstream: Upstream, settings: GatewaySettings) -> None:
        self._upstream = upstream
        self._limit = settings.body_limit_mb * 1_000_000
        self._pace = Pace(settings.idle_seconds, settings.body_grace_seconds, settings.body_bytes_a_second)
        self._total = settings.total_seconds

    async def forward(self, scope: Scope, receive: Receive, send: Send, passage: Passage) -> None:
        body = Body(scope, receive, limit=self._limit, pace=self._pace)
        relay = _Relay(self._upstream.origin, send, passage)
        guard = Guard(body, self._total)
        try:
            with guard:
                async with (
                    self._upstream.slot(sends=body.length != 0),
                    self._upstream.send(
                        scope["method"],
                        scope["raw_path"],
                        scope["query_string"],
                        self._headers(scope, body, passage),
                        None if body.length == 0 else body,
                    ) as answer,
                ):
                    await relay.give(answer, scope["method"], guard)
        except (Away, Broke, TimeoutError, ClientGone, Refusal) as error:
            self._explain(error, body, relay)
        if guard.late:
            self._explain(TimeoutError(), body, relay)

    def _headers(self, scope: Scope, body: Body, passage: Passage) -> Headers:
        passed = headers.request_headers(scope["headers"])
        passed.append((b"traceparent", passage.traceparent.encode()))
        if passage.token is not None:
            passed.append((b"authorization", b"Bearer " + passage.token.encode()))
        language = passage.language or headers.head_of(scope).get(b"accept-language")
        if language is not None:
            passed.append((b"accept-language", language))
        if passage.cookies:
            passed.append((b"cookie", passage.cookies.encode()))
        if body.length is None:
            passed.append((b"transfer-encoding", b"chunked"))
        elif body.length or scope["method"] not in _BODILESS:
            passed.append((b"content-length", b"%d" % body.length))
        return passed

    def _explain(self, error: Exception, body: Body, relay: "_Relay") -> None:
        """Raises what the caller is told; returns when there is nobody to tell or the answer has begun."""
        if isinstance(body.failure, ClientGone) or isinstance(error, ClientGone):
            return
        if isinstance(error, Refusal) and error is not body.failure:
            raise error
        if relay.has_begun:
            # The server sees an unfinished answer and cuts the connection, which is the only truth left to tell.
            self._upstream.failures["broke"] += 1
            _log.warning("answer broke", upstream=self._upstream.name, error=repr(error))
            return
        if body.failure is not None:
            raise body.failure from error
        self._upstream.failures[type(error).__name__] += 1
        _log.warning("no answer", upstream=self._upstream.name, error=repr(error))
        if isinstance(error, Away):
            raise ServiceAway(service=self._upstream.name, headers={"Retry-After": "2"}) from error
        if isinstance(error, TimeoutError):
            raise ServiceSlow(service=self._upstream.name) from error
        raise ServiceBroke(service=self._upstream.name) from error


class _Relay:
    def __init__(self, origin: bytes, send: Send, passage: Passage) -> None:
        self.has_begun = False
        self._origin, self._send, self._passage = origin, send, passage

    async def give(self, answer: Connection, method: str, guard: Guard) -> None:
        if answer.status == 401 and self._passage.on_401 is not None:
            raise self._passage.on_401
        bodiless = method == "HEAD" or answer.status in (204, 304)
        if bodiless or (answer.length is not None and answer.length <= _SMALL):
            whole = await answer.read()
            await self._begin(answer, bodiless)
        else:
            await self._begin(answer, bodiless)
            async for chunk in answer.flow():
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            whole = b""
        guard.stop()
        await self._send({"type": "http.response.body", "body": whole, "more_body": False})

    async def _begin(self, answer: Connection, bodiless: bool) -> None:
        passed = headers.response_headers(
            answer.headers, self._origin, bodiless=bodiless and answer.status in (204, 304)
        )
        passed.extend(self._passage.added)
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": answer.status, "headers": passed})
