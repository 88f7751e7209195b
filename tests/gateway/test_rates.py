"""Rate limits: the buckets, whom a request is charged to, and two gateways that share them over a real NATS."""

import asyncio
import os
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import Callers
from gateway.errors import AddressRefused
from gateway.openapi import committed, merge
from gateway.operations import Operations, is_export
from gateway.quota import Policy, Quota
from kernel.auth import Actor, TokenVerifier
from tests.fixtures.servers import running_nats
from tests.gateway.conftest import Provider, Running, Starter
from tests.gateway.test_pages import settings

HTML = {"Accept": "text/html"}


@pytest.mark.unit
def test_a_bucket_gives_its_units_at_once_and_then_as_they_come_back() -> None:
    quota = Quota(Policy("client", 60, 60))
    assert all(quota.take("a", 1, 0.0).is_granted for _ in range(60))
    refused = quota.take("a", 5, 0.0)
    assert (refused.is_granted, refused.left, refused.wait, refused.full_in) == (False, 0, 5, 60)
    assert not quota.take("a", 5, 4.9).is_granted
    assert quota.take("a", 5, 5.0).is_granted
    assert quota.take("b", 60, 5.0).is_granted


@pytest.mark.unit
def test_a_request_dearer_than_the_whole_bucket_is_let_in_when_it_is_full() -> None:
    quota = Quota(Policy("client", 10, 10))
    assert quota.take("a", 25, 0.0).is_granted
    assert quota.take("a", 25, 1.0).wait == 24
    assert not quota.take("a", 1, 10.0).is_granted
    assert quota.take("a", 1, 16.0).is_granted


@pytest.mark.unit
def test_the_clients_remembered_are_bounded_and_the_busy_ones_stay() -> None:
    quota = Quota(Policy("client", 5, 60), clients=100)
    for _ in range(5):
        quota.take("busy", 1, 0.0)
    for no in range(5_000):
        quota.take(f"passer-by {no}", 1, 0.0)
        quota.take("busy", 1, 0.0) if no % 50 == 0 else None
    assert len(quota) == 100
    # A refused request is no use of the bucket, but the one of the last grant may have been forgotten by then.
    quota.spend("busy", 10, 0.0)
    assert not quota.take("busy", 1, 0.0).is_granted


@pytest.mark.unit
@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=60))
def test_no_client_ever_gets_more_than_its_bucket_and_what_flowed_into_it(steps: list[tuple[float, int]]) -> None:
    quota, now, granted = Quota(Policy("client", 20, 10)), 0.0, 0
    for pause, cost in steps:
        now += pause
        if quota.take("a", cost, now).is_granted:
            granted += cost
    assert granted <= 20 + now * 2 + 1e-6


@pytest.mark.unit
@given(st.floats(0, 100), st.integers(1, 20))
def test_whoever_waits_as_long_as_told_is_let_in(spent: float, cost: int) -> None:
    quota = Quota(Policy("client", 20, 10))
    quota.spend("a", spent, 0.0)
    standing = quota.take("a", cost, 0.0)
    assert standing.is_granted or quota.take("a", cost, float(standing.wait)).is_granted


@pytest.mark.unit
def test_what_an_operation_costs_follows_from_the_document() -> None:
    operations = Operations(merge(committed(["registry", "permits", "sharing"]), "/", "issuer"), settings())
    path = b"/api/permits/v1/applications"
    assert operations.find("GET", path).cost == 2
    assert operations.find("HEAD", path).cost == 2
    assert operations.find("POST", path).cost == 5
    assert operations.find("GET", path).export_cost == 20
    one = operations.find("GET", path + b"/0199")
    assert (one.cost, one.path) == (1, "/api/permits/v1/applications/{id}")
    assert operations.find("POST", path + b"/0199/opinions").path.endswith("/opinions")
    for unknown in (b"/api/permits/v1/nothing", b"/api/x", b"/api/permits/v1/applications/a/b/c/d", b"/api/"):
        assert operations.find("GET", unknown).cost == 1
        assert operations.find("DELETE", unknown).cost == 5
    assert is_export(b"text/csv")
    assert is_export(b"application/geo+json;q=0.9, */*")
    assert not is_export(b"application/json")
    assert not is_export(None)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("peer", "forwarded", "charged"),
    [
        ("203.0.113.9", b"198.51.100.1", "203.0.113.9"),
        ("10.0.0.5", b"198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", b"1.2.3.4, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.5", b"", "10.0.0.5"),
        ("10.0.0.5", b"10.0.0.9", "10.0.0.5"),
        ("2001:db8:1:2:3:4:5:6", b"", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", b"", "203.0.113.9"),
        ("10.0.0.5", b"not an address", "not an address"),
    ],
)
def test_an_address_is_the_nearest_that_is_none_of_our_proxies(peer: str, forwarded: bytes, charged: str) -> None:
    callers = Callers(settings(trusted_proxies="10.0.0.0/24"), TokenVerifier("i", "a"))
    given_headers = [(b"host", b"h")] + ([(b"x-forwarded-for", forwarded)] if forwarded else [])
    scope = {"client": (peer, 1), "headers": given_headers, "http_version": "1.1"}
    assert callers.address(scope) == charged


