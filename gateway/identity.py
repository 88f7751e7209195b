"""The realm as the gateway sees it: code flow with PKCE, refresh, end of session. Any provider with a realm's paths."""

import asyncio
import base64
import hashlib
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from gateway.errors import IdentityAway, LogoutRefused, SignInFailed
from gateway.logout import LogoutNotice, read_notice
from gateway.settings import GatewaySettings
from kernel import logging
from kernel.auth import ALGORITHMS, Actor, TokenVerifier
from kernel.errors import Unauthenticated

_TIMEOUT = 5
_DISCOVERY_SECONDS = 300
_KEYS_SECONDS = 10
_KEYS_PATIENCE = 1
_LEEWAY = 5
_REFRESH_BEFORE = 30
_AWAY = (KeycloakConnectionError, httpx.HTTPError, OSError)
_log = logging.get("gateway.identity")


class SessionEnded(Exception):
    """The provider no longer honours the refresh token: signed out there, disabled, or too old."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Times are seconds since 1970: from `refresh_from` on, new ones should be had before `access_ends`.

    `id_token` is the hint for signing out at the provider.
    """

    access: str
    refresh: str
    id_token: str
    access_ends: float
    refresh_from: float


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in: `user` is the name to type; `sub` and `sid` are the provider's names for person and session."""

    user: str
    sub: str
    sid: str


