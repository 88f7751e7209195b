"""Limits that uvicorn's httptools protocol lacks: size of a head, time it may take to arrive, number of connections."""

import secrets
from asyncio import TimerHandle, Transport
from pathlib import Path
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.cycle import Cycle
from gateway.errors import BadRequest, ConnectionsFull, HeadTooLarge, HeadTooSlow
from gateway.settings import GatewaySettings
from gateway.shield import NOT_KEPT, Added, fixed_headers
from kernel.errors import Refusal, problem
from kernel.web.i18n import DEFAULT, translations

_LOCALE = Path(__file__).with_name("locale")
_ONE_READ = 256 * 1024
_PHRASES = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
_UNAVAILABLE = b"Service Unavailable"


class LimitedProtocol(HttpToolsProtocol):
    """A head over `head_limit` bytes gets 431, one not complete after `head_seconds` gets 408; both close."""

    head_limit = 32 * 1024
    head_seconds = 20.0
    most_connections = 4000
    discard_limit = 100_000_000
    fixed: Added = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._pending_bytes = 0
        self._discarded = 0
        self._in_head = True
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._refuse(ConnectionsFull(headers={"Retry-After": "2"}))
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self._in_head:
            if self.cycle is not None and self.cycle.response_complete and not self.transport.is_closing():
                self._discard(len(data))
            return
        self._pending_bytes += len(data)
        # One read may also hold the end of the previous body, hence the allowance.
        if self._pending_bytes > self.head_limit + _ONE_READ:
            self._refuse(HeadTooLarge())
        elif self._head_timer is None:
            self._arm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._pending_bytes = self._discarded = 0
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._pending_bytes = 0
        self._disarm()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Where every request begins, also one that was queued; uvicorn leaves no other place to say how to answer."""
        cycle.__class__ = Cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """What follows a whole request and is no request only ends the connection: the first keeps its answer."""
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self._refuse(HeadTooLarge() if self._head_bytes > self.head_limit else BadRequest())

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.head_limit:
            raise ValueError("request head too large")

    def _discard(self, size: int) -> None:
        """The rest of a body that was refused. Closing at once would reset the connection before the answer is read."""
        self._discarded += size
        self._unset_keepalive_if_required()
        if self._discarded > self.discard_limit:
            self.transport.close()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _refuse(self, refusal: Refusal) -> None:
        """Where no other answer is under way it is told; where one is, all that is left is to hang up."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if not self.pipeline and (cycle is None or cycle.response_complete or not cycle.response_started):
            self.transport.write(_raw(refusal, self.fixed))
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _arm(self) -> None:
        self._disarm()
        self._head_timer = self.loop.call_later(self.head_seconds, self._refuse_slow)

    def _refuse_slow(self) -> None:
        self._refuse(HeadTooSlow())

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _raw(refusal: Refusal, fixed: Added) -> bytes:
    """A whole HTTP answer. Nobody has said which language he reads, so it is the first one."""
    trace_id = secrets.token_hex(16)
    body = orjson.dumps(problem(refusal, translations([_LOCALE], DEFAULT).gettext, trace_id))
    said = [
        *((name.lower().encode(), value.encode()) for name, value in refusal.headers.items()),
        *fixed,
        NOT_KEPT,
        (b"x-trace-id", trace_id.encode()),
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    head = b"HTTP/1.1 %d %b\r\n" % (refusal.status, _PHRASES.get(refusal.status, _UNAVAILABLE))
    return head + b"".join(b"%b: %b\r\n" % each for each in said) + b"\r\n" + body


def limited(settings: GatewaySettings) -> type[LimitedProtocol]:
    own = {
        "head_limit": settings.head_limit_kb * 1024,
        "head_seconds": settings.head_seconds,
        "most_connections": settings.connections,
        "fixed": fixed_headers(settings),
    }
    return type("LimitedProtocol", (LimitedProtocol,), own)
