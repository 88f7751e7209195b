"""Signing out everywhere: the provider's word, its replay and forgeries, and a person's own list of sessions."""

import asyncio
import os
import secrets
import time
from typing import Any

import pytest
from bs4 import BeautifulSoup
from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.logout import EVENT, read_notice
from gateway.session_cache import Session
from tests.gateway.conftest import Provider, Running, Starter
from tests.gateway.forging import symmetric, unsigned

pytestmark = pytest.mark.database
NOW = 1_000_000.0
GOOD = {
    "iss": "issuer",
    "aud": "gateway",
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "1",
    "sub": "s",
    "sid": "d",
    "events": {EVENT: {}},
}


@pytest.mark.unit
@pytest.mark.parametrize("changes", [{}, {"aud": ["x", "gateway"]}, {"sid": None}, {"sub": None}, {"exp": None}])
def test_a_logout_token_as_the_specification_writes_it(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    notice = read_notice(claims, issuer="issuer", client_id="gateway", now=NOW)
    assert (notice.jti, notice.sub, notice.sid) == ("1", claims.get("sub"), claims.get("sid"))


@pytest.mark.unit
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"aud": "another"},
        {"aud": None},
        {"events": None},
        {"events": {}},
        {"events": {EVENT: "yes"}},
        {"events": [EVENT]},
        {"nonce": "n"},
        {"iat": NOW - 301},
        {"iat": NOW + 30},
        {"iat": None},
        {"iat": "now"},
        {"exp": NOW - 10},
        {"jti": None},
        {"jti": 5},
        {"sub": None, "sid": None},
        {"sid": ["d"]},
    ],
)
def test_anything_else_is_no_logout_token(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ValueError):
        read_notice(claims, issuer="issuer", client_id="gateway", now=NOW)


async def session_of(running: Running, value: str) -> Session:
    session = await running.gateway._sessions.find(value)
    assert session is not None
    return session


def signed(provider: Provider, session: Session, **changes: Any) -> str:
    """A logout token by the embedded provider's own key."""
    now = int(time.time())
    claims = {
        "iss": provider.issuer,
        "aud": "gateway",
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(8),
        "sub": session.sub,
        "sid": session.sid,
        "events": {EVENT: {}},
        **changes,
    }
    key = provider.signing_key
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "logout+jwt"}, kept, key)


async def told(running: Running, token: str) -> int:
    return (await running.client.post("/backchannel-logout", data={"logout_token": token})).status_code


async def status(running: Running, value: str) -> int:
    return (await running.client.get("/registry/closed", headers=running.cookie(value))).status_code


async def eventually(running: Running, value: str, wanted: int) -> None:
    async with asyncio.timeout(5):
        while await status(running, value) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_providers_word_ends_that_session_at_every_gateway(start: Starter, provider: Provider) -> None:
    prefix = f"gw{os.getpid()}out_"
    pair = [await start(provider, prefix=prefix) for _ in range(2)]
    first, _ = await pair[0].sign_in("sxd.lan")
    second, _ = await pair[1].sign_in("sxd.lan")
    hung, _ = await pair[0].sign_in("sxd.hung")
    for running in pair:
        assert [await status(running, value) for value in (first, second, hung)] == [200] * 3
    answer = await pair[1].client.post(
        "/backchannel-logout", data={"logout_token": signed(provider, await session_of(pair[0], first))}
    )
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")
    for running in pair:
        await eventually(running, first, 401)
        assert [await status(running, value) for value in (second, hung)] == [200, 200]


