"""People, clients and roles, read from the realm file that Keycloak imports; there is no second source."""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REALM_FILE = Path(__file__).parents[2] / "keycloak" / "realm.json"
LOOPBACK = ("127.0.0.1", "localhost")
API = "hatang-api"
MANAGEMENT = "realm-management"
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.]+)(?::([^}]*))?\}")


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in, or the account behind a service client.

    `password` is the hash of a password of his own, empty for those who are picked; `is_pending`: he has to set one
    first. `management` are the rights over the realm itself.
    """

    id: str
    username: str
    name: str
    org: str
    locale: str
    functions: tuple[str, ...]
    capabilities: tuple[str, ...]
    management: tuple[str, ...] = ()
    enabled: bool = True
    password: str = ""
    is_pending: bool = False
    networks: tuple[str, ...] = ()

    def claims(self) -> dict[str, Any]:
        """What the realm's mappers say of this person; absent where Keycloak leaves a claim out."""
        found = {
            "sub": self.id,
            "preferred_username": self.username,
            "name": self.name,
            "locale": self.locale,
            "org": self.org,
            "functions": list(self.functions),
            "capabilities": list(self.capabilities),
            "networks": list(self.networks),
        }
        return {claim: value for claim, value in found.items() if value}


@dataclass(frozen=True)
class Client:
    """A confidential client. The check_ methods are what Authlib's server asks of a client."""

    id: str
    secret: str
    redirect_uris: tuple[str, ...]
    post_logout_uris: tuple[str, ...]
    signs_people_in: bool
    account: Person | None
    key: str = ""
    enabled: bool = True
    scopes: tuple[str, ...] = ()
    logout_url: str = ""
    secret_ends: int = 0
    rotated: str = ""
    rotated_ends: int = 0

    @property
    def client_id(self) -> str:
        return self.id

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, uri: str) -> bool:
        return _is_registered(uri, self.redirect_uris)

    def check_post_logout_uri(self, uri: str) -> bool:
        return _is_registered(uri, self.post_logout_uris)

    def check_client_secret(self, secret: str) -> bool:
        """The newest one until it ends; beside it, for a while after a rotation, the one before."""
        now = time.time()
        held = [(self.secret, self.secret_ends or now + 1), (self.rotated, self.rotated_ends)]
        return any(kept and now < ends and compare_digest(kept.encode(), secret.encode()) for kept, ends in held)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return self.signs_people_in and response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.account is not None
        return self.signs_people_in and grant_type in ("authorization_code", "refresh_token")


def _is_registered(uri: str, registered: tuple[str, ...]) -> bool:
    return uri in registered or _without_port(uri) in registered


def _without_port(uri: str) -> str:
    """RFC 8252 7.3: a loopback address is compared without its port; Keycloak does the same."""
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.username is not None:
        return uri
    return parts._replace(netloc=parts.hostname).geturl()


@dataclass(frozen=True)
class Realm:
    name: str
    title: str
    people: Mapping[str, Person]
    clients: Mapping[str, Client]
    user_documents: Sequence[Mapping[str, Any]]
    client_documents: Sequence[Mapping[str, Any]]
    roles: Mapping[str, str]
    organisations: Mapping[str, str]
    functions: Mapping[str, str]
    access_seconds: int
    idle_seconds: int
    session_seconds: int


def load(path: Path = REALM_FILE, environ: Mapping[str, str] = os.environ) -> Realm:
    """Reads a Keycloak realm import. `${NAME:default}` comes from the environment, as Keycloak does it."""
    raw = json.loads(path.read_text(encoding="utf-8"), object_hook=lambda found: _filled(found, environ))
    people, clients = people_of(raw["users"]), clients_of(raw["clients"], raw["users"])
    return Realm(
        name=raw["realm"],
        title=raw["displayName"],
        people=people,
        clients=clients,
        user_documents=raw["users"],
        client_documents=raw["clients"],
        roles={role["name"]: role["description"] for role in raw["roles"]["client"][API]},
        organisations=_titles(raw, "hatang.organisation."),
        functions=_titles(raw, "hatang.function."),
        access_seconds=raw["accessTokenLifespan"],
        idle_seconds=raw["ssoSessionIdleTimeout"],
        session_seconds=raw["ssoSessionMaxLifespan"],
    )


def people_of(users: Sequence[Mapping[str, Any]]) -> dict[str, Person]:
    """By username, from Keycloak's user representations; service accounts are nobody who signs in."""
    return {user["username"]: _person(user) for user in users if "serviceAccountClientId" not in user}


def clients_of(clients: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]]) -> dict[str, Client]:
    """By client id, each with the account behind it, if it has one."""
    accounts = {user["serviceAccountClientId"]: _person(user) for user in users if "serviceAccountClientId" in user}
    return {client["clientId"]: _client(client, accounts.get(client["clientId"])) for client in clients}


def _filled(found: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    return {key: _fill(value, environ) for key, value in found.items()}


def _fill(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_fill(item, environ) for item in value]
    if not isinstance(value, str):
        return value
    return _PLACEHOLDER.sub(lambda found: environ.get(found[1], found[2] or ""), value)


def _person(user: Mapping[str, Any]) -> Person:
    attributes = user.get("attributes", {})
    return Person(
        id=user["id"],
        username=user["username"],
        name=user.get("firstName", ""),
        org=next(iter(attributes.get("org", [])), ""),
        locale=next(iter(attributes.get("locale", [])), ""),
        functions=tuple(attributes.get("functions", [])),
        capabilities=tuple(user.get("clientRoles", {}).get(API, [])),
        management=tuple(user.get("clientRoles", {}).get(MANAGEMENT, [])),
        enabled=user.get("enabled", True),
        password=user.get("passwordHash", ""),
        is_pending=bool(user.get("requiredActions")),
        networks=tuple(attributes.get("networks", [])),
    )


def _client(client: Mapping[str, Any], account: Person | None) -> Client:
    attributes = client.get("attributes", {})
    return Client(
        id=client["clientId"],
        secret=client.get("secret", ""),
        redirect_uris=tuple(client.get("redirectUris", [])),
        post_logout_uris=tuple(filter(None, attributes.get("post.logout.redirect.uris", "").split("##"))),
        signs_people_in=client.get("standardFlowEnabled", False),
        account=account if client.get("serviceAccountsEnabled") else None,
        key=client.get("id", ""),
        enabled=client.get("enabled", True),
        scopes=tuple(client.get("defaultClientScopes", [])),
        logout_url=attributes.get("backchannel.logout.url", ""),
        secret_ends=int(attributes.get("client.secret.expiration.time", 0)),
        rotated=attributes.get("client.secret.rotated", ""),
        rotated_ends=int(attributes.get("client.secret.rotated.expiration.time", 0)),
    )


def _titles(raw: Mapping[str, Any], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): title for key, title in raw["attributes"].items() if key.startswith(prefix)}
