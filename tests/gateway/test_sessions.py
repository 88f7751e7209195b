"""Sessions in the bucket: who may read them, how long they live, who refreshes, and what an outage means."""

import asyncio
import time
from dataclasses import replace

import pytest

from gateway import sessions
from gateway.session_cache import Session
from tests.fixtures.servers import running_nats, running_strict_nats
from tests.gateway.conftest import Provider, Running, Starter

pytestmark = pytest.mark.database


UNKNOWN = f"{'B' * 43}.{'C' * 22}"


async def stored(running: Running, value: str) -> Session:
    store = running.gateway._sessions
    held = await store._read(sessions.key_of(value))
    assert held is not None
    return held.session


async def rewrite(running: Running, value: str, **changes: object) -> None:
    """Ages a session in the bucket, as another gateway would write it."""
    store = running.gateway._sessions
    held = await store._read(sessions.key_of(value))
    assert held is not None
    assert await store._write(sessions.key_of(value), replace(held.session, **changes), held.revision) is not None  # type: ignore[arg-type]


async def get(running: Running, value: str) -> int:
    return (await running.client.get("/registry/closed", headers=running.cookie(value))).status_code


async def test_the_bucket_holds_neither_the_cookie_nor_readable_tokens(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    bucket = await running.gateway._sessions._open()
    keys = await bucket.keys()
    assert keys == [sessions.key_of(value)]
    entry = await bucket.get(keys[0])
    session = await stored(running, value)
    assert entry.value is not None
    for secret in (value, session.tokens.access, session.tokens.refresh, "sxd.lan"):
        assert secret.encode() not in entry.value
    status = await bucket.status()
    assert status.ttl == 3600
    assert status.history == 1


async def test_a_session_cannot_be_moved_to_another_key(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    bucket = await running.gateway._sessions._open()
    entry = await bucket.get(sessions.key_of(value))
    other = f"{'A' * 43}.{value.rpartition('.')[2]}"
    await bucket.put(sessions.key_of(other), entry.value or b"")
    assert await get(running, other) == 401


@pytest.mark.parametrize("value", ["", "short", "A" * 43, UNKNOWN, f"{UNKNOWN}x", "../../" + UNKNOWN[6:]])
async def test_an_unknown_cookie_is_nobody(start: Starter, value: str) -> None:
    running = await start()
    assert await get(running, value) == 401


async def test_a_session_ends_ten_hours_after_it_began_however_busy(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    await rewrite(running, value, began=time.time() - sessions.ABSOLUTE_SECONDS + 60)
    assert await get(running, value) == 200
    await rewrite(running, value, began=time.time() - sessions.ABSOLUTE_SECONDS - 1)
    assert await get(running, value) == 401


async def test_use_renews_the_idle_time_at_most_once_a_minute(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    bucket = await running.gateway._sessions._open()
    first = (await bucket.get(sessions.key_of(value))).revision
    for _ in range(5):
        assert await get(running, value) == 200
    assert (await bucket.get(sessions.key_of(value))).revision == first
    await rewrite(running, value, seen=time.time() - 61)
    aged = (await bucket.get(sessions.key_of(value))).revision or 0
    await asyncio.gather(*(get(running, value) for _ in range(10)))
    await asyncio.gather(*running.gateway._sessions._touching.values())
    assert (await bucket.get(sessions.key_of(value))).revision == aged + 1
    assert time.time() - (await stored(running, value)).seen < 5


async def test_an_old_token_is_refreshed_before_the_service_sees_it(start: Starter, brief_provider: Provider) -> None:
    running = await start(brief_provider)
    value, _ = await running.sign_in()
    before = (await stored(running, value)).tokens.access
    await asyncio.sleep(2.2)
    seen = (await running.client.get("/registry/echo", headers=running.cookie(value))).json()["headers"]
    assert seen["authorization"] != f"Bearer {before}"
    assert brief_provider.grants == ["authorization_code", "refresh_token"]


async def test_many_requests_at_two_gateways_refresh_once(start: Starter, brief_provider: Provider) -> None:
    pair = [await start(brief_provider, prefix="pair_race_") for _ in range(2)]
    value, _ = await pair[0].sign_in()
    for running in pair:
        assert await get(running, value) == 200
    await asyncio.sleep(2.2)
    answers = await asyncio.gather(*(get(running, value) for running in pair for _ in range(20)))
    assert set(answers) == {200}
    assert brief_provider.grants.count("refresh_token") == 1


async def test_a_claim_left_by_a_gateway_that_died_is_taken_over(start: Starter, brief_provider: Provider) -> None:
    running = await start(brief_provider)
    value, _ = await running.sign_in()
    await asyncio.sleep(2.1)
    await rewrite(running, value, claimed_until=time.time() + 0.5)
    began = time.monotonic()
    assert await get(running, value) == 200
    assert time.monotonic() - began > 0.3
    assert brief_provider.grants.count("refresh_token") == 1


async def test_a_session_ended_at_the_provider_is_over_here_too(start: Starter, brief_provider: Provider) -> None:
    running = await start(brief_provider)
    value, _ = await running.sign_in()
    brief_provider.refuse_refresh = True
    await asyncio.sleep(2.1)
    answer = await running.client.get("/registry/closed", headers={**running.cookie(value), "Accept": "text/html"})
    assert answer.headers["location"].startswith("/sign-in?next=")
    assert any("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
    brief_provider.refuse_refresh = False
    assert await get(running, value) == 401


async def test_a_provider_that_is_away_does_not_end_sessions(start: Starter, brief_provider: Provider) -> None:
    running = await start(brief_provider)
    value, _ = await running.sign_in()
    await asyncio.sleep(1.6)
    brief_provider.is_away = True
    assert await get(running, value) == 200
    await asyncio.sleep(0.6)
    assert await get(running, value) == 503
    brief_provider.is_away = False
    assert await get(running, value) == 200


async def test_while_the_broker_is_away_known_sessions_go_on_and_others_wait(
    start: Starter, provider: Provider
) -> None:
    with running_nats() as broker:
        running = await start(provider, nats_url=broker.url("gateway"))
        value, _ = await running.sign_in()
        assert await get(running, value) == 200
    while running.gateway._sessions.is_reachable:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert await get(running, value) == 200
    age = running.gateway._sessions._cache
    age._age_all()
    assert await get(running, value) == 200
    other = await running.client.get("/registry/closed", headers=running.cookie(UNKNOWN))
    assert (other.status_code, other.json()["code"]) == (503, "SessionsAway")
    page = await running.client.get("/", headers={**running.cookie(UNKNOWN), "Accept": "text/html"})
    assert page.status_code == 503
    assert (await running.client.get("/registry/closed", headers={"Authorization": "Bearer x"})).status_code == 200
    assert (await running.client.get("/")).status_code == 200
    held = age.get(sessions.key_of(value))
    assert held is not None
    tokens = replace(held.session.tokens, access_ends=time.time() - 1, refresh_from=time.time() - 2)
    age.drop(sessions.key_of(value))
    age.put(sessions.key_of(value), replace(held, session=replace(held.session, tokens=tokens)))
    assert await get(running, value) == 503


async def test_the_brokers_strict_permissions_are_enough(start: Starter, provider: Provider) -> None:
    with running_strict_nats() as broker:
        ours = {"nats_url": broker.address, "nats_seed_file": broker.seed_file("gateway"), "stream_prefix": ""}
        pair = [await start(provider, **ours) for _ in range(2)]
        for running in pair:
            while not running.gateway._sessions.is_reachable:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        value, _ = await pair[0].sign_in()
        assert await get(pair[1], value) == 200
        while pair[1].gateway._sessions._cache._watch is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await pair[0].gateway._sessions.end(value)
        while pair[1].gateway._sessions._cache.get(sessions.key_of(value)) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await get(pair[1], value) == 401
        again, _ = await pair[0].sign_in()
        [sub] = {session.sub for session in (await pair[0].gateway._sessions.of_person(None)).values()}
        assert await pair[1].gateway._sessions.is_first("notice")
        assert not await pair[0].gateway._sessions.is_first("notice")
        await pair[1].gateway._sessions.end_keys(await pair[1].gateway._sessions.of_person(sub))
        async with asyncio.timeout(5):
            while await get(pair[0], again) != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_under_the_brokers_strict_permissions_limits_are_shared(start: Starter) -> None:
    with running_strict_nats() as broker:
        ours = {"nats_url": broker.address, "nats_seed_file": broker.seed_file("gateway"), "stream_prefix": ""}
        pair = [await start(**ours, rate_address_units=6, rate_seconds=600) for _ in range(2)]
        async with asyncio.timeout(5):
            while any(running.gateway._rates._subscription is None for running in pair):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        answers = [(await pair[0].client.get("/api/registry/echo")).status_code for _ in range(6)]
        await asyncio.sleep(0.6)
        assert answers == [200] * 6
        assert (await pair[1].client.get("/api/registry/echo")).status_code == 429