async def test_without_a_session_named_all_of_the_person_end(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    mine = [(await running.sign_in("sxd.lan"))[0] for _ in range(3)]
    hung, _ = await running.sign_in("sxd.hung")
    assert await told(running, signed(provider, await session_of(running, mine[0]), sid=None)) == 200
    assert [await status(running, value) for value in (*mine, hung)] == [401, 401, 401, 200]


async def test_without_a_person_named_the_session_is_found_all_the_same(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    mine, _ = await running.sign_in("sxd.lan")
    hung, _ = await running.sign_in("sxd.hung")
    assert await told(running, signed(provider, await session_of(running, mine), sub=None)) == 200
    assert [await status(running, mine), await status(running, hung)] == [401, 200]


async def test_a_notice_is_good_once_at_all_gateways_together(start: Starter, provider: Provider) -> None:
    prefix = f"gw{os.getpid()}once_"
    pair = [await start(provider, prefix=prefix) for _ in range(2)]
    value, _ = await pair[0].sign_in()
    token = signed(provider, await session_of(pair[0], value))
    assert [await told(pair[0], token), await told(pair[0], token), await told(pair[1], token)] == [200, 400, 400]


async def test_forged_and_misdirected_notices_end_nothing(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    session = await session_of(running, value)
    good = signed(provider, session)
    stranger = RSAKey.generate_key(2048, parameters={"kid": provider.signing_key.kid})
    public = provider.signing_key.as_pem(private=False)
    claims = {**GOOD, "iss": provider.issuer, "iat": int(time.time()), "exp": int(time.time()) + 60, "sub": session.sub}
    kid = provider.signing_key.kid
    tokens = [
        "",
        "nonsense",
        good[:-4] + "AAAA",
        session.tokens.id_token,
        session.tokens.access,
        jwt.encode({"alg": "RS256", "kid": kid}, claims, stranger),
        symmetric(claims, public, kid=kid),
        unsigned(claims, kid=kid),
        signed(provider, session, aud="hatang-api"),
        signed(provider, session, nonce="n"),
        signed(provider, session, iat=int(time.time()) - 400),
        signed(provider, session, events={}),
    ]
    assert [await told(running, token) for token in tokens] == [400] * len(tokens)
    assert (await running.client.post("/backchannel-logout")).status_code == 400
    assert (await running.client.get("/backchannel-logout")).status_code == 405
    assert await status(running, value) == 200
    refused = await running.client.post(
        "/backchannel-logout", data={"logout_token": "x"}, headers={"Accept": "text/html"}
    )
    assert refused.json()["code"] == "LogoutRefused"
    assert await told(running, good) == 200


async def test_signing_out_at_the_provider_ends_the_session_here(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    session = await session_of(running, value)
    provider.tell_at(f"{running.url}/backchannel-logout")
    ended = await running.client.get(await running.gateway._identity.sign_out_url(session.tokens.id_token))
    assert ended.status_code == 303
    await eventually(running, value, 401)


async def page(running: Running, value: str) -> BeautifulSoup:
    answer = await running.client.get("/sessions", headers={**running.cookie(value), "Accept": "text/html"})
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


async def post(running: Running, value: str, path: str, token: str) -> int:
    headers = {**running.cookie(value), "Origin": running.url}
    return (await running.client.post(path, data={"_csrf": token}, headers=headers)).status_code


async def test_a_person_sees_his_sessions_and_ends_one_or_all(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    mine = [(await running.sign_in("sxd.lan"))[0] for _ in range(3)]
    hung, _ = await running.sign_in("sxd.hung")
    shown = await page(running, mine[0])
    assert len(shown.select("tbody tr")) == 3
    forms = shown.select("tbody form")
    assert len(forms) == 2
    token = str(forms[0].select_one("[name=_csrf]")["value"])  # type: ignore[index]
    assert await post(running, hung, str(forms[0]["action"]), token) == 403
    assert await post(running, mine[0], str(forms[0]["action"]), "") == 403
    assert await post(running, mine[0], str(forms[0]["action"]), token) == 303
    assert sorted([await status(running, value) for value in mine]) == [200, 200, 401]
    assert await status(running, mine[0]) == 200
    assert len((await page(running, mine[0])).select("tbody tr")) == 2
    assert await post(running, mine[0], "/sessions", token) == 303
    assert [await status(running, value) for value in (*mine, hung)] == [401, 401, 401, 200]


async def test_the_session_of_somebody_else_is_not_found(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    lan, _ = await running.sign_in("sxd.lan")
    another, _ = await running.sign_in("sxd.lan")
    hung, _ = await running.sign_in("sxd.hung")
    target = str((await page(running, lan)).select("tbody form")[0]["action"])
    token = str((await page(running, hung)).select_one("[name=_csrf]")["value"])  # type: ignore[index]
    assert await post(running, hung, target, token) == 404
    assert await status(running, another) == 200


async def test_nobody_signed_in_is_sent_to_the_door(start: Starter) -> None:
    running = await start()
    answer = await running.client.get("/sessions", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fsessions")
    assert (await running.client.get("/sessions")).status_code == 401
