"""Whom mail may go to. A user can set an address, and our mail server trusts us: what leads inside is refused."""

import re
from dataclasses import dataclass

LONGEST, LONGEST_LOCAL = 254, 64
# A dot-atom without `%` and `!`, which old servers read as a further route.
_LOCAL = re.compile(r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9#$&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Names that lead to machines of the house or to none (RFC 6761, 6762, 8375, 9476); an address in figures is none.
_INSIDE = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "alt"})


@dataclass(frozen=True)
class Recipient:
    address: str
    name: str
    locale: str = "vi"


def is_sendable(address: str) -> bool:
    """Whether it is one plain address in the public name space: no header, no route, no machine of the house."""
    local, at, domain = address.rpartition("@")
    labels = domain.lower().split(".")
    return (
        bool(at)
        and len(address) <= LONGEST
        and len(local) <= LONGEST_LOCAL
        and _LOCAL.fullmatch(local) is not None
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and labels[-1] not in _INSIDE
        and not labels[-1].isdigit()
    )
