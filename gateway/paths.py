"""Which request targets are taken at all, and which addresses one may be sent back to."""

import re

_FORBIDDEN = re.compile(
    rb"//|\\|%2f|%5c|%2e|%00|%0a|%0d|/\.{1,2}(?:/|$)|[^\x21-\x7e]|%(?![0-9a-f]{2})",
    re.IGNORECASE,
)
_QUERY_FORBIDDEN = re.compile(rb"[^\x21-\x7e]")
_NEXT = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def is_plain(path: bytes, query: bytes = b"") -> bool:
    """Whether every reader will see the same path: no empty, dot or encoded-slash segments, no broken escapes."""
    return path[:1] == b"/" and _FORBIDDEN.search(path) is None and _QUERY_FORBIDDEN.search(query) is None


def local_target(candidate: str | None) -> str:
    """`candidate` when it is a path of our own origin, else the home page: an open redirect helps only phishers."""
    if candidate and len(candidate) <= 2000 and _NEXT.fullmatch(candidate):
        return candidate
    return "/"