class Identity:
    """Raises IdentityAway when the provider cannot be reached or answers with a fault of its own."""

    def __init__(self, settings: GatewaySettings, verifier: TokenVerifier) -> None:
        base, _, realm = (settings.identity_url or settings.issuer).rpartition("/realms/")
        self._issuer, self._client_id = settings.issuer, settings.client_id
        self._redirect = f"{settings.public_origin}/callback"
        self._home = f"{settings.public_origin}/"
        self._keycloak = KeycloakOpenID(
            server_url=f"{base}/",
            realm_name=realm,
            client_id=settings.client_id,
            client_secret_key=settings.client_secret,
            timeout=_TIMEOUT,
        )
        self._verifier = verifier
        self._discovered: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._keys_asked = float("-inf")
        self._keys_lock = asyncio.Lock()

    @property
    def origin(self) -> str:
        """Where browsers are sent to sign in and out."""
        parts = urlsplit(self._issuer)
        return f"{parts.scheme}://{parts.netloc}"

    async def close(self) -> None:
        await self._keycloak.connection.aclose()

    async def sign_in_url(self, *, state: str, nonce: str, verifier: str, language: str) -> str:
        try:
            url = await self._keycloak.a_auth_url(
                redirect_uri=quote(self._redirect, safe=""),
                scope="openid",
                state=state,
                nonce=nonce,
                code_challenge=code_challenge(verifier),
                code_challenge_method="S256",
            )
        except (KeycloakError, *_AWAY) as error:
            raise self._away(error) from error
        return f"{url}&{urlencode({'ui_locales': language})}"

    async def exchange(self, code: str, *, verifier: str, nonce: str) -> tuple[Tokens, Person]:
        """Tokens and person for the code; SignInFailed when the provider refuses the code or a token does not fit."""
        try:
            answer = await self._keycloak.a_token(
                grant_type="authorization_code", code=code, redirect_uri=self._redirect, code_verifier=verifier
            )
        except _AWAY as error:
            raise self._away(error) from error
        except KeycloakError as error:
            if _is_refusal(error):
                raise SignInFailed from error
            raise self._away(error) from error
        try:
            return await self._checked(answer, nonce=nonce)
        except (JoseError, ValueError, KeyError, Unauthenticated) as error:
            _log.warning("tokens refused", error=repr(error))
            raise SignInFailed from error

    async def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens of the same person. SessionEnded when the provider refuses, IdentityAway otherwise."""
        try:
            answer = await self._keycloak.a_refresh_token(tokens.refresh)
        except _AWAY as error:
            raise self._away(error) from error
        except KeycloakError as error:
            if _is_refusal(error):
                raise SessionEnded from error
            raise self._away(error) from error
        try:
            renewed, _ = await self._checked({"refresh_token": tokens.refresh, "id_token": tokens.id_token, **answer})
        except (JoseError, ValueError, KeyError, Unauthenticated) as error:
            raise SessionEnded from error
        return renewed

    async def sign_out_url(self, id_token: str) -> str:
        """The provider's end-session address; the person comes back to the home page from there."""
        query = {"id_token_hint": id_token, "client_id": self._client_id, "post_logout_redirect_uri": self._home}
        return f"{(await self._discovery())['end_session_endpoint']}?{urlencode(query)}"

    async def actor(self, access_token: str) -> Actor:
        return await self._verifier.verify(access_token)

    async def _checked(self, answer: dict[str, Any], nonce: str | None = None) -> tuple[Tokens, Person]:
        """The access token must be one that the services will accept, the ID token one meant for this client."""
        access, id_token = str(answer["access_token"]), str(answer["id_token"])
        actor = await self._verifier.verify(access)
        claims = await self._id_claims(id_token, fresh=nonce is not None)
        if nonce is not None and claims.get("nonce") != nonce:
            raise ValueError("the ID token answers another sign-in")
        lifetime = float(answer["expires_in"])
        ends = time.time() + lifetime
        tokens = Tokens(
            access=access,
            refresh=str(answer["refresh_token"]),
            id_token=id_token,
            access_ends=ends,
            refresh_from=ends - min(_REFRESH_BEFORE, lifetime / 4),
        )
        return tokens, Person(user=actor.id, sub=str(claims["sub"]), sid=actor.sid or "")

    async def logout_notice(self, token: str) -> LogoutNotice:
        """OpenID Connect Back-Channel Logout 1.0, section 2.6; LogoutRefused for any other token."""
        try:
            claims = await self._signed_claims(token)
            return read_notice(claims, issuer=self._issuer, client_id=self._client_id, now=time.time())
        except (JoseError, ValueError) as error:
            _log.warning("logout token refused", error=repr(error))
            raise LogoutRefused from error

    async def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
        except (InvalidKeyIdError, ValueError):
            decoded = jwt.decode(token, await self._key_set(renew=True), algorithms=ALGORITHMS)
        claims: dict[str, Any] = decoded.claims
        return claims

    async def _id_claims(self, token: str, *, fresh: bool) -> dict[str, Any]:
        claims = await self._signed_claims(token)
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY, iss={"essential": True, "value": self._issuer}, sub={"essential": True}
        )
        # A refresh may keep the first ID token, whose time is over: there it is only the hint for signing out.
        registry.validate(claims if fresh else {**claims, "exp": time.time() + _LEEWAY})
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if self._client_id not in audiences or claims.get("azp", self._client_id) != self._client_id:
            raise ValueError("the ID token is meant for another client")
        return claims

    async def _key_set(self, *, renew: bool = False) -> KeySet:
        async with self._keys_lock:
            held = self._keys
            if held is not None and (not renew or time.monotonic() - held[0] < _KEYS_SECONDS):
                return held[1]
            if held is None and time.monotonic() - self._keys_asked < _KEYS_PATIENCE:
                raise IdentityAway(headers={"Retry-After": "5"})
            self._keys_asked = time.monotonic()
            try:
                keys = KeySet.import_key_set(cast(Any, await self._keycloak.a_certs()))
            except (KeycloakError, *_AWAY) as error:
                raise self._away(error) from error
            self._keys = (time.monotonic(), keys)
            return keys

    async def _discovery(self) -> dict[str, Any]:
        held = self._discovered
        if held is not None and time.monotonic() - held[0] < _DISCOVERY_SECONDS:
            return held[1]
        try:
            found: dict[str, Any] = await self._keycloak.a_well_known()
        except (KeycloakError, *_AWAY) as error:
            if held is not None:
                return held[1]
            raise self._away(error) from error
        self._discovered = (time.monotonic(), found)
        return found

    def _away(self, error: Exception) -> IdentityAway:
        _log.warning("provider away", error=repr(error)[:300])
        return IdentityAway(headers={"Retry-After": "5"})


def code_challenge(verifier: str) -> str:
    """RFC 7636, method S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _is_refusal(error: KeycloakError) -> bool:
    """400 and 401 are the provider's word on this code or token; anything else is trouble on its side."""
    return error.response_code in (400, 401)
