"""Clients: created, changed, suspended, their secrets made anew, and the accounts behind them."""

import secrets
import time
import uuid
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.local.identity.admin.asking import NOTHING, Refused, body_of, made, number
from infra.local.identity.admin.users import role_of, shown
from infra.local.identity.directory import CLIENT, USER, Document
from infra.local.identity.realm import API

if TYPE_CHECKING:
    from infra.local.identity.app import Provider

DEFAULT_SCOPES = ["basic", "hatang"]
# As the realm's policy of secret rotation says it for Keycloak.
ROTATED_SECONDS = 7 * 24 * 3600
ROTATED = ("client.secret.rotated", "client.secret.rotated.creation.time", "client.secret.rotated.expiration.time")


class Clients:
    def __init__(self, provider: "Provider") -> None:
        self._provider, self._directory = provider, provider.directory

    async def found(self, request: Request) -> Response:
        wanted = request.query_params.get("clientId")
        hits = [c for c in self._directory.documents(CLIENT) if wanted is None or c["clientId"] == wanted]
        return JSONResponse(hits)

    async def create(self, request: Request) -> Response:
        said = await body_of(request)
        client_id = str(said.get("clientId") or "")
        if not client_id:
            raise Refused(400, "Client id is missing")
        if any(client["clientId"] == client_id for client in self._directory.documents(CLIENT)):
            raise Refused(409, f"Client {client_id} already exists")
        fallback = {"enabled": True, "attributes": {}, "defaultClientScopes": DEFAULT_SCOPES}
        fallback["secret"] = secrets.token_urlsafe(48)
        document = {**fallback, **said, "id": str(uuid.uuid4())}
        self._directory.keep(CLIENT, document)
        if document.get("serviceAccountsEnabled"):
            self._directory.keep(USER, _account(client_id))
        return made(request, document["id"])

    async def one(self, request: Request) -> Response:
        return JSONResponse(self._document(request))

    async def change(self, request: Request) -> Response:
        """Attributes are merged; an empty one is removed."""
        said, document = await body_of(request), self._document(request)
        attributes = {**document.get("attributes", {}), **(said.get("attributes") or {})}
        kept = {name: value for name, value in attributes.items() if value not in (None, "")}
        changed = {key: value for key, value in said.items() if value is not None and key not in ("id", "clientId")}
        self._directory.keep(CLIENT, {**document, **changed, "attributes": kept})
        return Response(status_code=NOTHING)

    async def remove(self, request: Request) -> Response:
        document = self._document(request)
        account = self._directory.account_of(document)
        self._directory.drop(CLIENT, document["id"])
        if account is not None:
            self._directory.drop(USER, account["id"])
        return Response(status_code=NOTHING)

    async def secret(self, request: Request) -> Response:
        return JSONResponse({"type": "secret", "value": self._document(request).get("secret", "")})

    async def renew_secret(self, request: Request) -> Response:
        document, now = self._document(request), int(time.time())
        values = (document.get("secret", ""), str(now), str(now + ROTATED_SECONDS))
        attributes = {**document.get("attributes", {}), **dict(zip(ROTATED, values, strict=True))}
        fresh = secrets.token_urlsafe(48)
        self._directory.keep(CLIENT, {**document, "secret": fresh, "attributes": attributes})
        return JSONResponse({"type": "secret", "value": fresh})

    async def drop_rotated(self, request: Request) -> Response:
        document = self._document(request)
        attributes = document.get("attributes", {})
        if ROTATED[0] not in attributes:
            raise Refused(404, "Client does not have a rotated secret")
        kept = {name: value for name, value in attributes.items() if name not in ROTATED}
        self._directory.keep(CLIENT, {**document, "attributes": kept})
        return Response(status_code=NOTHING)

    async def account(self, request: Request) -> Response:
        document = self._document(request)
        account = self._directory.account_of(document)
        if account is None:
            raise Refused(400, f"Service account not enabled for the client '{document['clientId']}'")
        return JSONResponse(shown(account))

    async def roles(self, request: Request) -> Response:
        document = self._document(request)
        names = self._provider.realm.roles if document["clientId"] == API else ()
        return JSONResponse([role_of(document, name, self._provider) for name in names])

    async def members(self, request: Request) -> Response:
        """Everybody with the role, the accounts behind service clients among them."""
        document, role = self._document(request), request.path_params["role"]
        if document["clientId"] != API or role not in self._provider.realm.roles:
            raise Refused(404, "Could not find role")
        first, most = number(request, "first", 0), number(request, "max", 100)
        users = self._directory.documents(USER)
        hits = [user for user in users if role in user.get("clientRoles", {}).get(API, [])]
        hits.sort(key=lambda user: str(user["username"]))
        return JSONResponse([shown(user) for user in hits[first : first + most]])

    def _document(self, request: Request) -> Document:
        found = self._directory.document(CLIENT, request.path_params["id"])
        if found is None:
            raise Refused(404, "Could not find client")
        return found


def _account(client_id: str) -> Document:
    username = f"service-account-{client_id.lower()}"
    return {"id": str(uuid.uuid4()), "username": username, "enabled": True, "serviceAccountClientId": client_id}
