"""Users: created, found, changed, disabled, signed out, with roles of the API's client."""

import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.local.identity.admin.asking import NOTHING, Refused, body_of, made, number
from infra.local.identity.directory import CLIENT, USER, Document, hashed
from infra.local.identity.realm import API

if TYPE_CHECKING:
    from infra.local.identity.app import Provider

SHOWN = ("firstName", "lastName", "email", "attributes", "createdTimestamp", "serviceAccountClientId")
TAKEN = ("username", "enabled", "firstName", "lastName", "email", "emailVerified", "attributes", "requiredActions")
SHORTEST = 8


class Users:
    def __init__(self, provider: "Provider") -> None:
        self._provider, self._directory = provider, provider.directory

    async def found(self, request: Request) -> Response:
        asked = request.query_params
        first, most = number(request, "first", 0), number(request, "max", 100)
        people = [user for user in self._directory.documents(USER) if "serviceAccountClientId" not in user]
        hits = [user for user in people if _fits(user, asked)]
        hits.sort(key=lambda user: str(user["username"]))
        return JSONResponse([shown(user) for user in hits[first : first + most]])

    async def create(self, request: Request) -> Response:
        said = await body_of(request)
        username = str(said.get("username") or "").lower()
        if not username:
            raise Refused(400, "User name is missing")
        if any(user["username"] == username for user in self._directory.documents(USER)):
            raise Refused(409, "User exists with same username")
        now = int(time.time() * 1000)
        document: Document = {"id": str(uuid.uuid4()), "enabled": False, "createdTimestamp": now}
        document |= {key: said[key] for key in TAKEN if key in said} | {"username": username}
        self._directory.keep(USER, document)
        return made(request, document["id"])

    async def one(self, request: Request) -> Response:
        return JSONResponse(shown(self._document(request)))

    async def change(self, request: Request) -> Response:
        """What is not said stays; attributes are said as a whole."""
        said, document = await body_of(request), self._document(request)
        if "username" in said and said["username"] != document["username"]:
            raise Refused(400, "error-user-attribute-read-only")
        changed = {key: said[key] for key in TAKEN if said.get(key) is not None}
        self._directory.keep(USER, {**document, **changed})
        return Response(status_code=NOTHING)

    async def remove(self, request: Request) -> Response:
        document = self._document(request)
        self._provider.goodbyes.end_all(document["username"])
        self._directory.drop(USER, document["id"])
        return Response(status_code=NOTHING)

    async def set_password(self, request: Request) -> Response:
        said, document = await body_of(request), self._document(request)
        password = str(said.get("value") or "")
        if len(password) < SHORTEST:
            raise Refused(400, "invalidPasswordMinLengthMessage")
        required = [action for action in document.get("requiredActions", []) if action != "UPDATE_PASSWORD"]
        required += ["UPDATE_PASSWORD"] if said.get("temporary") else []
        self._directory.keep(USER, {**document, "passwordHash": hashed(password), "requiredActions": required})
        return Response(status_code=NOTHING)

    async def sign_out(self, request: Request) -> Response:
        self._provider.goodbyes.end_all(self._document(request)["username"])
        return Response(status_code=NOTHING)

    async def sessions(self, request: Request) -> Response:
        document = self._document(request)
        found = [
            {
                "id": session.sid,
                "username": session.username,
                "userId": document["id"],
                "start": session.started * 1000,
                "lastAccess": session.seen * 1000,
                "clients": {self._directory.clients[session.client].key: session.client},
            }
            for session in self._provider.sessions.of(document["username"])
        ]
        return JSONResponse(found)

    async def end_session(self, request: Request) -> Response:
        if self._provider.sessions.live(request.path_params["sid"]) is None:
            raise Refused(404, "Sesssion not found")
        self._provider.goodbyes.end(request.path_params["sid"])
        return Response(status_code=NOTHING)

    async def roles(self, request: Request) -> Response:
        document, client = self._document(request), self._client(request)
        held = document.get("clientRoles", {}).get(client["clientId"], [])
        return JSONResponse([role_of(client, name, self._provider) for name in held])

    async def add_roles(self, request: Request) -> Response:
        return await self._set_roles(request, add=True)

    async def remove_roles(self, request: Request) -> Response:
        return await self._set_roles(request, add=False)

    async def _set_roles(self, request: Request, *, add: bool) -> Response:
        document, client = self._document(request), self._client(request)
        names = [str(role.get("name")) for role in await body_of(request)]
        if client["clientId"] != API or not set(names) <= set(self._provider.realm.roles):
            raise Refused(404, "Role not found")
        held = [name for name in document.get("clientRoles", {}).get(API, []) if name not in names]
        roles = {**document.get("clientRoles", {}), API: held + (names if add else [])}
        self._directory.keep(USER, {**document, "clientRoles": roles})
        return Response(status_code=NOTHING)

    def _document(self, request: Request) -> Document:
        found = self._directory.document(USER, request.path_params["id"])
        if found is None:
            raise Refused(404, "User not found")
        return found

    def _client(self, request: Request) -> Document:
        found = self._directory.document(CLIENT, request.path_params["client"])
        if found is None:
            raise Refused(404, "Could not find client")
        return found


def shown(user: Document) -> dict[str, Any]:
    content = {key: user[key] for key in SHOWN if key in user}
    required = user.get("requiredActions", [])
    return {
        "id": user["id"], "username": user["username"], "enabled": user.get("enabled", True), **content,
        "requiredActions": required,
    }  # fmt: skip


def role_of(client: Document, name: str, provider: "Provider") -> dict[str, Any]:
    """Roles have ids of their own on Keycloak; here one is made of the two names."""
    key = str(uuid.uuid5(uuid.UUID(client["id"]), name))
    description = provider.realm.roles.get(name, "")
    return {"id": key, "name": name, "description": description, "clientRole": True, "containerId": client["id"]}


def _fits(user: Document, asked: Any) -> bool:
    exact = asked.get("exact") == "true"
    for name in ("username", "email", "firstName"):
        if name in asked and not _matches(str(user.get(name, "")), asked[name], exact):
            return False
    words = asked.get("search", "").strip("*").lower()
    if words and not any(words in str(user.get(name, "")).lower() for name in ("username", "email", "firstName")):
        return False
    if "enabled" in asked and user.get("enabled", True) != (asked["enabled"] == "true"):
        return False
    return all(_holds(user, pair) for pair in asked.get("q", "").split())


def _matches(value: str, asked: str, exact: bool) -> bool:
    return value.lower() == asked.lower() if exact else asked.lower() in value.lower()


def _holds(user: Document, pair: str) -> bool:
    name, _, value = pair.partition(":")
    return value in user.get("attributes", {}).get(name, [])
