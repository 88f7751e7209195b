"""What goes through the gateway, in either direction, and what does not."""

import asyncio
import gzip
import hashlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.gateway.conftest import Running, Starter

pytestmark = pytest.mark.database


async def test_path_query_and_body_arrive_unchanged(running: Running) -> None:
    answer = await running.client.post(
        "/api/registry/echo/c%E1%BB%99t%20A;x=1?q=%C4%91%20+a&q=b%2Fc",
        content='{"a": 1}',
        headers={"Idempotency-Key": "k"},
    )
    seen = answer.json()
    assert seen["path"] == "/api/registry/echo/c%E1%BB%99t%20A;x=1"
    assert seen["query"] == "q=%C4%91%20+a&q=b%2Fc"
    assert seen["body"] == '{"a": 1}'
    assert seen["headers"]["idempotency-key"] == "k"
    assert seen["headers"]["content-length"] == "8"
    assert "transfer-encoding" not in seen["headers"]


async def test_each_service_is_reached_by_api_and_by_page(running: Running) -> None:
    for name in ("registry", "permits", "sharing"):
        for path in (f"/api/{name}/echo", f"/{name}/echo"):
            assert (await running.client.get(path)).json()["path"] == path


async def test_headers_that_claim_an_identity_do_not_reach_a_service(running: Running) -> None:
    claims = {
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-User": "admin",
        "X-Remote-User": "admin",
        "X-User": "admin",
        "X-Actor-Org": "SXD",
        "X-Real-IP": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "Remote-User": "admin",
        "Remote_User": "admin",
        "Cookie": "anything=1; lang=xx",
        "Via": "1.1 somebody",
        "Proxy-Authorization": "Basic eA==",
        "TE": "trailers",
        "Connection": "keep-alive, X-Secret, Authorization",
        "X-Secret": "1",
    }
    seen = (await running.client.get("/api/registry/echo", headers={**claims, "Authorization": "Bearer own"})).json()
    kept = set(seen["headers"])
    assert kept <= {"host", "accept", "accept-encoding", "user-agent", "traceparent", "authorization"}
    assert seen["headers"]["authorization"] == "Bearer own"
    assert seen["headers"]["host"] != running.url.removeprefix("http://")


async def test_a_trace_is_continued_and_a_missing_one_begun(running: Running) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await running.client.get("/api/registry/echo", headers={"traceparent": given})
    passed = answer.json()["headers"]["traceparent"]
    assert passed[3:35] == given[3:35]
    assert passed != given
    assert answer.headers["x-trace-id"] == given[3:35]
    begun = await running.client.get("/api/registry/echo", headers={"traceparent": "00-zz-1-01"})
    assert len(begun.json()["headers"]["traceparent"]) == 55


async def test_choices_of_language_and_theme_are_passed_on_and_nothing_else_of_the_cookies(running: Running) -> None:
    cookie = {"Cookie": "lang=en; theme=dark; other=1", "Accept-Language": "vi"}
    seen = (await running.client.get("/registry/echo", headers=cookie)).json()["headers"]
    assert seen["accept-language"] == "en"
    assert seen["cookie"] == "lang=en; theme=dark"


async def test_a_choice_in_a_page_address_is_kept_by_the_gateway(running: Running) -> None:
    answer = await running.client.get("/registry/echo?lang=en&theme=purple")
    assert answer.headers.get_list("set-cookie") == ["lang=en; Max-Age=31536000; Path=/; SameSite=Lax"]
    assert answer.json()["headers"]["accept-language"] == "en"


async def test_what_a_service_says_about_cookies_and_security_is_replaced(running: Running) -> None:
    answer = await running.client.get("/registry/cookie")
    assert "set-cookie" not in answer.headers
    assert "x-powered-by" not in answer.headers
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_redirect_to_the_services_own_address_becomes_a_path(running: Running) -> None:
    assert (await running.client.get("/registry/redirect")).headers["location"] == "/registry/echo?a=1"


async def test_head_and_not_modified_have_no_body(running: Running) -> None:
    head = await running.client.head("/api/registry/download")
    assert (head.status_code, head.content) == (405, b"") or head.content == b""
    unchanged = await running.client.get("/api/registry/not-modified")
    assert (unchanged.status_code, unchanged.headers["etag"], unchanged.content) == (304, '"1"', b"")
    assert (await running.client.get("/api/registry/echo")).status_code == 200


async def test_a_large_body_is_streamed_up_in_pieces(running: Running) -> None:
    size, piece = 20_000_000, b"x" * 100_000

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    answer = (await running.client.post("/api/permits/upload", content=body())).json()
    assert answer["size"] == size
    assert answer["sha256"] == hashlib.sha256(b"x" * size).hexdigest()
    assert answer["length"] is None
    assert max(running.services["permits"].chunks) < 1_000_000


async def test_the_service_has_the_first_piece_before_the_caller_has_sent_the_last(running: Running) -> None:
    arrived = asyncio.Event()
    service = running.services["permits"]

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(5):
            await service.uploading.wait()
        arrived.set()
        yield b"last"

    answer = await running.client.post("/api/permits/upload", content=body())
    assert arrived.is_set()
    assert answer.json()["size"] == 9


async def test_a_large_answer_is_streamed_down_in_pieces(running: Running) -> None:
    size = 0
    async with running.client.stream("GET", "/api/permits/download?chunks=300") as answer:
        async for chunk in answer.aiter_raw():
            size += len(chunk)
    assert size == 300 * 65536


