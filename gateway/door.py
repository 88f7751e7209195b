"""Signing in and out: the three addresses where the browser and the identity provider meet the gateway."""

import secrets
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.callers import Callers
from gateway.cookies import SIGN_IN_SECONDS, Cookies
from gateway.errors import IdentityAway, LogoutRefused, SessionsAway, SignInFailed
from gateway.identity import Identity, Person, Tokens
from gateway.own_sessions import agent_of
from gateway.paths import local_target
from gateway.rates import Rates
from gateway.session_cache import Session
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.vault import Vault
from kernel import logging
from kernel.web.i18n import locale_of

_FAILED_COST = 5
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
    def __init__(
        self,
        settings: GatewaySettings,
        identity: Identity,
        sessions: Sessions,
        cookies: Cookies,
        rates: Rates,
        callers: Callers,
    ) -> None:
        self._settings, self._identity, self._sessions, self._cookies = settings, identity, sessions, cookies
        self._rates, self._callers = rates, callers
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
        tokens, person = await self._exchanged(request, under_way)
        self._rates.charge("sign-in-person", person.user, 1)
        await self._end_former(request)
        now = time.time()
        agent = agent_of(request.headers.get("user-agent", ""))
        session = Session(
            tokens=tokens, began=now, seen=now, user=person.user, sub=person.sub, sid=person.sid, agent=agent
        )
        value = await self._sessions.begin(session)
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

    async def backchannel_logout(self, request: Request) -> Response:
        """The provider's server says that a person's session has ended (OpenID Connect Back-Channel Logout 1.0).

        200 when every session of it has ended here; the same notice a second time is refused.
        """
        async with request.form(max_files=0, max_fields=5) as form:
            token = form.get("logout_token")
        if not isinstance(token, str):
            raise LogoutRefused
        notice = await self._identity.logout_notice(token)
        if not await self._sessions.is_first(notice.jti):
            raise LogoutRefused
        found = await self._sessions.of_person(notice.sub)
        ended = [key for key, session in found.items() if notice.sid in (None, session.sid)]
        await self._sessions.end_keys(ended)
        _log.info("ended by the provider", sessions=len(ended))
        return Response(headers={"Cache-Control": "no-store"})

    async def _exchanged(self, request: Request, under_way: _UnderWay) -> tuple[Tokens, Person]:
        """A failed attempt costs its address five times as much as one that works."""
        try:
            code = request.query_params.get("code")
            if code is None:
                raise SignInFailed
            return await self._identity.exchange(code, verifier=under_way.verifier, nonce=under_way.nonce)
        except SignInFailed:
            self._rates.spend("sign-in", self._callers.address(request.scope), _FAILED_COST)
            raise

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
