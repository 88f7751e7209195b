"""The embedded identity provider, flow by flow, with what it must refuse."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet

from infra.local import child
from infra.local.errors import CannotStart
from infra.local.identity.__main__ import loopback
from infra.local.identity.app import create_app
from infra.local.identity.realm import Realm, load
from infra.local.ports import free_ports
from tests.fixtures.servers import ROOT

pytestmark = pytest.mark.unit

ORIGIN = "http://127.0.0.1:8081"
PROTOCOL = "/realms/hatang/protocol/openid-connect"
CALLBACK = "http://127.0.0.1:9999/callback"
VERIFIER = "v" * 64
GATEWAY = ("gateway", "demo-gateway")
VIETTEL = ("viettel-api", "demo-viettel-api")


@pytest.fixture
def realm() -> Realm:
    return load(environ={})


@pytest.fixture
async def provider(realm: Realm, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(realm, tmp_path / "identity", ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def asked(**changed: str | None) -> str:
    sent: dict[str, str | None] = {
        "client_id": "gateway",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "there-and-back",
        "nonce": "once",
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
        **changed,
    }
    return f"{PROTOCOL}/auth?" + urlencode({key: value for key, value in sent.items() if value is not None})


def told(answer: httpx.Response) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def code_of(provider: httpx.AsyncClient, person: str = "sgtvt.tuan", **changed: str | None) -> str:
    answer = await provider.post(asked(**changed), data={"person": person})
    assert answer.status_code == 303, answer.text
    return told(answer)["code"]


async def redeem(provider: httpx.AsyncClient, code: str, **changed: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return await provider.post(f"{PROTOCOL}/token", data={**form, **changed}, auth=GATEWAY)


async def signed_in(provider: httpx.AsyncClient, person: str = "sgtvt.tuan") -> dict[str, Any]:
    answer = await redeem(provider, await code_of(provider, person))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refreshed(provider: httpx.AsyncClient, token: str, auth: tuple[str, str] = GATEWAY) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await provider.post(f"{PROTOCOL}/token", data=form, auth=auth)


async def claims_of(provider: httpx.AsyncClient, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await provider.get(f"{PROTOCOL}/certs")).json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


async def test_discovery_names_this_realms_paths(provider: httpx.AsyncClient) -> None:
    found = (await provider.get("/realms/hatang/.well-known/openid-configuration")).json()
    assert found["issuer"] == f"{ORIGIN}/realms/hatang"
    for name, path in {"authorization": "auth", "token": "token", "end_session": "logout"}.items():
        assert found[f"{name}_endpoint"] == f"{ORIGIN}{PROTOCOL}/{path}"
    assert found["jwks_uri"] == f"{ORIGIN}{PROTOCOL}/certs"
    assert found["code_challenge_methods_supported"] == ["S256"]


async def test_the_page_offers_every_person_and_warns(provider: httpx.AsyncClient, realm: Realm) -> None:
    answer = await provider.get(asked())
    assert answer.status_code == 200
    assert set(re.findall(r'name="person" value="([^"]+)"', answer.text)) == set(realm.people)
    assert "Không dùng cho vận hành thật" in answer.text
    assert "Not for production" in answer.text
    assert "Sở Nông nghiệp và Môi trường" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9999" in policy
    assert "style=" not in answer.text
    assert "<script" not in answer.text


async def test_a_person_signs_in_with_the_claims_decided(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider)
    claims = await claims_of(provider, tokens["access_token"])
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 300
    assert claims["sid"] == tokens["session_state"]
    for name in ("exp", "iat", "auth_time", "jti", "sid"):
        del claims[name]
    assert claims == {
        "iss": f"{ORIGIN}/realms/hatang",
        "aud": "hatang-api",
        "azp": "gateway",
        "typ": "Bearer",
        "scope": "openid",
        "sub": "01990000-f41f-7051-80e1-383ee58f96f2",
        "preferred_username": "sgtvt.tuan",
        "name": "Phạm Anh Tuấn",
        "locale": "vi",
        "org": "SXD",
        "capabilities": ["reviewer", "head"],
        "functions": ["transport"],
    }


async def test_the_id_token_is_for_the_client_and_repeats_the_nonce(provider: httpx.AsyncClient) -> None:
    claims = await claims_of(provider, (await signed_in(provider))["id_token"])
    assert (claims["aud"], claims["nonce"], claims["typ"]) == ("gateway", "once", "ID")
    assert claims["at_hash"]


async def test_the_answer_goes_back_with_state_and_issuer(provider: httpx.AsyncClient) -> None:
    answer = await provider.post(asked(), data={"person": "sxd.lan"})
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert told(answer)["state"] == "there-and-back"
    assert told(answer)["iss"] == f"{ORIGIN}/realms/hatang"


async def test_somebody_without_functions_has_no_such_claim(provider: httpx.AsyncClient) -> None:
    claims = await claims_of(provider, (await signed_in(provider, "viettel.an"))["access_token"])
    assert "functions" not in claims
    assert claims["capabilities"] == ["applicant", "owner"]


@pytest.mark.parametrize("by_form", [False, True])
async def test_a_client_gets_a_token_without_session(provider: httpx.AsyncClient, by_form: bool) -> None:
    form = {"grant_type": "client_credentials"}
    secret = {"client_id": "viettel-api", "client_secret": "demo-viettel-api"}
    answer = await provider.post(
        f"{PROTOCOL}/token",
        data={**form, **(secret if by_form else {})},
        auth=httpx.USE_CLIENT_DEFAULT if by_form else VIETTEL,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    claims = await claims_of(provider, answer.json()["access_token"])
    assert (claims["azp"], claims["org"], claims["aud"]) == ("viettel-api", "VIETTEL", "hatang-api")
    assert set(claims["capabilities"]) == {"applicant", "owner"}
    assert claims["preferred_username"] == "service-account-viettel-api"
    assert claims.keys().isdisjoint({"sid", "functions", "name"})
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("viettel-api", "guess"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (("nobody", "guess"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials", "client_id": "viettel-api"}, 401, "invalid_client"),
        (("hatang-api", ""), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (GATEWAY, {"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        (GATEWAY, {"grant_type": "password", "username": "sxd.lan"}, 400, "unsupported_grant_type"),
        (
            ("viettel-api", "demo-viettel-api"),
            {"grant_type": "authorization_code", "code": "x"},
            400,
            "unauthorized_client",
        ),
    ],
)
async def test_a_token_is_refused(
    provider: httpx.AsyncClient, auth: tuple[str, str] | None, form: Mapping[str, str], status: int, error: str
) -> None:
    answer = await provider.post(f"{PROTOCOL}/token", data=dict(form), auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_a_bad_sign_in_request_goes_back_to_the_client(
    provider: httpx.AsyncClient, changed: Mapping[str, str | None], error: str
) -> None:
    answer = await provider.get(asked(**changed))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert told(answer)["error"] == error
    assert told(answer)["state"] == "there-and-back"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:9999/other"},
        {"redirect_uri": "http://127.0.0.1:9999@evil.example/callback"},
        {"redirect_uri": "http://x@127.0.0.1:9999/callback"},
        {"client_id": "viettel-api"},
    ],
)
async def test_an_unregistered_address_is_never_redirected_to(
    provider: httpx.AsyncClient, changed: Mapping[str, str | None]
) -> None:
    answer = await provider.post(asked(**changed), data={"person": "sxd.lan"})
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_another_sites_page_cannot_pick_for_me(provider: httpx.AsyncClient) -> None:
    answer = await provider.post(asked(), data={"person": "sxd.lan"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "location" not in answer.headers


async def test_somebody_unknown_is_not_signed_in(provider: httpx.AsyncClient) -> None:
    answer = await provider.post(asked(), data={"person": "service-account-viettel-api"})
    assert answer.status_code == 200


async def test_a_foreign_host_name_is_refused(provider: httpx.AsyncClient) -> None:
    answer = await provider.get(asked(), headers={"Host": "rebound.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("changed", [{"code_verifier": "w" * 64}, {"redirect_uri": "http://localhost:9999/callback"}])
async def test_a_code_is_bound_to_its_request(provider: httpx.AsyncClient, changed: dict[str, str]) -> None:
    answer = await redeem(provider, await code_of(provider), **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_guessed_code_is_refused(provider: httpx.AsyncClient) -> None:
    answer = await redeem(provider, "guess")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_without_its_verifier_is_refused(provider: httpx.AsyncClient) -> None:
    answer = await redeem(provider, await code_of(provider), code_verifier="")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_code_used_twice_ends_the_session_it_opened(provider: httpx.AsyncClient) -> None:
    code = await code_of(provider)
    tokens = (await redeem(provider, code)).json()
    again = await redeem(provider, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await refreshed(provider, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_keeps_session_and_person(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider)
    answer = await refreshed(provider, tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    before, after = [await claims_of(provider, found["access_token"]) for found in (tokens, answer.json())]
    assert before["sid"] == after["sid"]
    assert before["jti"] != after["jti"]
    assert after["preferred_username"] == "sgtvt.tuan"


async def test_a_refresh_token_is_nothing_else(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider)
    for wrong in (tokens["access_token"], tokens["id_token"], "guess"):
        assert (await refreshed(provider, wrong)).json()["error"] == "invalid_grant"
    stolen = await refreshed(provider, tokens["refresh_token"], VIETTEL)
    assert stolen.status_code == 400
    bearer = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    assert (await provider.get(f"{PROTOCOL}/userinfo", headers=bearer)).status_code == 401


async def test_sign_out_ends_the_session_and_goes_home(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://127.0.0.1:9999/", "state": "bye"}
    answer = await provider.get(f"{PROTOCOL}/logout?{urlencode(query)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1:9999/?state=bye")
    assert (await refreshed(provider, tokens["refresh_token"])).json()["error_description"] == "Session not active"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await provider.get(f"{PROTOCOL}/userinfo", headers=bearer)).status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"id_token_hint": "guess"},
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "viettel-api"},
    ],
)
async def test_a_bad_sign_out_changes_nothing(provider: httpx.AsyncClient, changed: Mapping[str, str]) -> None:
    tokens = await signed_in(provider)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://127.0.0.1:9999/", **changed}
    answer = await provider.get(f"{PROTOCOL}/logout?{urlencode(query)}")
    assert answer.status_code == 400
    assert (await refreshed(provider, tokens["refresh_token"])).status_code == 200


async def test_a_clients_server_ends_a_session_by_refresh_token(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider)
    form = {"refresh_token": tokens["refresh_token"]}
    assert (await provider.post(f"{PROTOCOL}/logout", data=form, auth=("gateway", "guess"))).status_code == 401
    assert (await provider.post(f"{PROTOCOL}/logout", data=form, auth=GATEWAY)).status_code == 204
    assert (await refreshed(provider, tokens["refresh_token"])).status_code == 400


async def test_userinfo_repeats_the_persons_claims(provider: httpx.AsyncClient) -> None:
    tokens = await signed_in(provider, "sxd.lan")
    answer = await provider.get(f"{PROTOCOL}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.json()["name"] == "Trần Thị Lan"
    assert (await provider.get(f"{PROTOCOL}/userinfo")).status_code == 401


async def test_rotation_signs_with_the_new_key_and_still_honours_the_old(provider: httpx.AsyncClient) -> None:
    before = (await signed_in(provider))["access_token"]
    made = await provider.post("/rotate")
    assert made.status_code == 201
    after = (await signed_in(provider))["access_token"]
    keys = KeySet.import_key_set((await provider.get(f"{PROTOCOL}/certs")).json())
    assert len(keys.keys) == 2
    assert jwt.decode(after, keys, algorithms=["RS256"]).header["kid"] == made.json()["kid"]
    assert jwt.decode(before, keys, algorithms=["RS256"]).header["kid"] != made.json()["kid"]
    assert "d" not in (await provider.get(f"{PROTOCOL}/certs")).text.split('"')
    assert (await provider.post("/rotate", headers={"Origin": "http://evil.example"})).status_code == 403


async def test_keys_and_sessions_survive_a_restart(realm: Realm, tmp_path: Path) -> None:
    async def fresh() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_app(realm, tmp_path / "identity", ORIGIN))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async with await fresh() as first:
        tokens = await signed_in(first)
    async with await fresh() as second:
        assert (await refreshed(second, tokens["refresh_token"])).status_code == 200
        assert (await claims_of(second, tokens["access_token"]))["org"] == "SXD"
    for name in ("keys.json", "sessions.db"):
        assert stat.S_IMODE((tmp_path / "identity" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_it_refuses_to_listen_beyond_this_machine(host: str) -> None:
    with pytest.raises(CannotStart, match="refuses to listen"):
        loopback(host)


@pytest.mark.system
def test_the_process_serves_and_rotates_on_sighup(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    env = {**os.environ, "IDENTITY_PORT": str(port), "IDENTITY_FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = child.spawn(child.Command([sys.executable, "-m", "infra.local.identity"], env), subprocess.DEVNULL)
    try:
        certs = f"http://127.0.0.1:{port}{PROTOCOL}/certs"
        assert len(_keys(certs)) == 1
        process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 10
        while len(_keys(certs)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(_keys(certs)) == 2
    finally:
        child.stop(process)
    assert process.returncode in (0, -signal.SIGTERM)


def _keys(certs: str) -> list[Any]:
    with httpx.Client(transport=httpx.HTTPTransport(retries=0), trust_env=False) as client:
        for _ in range(200):
            try:
                return list(client.get(certs).json()["keys"])
            except httpx.TransportError:
                time.sleep(0.05)
    raise AssertionError("the identity provider did not come up")


async def admin_of(provider: httpx.AsyncClient) -> dict[str, str]:
    form = {"grant_type": "client_credentials"}
    answer = await provider.post(f"{PROTOCOL}/token", data=form, auth=("hatang-admin", "for tests"))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_people_made_and_removed_by_the_admin_api_outlive_a_restart(tmp_path: Path) -> None:
    realm = load(environ={"GATEWAY_ADMIN_SECRET": "for tests"})
    users = "/admin/realms/hatang/users"
    for turn in range(2):
        transport = httpx.ASGITransport(create_app(realm, tmp_path / "identity", ORIGIN))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as provider:
            header = await admin_of(provider)
            if turn == 0:
                content = {"username": "ock.binh", "firstName": "Bình", "enabled": True, "attributes": {"org": ["OCK"]}}
                assert (await provider.post(users, json=content, headers=header)).status_code == 201
                gone = realm.people["viettel.an"].id
                assert (await provider.delete(f"{users}/{gone}", headers=header)).status_code == 204
                continue
            found = (await provider.get(users, headers=header)).json()
            names = {user["username"] for user in found}
            assert "ock.binh" in names
            assert "viettel.an" not in names, "an import brings nobody back who was removed"
            page = (await provider.get(asked())).text
            assert 'value="ock.binh"' in page
            assert 'value="viettel.an"' not in page


async def test_a_password_is_asked_for_once_it_is_set_and_kept_as_a_hash(tmp_path: Path) -> None:
    realm = load(environ={"GATEWAY_ADMIN_SECRET": "for tests"})
    transport = httpx.ASGITransport(create_app(realm, tmp_path / "identity", ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as provider:
        header, person = await admin_of(provider), realm.people["viettel.an"]
        path = f"/admin/realms/hatang/users/{person.id}/reset-password"
        sent = {"type": "password", "value": "con đò neo bến", "temporary": False}
        assert (await provider.put(path, json=sent, headers=header)).status_code == 204
        assert "con đò" not in (tmp_path / "identity" / "directory.db").read_bytes().decode("utf-8", "replace")
        for password in (None, "wrong"):
            form = {"person": "viettel.an", **({"password": password} if password else {})}
            refused = await provider.post(asked(), data=form)
            assert refused.status_code == 200
            assert 'name="password"' in refused.text
        signed_in = await provider.post(asked(), data={"person": "viettel.an", "password": "con đò neo bến"})
        assert signed_in.status_code == 303
