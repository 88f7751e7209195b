"""One service behind the gateway: its address, its own connections, its own limit of requests in flight."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.errors import ServiceBusy
from gateway.pool import Exchange, Pool
from gateway.settings import GatewaySettings
from gateway.wire import Headers, Times

# A service's server closes idle connections after 5 s; reusing one in that instant would cost a 502.
_KEEP_ALIVE = 4


class Fetched(NamedTuple):
    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Upstream:
    """Pools and limits are per service, so that a slow one fills only its own."""

    def __init__(self, name: str, address: str, settings: GatewaySettings) -> None:
        self.name = name
        parts = urlsplit(address)
        if not parts.hostname or parts.scheme != "http":
            raise ValueError(f"{name}: the address must look like http://host:port, not {address!r}")
        self.origin = f"http://{parts.netloc}".encode()
        self._host = (b"host", parts.netloc.encode())
        times = Times(settings.connect_seconds, settings.idle_seconds, _KEEP_ALIVE)
        self._pool = Pool(parts.hostname, parts.port or 80, times)
        self._slots = asyncio.Semaphore(settings.concurrency)
        # Whoever sends slowly holds a place for as long; a quarter stays for those who only read.
        self._senders = asyncio.Semaphore(max(1, settings.concurrency * 3 // 4))
        self._patience = settings.queue_seconds
        self._places = settings.concurrency
        self.failures: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        return self._places - self._slots._value

    async def close(self) -> None:
        self._pool.close()

    def slot(self, *, sends: bool = False) -> "Slot":
        """A place among the requests in flight; ServiceBusy when none came free within the patience.

        `sends`: the request has a body, which its sender may take long over.
        """
        return Slot(self, sends)

    async def _take(self, places: asyncio.Semaphore) -> None:
        if not places.locked():
            await places.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await places.acquire()
        except TimeoutError:
            raise ServiceBusy(service=self.name, headers={"Retry-After": "1"}) from None

    def send(
        self, method: str, path: bytes, query: bytes, headers: Headers, body: AsyncIterable[bytes] | None = None
    ) -> Exchange:
        """The request with its path untouched; the answer's body is still to be read."""
        target = path + b"?" + query if query else path
        return Exchange(self._pool, method, target, [self._host, *headers], body)

    async def fetch(self, path: str, *, headers: Headers | None = None, seconds: float) -> Fetched:
        """A small GET of the gateway's own (health, a card of the home page), its body read whole.

        Raises Away, Broke or TimeoutError.
        """
        async with (
            asyncio.timeout(seconds),
            self.slot(),
            self.send("GET", path.encode(), b"", headers or []) as answer,
        ):
            return Fetched(answer.status, dict(answer.headers), await answer.read())


class Slot:
    """`async with`: holds a place, and a sender's place where there is a body."""

    __slots__ = ("_sends", "_upstream")

    def __init__(self, upstream: Upstream, sends: bool) -> None:
        self._upstream, self._sends = upstream, sends

    async def __aenter__(self) -> None:
        if self._sends:
            await self._upstream._take(self._upstream._senders)
        try:
            await self._upstream._take(self._upstream._slots)
        except BaseException:
            if self._sends:
                self._upstream._senders.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._upstream._slots.release()
        if self._sends:
            self._upstream._senders.release()
