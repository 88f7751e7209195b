"""What every answer says to the browser, whoever made it: a page, a file, a service, an error, or the socket itself."""

import re
from collections.abc import Mapping

import pytest

from gateway.shield import fixed_headers
from tests.gateway.conftest import Provider, Running, Starter
from tests.gateway.test_pages import settings
from tests.gateway.test_refusals import HOST, raw

HTML = {"Accept": "text/html"}
FIXED = {name.decode(): value.decode() for name, value in fixed_headers(settings())}


def check(said: Mapping[str, str], answer: str) -> None:
    policy = said.get("content-security-policy", "")
    assert "default-src 'none'" in policy, answer
    assert "unsafe" not in policy
    for name in FIXED.keys() - {"content-security-policy"}:
        assert said.get(name) == FIXED[name], (answer, name)
    assert re.fullmatch(r"[0-9a-f]{32}", said["x-trace-id"])
    assert "server" not in said
    assert "x-powered-by" not in said


@pytest.mark.unit
def test_the_set_is_whole() -> None:
    assert FIXED.keys() == {
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
        "permissions-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "x-permitted-cross-domain-policies",
        "x-frame-options",
    }
    assert FIXED["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self' http://127.0.0.1:8081; frame-ancestors 'none'; base-uri 'none'"
    )
    secure = dict(fixed_headers(settings(public_url="https://hatang.example")))
    assert secure[b"strict-transport-security"] == b"max-age=31536000; includeSubDomains"


KINDS = [
    ("GET", "/", {}),
    ("GET", "/", HTML),
    ("GET", "/docs", HTML),
    ("GET", "/problems", HTML),
    ("GET", "/changes", HTML),
    ("GET", "/nothing", HTML),
    ("GET", "/nothing", {}),
    ("GET", "/openapi.json", {}),
    ("GET", "/static/theme.js", {}),
    ("GET", "/static/nothing.js", {}),
    ("GET", "/favicon.ico", {}),
    ("GET", "/health/live", {}),
    ("GET", "/health/ready", {}),
    ("GET", "/sign-in", {}),
    ("GET", "/callback", HTML),
    ("POST", "/sign-out", {}),
    ("POST", "/backchannel-logout", {}),
    ("GET", "/sessions", HTML),
    ("GET", "/api/changes", {}),
    ("GET", "/api/registry/echo", {}),
    ("HEAD", "/api/registry/echo", {}),
    ("OPTIONS", "/api/registry/echo", {}),
    ("GET", "/api/registry/download", {}),
    ("GET", "/api/registry/cookie", {}),
    ("GET", "/api/registry/not-modified", {}),
    ("GET", "/api/registry/closed", {}),
    ("GET", "/registry/closed", HTML),
    ("GET", "/registry/redirect", {}),
    ("GET", "/api/registry/break?at=small", {}),
    ("GET", "/api/registry//echo", {}),
    ("PROPFIND", "/api/registry/echo", {}),
]


@pytest.mark.database
@pytest.mark.parametrize(("method", "path", "accept"), KINDS)
async def test_every_kind_of_answer(running: Running, method: str, path: str, accept: dict[str, str]) -> None:
    answer = await running.client.request(method, path, headers=accept)
    check(answer.headers, f"{method} {path}")
    assert len(answer.headers.get_list("content-security-policy")) == 1
    public = path.startswith(("/static/theme", "/favicon", "/openapi.json", "/api/changes"))
    assert answer.headers["cache-control"].startswith("public" if public else "no-store")


@pytest.mark.database
@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (400, ("GET / HTTP/1.1", "Bad Name: 1")),
        (400, ("NONSENSE",)),
        (400, ("GET / HTTP/1.1",)),
        (431, (f"GET /{'a' * 100_000} HTTP/1.1", HOST)),
    ],
)
async def test_answers_below_http_too(running: Running, status: int, lines: tuple[str, ...]) -> None:
    answer = await raw(running, *lines)
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    said = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    assert first.split(" ")[1] == str(status)
    check(said, lines[0][:30])
    assert said["content-type"] == "application/problem+json"
    assert int(said["content-length"]) == len(body)
    assert said["cache-control"] == "no-store"


@pytest.mark.database
async def test_limits_and_absent_services_too(start: Starter) -> None:
    running = await start(rate_address_units=1, rate_seconds=60, registry_url="http://127.0.0.1:1")
    away = await running.client.get("/api/registry/echo")
    limited = await running.client.get("/api/registry/echo")
    assert (away.status_code, limited.status_code) == (503, 429)
    for answer in (away, limited):
        check(answer.headers, str(answer.status_code))
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.database
async def test_pages_of_a_person_are_not_kept(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, returned = await running.sign_in()
    check(returned.headers, "callback")
    for path in ("/", "/sessions", "/registry/echo", "/api/registry/echo"):
        answer = await running.client.get(path, headers={**running.cookie(value), **HTML})
        check(answer.headers, path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.database
async def test_a_service_cannot_weaken_them_or_speak_for_the_gateway(running: Running) -> None:
    answer = await running.client.get("/api/registry/cookie")
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
