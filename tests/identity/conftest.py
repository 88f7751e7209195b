"""Both providers, asked by the same code: the embedded one, and a real Keycloak where there is one."""

import base64
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from gateway.accounts.keeping import Keeping
from gateway.accounts.realm import Realm
from gateway.settings import NAME, GatewaySettings
from tests.fixtures.realm_client import RealmClient, through_keycloak, through_the_picker
from tests.fixtures.servers import PASSWORD, Identity

PROVIDERS = ["identity_server", pytest.param("keycloak_server", marks=pytest.mark.keycloak)]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Identity:
    identity: Identity = request.getfixturevalue(request.param)
    return identity


@pytest.fixture
def realm_client(provider: Identity, request: pytest.FixtureRequest) -> Iterator[RealmClient]:
    is_embedded = "identity_server" in request.node.callspec.params.values()
    sign_in = through_the_picker if is_embedded else through_keycloak
    with httpx.Client(trust_env=False, timeout=20) as http:
        yield RealmClient(http, provider.issuer, provider.client_secret, sign_in)


def settings(issuer: str, secret: str = PASSWORD) -> GatewaySettings:
    return GatewaySettings.model_validate(
        {
            "name": NAME,
            "nats_url": "nats://127.0.0.1:1",
            "issuer": issuer,
            "public_url": "http://127.0.0.1:1",
            "form_key": "tests",
            "client_secret": PASSWORD,
            "admin_secret": secret,
            "session_key": base64.b64encode(bytes(32)).decode(),
            **{f"{service}_url": "http://127.0.0.1:1" for service in ("registry", "permits", "sharing")},
        }
    )


async def nobody_here(sub: str) -> None:
    """No gateway stands beside the provider here, so there are no sessions to end."""


@pytest.fixture
async def realm(provider: Identity) -> AsyncIterator[Realm]:
    opened = Realm(settings(provider.issuer))
    yield opened
    await opened.close()


@pytest.fixture
def keeping(realm: Realm) -> Keeping:
    return Keeping(realm, "hatang-admin", nobody_here)
