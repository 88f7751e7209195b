"""Whom a request is charged to: the client or person of a valid token, else the address it came from."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from gateway import headers
from gateway.errors import AddressRefused
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
        """A token that is not good is its address's business; the service will refuse it.

        Raises AddressRefused (403) for a client that comes from outside its networks.
        """
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and token:
            try:
                actor = await self._verifier.verify(token.decode("latin-1"))
            except Refusal:
                return self.of_address(scope)
            if actor.networks:
                _require_within(self._peer(scope), actor.networks)
            return CLIENT, f"{actor.kind}:{actor.id}"
        return self.of_address(scope)

    def of_address(self, scope: Scope) -> Caller:
        return ADDRESS, self.address(scope)

    def address(self, scope: Scope) -> str:
        """As `_peer`, IPv6 by its network."""
        peer = self._peer(scope)
        return _network(peer) if ":" in peer else peer

    def _peer(self, scope: Scope) -> str:
        """The peer; behind proxies of our own the nearest address that is none of theirs."""
        peer: str = scope["client"][0] if scope.get("client") else ""
        if self._trusted and self._is_ours(peer):
            peer = self._forwarded_for(headers.head_of(scope)) or peer
        return peer

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


def _require_within(peer: str, networks: tuple[str, ...]) -> None:
    """Raises AddressRefused (403). A network that cannot be read holds nobody."""
    try:
        found = ip_address(peer.partition("%")[0])
    except ValueError as error:
        raise AddressRefused(address=peer) from error
    address = found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
    if not any(address in network for network in _read(networks)):
        raise AddressRefused(address=str(address))


@lru_cache(1024)
def _read(networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    read = []
    for each in networks:
        try:
            read.append(ip_network(each, strict=False))
        except ValueError:
            continue
    return tuple(read)
