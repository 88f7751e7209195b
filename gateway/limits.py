"""Limits that uvicorn's httptools protocol lacks: size of a request's head, and the time it may take to arrive."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ONE_READ = 256 * 1024
_ANSWERS = {
    "large": b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    "slow": b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
}


class LimitedProtocol(HttpToolsProtocol):
    """A head over `head_limit` bytes gets 431, one not complete after `head_seconds` gets 408; both close."""

    head_limit = 32 * 1024
    head_seconds = 20.0
    discard_limit = 100_000_000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._pending_bytes = 0
        self._discarded = 0
        self._in_head = True
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            if self.cycle is not None and self.cycle.response_complete and not self.transport.is_closing():
                self._discard(len(data))
            return
        self._pending_bytes += len(data)
        # One read may also hold the end of the previous body, hence the allowance.
        if self._pending_bytes > self.head_limit + _ONE_READ:
            self._refuse("large")
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

    def send_400_response(self, msg: str) -> None:
        if self._head_bytes > self.head_limit:
            self._refuse("large")
        else:
            super().send_400_response(msg)

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

    def _refuse(self, reason: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(_ANSWERS[reason])
            self.transport.close()

    def _arm(self) -> None:
        self._disarm()
        self._head_timer = self.loop.call_later(self.head_seconds, self._refuse, "slow")

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def limited(head_limit: int, head_seconds: float) -> type[LimitedProtocol]:
    return type("LimitedProtocol", (LimitedProtocol,), {"head_limit": head_limit, "head_seconds": head_seconds})
