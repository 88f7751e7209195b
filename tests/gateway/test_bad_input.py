"""Bad input by hand, over real sockets, against the gateway's own process with a real service behind it.

`registry` is the real service; `permits` and `sharing` are a small one that counts what reaches it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from infra.local.nats import Broker
from infra.local.ports import free_ports
from kernel import auth
from tests.fixtures.servers import Identity, PostgresServer
from tests.gateway.conftest import Provider, Starter
from tests.gateway.forging import symmetric, unsigned
from tests.gateway.processes import gateway_settings, process
from tests.gateway.serving import listening, serving
from tests.gateway.upstream import Service

pytestmark = pytest.mark.database
MASTS = "/api/registry/v1/masts"


@dataclass
class Door:
    port: int
    counting: Service
    client: httpx.AsyncClient
    token: str

    @property
    def host(self) -> str:
        return f"Host: 127.0.0.1:{self.port}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def raw(self, *lines: str, body: bytes = b"", seconds: float = 10) -> bytes:
        """Everything that comes back until the gateway closes, or until it has been silent for a second."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return await _read(reader, writer, seconds)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float = 10) -> bytes:
    taken = b""
    try:
        async with asyncio.timeout(seconds):
            while chunk := await asyncio.wait_for(reader.read(65536), 1.0 if taken else seconds):
                taken += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return taken


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head.lower(), answer[:500]
    found: dict[str, Any] = json.loads(body)
    assert found["type"] == f"/problems/{found['code']}"
    return found


@pytest.fixture(scope="module")
async def door(
    postgres_server: PostgresServer, nats_server: Broker, identity_server: Identity, tmp_path_factory: Any
) -> AsyncIterator[Door]:
    folder: Path = tmp_path_factory.mktemp("door")
    database = postgres_server.fresh("registry")
    port, registry = free_ports(2)
    counting = Service("permits")
    shared = {"ISSUER": identity_server.issuer, "STREAM_PREFIX": "badinput_"}
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(serving(counting.app, listening()))
        service = {
            **shared,
            **database.environment(),
            "REGISTRY_NATS_URL": nats_server.url("registry"),
            "REGISTRY_PORT": str(registry),
            "FORM_KEY": "tests",
        }
        registry_url = f"http://127.0.0.1:{registry}"
        stack.enter_context(
            process(["services.registry", "api"], f"{registry_url}/health/live", service, folder / "registry.log")
        )
        upstreams = {"registry": registry_url, "permits": behind, "sharing": behind}
        settings = gateway_settings(port, upstreams, head_seconds="2", idle_seconds="3", body_grace_seconds="2")
        settings |= {**shared, "GATEWAY_NATS_URL": nats_server.url("gateway"), "GATEWAY_CLIENT_SECRET": "test"}
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(process(["gateway"], f"{url}/health/live", settings, folder / "gateway.log"))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False, timeout=30))
        form = {"grant_type": "client_credentials"}
        granted = await client.post(
            f"{identity_server.issuer}/protocol/openid-connect/token",
            data=form,
            auth=("viettel-api", "demo-viettel-api"),
        )
        yield Door(port, counting, client, granted.json()["access_token"])
        log = (folder / "gateway.log").read_text()
        assert "request failed" not in log, log
    postgres_server.drop(database)


@pytest.fixture(autouse=True)
def _nothing_seen(door: Door) -> None:
    door.counting.seen.clear()


async def test_the_real_service_answers_behind_it(door: Door) -> None:
    answer = await door.client.get(MASTS, headers=door.bearer)
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5_000_000 + b"]" * 5_000_000,
        b'{"a":' * 2_000_000 + b"1" + b"}" * 2_000_000,
        b"[" * 10_000_000,
        b'{"name": NaN, "height_m": 1e400}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "\xff\xfe"}',
        b"\x00" * 100_000,
        b"",
    ],
    ids=["arrays", "objects", "unclosed", "NaN", "surrogate", "NUL", "not UTF-8", "zeros", "empty"],
)
async def test_ten_megabytes_of_nested_json_and_other_bodies_are_refused_as_such(door: Door, body: bytes) -> None:
    headers = {**door.bearer, "Content-Type": "application/json", "Idempotency-Key": "k" * 36}
    answer = await door.client.post(MASTS, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await door.client.get("/health/live")).status_code == 200


async def test_a_header_of_100_kb_is_431(door: Door) -> None:
    answer = await door.raw("GET /api/permits/echo HTTP/1.1", door.host, f"X-Long: {'a' * 100_000}")
    assert (statuses(answer), problem(answer)["code"]) == ([431], "HeadTooLarge")
    assert not door.counting.seen


