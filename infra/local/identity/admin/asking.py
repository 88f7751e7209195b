"""Who may ask the admin API, and how its refusals look."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from infra.local.identity.app import Provider

Endpoint = Callable[[Request], Awaitable[Response]]
MOST = 1000


class Refused(Exception):
    """With Keycloak's status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def guarded(provider: "Provider", rights: frozenset[str], endpoint: Endpoint) -> Endpoint:
    """Needs a live token of a client whose account holds one of the rights over the realm, as it holds them now."""

    async def answer(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = provider.tokens.read(token, "Bearer") if scheme.lower() == "bearer" else None
        client = provider.directory.clients.get(claims["azp"]) if claims and "sid" not in claims else None
        if client is None or not client.enabled or client.account is None:
            return JSONResponse({"error": "HTTP 401 Unauthorized"}, 401)
        if rights.isdisjoint(client.account.management):
            return JSONResponse({"error": "HTTP 403 Forbidden"}, 403)
        try:
            return await endpoint(request)
        except Refused as refused:
            return JSONResponse({"errorMessage": refused.words, "error": refused.words}, refused.status)

    return answer


async def body_of(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise Refused(400, "Cannot parse the JSON") from error


def made(request: Request, id_: str) -> Response:
    return Response(status_code=201, headers={"Location": f"{str(request.url).rstrip('/')}/{id_}"})


def number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    return min(int(given), MOST) if given.isdecimal() else default


NOTHING = 204
