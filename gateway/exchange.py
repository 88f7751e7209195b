"""One request on its way through: its body as it arrives, and the guard that ends it when nobody waits any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, NamedTuple

from starlette.types import Receive, Scope

from gateway import headers
from gateway.errors import BodyTooSlow, TooLarge
from kernel.errors import Refusal

# Most exchanges are over before this; only longer ones pay for a task that watches for a disconnect.
_UNWATCHED_SECONDS = 0.2


class ClientGone(Exception):
    """The caller closed the connection: there is nobody to answer."""


class Pace(NamedTuple):
    """How slowly a body may arrive: the longest silence, and after a grace the least bytes a second on average."""

    idle_seconds: float
    grace_seconds: float
    bytes_a_second: float

    def is_missed(self, taken: int, seconds: float) -> bool:
        return taken < (seconds - self.grace_seconds) * self.bytes_a_second


class Body:
    """The caller's body, chunk by chunk. `failure` says why it ended early."""

    def __init__(self, scope: Scope, receive: Receive, *, limit: int, pace: "Pace") -> None:
        self.length = _declared_length(scope)
        self.failure: Refusal | ClientGone | None = None
        self._receive, self._limit, self._pace = receive, limit, pace
        self._complete = asyncio.Event()
        self._begun = False
        if self.length == 0:
            self._complete.set()
        elif self.length is not None and self.length > limit:
            raise _too_large(limit)

    @property
    def is_complete(self) -> bool:
        return self._complete.is_set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:
            # The HTTP client repeats idempotent requests on a fresh connection, but what was read is gone.
            raise RuntimeError("a streamed body cannot be sent twice")
        self._begun = True
        taken, began = 0, time.monotonic()
        while True:
            message = await self._next()
            chunk: bytes = message.get("body", b"")
            taken += len(chunk)
            if taken > self._limit:
                raise self._fail(_too_large(self._limit))
            if self._pace.is_missed(taken, time.monotonic() - began):
                raise self._fail(BodyTooSlow())
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                self._complete.set()
                return

    async def gone(self) -> None:
        """Returns when the caller has disconnected, which can be seen only once the body is read."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next(self) -> Any:
        try:
            async with asyncio.timeout(self._pace.idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise self._fail(BodyTooSlow()) from None
        if message["type"] == "http.disconnect":
            raise self._fail(ClientGone())
        return message

    def _fail(self, failure: Refusal | ClientGone) -> Refusal | ClientGone:
        self.failure = failure
        return failure


class Guard:
    """Cancels the exchange it surrounds when the caller goes away (`gone`) or after its total time (`late`)."""

    def __init__(self, body: Body, total_seconds: float) -> None:
        self.gone = self.late = False
        self._body, self._total = body, total_seconds
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> "Guard":
        loop = asyncio.get_running_loop()
        current = asyncio.current_task()
        assert current is not None
        self._exchange = current
        self._timer = loop.call_later(_UNWATCHED_SECONDS, self._begin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Swallows the cancellation that came from here; one from outside (shutdown) goes on."""
        self.stop()
        if kind is asyncio.CancelledError and (self.gone or self.late):
            self._exchange.uncancel()
            return True
        return False

    def stop(self) -> None:
        """Called just before the last byte leaves: the server reports a complete answer as a disconnect, too."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _begin(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._total):
                await self._body.gone()
            self.gone = True
        except TimeoutError:
            self.late = True
        self._exchange.cancel()


def _declared_length(scope: Scope) -> int | None:
    """Bytes announced, 0 for no body, None for a chunked one. The server has refused contradictions."""
    head = headers.head_of(scope)
    if b"transfer-encoding" in head:
        return None
    return int(head.get(b"content-length", b"0"))


def _too_large(limit: int) -> TooLarge:
    return TooLarge(limit_mb=limit // 1_000_000)
