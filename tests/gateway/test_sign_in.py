"""Signing in and out through the real embedded provider, as a browser would."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.gateway.conftest import Provider, Running, Starter

pytestmark = pytest.mark.database
HTML = {"Accept": "text/html"}


async def test_after_signing_in_a_service_gets_the_persons_token_and_no_cookie(
    start: Starter, provider: Provider
) -> None:
    running = await start(provider)
    value, returned = await running.sign_in("sxd.lan", next="/registry/masts?q=1")
    assert (returned.status_code, returned.headers["location"]) == (303, "/registry/masts?q=1")
    seen = (await running.client.get("/api/registry/echo", headers=running.cookie(value))).json()["headers"]
    assert "cookie" not in seen
    actor = await running.gateway._identity.actor(seen["authorization"].removeprefix("Bearer "))
    assert (actor.id, actor.org, actor.kind) == ("sxd.lan", "SXD", "person")
    assert {"reviewer", "registrar"} <= actor.capabilities


async def test_the_session_cookie_belongs_to_this_host_and_no_script_reads_it(
    start: Starter, provider: Provider
) -> None:
    running = await start(provider)
    _, returned = await running.sign_in()
    port = running.url.rsplit(":", 1)[1]
    set_ = [line for line in returned.headers.get_list("set-cookie") if line.startswith("__Host-session")]
    assert len(set_) == 1
    assert set_[0].startswith(f"__Host-session-{port}=")
    assert set_[0].endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


async def test_sign_in_asks_for_pkce_state_and_nonce_that_differ_each_time(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    asked = []
    for _ in range(2):
        leaving = await running.client.get("/sign-in")
        asked.append(parse_qs(urlsplit(leaving.headers["location"]).query))
    for query in asked:
        assert query["code_challenge_method"] == ["S256"]
        assert query["response_type"] == ["code"]
        assert query["redirect_uri"] == [f"{running.url}/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


async def test_a_callback_with_another_browsers_state_signs_nobody_in(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    mine = await running.client.get("/sign-in")
    theirs = await running.client.get("/sign-in")
    async with httpx.AsyncClient(trust_env=False) as browser:
        picked = await browser.post(theirs.headers["location"], data={"person": "sxd.hung"})
    name = running.gateway._cookies.sign_in
    cookie = mine.headers["set-cookie"].split("=", 1)[1].split(";", 1)[0]
    for headers in ({"Cookie": f"{name}={cookie}"}, {"Cookie": f"{name}=00ff"}, {}):
        refused = await running.client.get(picked.headers["location"], headers=headers)
        assert refused.status_code == 400
        assert running.cookie_name not in refused.headers.get("set-cookie", "")
        assert refused.json()["code"] == "SignInFailed"


async def test_a_state_that_is_no_ascii_signs_nobody_in(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    leaving = await running.client.get("/sign-in")
    cookie = leaving.headers["set-cookie"].split(";", 1)[0]
    answer = await running.client.get("/callback", params={"state": "é", "code": "1"}, headers={"Cookie": cookie})
    assert (answer.status_code, answer.json()["code"]) == (400, "SignInFailed")


async def test_a_code_is_good_once(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    leaving = await running.client.get("/sign-in")
    async with httpx.AsyncClient(trust_env=False) as browser:
        picked = await browser.post(leaving.headers["location"], data={"person": "sxd.lan"})
    cookie = leaving.headers["set-cookie"].split(";", 1)[0]
    first = await running.client.get(picked.headers["location"], headers={"Cookie": cookie})
    again = await running.client.get(picked.headers["location"], headers={"Cookie": cookie})
    assert (first.status_code, again.status_code) == (303, 400)


async def test_next_leads_nowhere_else(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    _, returned = await running.sign_in(next="//evil.example/")
    assert returned.headers["location"] == "/"


async def test_sign_in_under_another_name_of_this_host_moves_to_the_public_one(
    start: Starter, provider: Provider
) -> None:
    running = await start(provider)
    answer = await running.client.get("/sign-in?next=/a", headers={"Host": "localhost:1"})
    assert answer.headers["location"] == f"{running.url}/sign-in?next=%2Fa&moved=1"


async def test_a_provider_that_is_away_is_said_plainly(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    provider.is_away = True
    answer = await running.client.get("/sign-in", headers=HTML)
    assert answer.status_code == 503
    assert "Dịch vụ đăng nhập tạm ngừng" in answer.text


async def test_signing_in_again_ends_the_session_before(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    old, _ = await running.sign_in("sxd.lan")
    leaving = await running.client.get("/sign-in")
    async with httpx.AsyncClient(trust_env=False) as browser:
        picked = await browser.post(leaving.headers["location"], data={"person": "sxd.hung"})
    cookie = leaving.headers["set-cookie"].split(";", 1)[0] + f"; {running.cookie_name}={old}"
    assert (await running.client.get(picked.headers["location"], headers={"Cookie": cookie})).status_code == 303
    assert (await running.client.get("/registry/closed", headers=running.cookie(old))).status_code == 401


async def test_signing_out_ends_the_session_here_and_at_the_provider(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    headers = {**running.cookie(value), "Sec-Fetch-Site": "same-origin"}
    left = await running.client.post("/sign-out", headers=headers)
    assert left.status_code == 303
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert left.headers["location"].startswith(f"{provider.issuer}/protocol/openid-connect/logout?id_token_hint=")
    async with httpx.AsyncClient(trust_env=False) as browser:
        ended = await browser.get(left.headers["location"])
    assert (ended.status_code, ended.headers["location"]) == (303, f"{running.url}/")
    assert (await running.client.get("/registry/closed", headers=running.cookie(value))).status_code == 401
    assert (await running.client.post("/sign-out", headers=headers)).headers["location"] == "/"


async def test_signing_out_at_one_gateway_holds_at_the_other(start: Starter, provider: Provider) -> None:
    one = await start(provider, prefix="pair_out_")
    other = await start(provider, prefix="pair_out_")
    value, _ = await one.sign_in()
    cookie = {"Cookie": f"{other.cookie_name}={value}"}
    assert (await other.client.get("/registry/closed", headers=cookie)).status_code == 200
    await one.client.post("/sign-out", headers={**one.cookie(value), "Origin": one.url})
    for _ in range(100):
        answer = await other.client.get("/registry/closed", headers=cookie)
        if answer.status_code == 401:
            break
    assert answer.status_code == 401


async def test_unsafe_methods_with_the_cookie_need_our_own_origin(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    cookie = running.cookie(value)
    service = running.services["registry"]
    foreign: tuple[dict[str, str], ...] = (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{running.url}.evil.example"},
    )
    for headers in foreign:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await running.client.request(method, "/api/registry/echo", headers={**cookie, **headers})
            assert (answer.status_code, answer.json()["code"]) == (403, "CrossSiteRefused")
    assert service.seen == []
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": running.url}):
        answer = await running.client.post("/api/registry/echo", headers={**cookie, **headers})
        assert answer.status_code == 200
    assert (await running.client.post("/api/registry/echo", headers={"Authorization": "Bearer x"})).status_code == 200


async def test_the_callers_own_token_goes_before_the_session(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    value, _ = await running.sign_in()
    headers = {**running.cookie(value), "Authorization": "Bearer own"}
    assert (await running.client.get("/registry/echo", headers=headers)).json()["headers"][
        "authorization"
    ] == "Bearer own"


async def test_a_page_that_needs_a_person_leads_to_the_door_and_back(running: Running) -> None:
    answer = await running.client.get("/registry/closed?a=1&b=2", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Fregistry%2Fclosed%3Fa%3D1%26b%3D2",
    )
    posted = await running.client.post(
        "/registry/closed", headers={**HTML, "Referer": f"{running.url}/registry/masts?x=1"}
    )
    assert posted.headers["location"] == "/sign-in?next=%2Fregistry%2Fmasts%3Fx%3D1"
    foreign = await running.client.post("/registry/closed", headers={**HTML, "Referer": "http://evil.example/x"})
    assert foreign.headers["location"] == "/sign-in?next=%2F"


async def test_htmx_is_told_to_leave_the_page(running: Running) -> None:
    headers = {**HTML, "HX-Request": "true", "HX-Current-URL": f"{running.url}/registry/masts"}
    answer = await running.client.get("/registry/closed", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fregistry%2Fmasts")


async def test_programs_get_the_401_itself(running: Running) -> None:
    for path in ("/api/registry/closed", "/registry/closed"):
        answer = await running.client.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await running.client.get("/api/registry/closed", headers=HTML)).status_code == 401
