"""Connections to one service that are kept for the next request, and one request over one of them."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from gateway.wire import Away, Broke, Connection, Headers, Times


async def connected(host: str, port: int, times: Times) -> Connection:
    """Raises Away."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(times.connect):
            _, made = await loop.create_connection(lambda: Connection(times), host, port)
    except (OSError, TimeoutError) as error:
        raise Away(repr(error)) from error
    return made


class Pool:
    """Connections to one address; the one used last is used next, so that those too many are closed by their rest."""

    def __init__(self, host: str, port: int, times: Times) -> None:
        self._host, self._port, self._times = host, port, times
        self._resting: list[Connection] = []
        self._busy: set[Connection] = set()

    async def take(self) -> Connection:
        while self._resting:
            connection = self._resting.pop()
            if connection.is_open:
                connection.is_reused = True
                self._busy.add(connection)
                return connection
        connection = await connected(self._host, self._port, self._times)
        self._busy.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection.leave():
            self._resting.append(connection)

    def close(self) -> None:
        for connection in (*self._resting, *self._busy):
            connection.close()


class Exchange:
    """`async with Exchange(...) as connection`: the head of the answer is there, its body still to be read."""

    __slots__ = ("_asked", "_connection", "_pool")

    def __init__(
        self, pool: Pool, method: str, target: bytes, headers: Headers, body: AsyncIterable[bytes] | None
    ) -> None:
        self._pool = pool
        self._asked = (method.encode(), target, headers, body)
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        """A GET that met a connection just closed by the service is asked again; nothing else ever goes out twice."""
        method, *_, body = self._asked
        try:
            return await self._ask()
        except Broke:
            if method not in (b"GET", b"HEAD") or body is not None or not self._was_stale:
                raise
        return await self._ask()

    async def _ask(self) -> Connection:
        connection = await self._pool.take()
        try:
            await connection.ask(*self._asked)
        except BaseException:
            self._pool.give_back(connection)
            self._connection = connection
            raise
        self._connection = connection
        return connection

    @property
    def _was_stale(self) -> bool:
        connection = self._connection
        return connection is not None and connection.is_reused and connection.is_fresh

    async def __aexit__(self, *_: Any) -> None:
        assert self._connection is not None
        self._pool.give_back(self._connection)