ELSEWHERE = "203.0.113.0/24"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("networks", "peer", "forwarded", "let_in"),
    [
        ((ELSEWHERE,), "203.0.113.9", b"", True),
        ((ELSEWHERE,), "203.0.114.9", b"", False),
        ((ELSEWHERE,), "::ffff:203.0.113.9", b"", True),
        (("2001:db8:7::/48", ELSEWHERE), "2001:db8:7:1::5", b"", True),
        ((ELSEWHERE,), "2001:db8:7:1::5", b"", False),
        ((ELSEWHERE,), "10.0.0.5", b"203.0.113.9", True),
        ((ELSEWHERE,), "10.0.0.5", b"203.0.113.9, 198.51.100.1", False),
        ((ELSEWHERE,), "198.51.100.1", b"203.0.113.9", False),
        (("nonsense",), "203.0.113.9", b"", False),
        ((ELSEWHERE,), "", b"", False),
        ((), "198.51.100.1", b"", True),
    ],
)
async def test_a_client_comes_from_its_networks_only(
    networks: tuple[str, ...], peer: str, forwarded: bytes, let_in: bool
) -> None:
    class Verified(TokenVerifier):
        async def verify(self, token: str) -> Actor:
            return Actor("viettel-api", "VIETTEL", "client", networks=networks)

    callers = Callers(settings(trusted_proxies="10.0.0.0/24"), Verified("i", "a"))
    headers = [(b"host", b"h")] + ([(b"x-forwarded-for", forwarded)] if forwarded else [])
    scope = {"client": (peer, 1) if peer else None, "headers": headers, "http_version": "1.1"}
    if let_in:
        assert await callers.of_token(b"Bearer x", scope) == ("client", "client:viettel-api")
    else:
        with pytest.raises(AddressRefused):
            await callers.of_token(b"Bearer x", scope)


async def get(running: Running, path: str = "/api/registry/echo", **headers: str) -> int:
    return (await running.client.get(path, headers=headers)).status_code


@pytest.mark.database
async def test_every_api_answer_says_where_the_client_stands(start: Starter) -> None:
    running = await start(rate_address_units=50, rate_seconds=10)
    first = await running.client.get("/api/registry/echo")
    assert first.headers["ratelimit-policy"] == '"address";q=50;w=10'
    assert first.headers["ratelimit"] == '"address";r=49;t=1'
    written = await running.client.post("/api/registry/echo")
    assert written.headers["ratelimit"].startswith('"address";r=44;')
    missing = await running.client.get("/api/nothing")
    assert missing.status_code == 404
    assert "ratelimit" in missing.headers


@pytest.mark.database
async def test_over_the_limit_is_429_in_the_callers_language_and_lifts_when_told(start: Starter) -> None:
    running = await start(rate_address_units=3, rate_seconds=2)
    assert [await get(running) for _ in range(3)] == [200, 200, 200]
    seen = len(running.services["registry"].seen)
    refused = await running.client.get("/api/registry/echo")
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    said = refused.json()
    assert (said["code"], said["type"]) == ("TooMany", "/problems/TooMany")
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 2
    assert re.fullmatch(r'"address";r=0;t=\d+', refused.headers["ratelimit"])
    assert refused.headers["ratelimit-policy"] == '"address";q=3;w=2'
    assert said["detail"].startswith("Quá nhiều yêu cầu")
    english = await running.client.get("/api/registry/echo", headers={"Accept-Language": "en"})
    assert english.json()["detail"].startswith("Too many requests.")
    page = await running.client.get("/registry/echo", headers=HTML)
    assert (page.status_code, page.headers["content-type"][:9]) == (429, "text/html")
    assert len(running.services["registry"].seen) == seen
    await asyncio.sleep(wait)
    assert await get(running) == 200


@pytest.mark.database
async def test_a_large_body_over_the_limit_is_refused_before_it_is_read(start: Starter) -> None:
    running = await start(rate_address_units=1, rate_seconds=60)
    assert await get(running) == 200
    answer = await running.client.post("/api/registry/upload", content=b"x" * 3_000_000)
    assert answer.status_code == 429
    assert not running.services["registry"].chunks


@pytest.mark.database
async def test_people_and_clients_have_their_own_and_strangers_share_their_address(
    start: Starter, provider: Provider
) -> None:
    running = await start(provider, rate_units=4, rate_address_units=3, rate_seconds=60)
    lan, _ = await running.sign_in("sxd.lan")
    hung, _ = await running.sign_in("sxd.hung")
    for _ in range(3):
        assert await get(running) == 200
    assert await get(running) == 429
    assert await get(running, Authorization="Bearer not.a.token") == 429
    for cookie in (running.cookie(lan), running.cookie(hung)):
        assert [await get(running, **cookie) for _ in range(5)] == [200] * 4 + [429]
    again, _ = await running.sign_in("sxd.lan")
    assert await get(running, **running.cookie(again)) == 429
    token = (await running.gateway._sessions.find(lan)).tokens.access  # type: ignore[union-attr]
    assert await get(running, Authorization=f"Bearer {token}") == 429


