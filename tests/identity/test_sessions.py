"""What becomes of people who are signed in, on both providers: disabled, a role gone, keys rotated, signed out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from contracts import gateway as said
from gateway.accounts.keeping import Keeping
from gateway.accounts.realm import Realm
from gateway.logout import read_notice
from kernel.auth import TokenVerifier
from kernel.errors import Unauthenticated
from tests.fixtures.realm_client import RealmClient, claims
from tests.fixtures.servers import PASSWORD, Identity

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]
_numbers = count(1)


async def newcomer(keeping: Keeping, **changes: Any) -> said.KeepPerson:
    """Somebody of this test's own, with the password that the realm client types."""
    username = f"vnpt.moi{next(_numbers)}"
    given = {"username": username, "name": "Đỗ Mới", "org": "VNPT", "capabilities": ["applicant", "owner"]}
    asked = said.KeepPerson.model_validate({**given, "functions": [], "enabled": True, **changes})
    await keeping.keep_person(asked)
    link = (await keeping.invite(username, "VNPT")).path.rpartition("/")[2]
    await keeping.set_password(link, f"demo-{username}")
    return asked


def refreshed(realm_client: RealmClient, tokens: dict[str, Any]) -> httpx.Response:
    return realm_client.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])


async def test_an_invited_person_signs_in_and_goes_on_by_refreshing(keeping: Keeping, realm_client: RealmClient):
    asked = await newcomer(keeping)
    tokens = realm_client.tokens_of(asked.username)
    told = claims(tokens["access_token"])
    assert (told["org"], sorted(told["capabilities"])) == ("VNPT", ["applicant", "owner"])
    assert told["exp"] - told["iat"] <= 300, "short-lived"
    again = refreshed(realm_client, tokens)
    assert again.status_code == 200
    assert claims(again.json()["access_token"])["sid"] == told["sid"]


async def test_a_person_disabled_by_other_hands_is_out_when_the_token_ends(
    keeping: Keeping, realm: Realm, realm_client: RealmClient
):
    asked = await newcomer(keeping)
    tokens = realm_client.tokens_of(asked.username)
    user = await realm.person(asked.username)
    assert user is not None
    await realm.call(realm.admin.a_update_user(user["id"], {**user, "enabled": False}))
    answer = refreshed(realm_client, tokens)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    with pytest.raises(AssertionError, match=r"(?i)disabled|khoá|vô hiệu"):
        realm_client.code(asked.username)


async def test_a_person_disabled_by_us_is_signed_out_at_once(keeping: Keeping, realm_client: RealmClient):
    asked = await newcomer(keeping)
    tokens = realm_client.tokens_of(asked.username)
    await keeping.keep_person(asked.model_copy(update={"enabled": False}))
    await keeping.keep_person(asked)
    assert refreshed(realm_client, tokens).status_code == 400, "a session of before does not come back"


async def test_a_removed_role_is_gone_from_the_next_token_on(keeping: Keeping, realm_client: RealmClient):
    asked = await newcomer(keeping)
    tokens = realm_client.tokens_of(asked.username)
    await keeping.keep_person(asked.model_copy(update={"capabilities": ["applicant"]}))
    fresh = refreshed(realm_client, tokens)
    assert fresh.status_code == 200
    assert claims(fresh.json()["access_token"])["capabilities"] == ["applicant"]


