"""Which headers go through, in either direction."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from starlette.types import Scope

from gateway.errors import FramingRefused, HostRefused, MalformedHeaders

Raw = Iterable[tuple[bytes, bytes]]
Head = dict[bytes, bytes]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
# Said anew by this hop, or known to be read somewhere as "who is calling" or "from where".
NOT_FORWARDED = HOP_BY_HOP | {
    b"host",
    b"expect",
    b"content-length",
    b"cookie",
    b"forwarded",
    b"via",
    b"client-ip",
    b"true-client-ip",
    b"traceparent",
    b"accept-language",
}
ALLOWED_X = frozenset({b"x-requested-with"})
_IDENTITY_LIKE = re.compile(rb"x-|remote[-_]|ssl[-_]|cf-|.*_")
FIXED_BY_GATEWAY = frozenset(
    {
        b"content-security-policy",
        b"content-security-policy-report-only",
        b"x-content-type-options",
        b"x-frame-options",
        b"referrer-policy",
        b"permissions-policy",
        b"cross-origin-opener-policy",
        b"cross-origin-resource-policy",
        b"strict-transport-security",
        b"x-permitted-cross-domain-policies",
        b"api-version",
        b"ratelimit",
        b"ratelimit-policy",
    }
)
NOT_RETURNED = (
    HOP_BY_HOP
    | FIXED_BY_GATEWAY
    | {b"set-cookie", b"set-cookie2", b"server", b"date", b"x-powered-by", b"x-trace-id", b"x-org-name"}
)


# Said twice, each reader could choose another one.
SINGLE = frozenset(
    {
        b"host",
        b"authorization",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"origin",
        b"sec-fetch-site",
        b"traceparent",
    }
)

_REPEATED = {b"host": HostRefused, b"content-length": FramingRefused, b"transfer-encoding": FramingRefused}
# What follows on the connection cannot be trusted to be a request of its own.
_CLOSE = {"Connection": "close"}


def head_of(scope: Scope) -> Head:
    """The request's headers by name, made once for each request. Raises Refusal for what can be read two ways."""
    head: Head | None = scope.get("head")
    if head is None:
        given = scope["headers"]
        head = scope["head"] = dict(given)
        if len(head) != len(given):
            _settle_repeated(head, given)
        if b"host" not in head and scope["http_version"] != "1.0":
            raise HostRefused(headers=_CLOSE)
        if b"transfer-encoding" in head and (b"content-length" in head or head[b"transfer-encoding"] != b"chunked"):
            raise FramingRefused(headers=_CLOSE)
    return head


def _settle_repeated(head: Head, given: Sequence[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _ in given:
        if name in seen and name in SINGLE:
            raise _REPEATED.get(name, MalformedHeaders)(headers=_CLOSE)
        seen.add(name)
    if b"cookie" in head:
        head[b"cookie"] = b"; ".join(value for name, value in given if name == b"cookie")


def cookie(head: Head, name: str) -> str | None:
    """The first value of the cookie among the `name=value` pairs."""
    given = head.get(b"cookie")
    if given is None:
        return None
    wanted = name.encode()
    for pair in given.split(b";"):
        found, equals, content = pair.strip().partition(b"=")
        if equals and found == wanted:
            return content.decode("ascii", "replace")
    return None


def request_headers(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What a service may see of the caller's headers: hop-by-hop, identity-like and unknown X- headers are left out."""
    named = _named_by_connection(headers)
    return [header for header in headers if _is_forwarded(header[0]) and header[0] not in named]


@lru_cache(maxsize=1000)
def _is_forwarded(name: bytes) -> bool:
    """Remembered, since callers repeat themselves."""
    return name not in NOT_FORWARDED and (name in ALLOWED_X or _IDENTITY_LIKE.match(name) is None)


def response_headers(
    headers: Sequence[tuple[bytes, bytes]], own_origin: bytes, *, bodiless: bool = False
) -> list[tuple[bytes, bytes]]:
    """What the caller may see of a service's headers; its own address in `Location` becomes a path."""
    named = _named_by_connection(headers)
    passed = []
    for name, value in headers:
        if name in NOT_RETURNED or name in named or (bodiless and name == b"content-length"):
            continue
        if name == b"location" and value.startswith(own_origin):
            value = value[len(own_origin) :] or b"/"
        passed.append((name, value))
    return passed


def wants_html(head: Head) -> bool:
    return b"text/html" in head.get(b"accept", b"")


def _named_by_connection(headers: Raw) -> frozenset[bytes]:
    """RFC 9110 7.6.1: a header that `Connection` names is meant for the next hop only."""
    named = [value for name, value in headers if name == b"connection"]
    if not named or named == [b"keep-alive"]:
        return frozenset()
    listed = frozenset(token.strip().lower() for value in named for token in value.split(b","))
    # A caller must not be able to strip its own credentials or the body's description on the way.
    return listed - {b"authorization", b"content-type", b"content-length", b"idempotency-key", b"if-match"}
