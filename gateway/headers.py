"""Which headers go through, in either direction."""

import re
from collections.abc import Iterable

from multidict import CIMultiDict

Raw = Iterable[tuple[bytes, bytes]]

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
    }
)
NOT_RETURNED = (
    HOP_BY_HOP
    | FIXED_BY_GATEWAY
    | {b"set-cookie", b"set-cookie2", b"server", b"date", b"x-powered-by", b"x-trace-id", b"x-org-name"}
)


def first(headers: Raw, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


def cookie(headers: Raw, name: str) -> str | None:
    """The first value of the cookie; browsers send several `name=value` pairs in one header or in many."""
    wanted = name.encode()
    for key, value in headers:
        if key != b"cookie":
            continue
        for pair in value.split(b";"):
            found, equals, content = pair.strip().partition(b"=")
            if equals and found == wanted:
                return content.decode("ascii", "replace")
    return None


def request_headers(headers: Raw) -> CIMultiDict[str]:
    """What a service may see of the caller's headers: hop-by-hop, identity-like and unknown X- headers are left out."""
    named = _named_by_connection(headers)
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        if name in NOT_FORWARDED or name in named:
            continue
        if name not in ALLOWED_X and _IDENTITY_LIKE.match(name):
            continue
        passed.add(name.decode("ascii"), value.decode("utf-8", "surrogateescape"))
    return passed


def response_headers(headers: Raw, own_origin: bytes, *, bodiless: bool = False) -> list[tuple[bytes, bytes]]:
    """What the caller may see of a service's headers; its own address in `Location` becomes a path."""
    headers = [(name.lower(), value) for name, value in headers]
    named = _named_by_connection(headers)
    passed = []
    for name, value in headers:
        if name in NOT_RETURNED or name in named or (bodiless and name == b"content-length"):
            continue
        if name == b"location" and value.startswith(own_origin):
            value = value[len(own_origin) :] or b"/"
        passed.append((name, value))
    return passed


def wants_html(headers: Raw) -> bool:
    return b"text/html" in (first(headers, b"accept") or b"")


def _named_by_connection(headers: Raw) -> frozenset[bytes]:
    """RFC 9110 7.6.1: a header that `Connection` names is meant for the next hop only."""
    named = [value for name, value in headers if name == b"connection"]
    if not named or named == [b"keep-alive"]:
        return frozenset()
    listed = frozenset(token.strip().lower() for value in named for token in value.split(b","))
    # A caller must not be able to strip its own credentials or the body's description on the way.
    return listed - {b"authorization", b"content-type", b"content-length", b"idempotency-key", b"if-match"}
