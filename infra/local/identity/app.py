"""The endpoints of a Keycloak realm, as far as the product uses them."""

import signal
from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from infra.local.identity import admin, page
from infra.local.identity.directory import Directory, fits
from infra.local.identity.goodbyes import Goodbyes
from infra.local.identity.grants import METHODS, Asked, CodeGrant, Server
from infra.local.identity.journal import Journal
from infra.local.identity.keys import KeyRing
from infra.local.identity.realm import Client, Realm
from infra.local.identity.sessions import Sessions
from infra.local.identity.tokens import SIGNED, Tokens

PROTOCOL = "/protocol/openid-connect"


class Provider:
    """One realm at one address; every method is an endpoint."""

    def __init__(self, realm: Realm, folder: Path, origin: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.realm = realm
        self.issuer = f"{origin}/realms/{realm.name}"
        self.keys = KeyRing(folder / "keys.json")
        self.sessions = Sessions(folder / "sessions.db", idle=realm.idle_seconds, longest=realm.session_seconds)
        self.tokens = Tokens(realm, self.keys, self.issuer)
        self.directory = Directory(realm, folder / "directory.db")
        self.journal = Journal(folder / "events.db")
        self.server = Server(self.directory, self.sessions, self.tokens, self.journal)
        self.goodbyes = Goodbyes(self.directory, self.sessions, self.tokens)

    async def close(self) -> None:
        await self.goodbyes.close()
        for kept in (self.sessions, self.directory, self.journal):
            kept.close()

    async def discovery(self, request: Request) -> Response:
        at = f"{self.issuer}{PROTOCOL}"
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{at}/auth",
                "token_endpoint": f"{at}/token",
                "userinfo_endpoint": f"{at}/userinfo",
                "end_session_endpoint": f"{at}/logout",
                "backchannel_logout_supported": True,
                "backchannel_logout_session_supported": True,
                "jwks_uri": f"{at}/certs",
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [SIGNED],
                "token_endpoint_auth_methods_supported": METHODS,
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def certs(self, request: Request) -> Response:
        return JSONResponse(self.keys.public(), headers={"Cache-Control": "no-cache"})

    async def authorize(self, request: Request) -> Response:
        """Shows the people to pick from; a POST of the same address signs the picked one in."""
        asked = await _asked(request)
        try:
            grant: CodeGrant = self.server.get_consent_grant(asked)
        except OAuth2Error as error:
            return self._refused(error)
        if request.method == "GET" and "none" in asked.payload.data.get("prompt", "").split():
            return self._back(grant.redirect_uri, {"error": "login_required", "state": asked.payload.state})
        if request.method == "GET" or _is_foreign(request):
            return self._pick(grant)
        form = await request.form()
        person = self.directory.people.get(str(form.get("person", "")))
        if person is None or person.is_pending:
            return self._pick(grant)
        if not person.enabled:
            return page.barred(person)
        if person.password and not fits(str(form.get("password", "")), person.password):
            return page.password(person, grant.redirect_uri, wrong="password" in form)
        answer: Response = self.server.create_authorization_response(asked, grant_user=person, grant=grant)
        answer.headers["location"] += "&" + urlencode({"iss": self.issuer})
        return answer

    def _pick(self, grant: CodeGrant) -> Response:
        return page.pick(self.realm, self.directory.people.values(), grant.request.client.id, grant.redirect_uri)

    def _refused(self, error: Any) -> Response:
        """Back to the client where its address has been checked, else to a page: never an open redirect."""
        if not error.redirect_uri:
            return page.refusal(f"{error.error}: {error.description or ''}")
        told = {"error": error.error, "error_description": error.description, "state": error.state}
        return self._back(error.redirect_uri, told)

    def _back(self, uri: str, told: dict[str, str | None]) -> Response:
        query = urlencode({key: value for key, value in {**told, "iss": self.issuer}.items() if value})
        return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{query}", 303)

    async def token(self, request: Request) -> Response:
        answer: Response = self.server.create_token_response(await _asked(request))
        return answer

    async def userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self.tokens.read(token, "Bearer") if scheme.lower() == "bearer" else None
        person = self.directory.people.get(claims["preferred_username"]) if claims and "sid" in claims else None
        if claims is None or person is None or not person.enabled or self.sessions.live(claims["sid"]) is None:
            challenge = {"WWW-Authenticate": f'Bearer realm="{self.realm.name}", error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, 401, challenge)
        return JSONResponse(person.claims())

    async def logout(self, request: Request) -> Response:
        """Ends a session: in the browser by its id token, from a client's server by its refresh token."""
        form = await request.form()
        sent = {key: str(value) for key, value in [*request.query_params.items(), *form.items()]}
        if "refresh_token" in form:
            return self._ended_by_client(await _asked(request), sent["refresh_token"])
        claims = self.tokens.read(sent.get("id_token_hint", ""), "ID", expired=True)
        if claims is None:
            return page.refusal("invalid_request: id_token_hint is missing or not ours")
        client = self.directory.clients[claims["azp"]]
        uri = sent.get("post_logout_redirect_uri")
        if sent.get("client_id", client.id) != client.id or (uri and not client.check_post_logout_uri(uri)):
            return page.refusal("invalid_request: post_logout_redirect_uri is not registered for this client")
        self.goodbyes.end(claims["sid"])
        if not uri:
            return page.signed_out()
        return RedirectResponse(uri + (f"?{urlencode({'state': sent['state']})}" if "state" in sent else ""), 303)

    def _ended_by_client(self, asked: Asked, refresh_token: str) -> Response:
        try:
            client: Client = self.server.authenticate_client(asked, METHODS)
        except OAuth2Error as error:
            answer: Response = self.server.handle_error_response(asked, error)
            return answer
        claims = self.tokens.read_refresh(refresh_token)
        if claims is None or claims["azp"] != client.id:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid refresh token"}, 400)
        self.goodbyes.end(claims["sid"])
        return Response(status_code=204)

    async def rotate(self, request: Request) -> Response:
        """A new signing key. For programs on this machine: a browser page is not let near it."""
        if "origin" in request.headers or "sec-fetch-site" in request.headers:
            return JSONResponse({"error": "access_denied"}, 403)
        return JSONResponse({"kid": self.keys.rotate()}, 201)

    async def style(self, request: Request) -> Response:
        return FileResponse(page.STYLE, media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    async def ready(self, request: Request) -> Response:
        return JSONResponse({"status": "ready"})


async def _asked(request: Request) -> Asked:
    form = await request.form()
    return Asked(request.method, str(request.url), _Headers(request), request.query_params, form)


class _Headers(dict[str, str]):
    """Authlib asks for `Authorization` by that spelling; the wire may have used another."""

    def __init__(self, request: Request) -> None:
        super().__init__({key.title(): value for key, value in request.headers.items()})


def _is_foreign(request: Request) -> bool:
    """Another site's page posting a choice would sign the victim in as somebody (login CSRF)."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def create_app(realm: Realm, folder: Path, origin: str) -> Starlette:
    """`origin` is the provider's public address, such as http://127.0.0.1:8081; `folder` keeps keys and sessions."""
    provider = Provider(realm, folder, origin)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        get_running_loop().add_signal_handler(signal.SIGHUP, provider.keys.rotate)
        yield
        await provider.close()

    protocol = [
        Route("/auth", provider.authorize, methods=["GET", "POST"]),
        Route("/token", provider.token, methods=["POST"]),
        Route("/certs", provider.certs),
        Route("/userinfo", provider.userinfo, methods=["GET", "POST"]),
        Route("/logout", provider.logout, methods=["GET", "POST"]),
    ]
    routes = [
        Route(f"/realms/{realm.name}/.well-known/openid-configuration", provider.discovery),
        Mount(f"/realms/{realm.name}{PROTOCOL}", routes=protocol),
        Mount(f"/admin/realms/{realm.name}", routes=admin.routes(provider)),
        Route("/rotate", provider.rotate, methods=["POST"]),
        Route("/resources/identity.css", provider.style),
        Route("/health/ready", provider.ready),
    ]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[hosts], lifespan=lifespan)
