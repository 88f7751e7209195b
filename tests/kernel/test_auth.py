import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc.jwk import RSAKey

from kernel.auth import TokenVerifier
from kernel.errors import Unauthenticated
from tests.fixtures.realm import AUDIENCE, ISSUER, Realm

pytestmark = pytest.mark.unit


class KeyServer(HTTPServer):
    """A realm's certs endpoint whose keys the test chooses."""

    asked = 0
    body = b"{}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/certs"

    def show(self, *keys: RSAKey) -> None:
        self.body = json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


class KeyAnswer(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def identity_keys() -> Iterator[KeyServer]:
    server = KeyServer(("127.0.0.1", 0), KeyAnswer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def realm() -> Realm:
    return Realm()


async def test_a_token_becomes_an_actor(realm):
    token = realm.token("sxd.lan", "SXD", "reviewer", "head", functions=("construction",))
    actor = await realm.verifier().verify(token)
    assert (actor.id, actor.org, actor.kind) == ("sxd.lan", "SXD", "person")
    assert actor.can("head")
    assert not actor.can("lead")
    assert actor.functions == {"construction"}


async def test_a_token_without_session_is_a_client_and_aud_may_be_a_list(realm):
    token = realm.token(
        "service-account-vnpt-api", "VNPT", "applicant", sid=None, aud=["x", "hatang-api"], azp="vnpt-api"
    )
    actor = await realm.verifier().verify(token)
    assert (actor.kind, actor.id) == ("client", "vnpt-api")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"aud": "other"},
        {"iss": "http://evil/realms/hatang"},
        {"aud": None},
        {"exp": None},
    ],
)
async def test_wrong_claims_are_refused(realm, claims):
    with pytest.raises(Unauthenticated) as refused:
        await realm.verifier().verify(realm.token("x", "X", **claims))
    assert refused.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_another_key_is_refused(realm):
    stranger = Realm()
    stranger.key = RSAKey.generate_key(2048, parameters={"kid": "test"})
    with pytest.raises(Unauthenticated):
        await realm.verifier().verify(stranger.token("x", "X"))


async def test_symmetric_signature_with_the_public_key_is_refused(realm):
    # Made by hand: the library refuses to sign with a public key.
    parts = [
        urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({"alg": "HS256", "kid": "test"}, {"sub": "x"})
    ]
    signature = hmac.digest(realm.key.as_pem(private=False), b".".join(parts), "sha256")
    token = b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    with pytest.raises(Unauthenticated):
        await realm.verifier().verify(token)


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "é.é.é"])
async def test_no_token_at_all_is_refused(realm, token):
    with pytest.raises(Unauthenticated):
        await realm.verifier().verify(token)


async def test_a_rotated_realm_is_asked_for_its_new_keys_once(realm, identity_keys):
    verifier = TokenVerifier(ISSUER, AUDIENCE, identity_keys.url)
    identity_keys.show(realm.key)
    await verifier.verify(realm.token("x", "X"))
    rotated = Realm(kid="second")
    identity_keys.show(realm.key, rotated.key)
    verifier._fetched -= 60
    assert (await verifier.verify(rotated.token("y", "Y"))).id == "y"
    asked = identity_keys.asked
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await verifier.verify(Realm(kid=f"unknown-{number}").token("z", "Z"))
    assert identity_keys.asked == asked, "unknown key ids within ten seconds are not asked for"
