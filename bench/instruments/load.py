"""HTTP connections that each send the next request when the answer to the last is complete."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

Request = Callable[[], bytes]
Act = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Sample:
    """One round of one subject: how many, in how many seconds, and how long each took (seconds)."""

    count: int
    seconds: float
    times: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return self.count / self.seconds


def request(method: str, path: str, port: int, token: str, body: bytes = b"", **headers: str) -> bytes:
    head = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


class Connection:
    """One keep-alive connection; it understands answers with a Content-Length, as all of ours have."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, content: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError on any status but 2xx: a bench of refusals measures nothing."""
        self._writer.write(content)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
        body = await self._reader.readexactly(int(length))
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(head.decode("latin-1") + body.decode()[:2000])
        return body

    def close(self) -> None:
        self._writer.close()


async def over_http(port: int, make: Request, connections: int, seconds: float) -> Sample:
    opened = [await Connection.open(port) for _ in range(connections)]
    try:
        return await repeated([_sending(one, make) for one in opened], seconds)
    finally:
        for one in opened:
            one.close()


def _sending(connection: Connection, make: Request) -> Act:
    return lambda: connection.send(make())


async def repeated(acts: Sequence[Act], seconds: float) -> Sample:
    """Each act again and again, side by side, until the time is over."""
    times: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def again(act: Act) -> None:
        while (start := time.perf_counter()) < until:
            await act()
            times.append(time.perf_counter() - start)

    await asyncio.gather(*(again(act) for act in acts))
    return Sample(len(times), time.perf_counter() - began, times)
