"""Which address asks for what, and the right over the realm that it needs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.identity.admin.asking import Endpoint, guarded, number
from infra.local.identity.admin.clients import Clients
from infra.local.identity.admin.users import Users

if TYPE_CHECKING:
    from infra.local.identity.app import Provider

KEEP_USERS, KEEP_CLIENTS = frozenset({"manage-users"}), frozenset({"manage-clients"})
SEE_USERS, SEE_CLIENTS = KEEP_USERS | {"view-users"}, KEEP_CLIENTS | {"view-clients"}
SEE_EVENTS = frozenset({"view-events", "manage-events"})


def routes(provider: "Provider") -> list[Route]:
    users, clients = Users(provider), Clients(provider)
    roles_of_user = "/users/{id}/role-mappings/clients/{client}"
    table: list[tuple[str, str, frozenset[str], Endpoint]] = [
        ("GET", "/users", SEE_USERS, users.found),
        ("POST", "/users", KEEP_USERS, users.create),
        ("GET", "/users/{id}", SEE_USERS, users.one),
        ("PUT", "/users/{id}", KEEP_USERS, users.change),
        ("DELETE", "/users/{id}", KEEP_USERS, users.remove),
        ("PUT", "/users/{id}/reset-password", KEEP_USERS, users.set_password),
        ("POST", "/users/{id}/logout", KEEP_USERS, users.sign_out),
        ("GET", "/users/{id}/sessions", SEE_USERS, users.sessions),
        ("GET", roles_of_user, SEE_USERS, users.roles),
        ("POST", roles_of_user, KEEP_USERS, users.add_roles),
        ("DELETE", roles_of_user, KEEP_USERS, users.remove_roles),
        ("DELETE", "/sessions/{sid}", KEEP_USERS, users.end_session),
        ("GET", "/clients", SEE_CLIENTS, clients.found),
        ("POST", "/clients", KEEP_CLIENTS, clients.create),
        ("GET", "/clients/{id}", SEE_CLIENTS, clients.one),
        ("PUT", "/clients/{id}", KEEP_CLIENTS, clients.change),
        ("DELETE", "/clients/{id}", KEEP_CLIENTS, clients.remove),
        ("GET", "/clients/{id}/client-secret", SEE_CLIENTS, clients.secret),
        ("POST", "/clients/{id}/client-secret", KEEP_CLIENTS, clients.renew_secret),
        ("DELETE", "/clients/{id}/client-secret/rotated", KEEP_CLIENTS, clients.drop_rotated),
        ("GET", "/clients/{id}/service-account-user", SEE_CLIENTS, clients.account),
        ("GET", "/clients/{id}/roles", SEE_CLIENTS, clients.roles),
        ("GET", "/clients/{id}/roles/{role}/users", SEE_USERS, clients.members),
        ("GET", "/events", SEE_EVENTS, _events(provider)),
    ]
    return [
        Route(path, guarded(provider, rights, endpoint), methods=[method]) for method, path, rights, endpoint in table
    ]


def _events(provider: "Provider") -> Endpoint:
    async def events(request: Request) -> Response:
        asked = request.query_params
        found = provider.journal.events(
            types=asked.getlist("type"),
            client=asked.get("client"),
            user=asked.get("user"),
            since=_millis(asked.get("dateFrom", "")),
            first=number(request, "first", 0),
            most=number(request, "max", 100),
        )
        return JSONResponse(found)

    return events


def _millis(day: str) -> int:
    """`dateFrom` is a day or milliseconds since 1970."""
    if day.isdecimal():
        return int(day)
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) if day else 0
