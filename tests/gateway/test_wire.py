"""The connection to a service against raw servers: framing, stale connections, pace, and what is never sent twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.pool import Exchange, Pool
from gateway.wire import Away, Broke, Connection, Times

pytestmark = pytest.mark.database
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TIMES = Times(connect=1, idle=0.5, keep=0.5)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request on a connection with the next of `answers`; None hangs up. Keeps what it was sent."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                if b"chunked" in head.lower():
                    body = await reader.readuntil(b"0\r\n\r\n")
                self.requests.append(head + body)
                answer = self.answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def pool_of(serve: Serve, times: Times = TIMES) -> AsyncIterator[Pool]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        pool = Pool("127.0.0.1", server.sockets[0].getsockname()[1], times)
        yield pool
        pool.close()


async def get(pool: Pool, method: str = "GET") -> tuple[int, bytes]:
    async with Exchange(pool, method, b"/x?a=1", [(b"host", b"h")], None) as answer:
        return answer.status, await answer.read()


async def test_a_connection_serves_again_and_again() -> None:
    server = Server(OK, OK, OK)
    async with pool_of(server) as pool:
        assert [await get(pool) for _ in range(3)] == [(200, b"ok")] * 3
    assert server.connections == 1
    assert server.requests[0] == b"GET /x?a=1 HTTP/1.1\r\nhost: h\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n", b""),
    ],
)
async def test_each_framing_of_an_answer(answer: bytes, body: bytes) -> None:
    server = Server(answer, OK)
    async with pool_of(server) as pool:
        assert (await get(pool))[1] == body
        assert await get(pool) == (200, b"ok")
    assert server.connections == 1


async def test_an_answer_that_ends_with_its_connection() -> None:
    async with pool_of(Server(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end", None)) as pool:
        with pytest.raises(TimeoutError):
            await get(pool)

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end")
        writer.close()

    async with pool_of(close) as pool:
        assert await get(pool) == (200, b"to the end")


async def test_the_answer_to_head_has_no_body_and_its_connection_is_given_up() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", OK)
    async with pool_of(server) as pool:
        assert await get(pool, "HEAD") == (200, b"")
        assert await get(pool) == (200, b"ok")
    assert server.connections == 2


@pytest.mark.parametrize("nonsense", [b"no http\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", OK[:-1],
                                      b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
                                      b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n"])  # fmt: skip
async def test_an_answer_that_is_none_is_broke_or_too_late(nonsense: bytes) -> None:
    async with pool_of(Server(nonsense, None)) as pool:
        with pytest.raises((Broke, TimeoutError)):
            await get(pool)


async def test_bytes_nobody_asked_for_end_the_connection() -> None:
    server = Server(OK + OK, OK)
    async with pool_of(server) as pool:
        assert await get(pool) == (200, b"ok")
        await asyncio.sleep(0.05)
        assert await get(pool) == (200, b"ok")
    assert server.connections == 2


async def test_nobody_there_is_away() -> None:
    with pytest.raises(Away):
        await get(Pool("127.0.0.1", 1, TIMES))


@pytest.mark.parametrize(("method", "asked"), [("GET", 3), ("POST", 2), ("DELETE", 2), ("PUT", 2)])
async def test_only_a_get_goes_out_again_when_a_kept_connection_was_closed_meanwhile(method: str, asked: int) -> None:
    server = Server(OK, None, OK)
    async with pool_of(server) as pool:
        await get(pool)
        if method == "GET":
            assert await get(pool) == (200, b"ok")
        else:
            with pytest.raises(Broke):
                await get(pool, method)
    assert len(server.requests) == asked


async def test_a_new_connection_that_hangs_up_is_not_asked_again() -> None:
    server = Server(None, OK)
    async with pool_of(server) as pool:
        with pytest.raises(Broke):
            await get(pool)
    assert len(server.requests) == 1


async def test_half_an_answer_is_never_asked_for_again() -> None:
    server = Server(OK, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", None)
    async with pool_of(server, Times(1, 0.2, 5)) as pool:
        await get(pool)
        with pytest.raises((Broke, TimeoutError)):
            await get(pool)
    assert len(server.requests) == 2


async def test_silence_ends_an_exchange_and_rest_a_connection() -> None:
    server = Server(OK, b"", OK)
    async with pool_of(server, Times(connect=1, idle=0.2, keep=0.2)) as pool:
        assert await get(pool) == (200, b"ok")
        assert len(pool._resting) == 1
        await asyncio.sleep(0.5)
        assert not pool._resting[0].is_open
        with pytest.raises(TimeoutError):
            await get(pool)


async def sent(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_goes_out_with_its_length_or_in_chunks() -> None:
    server = Server(OK, OK)
    async with pool_of(server) as pool:
        for header in ((b"content-length", b"4"), (b"transfer-encoding", b"chunked")):
            async with Exchange(pool, "POST", b"/", [header], sent(b"ab", b"cd")) as answer:
                assert await answer.read() == b"ok"
    assert server.requests[0].endswith(b"\r\n\r\nabcd")
    assert server.requests[1].endswith(b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
    assert server.connections == 1


async def test_what_is_wrong_with_the_body_reaches_whoever_waits_for_the_answer() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"ab"
        raise ValueError("gone")

    server = Server(OK)
    async with pool_of(server) as pool:
        with pytest.raises(ValueError, match="gone"):
            async with Exchange(pool, "POST", b"/", [(b"content-length", b"4")], broken()):
                pass
        assert not pool._resting
        assert not pool._busy


async def test_an_answer_before_the_whole_body_ends_the_connection() -> None:
    stopped = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.sleep(30)
        finally:
            stopped.set()

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    async with pool_of(early) as pool:
        async with Exchange(pool, "POST", b"/", [(b"content-length", b"9")], slow()) as answer:
            assert await answer.read() == b"ok"
        await asyncio.wait_for(stopped.wait(), 2)
        assert not pool._resting


async def test_a_slow_reader_slows_the_service_and_loses_nothing() -> None:
    size, written = 8_000_000, 0

    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(b"x" * 50_000)
            written += 50_000
            await writer.drain()

    async with pool_of(large, Times(1, 0.3, 1)) as pool, Exchange(pool, "GET", b"/", [], None) as answer:
        await asyncio.sleep(0.8)
        held = answer._buffered
        assert held < 1_000_000
        assert written < size
        taken = 0
        async for chunk in answer.flow():
            taken += len(chunk)
        assert taken == size


async def test_a_cancelled_exchange_gives_its_connection_up() -> None:
    made: list[Connection] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with pool_of(silent, Times(1, 30, 5)) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await get(pool)
        made.extend(pool._busy)
        assert not made
        assert not pool._resting
