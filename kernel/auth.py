"""Who is calling: a bearer token, checked by every service itself, turned into an Actor."""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from kernel.errors import Unauthenticated, Unavailable

ALGORITHMS = ["RS256", "ES256", "PS256"]
_CACHE_LIMIT = 10_000
_LEEWAY = 5
# The provider is asked for its keys at most this often (seconds), whatever the tokens of strangers name: after a key id
# that is not known, and after an attempt that brought none.
_ROTATION, _PATIENCE = 10.0, 1.0
# RFC 6750: what a client that sent a token is told beside the problem document.
_INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@dataclass(frozen=True)
class Actor:
    """A person or a client, of one organisation, with what the token grants. `functions` narrows capabilities.

    `networks`: from where a client may come (the gateway sees to it); none: from everywhere.
    """

    id: str
    org: str
    kind: str
    name: str = ""
    capabilities: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    sid: str | None = None
    locale: str | None = None
    networks: tuple[str, ...] = ()
    token: str = field(default="", repr=False, compare=False)

    def can(self, *capabilities: str) -> bool:
        return not self.capabilities.isdisjoint(capabilities)


def system(name: str) -> Actor:
    """The worker acting on its own, as when a deadline passes."""
    return Actor(id=f"system:{name}", org="SYSTEM", kind="system", name=name)


def actor_of(claims: dict[str, Any], token: str = "") -> Actor:
    is_client = "sid" not in claims
    return Actor(
        id=(claims.get("azp") if is_client else claims.get("preferred_username")) or claims["sub"],
        org=claims.get("org", ""),
        kind="client" if is_client else "person",
        name=claims.get("name") or claims.get("preferred_username", ""),
        capabilities=frozenset(claims.get("capabilities", ())),
        functions=frozenset(claims.get("functions", ())),
        sid=claims.get("sid"),
        locale=claims.get("locale"),
        networks=tuple(claims.get("networks", ())) if is_client else (),
        token=token,
    )


class TokenVerifier:
    """Signature from cached realm keys, issuer, audience, expiry. Verified tokens are kept by hash until they end."""

    def __init__(self, issuer: str, audience: str, keys_url: str = "") -> None:
        self._issuer, self._audience = issuer, audience
        self._keys_url = keys_url or f"{issuer}/protocol/openid-connect/certs"
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()
        self._seen: dict[bytes, tuple[float, Actor]] = {}

    async def verify(self, token: str) -> Actor:
        """Raises Unauthenticated, or Unavailable when the provider's keys were never had and cannot be fetched."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._seen.get(digest)
        if known is not None and known[0] > time.time():
            return known[1]
        claims = await self._claims(token)
        actor = actor_of(claims, token)
        if len(self._seen) >= _CACHE_LIMIT:
            self._seen.clear()
        self._seen[digest] = (float(claims["exp"]), actor)
        return actor

    async def ready(self) -> None:
        """Returns when keys were had, fetching them if need be; raises Unavailable."""
        await self._key_set()

    async def _claims(self, token: str) -> dict[str, Any]:
        keys = await self._key_set()
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (InvalidKeyIdError, ValueError):
            # An unknown key id: the realm may have rotated.
            keys = await self._key_set(newer_than=_ROTATION)
            try:
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise Unauthenticated(headers=_INVALID) from error
        except JoseError as error:
            raise Unauthenticated(headers=_INVALID) from error
        claims = decoded.claims
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthenticated(headers=_INVALID)
        try:
            registry.validate(claims)
        except JoseError as error:
            raise Unauthenticated(headers=_INVALID) from error
        return dict(claims)

    async def _key_set(self, newer_than: float | None = None) -> KeySet:
        if self._keys is not None and newer_than is None:
            return self._keys
        async with self._lock:
            since = time.monotonic() - self._fetched
            if self._keys is not None and (newer_than is None or since < newer_than):
                return self._keys
            if self._keys is None and since < _PATIENCE:
                raise Unavailable(headers={"Retry-After": "2"})
            self._fetched = time.monotonic()
            try:
                async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                    answer = (await client.get(self._keys_url)).raise_for_status()
                self._keys = KeySet.import_key_set(answer.json())
            except (httpx.HTTPError, ValueError) as error:
                if self._keys is None:
                    raise Unavailable(headers={"Retry-After": "2"}) from error
            return self._keys
