"""What the gateway does not take at all: raw bytes on the socket, since no client library would send them."""

import asyncio

import pytest

from gateway.paths import is_plain, local_target
from tests.gateway.conftest import Running, Starter

HOST = "Host: 127.0.0.1"


async def raw(running: Running, *lines: str, body: bytes = b"", wait: float = 5) -> bytes:
    port = int(running.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()
    try:
        async with asyncio.timeout(wait):
            return await reader.read(100_000)
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.unit
@pytest.mark.parametrize(
    "path",
    ["/a//b", "//a", "/a/../b", "/a/..", "/./a", "/a/.", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/%2e%2e/a", "/a%2Eb",
     "/a%00", "/a%0d%0a", "/a%", "/a%g1", "/a\x7f", "/a b", "a", "", "*"],
)  # fmt: skip
def test_a_path_that_readers_could_see_differently_is_not_plain(path: str) -> None:
    assert not is_plain(path.encode("latin-1"))


@pytest.mark.unit
@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a.b/c..d/..e", "/a:check", "/c%E1%BB%99t%20A", "/a;b=c/d@e,f"])
def test_an_ordinary_path_is_plain(path: str) -> None:
    assert is_plain(path.encode())


@pytest.mark.unit
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "", None, "/a\r\nX: 1", "/\t/x"],
)
def test_a_target_of_another_origin_becomes_the_home_page(target: str | None) -> None:
    assert local_target(target) == "/"


@pytest.mark.unit
def test_a_target_of_our_own_is_kept() -> None:
    assert local_target("/registry/masts?q=a b".replace(" ", "%20")) == "/registry/masts?q=a%20b"


@pytest.mark.database
@pytest.mark.parametrize(
    "target",
    ["/registry//echo", "//registry/echo", "/registry/../permits/echo", "/api/registry/%2e%2e/permits/echo",
     "/registry%2fecho", "/registry/echo%00", "/registry/echo?a=\xe9"],
)  # fmt: skip
async def test_tricky_paths_are_400_and_reach_no_service(running: Running, target: str) -> None:
    answer = await raw(running, f"GET {target} HTTP/1.1", HOST, "Connection: close")
    assert status(answer) == 400
    assert all(not service.seen for service in running.services.values())


@pytest.mark.database
@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length: +4",),
        ("Content-Length: 0x4",),
        ("X-Folded: a", " b"),
        ("Bad Name: 1",),
    ],
)
async def test_ambiguous_framing_never_becomes_a_second_request(running: Running, lines: tuple[str, ...]) -> None:
    smuggled = b"0\r\n\r\nGET /api/registry/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = ("POST /api/registry/echo HTTP/1.1", HOST, "Connection: close", *lines)
    answer = await raw(running, *head, body=smuggled)
    seen = running.services["registry"].seen
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not any("smuggled" in path for path in seen)
    assert status(answer) in (400, 200, 501)


@pytest.mark.database
async def test_odd_methods_are_405(running: Running) -> None:
    for method in ("TRACE", "PROPFIND"):
        answer = await raw(running, f"{method} /api/registry/echo HTTP/1.1", HOST, "Connection: close")
        assert status(answer) == 405


@pytest.mark.database
async def test_an_upgrade_is_not_passed_on(running: Running) -> None:
    lines = ("GET /api/registry/echo HTTP/1.1", HOST, "Connection: Upgrade, close", "Upgrade: websocket")
    answer = await raw(running, *lines)
    assert status(answer) == 200
    assert b"upgrade" not in answer.split(b"\r\n\r\n", 1)[1].lower().replace(b"upgrade-insecure", b"")


@pytest.mark.database
async def test_a_head_over_the_limit_is_431(start: Starter) -> None:
    running = await start(head_limit_kb=8)
    many = [f"X-H{no}: {'v' * 100}" for no in range(100)]
    assert status(await raw(running, "GET /health/live HTTP/1.1", HOST, *many)) == 431
    assert status(await raw(running, f"GET /{'a' * 9000} HTTP/1.1", HOST)) == 431
    port = int(running.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nX-Endless: " + b"a" * 1_000_000)
    async with asyncio.timeout(5):
        assert status(await reader.read(1000)) == 431
    writer.close()
    assert (await running.client.get("/health/live")).status_code == 200


@pytest.mark.database
async def test_a_connection_too_many_is_503_and_the_others_go_on(start: Starter) -> None:
    running = await start(connections=3)
    port = int(running.url.rsplit(":", 1)[1])
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(3):
        refused = await reader.read(10_000)
    assert status(refused) == 503
    assert b'"code":"ConnectionsFull"' in refused
    assert b"retry-after: 2" in refused
    writer.close()
    first, sender = held[0]
    sender.write(f"GET /health/live HTTP/1.1\r\n{HOST}\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(3):
        assert status(await first.read(10_000)) == 200
    for _, each in held:
        each.close()


@pytest.mark.database
async def test_a_head_that_never_ends_is_408(start: Starter) -> None:
    running = await start(head_seconds=0.3)
    for opening in (b"GET / HTTP/1.1\r\nX-A: b\r\n", b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rsplit(":", 1)[1]))
        writer.write(opening)
        async with asyncio.timeout(3):
            assert status(await reader.read(1000)) == 408
        writer.close()