@pytest.mark.database
async def test_files_of_the_frame_and_health_are_never_charged(start: Starter) -> None:
    running = await start(rate_address_units=1, rate_seconds=60)
    assert await get(running) == 200
    for path in ("/health/live", "/static/theme.js", "/openapi.json"):
        assert [await get(running, path) for _ in range(3)] == [200, 200, 200]
    assert await get(running, "/") == 429


@pytest.mark.database
async def test_no_units_mean_no_limit(start: Starter) -> None:
    running = await start(rate_address_units=0)
    answer = await running.client.get("/api/registry/echo")
    assert "ratelimit" not in answer.headers


async def _pair(start: Starter, **limits: int) -> list[Running]:
    prefix = f"gw{os.getpid()}pair{time.monotonic_ns()}_"
    pair = [await start(prefix=prefix, **limits) for _ in range(2)]
    async with asyncio.timeout(5):
        while any(running.gateway._rates._subscription is None for running in pair):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return pair


@pytest.mark.database
async def test_two_gateways_grant_together_what_one_would(start: Starter) -> None:
    pair = await _pair(start, rate_address_units=40, rate_seconds=600)
    granted = refused = 0
    for no in range(120):
        status = await get(pair[no % 2])
        granted, refused = granted + (status == 200), refused + (status == 429)
        await asyncio.sleep(0.01)
    # Between two tellings, every 200 ms, each knows only its own: some 20 requests at this pace.
    assert 40 <= granted <= 62
    assert refused >= 58
    await asyncio.sleep(0.5)
    assert [await get(running) for running in pair] == [429, 429]


@pytest.mark.database
async def test_a_limit_reached_at_one_gateway_is_reached_at_the_other(start: Starter) -> None:
    pair = await _pair(start, rate_address_units=10, rate_seconds=600)
    for _ in range(10):
        assert await get(pair[0]) == 200
    await asyncio.sleep(0.6)
    assert await get(pair[1]) == 429


@pytest.mark.database
async def test_without_a_broker_each_gateway_goes_on_alone(start: Starter) -> None:
    with running_nats() as broker:
        running = await start(nats_url=broker.url("gateway"), rate_address_units=6, rate_seconds=600)
        while not running.gateway._sessions.is_reachable:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert await get(running) == 200
    while running.gateway._sessions.is_reachable:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert [await get(running) for _ in range(6)] == [200] * 5 + [429]
    await asyncio.sleep(0.3)
    assert not any(running.gateway._rates._granted.values())


@pytest.mark.database
async def test_a_telling_that_makes_no_sense_changes_nothing(start: Starter) -> None:
    pair = await _pair(start, rate_address_units=10, rate_seconds=600)
    rates = pair[0].gateway._rates
    bus = rates._bus
    for nonsense in (b"", b"[]", b'{"by":"x"}', b'{"by":"x","policy":"address","granted":{"a":"many"}}', b"\xff\x00"):
        await bus.client.publish(bus.subject("gateway.granted"), nonsense)
    await asyncio.sleep(0.5)
    assert [await get(running) for running in pair] == [200, 200]


@pytest.mark.database
async def test_sign_ins_have_a_limit_of_their_own_for_each_address(start: Starter, provider: Provider) -> None:
    running = await start(provider, sign_in_units=4)
    assert [await get(running, "/sign-in") for _ in range(4)] == [303] * 4
    refused = await running.client.get("/sign-in", headers=HTML)
    assert refused.status_code == 429
    assert "retry-after" in refused.headers
    assert await get(running) == 200


@pytest.mark.database
async def test_failed_sign_ins_cost_more(start: Starter, provider: Provider) -> None:
    running = await start(provider, sign_in_units=20)
    statuses = []
    for _ in range(5):
        leaving = await running.client.get("/sign-in")
        if leaving.status_code == 429:
            statuses.append(429)
            continue
        cookie = leaving.headers["set-cookie"].split(";", 1)[0]
        state = re.search(r"state=([^&]+)", leaving.headers["location"])[1]  # type: ignore[index]
        query = {"state": state, "code": "guessed"}
        statuses.append((await running.client.get("/callback", params=query, headers={"Cookie": cookie})).status_code)
    assert statuses == [400, 400, 400, 429, 429]


@pytest.mark.database
async def test_one_person_signs_in_only_so_often(start: Starter, provider: Provider) -> None:
    running = await start(provider, sign_in_person_units=2)
    for _ in range(2):
        value, returned = await running.sign_in("sxd.lan")
        assert returned.status_code == 303
    value, returned = await running.sign_in("sxd.lan")
    assert (value, returned.status_code) == ("", 429)
    value, returned = await running.sign_in("sxd.hung")
    assert returned.status_code == 303
