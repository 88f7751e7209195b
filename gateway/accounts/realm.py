"""The realm through its admin API, on Keycloak and on the embedded provider alike."""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Collection
from typing import Any, TypeVar

import httpx
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from gateway.accounts.refusals import AccountRefused, AccountsNotKept
from gateway.errors import IdentityAway
from gateway.settings import GatewaySettings
from kernel import logging

T = TypeVar("T")
Document = dict[str, Any]
API = "hatang-api"
_TIMEOUT = 10
_PAGE = 500
_log = logging.get("gateway.accounts")


class Realm:
    """Raises IdentityAway (503) when the provider is away, AccountRefused (422) when its rules refuse a value."""

    def __init__(self, settings: GatewaySettings) -> None:
        base, _, name = (settings.identity_url or settings.issuer).rpartition("/realms/")
        self._can = bool(settings.admin_secret)
        self._connection = KeycloakOpenIDConnection(
            server_url=f"{base}/",
            realm_name=name,
            client_id=settings.admin_client,
            client_secret_key=settings.admin_secret,
            timeout=_TIMEOUT,
        )
        self.admin = KeycloakAdmin(connection=self._connection)
        self._path = f"admin/realms/{name}"
        self._api_id = ""
        self._roles: dict[str, Document] = {}

    async def close(self) -> None:
        await self._connection.aclose()

    async def call(self, asked: Awaitable[T]) -> T:
        """What was asked for; nothing of what is sent or answered is logged, since secrets are among it."""
        if not self._can:
            if hasattr(asked, "close"):
                asked.close()
            raise AccountsNotKept
        try:
            return await asked
        except (KeycloakConnectionError, httpx.HTTPError, OSError) as error:
            raise self._away(error) from error
        except KeycloakError as error:
            if error.response_code in (400, 409):
                _log.info("account refused", status=error.response_code)
                raise AccountRefused from error
            raise self._away(error) from error

    async def api_id(self) -> str:
        """The id of the client whose roles are the capabilities."""
        if not self._api_id:
            self._api_id = str(await self.call(self.admin.a_get_client_id(API)))
        return self._api_id

    async def roles(self) -> dict[str, Document]:
        if not self._roles:
            found = await self.call(self.admin.a_get_client_roles(await self.api_id()))
            self._roles = {role["name"]: role for role in found}
        return self._roles

    async def client(self, client_id: str) -> Document | None:
        key = await self.call(self.admin.a_get_client_id(client_id))
        return await self.call(self.admin.a_get_client(key)) if key else None

    async def clients(self) -> list[Document]:
        return await self.call(self.admin.a_get_clients())

    async def account_of(self, client: Document) -> Document:
        """The user behind a service client."""
        return await self.call(self.admin.a_get_client_service_account_user(client["id"]))

    async def person(self, username: str) -> Document | None:
        found = await self.call(self.admin.a_get_users({"username": username, "exact": True, "max": 2}))
        return next((user for user in found if user["username"] == username), None)

    async def people(self) -> list[Document]:
        return await self.call(self.admin.a_get_users({"briefRepresentation": False}))

    async def invited(self, digest: str) -> Document | None:
        found = await self.call(self.admin.a_get_users({"q": f"invitation:{digest}", "max": 2}))
        return found[0] if len(found) == 1 else None

    async def holders(self) -> dict[str, list[str]]:
        """User id -> capabilities, one question per capability and not one per user."""
        held: dict[str, list[str]] = {}
        for role in sorted(await self.roles()):
            members = await self.call(self.admin.a_get_client_role_members(await self.api_id(), role))
            for user in members:
                held.setdefault(user["id"], []).append(role)
        return held

    async def set_roles(self, user_id: str, wanted: Collection[str]) -> None:
        """Exactly these capabilities. Raises AccountRefused for one that the realm does not know."""
        roles, key = await self.roles(), await self.api_id()
        if not set(wanted) <= set(roles):
            raise AccountRefused
        held = {role["name"] for role in await self.call(self.admin.a_get_client_roles_of_user(user_id, key))}
        surplus = [_named(roles[name]) for name in sorted(held - set(wanted)) if name in roles]
        missing = [_named(roles[name]) for name in sorted(set(wanted) - held)]
        if surplus:
            await self.call(self.admin.a_delete_client_roles_of_user(user_id, key, surplus))
        if missing:
            await self.call(self.admin.a_assign_client_role(user_id, key, missing))

    async def drop_rotated(self, key: str) -> None:
        """python-keycloak has no name for this one. A client without a former secret answers 404: well, too."""
        await self.call(self._connection.a_raw_delete(f"{self._path}/clients/{key}/client-secret/rotated"))

    async def events(self, since_day: str, types: list[str], pages: int) -> list[Document]:
        """Newest first."""
        found: list[Document] = []
        for page in range(pages):
            query = {"type": types, "dateFrom": since_day, "first": page * _PAGE, "max": _PAGE}
            some = await self.call(self.admin.a_get_events(query))
            found += some
            if len(some) < _PAGE:
                break
        return found

    def _away(self, error: Exception) -> IdentityAway:
        """A page for the log without the answer's body, which may hold a secret."""
        _log.warning("provider away", error=type(error).__name__, status=getattr(error, "response_code", None))
        return IdentityAway(headers={"Retry-After": "5"})


def _named(role: Document) -> Document:
    return {"id": role["id"], "name": role["name"]}


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def now_seconds() -> int:
    return int(time.time())