async def test_the_caller_sees_the_first_piece_while_the_service_is_still_sending(running: Running) -> None:
    async with asyncio.timeout(5), running.client.stream("GET", "/api/permits/endless") as answer:
        async for chunk in answer.aiter_raw():
            assert chunk.startswith(b"tick")
            break


async def test_a_caller_who_leaves_ends_the_work_at_the_service(running: Running) -> None:
    service = running.services["permits"]
    async with running.client.stream("GET", "/api/permits/endless") as answer:
        async for _ in answer.aiter_raw():
            break
    async with asyncio.timeout(5):
        await service.gone.wait()


async def test_an_announced_body_over_the_limit_is_refused_before_the_service_sees_it(start: Starter) -> None:
    running = await start(body_limit_mb=1)
    answer = await running.client.post("/api/permits/upload", content=b"x" * 1_000_001)
    assert answer.status_code == 413
    assert answer.json()["code"] == "TooLarge"
    assert running.services["permits"].chunks == []


async def test_a_body_of_unknown_length_is_cut_at_the_limit(start: Starter) -> None:
    running = await start(body_limit_mb=1)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 50_000

    answer = await running.client.post("/api/permits/upload", content=body())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_answer_given_before_the_body_was_read_arrives(running: Running) -> None:
    answer = await running.client.post("/api/permits/ignore-body", content=b"x" * 5_000_000)
    assert answer.status_code == 422
    assert (await running.client.get("/api/permits/echo")).status_code == 200


async def test_a_service_that_is_away_is_503_in_the_callers_language(start: Starter) -> None:
    running = await start(registry_url="http://127.0.0.1:1")
    answer = await running.client.get("/api/registry/echo")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "ServiceAway"
    assert answer.json()["detail"].startswith("Dịch vụ “registry” tạm ngừng.")
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
    english = await running.client.get("/api/registry/echo", headers={"Accept-Language": "en"})
    assert english.json()["detail"].startswith("The service “registry” is away.")


async def test_a_browser_gets_a_page_when_a_service_is_away(start: Starter) -> None:
    running = await start(registry_url="http://127.0.0.1:1")
    answer = await running.client.get("/registry/masts", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "Dịch vụ “registry” tạm ngừng." in answer.text


async def test_a_service_that_hangs_up_is_502(start: Starter) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        running = await start(registry_url=f"http://127.0.0.1:{port}")
        for method in ("GET", "POST"):
            answer = await running.client.request(method, "/api/registry/echo")
            assert (answer.status_code, answer.json()["code"]) == (502, "ServiceBroke")


async def test_a_small_answer_that_breaks_is_502_and_a_large_one_is_cut(running: Running) -> None:
    assert (await running.client.get("/api/registry/break?at=small")).status_code == 502
    with pytest.raises(httpx.RemoteProtocolError):
        await running.client.get("/api/registry/break?at=large")


async def test_a_service_that_does_not_answer_in_time_is_504(start: Starter) -> None:
    running = await start(idle_seconds=0.3)
    answer = await running.client.get("/api/registry/slow?seconds=2")
    assert (answer.status_code, answer.json()["code"]) == (504, "ServiceSlow")


async def test_an_exchange_ends_at_its_total_time_even_if_bytes_keep_coming(start: Starter) -> None:
    running = await start(total_seconds=0.3)
    with pytest.raises(httpx.RemoteProtocolError):
        await running.client.get("/api/registry/endless")
    async with asyncio.timeout(3):
        await running.services["registry"].gone.wait()


async def test_a_caller_who_stops_sending_is_408(start: Starter) -> None:
    running = await start(idle_seconds=0.3)

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(1.5)
        yield b"last"

    answer = await running.client.post("/api/registry/upload", content=body())
    assert (answer.status_code, answer.json()["code"]) == (408, "BodyTooSlow")


async def test_a_slow_service_does_not_slow_the_others(start: Starter) -> None:
    running = await start(concurrency=4, queue_seconds=0.2)
    stuck = [asyncio.create_task(running.client.get("/api/permits/slow?seconds=2")) for _ in range(4)]
    await asyncio.sleep(0.2)
    refused = await running.client.get("/api/permits/echo")
    assert (refused.status_code, refused.json()["code"]) == (503, "ServiceBusy")
    began = time.monotonic()
    for _ in range(20):
        assert (await running.client.get("/api/registry/echo")).status_code == 200
    assert time.monotonic() - began < 1.7
    assert {answer.status_code for answer in await asyncio.gather(*stuck)} == {200}
    assert (await running.client.get("/api/permits/echo")).status_code == 200


async def test_compressed_bodies_are_left_alone(running: Running) -> None:
    packed = gzip.compress(b"x" * 1000)
    answer = await running.client.post("/api/permits/upload", content=packed, headers={"Content-Encoding": "gzip"})
    assert answer.json()["sha256"] == hashlib.sha256(packed).hexdigest()


async def test_slow_senders_leave_room_for_readers(start: Starter) -> None:
    running = await start(concurrency=4, queue_seconds=0.2)
    hold = asyncio.Event()

    async def dribble() -> AsyncIterator[bytes]:
        yield b"x"
        await hold.wait()

    senders = [asyncio.create_task(running.client.post("/registry/upload", content=dribble())) for _ in range(3)]
    for _ in range(300):
        if len(running.services["registry"].chunks) == 3:
            break
        await asyncio.sleep(0.01)
    refused = await running.client.post("/registry/upload", content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (503, "ServiceBusy")
    assert (await running.client.get("/registry/echo")).status_code == 200
    hold.set()
    assert [answer.status_code for answer in await asyncio.gather(*senders)] == [200, 200, 200]
