"""Signing in and out: the three addresses where the browser and the identity provider meet the gateway."""

import secrets
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.cookies import SIGN_IN_SECONDS, Cookies
from gateway.errors import IdentityAway, SessionsAway, SignInFailed
from gateway.identity import Identity
from gateway.paths import local_target
from gateway.session_cache import Session
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.vault import Vault
from kernel import logging
from kernel.web.i18n import locale_of

_log = logging.get("gateway.door")


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """One sign-in between leaving for the provider and coming back; travels in a sealed cookie."""

    state: str
    nonce: str
    verifier: str
    next: str
    began: float


class Door:
    def __init__(self, settings: GatewaySettings, identity: Identity, sessions: Sessions, cookies: Cookies) -> None:
        self._settings, self._identity, self._sessions, self._cookies = settings, identity, sessions, cookies
        self._vault = Vault(settings.secret, "sign-in")

    async def sign_in(self, request: Request) -> Response:
        """Sends the browser to the provider, from the public host only: the cookies of another host would be lost."""
        target = local_target(request.query_params.get("next"))
        public = self._settings.public
        # Once only: behind a server that rewrites Host, the names never agree.
        if request.headers.get("host", "").lower() != public.netloc.lower() and "moved" not in request.query_params:
            return _see_other(f"{self._settings.public_origin}/sign-in?{urlencode({'next': target, 'moved': 1})}")
        under_way = _UnderWay(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next=target,
            began=time.time(),
        )
        response = _see_other(
            await self._identity.sign_in_url(
                state=under_way.state,
                nonce=under_way.nonce,
                verifier=under_way.verifier,
                language=locale_of(request),
            )
        )
        response.raw_headers.append(self._cookies.set_sign_in(self._sealed(under_way)))
        return response

    async def callback(self, request: Request) -> Response:
        """Code and state come back; a session begins, and the one this browser had before ends."""
        under_way = self._opened(self._cookies.sign_in_of(request.scope))
        given = request.query_params
        if under_way is None or not secrets.compare_digest(under_way.state.encode(), given.get("state", "").encode()):
            return await self._begin_again(request, under_way)
        if "code" not in given:
            raise SignInFailed
        tokens = await self._identity.exchange(given["code"], verifier=under_way.verifier, nonce=under_way.nonce)
        await self._end_former(request)
        value = await self._sessions.begin(Session(tokens=tokens, began=time.time(), seen=time.time()))
        response = _see_other(under_way.next)
        response.raw_headers += [self._cookies.set_session(value), self._cookies.clear(self._cookies.sign_in)]
        return response

    async def sign_out(self, request: Request) -> Response:
        """Ends the session here, then lets the provider end its own; works as well when there is none any more."""
        ended = await self._sessions.end(self._cookies.session_of(request.scope))
        target = "/"
        if ended is not None:
            try:
                target = await self._identity.sign_out_url(ended.tokens.id_token)
            except IdentityAway:
                _log.warning("signed out here only")
        response = _see_other(target)
        response.raw_headers.append(self._cookies.clear(self._cookies.session))
        return response

    async def _begin_again(self, request: Request, under_way: _UnderWay | None) -> Response:
        """Another tab signed in meanwhile, or the page was left open too long: whoever is signed in just goes on."""
        if await self._sessions.find(self._cookies.session_of(request.scope)) is not None:
            return _see_other(under_way.next if under_way else "/")
        raise SignInFailed

    async def _end_former(self, request: Request) -> None:
        try:
            await self._sessions.end(self._cookies.session_of(request.scope))
        except SessionsAway:
            _log.warning("former session left to expire")

    def _sealed(self, under_way: _UnderWay) -> str:
        return self._vault.seal(orjson.dumps(asdict(under_way)), self._cookies.sign_in).hex()

    def _opened(self, value: str | None) -> _UnderWay | None:
        try:
            plain = self._vault.open(bytes.fromhex(value or ""), self._cookies.sign_in)
        except ValueError:
            return None
        if plain is None:
            return None
        under_way = _UnderWay(**orjson.loads(plain))
        return under_way if time.time() - under_way.began < SIGN_IN_SECONDS else None


def _see_other(target: str) -> RedirectResponse:
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
