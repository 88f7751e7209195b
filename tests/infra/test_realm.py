"""The realm file, and the promise that both providers make of it: the same claims, the same refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.identity.realm import REALM_FILE, load
from tests.fixtures.realm_client import RealmClient, claims, through_keycloak, through_the_picker
from tests.fixtures.servers import Identity

STANDARD = {"exp", "iat", "jti", "auth_time", "sid", "iss", "typ", "scope", "at_hash", "nonce"}
ROLES = {"applicant", "owner", "registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator"}
PEOPLE = load(environ={}).people


@pytest.fixture(params=["identity_server", pytest.param("keycloak_server", marks=pytest.mark.keycloak)])
def realm_client(request: pytest.FixtureRequest) -> Iterator[RealmClient]:
    identity: Identity = request.getfixturevalue(request.param)
    sign_in = through_the_picker if request.param == "identity_server" else through_keycloak
    with httpx.Client(trust_env=False, timeout=20) as http:
        yield RealmClient(http, identity.issuer, identity.client_secret, sign_in)


def plain(token: str) -> dict[str, Any]:
    """What the mappers made; lists in one order, since Keycloak gives roles in any."""
    found = {key: value for key, value in claims(token).items() if key not in STANDARD}
    return {key: sorted(value) if isinstance(value, list) else value for key, value in found.items()}


@pytest.mark.system
@pytest.mark.parametrize("username", ["sxd.hung", "viettel.an", "quantri"])
def test_a_person_has_the_same_claims_at_both(realm_client: RealmClient, username: str) -> None:
    tokens = realm_client.tokens_of(username)
    person = PEOPLE[username]
    expected = {
        "aud": "hatang-api",
        "azp": "gateway",
        "sub": person.id,
        "preferred_username": username,
        "name": person.name,
        "locale": "vi",
        "org": person.org,
        "capabilities": sorted(person.capabilities),
        **({"functions": sorted(person.functions)} if person.functions else {}),
    }
    assert plain(tokens["access_token"]) == expected
    assert plain(tokens["id_token"]) == {**expected, "aud": "gateway"}
    access = claims(tokens["access_token"])
    assert access["exp"] - access["iat"] == 300
    assert access["iss"] == realm_client.issuer
    assert access["sid"] == claims(tokens["id_token"])["sid"]
    assert claims(tokens["id_token"])["nonce"] == "once"


@pytest.mark.system
@pytest.mark.parametrize("client", ["viettel-api", "vnpt-api", "mobifone-api"])
def test_a_service_client_has_the_same_claims_at_both(realm_client: RealmClient, client: str) -> None:
    token = realm_client.client_token(client)["access_token"]
    account = load(environ={}).clients[client].account
    assert account is not None
    assert plain(token) == {
        "aud": "hatang-api",
        "azp": client,
        "sub": account.id,
        "preferred_username": f"service-account-{client}",
        "org": client.removesuffix("-api").upper(),
        "capabilities": ["applicant", "owner"],
    }
    assert "sid" not in claims(token)


@pytest.mark.system
def test_both_refresh_and_both_end_a_session(realm_client: RealmClient) -> None:
    tokens = realm_client.tokens_of("sxd.lan")
    again = realm_client.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert claims(again["access_token"])["sid"] == claims(tokens["access_token"])["sid"]
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://127.0.0.1:9999/"}
    answer = realm_client.http.get(f"{realm_client.protocol}/logout", params=query)
    assert answer.status_code in (302, 303)
    assert answer.headers["location"] == "http://127.0.0.1:9999/"
    refused = realm_client.token(grant_type="refresh_token", refresh_token=again["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.system
def test_both_refuse_a_wrong_verifier_and_a_second_use(realm_client: RealmClient) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": "http://127.0.0.1:9999/callback"}
    wrong = realm_client.token(**form, code=realm_client.code("sxd.lan"), code_verifier="w" * 64)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    code = realm_client.code("sxd.lan")
    assert realm_client.token(**form, code=code, code_verifier="v" * 64).status_code == 200
    second = realm_client.token(**form, code=code, code_verifier="v" * 64)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")


@pytest.mark.keycloak
@pytest.mark.system
def test_keycloak_lets_an_administrator_change_org_and_functions(keycloak_server: Identity) -> None:
    """Attributes the user profile does not declare are dropped silently by the admin API."""
    origin = f"http://127.0.0.1:{keycloak_server.port}"
    with httpx.Client(base_url=origin, trust_env=False, timeout=20) as http:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "test"}
        token = http.post("/realms/master/protocol/openid-connect/token", data=form).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        made = {"username": "moi.nguoi", "firstName": "Người Mới", "enabled": True, "attributes": {"org": ["SXD"]}}
        assert http.post("/admin/realms/hatang/users", json=made).status_code == 201
        user = http.get("/admin/realms/hatang/users", params={"username": "moi.nguoi"}).json()[0]
        user["attributes"] |= {"org": ["SNNMT"], "functions": ["natural_resources", "construction"]}
        assert http.put(f"/admin/realms/hatang/users/{user['id']}", json=user).status_code == 204
        kept = http.get(f"/admin/realms/hatang/users/{user['id']}").json()["attributes"]
        assert kept["org"] == ["SNNMT"]
        assert kept["functions"] == ["natural_resources", "construction"]
        http.delete(f"/admin/realms/hatang/users/{user['id']}")


@pytest.mark.unit
def test_every_person_has_a_password_an_organisation_and_known_roles() -> None:
    raw = json.loads(REALM_FILE.read_text())
    roles = {role["name"] for role in raw["roles"]["client"]["hatang-api"]}
    assert roles == ROLES
    for user in raw["users"]:
        if user["username"] == "service-account-hatang-admin":
            continue
        assert set(user["clientRoles"]["hatang-api"]) <= roles
        assert user["attributes"]["org"]
        if "serviceAccountClientId" not in user:
            assert user["credentials"] == [{"type": "password", "value": f"demo-{user['username']}"}]


@pytest.mark.unit
def test_the_user_profile_declares_what_the_mappers_read() -> None:
    raw = json.loads(REALM_FILE.read_text())
    provider = raw["components"]["org.keycloak.userprofile.UserProfileProvider"][0]
    declared = {
        entry["name"]: entry for entry in json.loads(provider["config"]["kc.user.profile.config"][0])["attributes"]
    }
    for name in ("org", "functions"):
        assert declared[name]["permissions"] == {"view": ["admin"], "edit": ["admin"]}
    assert declared["functions"]["multivalued"] is True


@pytest.mark.unit
def test_placeholders_come_from_the_environment(tmp_path: Path) -> None:
    given = {"GATEWAY_CLIENT_SECRET": "other", "PUBLIC_URL": "https://hatang.example"}
    gateway = load(environ=given).clients["gateway"]
    assert gateway.check_client_secret("other")
    assert gateway.check_redirect_uri("https://hatang.example/callback")
    assert gateway.check_post_logout_uri("https://hatang.example/")
    assert load(environ={}).clients["gateway"].check_client_secret("demo-gateway")
