"""Whom a request is charged to: the client or person of a valid token, else the address it came from."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from gateway import headers
from gateway.session_cache import Session
from gateway.settings import GatewaySettings
from kernel.auth import TokenVerifier
from kernel.errors import Refusal

CLIENT, ADDRESS = "client", "address"
# Whoever holds one IPv6 address usually holds the 64 bits behind it.
_IPV6_PREFIX = 64

Caller = tuple[str, str]


class Callers:
    """Gives the policy of the rate limit and the name under which the request is charged."""

    def __init__(self, settings: GatewaySettings, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._trusted = [ip_network(each.strip()) for each in settings.trusted_proxies.split(",") if each.strip()]

    def of_session(self, session: Session) -> Caller:
        return CLIENT, f"person:{session.user}"

    async def of_token(self, authorization: bytes, scope: Scope) -> Caller:
        """A token that is not good is its address's business; the service will refuse it."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and token:
            try:
                actor = await self._verifier.verify(token.decode("latin-1"))
            except Refusal:
                return self.of_address(scope)
            return CLIENT, f"{actor.kind}:{actor.id}"
        return self.of_address(scope)

    def of_address(self, scope: Scope) -> Caller:
        return ADDRESS, self.address(scope)

    def address(self, scope: Scope) -> str:
        """The peer; behind proxies of our own the nearest address that is none of theirs. IPv6 by its network."""
        peer: str = scope["client"][0] if scope.get("client") else ""
        if self._trusted and self._is_ours(peer):
            peer = self._forwarded_for(headers.head_of(scope)) or peer
        return _network(peer) if ":" in peer else peer

    def _forwarded_for(self, head: headers.Head) -> str | None:
        listed = head.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        return next((each for one in reversed(listed) if (each := one.strip()) and not self._is_ours(each)), None)

    def _is_ours(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._trusted)
        except ValueError:
            return False


def _network(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found.ipv4_mapped) if isinstance(found, IPv6Address) else str(found)
