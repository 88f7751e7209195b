"""One service behind the gateway: its address, its own connections, its own limit of requests in flight."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gateway.errors import ServiceBusy
from gateway.settings import GatewaySettings

# A service's server closes idle connections after 5 s; reusing one in that instant would cost a 502.
_KEEP_ALIVE = 4
_HEADER_LIMIT = 32 * 1024
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Fetched(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """Pools and limits are per service, so that a slow one fills only its own."""

    def __init__(self, name: str, address: str, settings: GatewaySettings) -> None:
        self.name = name
        parts = urlsplit(address)
        if not parts.hostname or parts.scheme != "http":
            raise ValueError(f"{name}: the address must look like http://host:port, not {address!r}")
        self.origin = f"http://{parts.netloc}".encode()
        self._host, self._port = parts.hostname, parts.port or 80
        self._slots = asyncio.Semaphore(settings.concurrency)
        # Whoever sends slowly holds a place for as long; a quarter stays for those who only read.
        self._senders = asyncio.Semaphore(max(1, settings.concurrency * 3 // 4))
        self._patience = settings.queue_seconds
        self._places = settings.concurrency
        self.failures: Counter[str] = Counter()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, force_close=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=settings.connect_seconds, sock_read=settings.idle_seconds
            ),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )

    @property
    def in_flight(self) -> int:
        return self._places - self._slots._value

    async def close(self) -> None:
        await self._session.close()

    @asynccontextmanager
    async def slot(self, *, sends: bool = False) -> AsyncIterator[None]:
        """A place among the requests in flight; ServiceBusy when none came free within the patience.

        `sends`: the request has a body, which its sender may take long over.
        """
        if sends:
            await self._take(self._senders)
        try:
            await self._take(self._slots)
            try:
                yield
            finally:
                self._slots.release()
        finally:
            if sends:
                self._senders.release()

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
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: CIMultiDict[str],
        body: AsyncIterable[bytes] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The request with its path untouched; the answer's body is still to be read."""
        url = URL.build(
            scheme="http",
            host=self._host,
            port=self._port,
            path=path.decode("ascii"),
            query_string=query.decode("ascii"),
            encoded=True,
        )
        return self._session.request(method, url, headers=headers, data=body, allow_redirects=False)

    async def fetch(self, path: str, *, headers: CIMultiDict[str] | None = None, seconds: float) -> Fetched:
        """A small GET of the gateway's own (health, a card of the home page), its body read whole.

        Raises aiohttp.ClientError or TimeoutError.
        """
        async with (
            asyncio.timeout(seconds),
            self.slot(),
            self.send("GET", path.encode(), b"", headers or CIMultiDict()) as answer,
        ):
            return Fetched(answer.status, answer.headers, await answer.read())