async def test_keys_are_rotated_without_a_refused_token(
    provider: Identity, realm_client: RealmClient, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kernel.auth._ROTATION", 0.0)
    verifier = TokenVerifier(provider.issuer, "hatang-api")
    before = realm_client.tokens_of("vnpt.binh")
    await verifier.verify(before["access_token"])
    rotate(provider, is_embedded="identity_server" in request.node.callspec.params.values())
    after = refreshed(realm_client, before).json()
    kids = [jwt.decode(one["access_token"], keys_of(provider)).header["kid"] for one in (before, after)]
    assert kids[0] != kids[1]
    for _ in range(2):
        assert (await verifier.verify(after["access_token"])).id == "vnpt.binh"
        assert (await verifier.verify(before["access_token"])).id == "vnpt.binh"
    assert (await TokenVerifier(provider.issuer, "hatang-api").verify(before["access_token"])).id == "vnpt.binh"


def rotate(provider: Identity, *, is_embedded: bool) -> None:
    base = provider.issuer.partition("/realms/")[0]
    if is_embedded:
        assert httpx.post(f"{base}/rotate", timeout=20).status_code == 201
        return
    form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": PASSWORD}
    admin = httpx.post(f"{base}/realms/master/protocol/openid-connect/token", data=form, timeout=20).json()
    bearer = {"Authorization": f"Bearer {admin['access_token']}"}
    realm_id = httpx.get(f"{base}/admin/realms/hatang", headers=bearer, timeout=20).json()["id"]
    key = {
        "name": f"rotated-{time.monotonic_ns()}",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "parentId": realm_id,
        "config": {"priority": [str(1000 + next(_numbers))], "algorithm": ["RS256"], "keySize": ["2048"]},
    }
    made = httpx.post(f"{base}/admin/realms/hatang/components", json=key, headers=bearer, timeout=20)
    assert made.status_code == 201, made.text


def keys_of(provider: Identity) -> KeySet:
    found = httpx.get(f"{provider.issuer}/protocol/openid-connect/certs", timeout=20).json()
    signing = [key for key in found["keys"] if key.get("use") == "sig"]
    return KeySet.import_key_set({"keys": signing})


@pytest.mark.parametrize(("skew", "is_good"), [(-4, True), (-60, False), (4, True), (400, False)])
async def test_clocks_may_differ_by_seconds_and_not_by_minutes(
    provider: Identity, realm_client: RealmClient, monkeypatch: pytest.MonkeyPatch, skew: int, is_good: bool
):
    token = realm_client.client_token("mobifone-api")["access_token"]
    verifier, real = TokenVerifier(provider.issuer, "hatang-api"), time.time
    monkeypatch.setattr("time.time", lambda: real() + skew)
    if is_good:
        assert (await verifier.verify(token)).org == "MOBIFONE"
        return
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


class Listener:
    """An application's back-channel logout endpoint."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                heard.append(parse_qs(body)["logout_token"][0])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/backchannel-logout"

    def wait(self) -> str:
        until = time.monotonic() + 10
        while not self.heard:
            assert time.monotonic() < until, "no logout token came"
            time.sleep(0.05)
        return self.heard.pop()


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    thread = Thread(target=listener.server.serve_forever)
    thread.start()
    try:
        yield listener
    finally:
        listener.server.shutdown()
        thread.join()
        listener.server.server_close()


@pytest.mark.parametrize("how", ["administrator", "browser", "disabled"])
async def test_the_application_is_told_of_a_sign_out_everywhere(
    provider: Identity, keeping: Keeping, realm: Realm, realm_client: RealmClient, how: str
):
    asked = await newcomer(keeping)
    gateway = await realm.client("gateway")
    assert gateway is not None
    with listening() as listener:
        changed = {**gateway, "attributes": {**gateway["attributes"], "backchannel.logout.url": listener.url}}
        await realm.call(realm.admin.a_update_client(gateway["id"], changed))
        tokens = realm_client.tokens_of(asked.username)
        if how == "administrator":
            await keeping.sign_out(asked.username, "VNPT")
        elif how == "disabled":
            await keeping.keep_person(asked.model_copy(update={"enabled": False}))
        else:
            form = {"refresh_token": tokens["refresh_token"], "client_id": "gateway", "client_secret": PASSWORD}
            assert realm_client.http.post(f"{realm_client.protocol}/logout", data=form).status_code == 204
        notice = jwt.decode(listener.wait(), keys_of(provider))
    await realm.call(realm.admin.a_update_client(gateway["id"], gateway))
    told = read_notice(notice.claims, issuer=provider.issuer, client_id="gateway", now=time.time())
    assert told.sid == claims(tokens["access_token"])["sid"]
    assert told.sub == claims(tokens["access_token"])["sub"]
    assert refreshed(realm_client, tokens).status_code == 400