@pytest.mark.parametrize(("size", "status"), [(8_000, 200), (60_000, 431)])
async def test_a_cookie_may_be_large_but_not_oversize(door: Door, size: int, status: int) -> None:
    answer = await door.raw("GET /api/permits/echo HTTP/1.1", door.host, f"Cookie: a={'c' * size}", "Connection: close")
    assert statuses(answer) == [status]
    assert b"c" * 20 not in answer


async def dribbled(door: Door, head: bytes, rest: bytes) -> tuple[bytes, float]:
    """Sends `head` at once and `rest` byte by byte, one a second; the answer and the seconds it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    began = time.monotonic()
    writer.write(head)
    answer = asyncio.create_task(_read(reader, writer, 30))
    for byte in rest:
        if answer.done() or writer.is_closing():
            break
        writer.write(bytes([byte]))
        await asyncio.wait([answer], timeout=1)
    return await answer, time.monotonic() - began


async def test_a_head_at_a_byte_a_second_is_408(door: Door) -> None:
    answer, seconds = await dribbled(door, b"", b"GET / HTTP/1.1\r\nX: y\r\n")
    assert (statuses(answer), problem(answer)["code"]) == ([408], "HeadTooSlow")
    assert seconds < 5


async def test_a_body_at_a_byte_a_second_is_408(door: Door) -> None:
    head = f"POST /api/permits/upload HTTP/1.1\r\n{door.host}\r\nConnection: close\r\nContent-Length: 50\r\n\r\n"
    answer, seconds = await dribbled(door, head.encode(), b"x" * 50)
    assert (statuses(answer), problem(answer)["code"]) == ([408], "BodyTooSlow")
    assert seconds < 7


async def test_200_half_open_connections_leave_room_for_the_others(door: Door) -> None:
    unfinished = f"POST /api/permits/upload HTTP/1.1\r\nContent-Length: 1000\r\n{door.host}"
    openings = [b"", b"GET / HTTP/1.1\r\n", unfinished.encode()]
    held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(200)]
    for no, (_, writer) in enumerate(held):
        writer.write(openings[no % 3])
    times = []
    for _ in range(100):
        began = time.monotonic()
        assert (await door.client.get("/api/permits/echo")).status_code == 200
        times.append(time.monotonic() - began)
    assert sorted(times)[97] < 0.5
    answers = await asyncio.gather(*(_read(reader, writer) for reader, writer in held))
    assert {tuple(statuses(answer)) for answer in answers} == {(408,)}


async def test_a_body_without_a_length_is_no_body_and_its_bytes_no_request(door: Door) -> None:
    answer = await door.raw("POST /api/permits/upload HTTP/1.1", door.host, body=b"these bytes have no length\r\n\r\n")
    assert statuses(answer) == [200]
    assert b'"size":0' in answer


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4", "Content-Length: 4"),
        ("Content-Length: 4, 4"),
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: identity, chunked",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: \x0bchunked",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\r\n chunked",),
        ("X-Folded: a", " Transfer-Encoding: chunked"),
        ("Content-Length: +4",),
        ("Content-Length: -1",),
        ("Content-Length: 0x4",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length:",),
    ],
    ids=repr,
)
async def test_framing_that_two_readers_could_read_differently_is_400_and_reaches_nobody(
    door: Door, lines: tuple[str, ...] | str
) -> None:
    given = (lines,) if isinstance(lines, str) else lines
    smuggled = b"0\r\n\r\nGET /api/permits/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await door.raw("POST /api/permits/echo HTTP/1.1", door.host, *given, body=smuggled)
    assert statuses(answer) == [400]
    assert problem(answer)["code"] in {"BadRequest", "FramingRefused", "MalformedHeaders"}
    assert not door.counting.seen


@pytest.mark.parametrize("lines", [("Host: a", "Host: b"), ("Host: a", "host: a"), ()])
async def test_a_request_has_exactly_one_host(door: Door, lines: tuple[str, ...]) -> None:
    answer = await door.raw("GET /api/permits/echo HTTP/1.1", *lines)
    assert (statuses(answer), problem(answer)["code"]) == ([400], "HostRefused")
    assert not door.counting.seen


@pytest.mark.parametrize("line", ["Authorization: Bearer x", "Idempotency-Key: a", "Content-Type: text/plain"])
async def test_a_single_header_given_twice_is_400(door: Door, line: str) -> None:
    answer = await door.raw("GET /api/permits/echo HTTP/1.1", door.host, line, line)
    assert (statuses(answer), problem(answer)["code"]) == ([400], "MalformedHeaders")


@pytest.mark.parametrize(
    "target",
    [
        "//api/permits/echo",
        "/api//permits/echo",
        "/api/permits/../permits/echo",
        "/api/registry/%2e%2e/permits/echo",
        "/api/registry/.%2e/permits/echo",
        "/api%2fpermits/echo",
        "/api/permits%5cecho",
        "/api/permits\\echo",
        "/api/permits/echo%00",
        "/api/permits/echo\x00",
        "/api/permits/echo%0d%0aX:1",
        "/api/permits/\xff\xfe",
        "/api/permits/echo?q=\xff",
        "/api/permits/%zz",
        "/api/permits/echo%",
        "*",
        "api/permits/echo",
    ],
)
async def test_a_tricky_path_is_400_and_reaches_nobody(door: Door, target: str) -> None:
    answer = await door.raw(f"GET {target} HTTP/1.1", door.host, "Connection: close")
    assert statuses(answer) == [400], answer[:300]
    problem(answer)
    assert not door.counting.seen


async def test_a_whole_address_as_target_is_read_for_its_path_alone(door: Door) -> None:
    answer = await door.raw("GET http://evil.example/api/permits/echo HTTP/1.1", door.host, "Connection: close")
    assert statuses(answer) == [200]
    assert b"evil" not in answer


@pytest.mark.parametrize("first", ["CONNECT evil.example:443 HTTP/1.1", "TRACE / HTTP/1.1", "PRI * HTTP/2.0"])
async def test_methods_of_proxies_and_of_other_protocols_are_refused(door: Door, first: str) -> None:
    answer = await door.raw(first, door.host, "Connection: close")
    assert statuses(answer) in ([400], [405])
    problem(answer)


@pytest.mark.parametrize("target", ["/api/permits;/echo", "/api/permits/echo;admin=1/x", "/;/api/permits/echo"])
async def test_a_semicolon_opens_no_other_door(door: Door, target: str) -> None:
    answer = await door.raw(f"GET {target} HTTP/1.1", door.host, "Connection: close")
    assert statuses(answer) == [404]


@pytest.mark.parametrize("target", [f"{MASTS}/%FF%FE", f"{MASTS}?q=%FF%FE", f"{MASTS}?limit=%FF", f"{MASTS}/%C0%AE"])
async def test_encoded_bytes_that_are_no_text_are_the_services_to_refuse(door: Door, target: str) -> None:
    answer = await door.client.get(target, headers=door.bearer)
    assert answer.status_code in (200, 404, 422), answer.text[:300]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
async def test_no_header_changes_the_method(door: Door, name: str) -> None:
    answer = await door.client.post("/api/permits/echo?_method=DELETE", headers={name: "DELETE"})
    told = answer.json()
    assert told["method"] == "POST"
    assert name.lower() not in told["headers"]


async def test_fewer_bytes_than_promised_reach_nobody_twice(door: Door) -> None:
    answer = await door.raw("POST /api/permits/echo HTTP/1.1", door.host, "Content-Length: 100", body=b"short")
    assert (statuses(answer), problem(answer)["code"]) == ([408], "BodyTooSlow")
    assert len(door.counting.seen) <= 1


async def test_more_bytes_than_promised_are_no_second_request(door: Door) -> None:
    answer = await door.raw(
        "POST /api/permits/echo HTTP/1.1", door.host, "Content-Length: 2", body=b"ok and more\r\n\r\n"
    )
    assert statuses(answer) == [200]
    assert len(door.counting.seen) == 1


async def test_two_requests_in_one_packet_are_answered_in_order_and_once(door: Door) -> None:
    second = f"GET /api/permits/echo/2 HTTP/1.1\r\n{door.host}\r\nConnection: close\r\n\r\n".encode()
    answer = await door.raw("GET /api/permits/echo/1 HTTP/1.1", door.host, body=second)
    assert statuses(answer) == [200, 200]
    assert door.counting.seen == ["/api/permits/echo/1", "/api/permits/echo/2"]


async def test_a_promise_is_asked_for_only_when_it_will_be_read(door: Door) -> None:
    expecting = ("Expect: 100-continue", "Connection: close")
    fine = await door.raw("POST /api/permits/echo HTTP/1.1", door.host, "Content-Length: 2", *expecting, body=b"ok")
    assert statuses(fine) == [100, 200]
    large = await door.raw("POST /api/permits/echo HTTP/1.1", door.host, "Content-Length: 99000000", *expecting)
    assert (statuses(large), problem(large)["code"]) == ([413], "TooLarge")
    assert len(door.counting.seen) == 1


async def test_chunks_that_are_none_end_the_connection(door: Door) -> None:
    chunked = ("POST /api/permits/upload HTTP/1.1", door.host, "Transfer-Encoding: chunked")
    for body in (
        b"zz\r\n",
        b"-1\r\nx\r\n",
        b"fffffffffffffffffff\r\nx\r\n",
        b"1;" + b"a" * 5000 + b"\r\nxy\r\n0\r\n\r\n",
    ):
        answer = await door.raw(*chunked, body=body)
        assert all(400 <= status < 500 for status in statuses(answer)), (body[:20], answer[:200])
    assert (await door.client.get("/health/live")).status_code == 200


def test_every_token_that_is_not_ours_is_401(door: Door, identity_server: Identity) -> None:
    now = int(time.time())
    good = {
        "iss": identity_server.issuer,
        "aud": "hatang-api",
        "sub": "s",
        "azp": "viettel-api",
        "org": "VIETTEL",
        "capabilities": ["administrator"],
        "iat": now,
        "exp": now + 300,
    }
    with httpx.Client(base_url=f"http://127.0.0.1:{door.port}", trust_env=False) as client:
        keys = client.get(f"{identity_server.issuer}/protocol/openid-connect/certs").json()["keys"]
        public = RSAKey.import_key(keys[0])
        kid = keys[0]["kid"]
        stranger = RSAKey.generate_key(2048, parameters={"kid": kid})
        header, payload, signature = door.token.split(".")
        altered = symmetric(good, b"x").split(".")[1]
        elsewhere = {**good, "iss": "http://x/realms/y"}
        tokens = {
            "another key under our id": jwt.encode({"alg": "RS256", "kid": kid}, good, stranger),
            "another realm": jwt.encode({"alg": "RS256", "kid": "other"}, elsewhere, stranger),
            "none": unsigned(good, kid=kid),
            "None": unsigned(good, kid=kid, alg="None"),
            "HS256 with the public key": symmetric(good, public.as_pem(private=False), kid=kid),
            "HS256 with the modulus": symmetric(good, keys[0]["n"].encode(), kid=kid),
            "altered": f"{header}.{altered}.{signature}",
            "no signature": f"{header}.{payload}.",
            "two parts": f"{header}.{payload}",
            "key in the header": jwt.encode({"alg": "RS256", "jwk": stranger.as_dict(private=False)}, good, stranger),
            "address in the header": jwt.encode({"alg": "RS256", "jku": "http://127.0.0.1:1/"}, good, stranger),
            "empty": "",
            "not text": "\xff\xfe",
            "long": "a." * 10_000,
        }
        answers = {}
        for name, token in tokens.items():
            given = [(b"Authorization", f"Bearer {token}".strip().encode("latin-1"))]
            answer = client.get(MASTS, headers=given)
            answers[name] = (answer.status_code, answer.headers["content-type"])
    assert set(answers.values()) == {(401, "application/problem+json")}, answers


CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": -10},
    "from the future": {"nbf": 120, "iat": 120},
    "issued in the future": {"iat": 120},
    "no end": {"exp": None},
    "another issuer": {"iss": "http://127.0.0.1:1/realms/other"},
    "no audience": {"aud": None},
    "another audience": {"aud": "account"},
    "other audiences": {"aud": ["account", "gateway"]},
    "nobody": {"sub": None},
}


@pytest.mark.parametrize("name", CLAIMS)
async def test_a_token_well_signed_but_not_for_now_or_not_for_us_is_nobodys(
    start: Starter, provider: Provider, name: str
) -> None:
    running = await start(provider)
    now = int(time.time())
    claims = {
        "iss": provider.issuer,
        "aud": "hatang-api",
        "sub": "s",
        "azp": "viettel-api",
        "iat": now,
        "exp": now + 300,
    }
    for claim, change in CLAIMS[name].items():
        claims[claim] = now + change if isinstance(change, int) else change
    kept = {claim: value for claim, value in claims.items() if value is not None}
    key = provider.signing_key
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, kept, key)
    policy, _ = await running.gateway._callers.of_token(f"Bearer {token}".encode(), {"client": ("a", 1)})
    assert policy == "address"


async def test_thousands_of_unknown_key_ids_make_the_gateway_ask_for_keys_once(
    start: Starter, provider: Provider
) -> None:
    running = await start(provider, rate_address_units=0)
    await running.sign_in()
    before, began = provider.asked_keys, time.monotonic()
    key = RSAKey.generate_key(2048)
    tokens = [jwt.encode({"alg": "RS256", "kid": f"unknown-{no}"}, {"sub": "s"}, key) for no in range(40)]
    tokens += [f"{symmetric({}, b'x', alg='RS256', kid=f'made-up-{no}')}" for no in range(2_000)]
    for at in range(0, len(tokens), 100):
        answers = await asyncio.gather(
            *(
                running.client.get("/api/registry/echo", headers={"Authorization": f"Bearer {token}"})
                for token in tokens[at : at + 100]
            )
        )
        assert {answer.status_code for answer in answers} == {200}
    # Once a span, however many tokens come in it: a slow machine sees several spans.
    assert provider.asked_keys - before <= 2 + (time.monotonic() - began) // auth._ROTATION
