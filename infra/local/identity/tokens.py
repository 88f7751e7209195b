"""Signed tokens with the claims that the realm's mappers give on Keycloak."""

import time
import uuid
from typing import Any

from authlib.oidc.core.grants.util import create_half_hash
from joserfc import jwt
from joserfc.errors import JoseError

from infra.local.identity.keys import KeyRing
from infra.local.identity.realm import Client, Person, Realm
from infra.local.identity.sessions import Session

AUDIENCE = "hatang-api"
TRADE_SCOPE = "hatang"
GOODBYE = "http://schemas.openid.net/event/backchannel-logout"
GOODBYE_SECONDS = 120
SIGNED = "RS256"
REFRESH = "HS512"


class Tokens:
    """Makes and reads this realm's tokens; `issuer` is the realm's public address."""

    def __init__(self, realm: Realm, keys: KeyRing, issuer: str) -> None:
        self._realm, self._keys, self._issuer = realm, keys, issuer

    def for_session(self, client: Client, person: Person, session: Session, nonce: str | None) -> dict[str, Any]:
        """The token answer of a sign-in or a refresh: access, refresh and, with scope `openid`, id token."""
        now = int(time.time())
        shared = {**person.claims(), "sid": session.sid, "auth_time": session.started}
        ends = min(now + self._realm.access_seconds, session.started + self._realm.session_seconds)
        access = self._signed("Bearer", client, now, ends, {**shared, "aud": AUDIENCE, "scope": session.scope})
        idle = min(now + self._realm.idle_seconds, session.started + self._realm.session_seconds)
        answer = {
            "access_token": access,
            "expires_in": ends - now,
            "refresh_expires_in": idle - now,
            "refresh_token": self._refresh(client, person, session, now, idle),
            "token_type": "Bearer",
            "session_state": session.sid,
            "scope": session.scope,
        }
        if "openid" in session.scope.split():
            answer["id_token"] = self._id_token(client, now, ends, shared, access, nonce)
        return answer

    def for_client(self, client: Client, account: Person, scope: str) -> dict[str, Any]:
        now = int(time.time())
        ends = now + self._realm.access_seconds
        claims = {**account.claims(), "aud": AUDIENCE} if TRADE_SCOPE in client.scopes else {"sub": account.id}
        access = self._signed("Bearer", client, now, ends, {**claims, "scope": scope})
        return {"access_token": access, "expires_in": ends - now, "token_type": "Bearer", "scope": scope}

    def for_goodbye(self, client: Client, person_id: str, sid: str) -> str:
        """The logout token of OpenID Connect Back-Channel Logout 1.0."""
        now = int(time.time())
        claims = {"aud": client.id, "sub": person_id, "sid": sid, "events": {GOODBYE: {}}}
        return self._signed("Logout", client, now, now + GOODBYE_SECONDS, claims, typ="logout+jwt")

    def read(self, token: str, kind: str, *, expired: bool = False) -> dict[str, Any] | None:
        """Claims of a token of ours of kind Bearer or ID; None when it is not, or is past its end."""
        try:
            claims = jwt.decode(token, self._keys.verifying_keys, algorithms=[SIGNED]).claims
        except (JoseError, ValueError):
            return None
        return claims if self._holds(claims, kind, expired) else None

    def read_refresh(self, token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self._keys.refresh_key, algorithms=[REFRESH]).claims
        except (JoseError, ValueError):
            return None
        return claims if self._holds(claims, "Refresh", False) else None

    def _holds(self, claims: dict[str, Any], kind: str, expired: bool) -> bool:
        known = claims.get("iss") == self._issuer and claims.get("typ") == kind
        return known and (expired or claims["exp"] > time.time())

    def _refresh(self, client: Client, person: Person, session: Session, now: int, ends: int) -> str:
        claims = {
            **self._frame("Refresh", client, now, ends),
            "aud": self._issuer,
            "sub": person.id,
            "sid": session.sid,
        }
        return jwt.encode(
            {"alg": REFRESH, "kid": self._keys.refresh_key.kid}, claims, self._keys.refresh_key, [REFRESH]
        )

    def _id_token(
        self, client: Client, now: int, ends: int, shared: dict[str, Any], access: str, nonce: str | None
    ) -> str:
        claims = {**shared, "aud": client.id, "at_hash": create_half_hash(access, SIGNED).decode()}
        return self._signed("ID", client, now, ends, {**claims, **({"nonce": nonce} if nonce else {})})

    def _signed(
        self, kind: str, client: Client, now: int, ends: int, claims: dict[str, Any], *, typ: str | None = None
    ) -> str:
        key = self._keys.signing_key
        header = {"alg": SIGNED, "kid": key.kid, **({"typ": typ} if typ else {})}
        return jwt.encode(header, {**self._frame(kind, client, now, ends), **claims}, key)

    def _frame(self, kind: str, client: Client, now: int, ends: int) -> dict[str, Any]:
        return {"exp": ends, "iat": now, "jti": str(uuid.uuid4()), "iss": self._issuer, "typ": kind, "azp": client.id}
