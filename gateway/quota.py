"""How much one client may still ask for: a bucket that refills steadily, one for each client and policy."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

# A full bucket says no more than none at all, so what is forgotten first is what has rested longest.
_CLIENTS = 50_000


class Standing(NamedTuple):
    """After a request: whether it was granted, units left, and the seconds until the bucket is full (or lets it in)."""

    is_granted: bool
    left: int
    full_in: int
    wait: int


@dataclass(frozen=True, slots=True)
class Policy:
    """`units` at once and again in every `seconds`; no units means no limit."""

    name: str
    units: int
    seconds: int

    @property
    def header(self) -> bytes:
        """As `RateLimit-Policy` tells it (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{self.name}";q={self.units};w={self.seconds}'.encode()


class Quota:
    """The buckets of one policy. Times are in seconds of any steady clock."""

    def __init__(self, policy: Policy, clients: int = _CLIENTS) -> None:
        self.policy = policy
        self._clients = clients
        self._rate = policy.units / policy.seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str, cost: float, now: float) -> Standing:
        """A refused request costs nothing: whoever waits as long as told is let in."""
        level = self._level(client, now)
        # What costs more than the whole bucket would otherwise never be let in.
        needed = min(cost, self.policy.units)
        if level < needed:
            return Standing(False, max(0, int(level)), self._seconds(level), math.ceil((needed - level) / self._rate))
        self._keep(client, level - cost, now)
        return Standing(True, max(0, int(level - cost)), self._seconds(level - cost), 0)

    def spend(self, client: str, units: float, now: float) -> None:
        """What another gateway granted. A client in debt waits at most twice the window."""
        self._keep(client, max(self._level(client, now) - units, -float(self.policy.units)), now)

    def _level(self, client: str, now: float) -> float:
        known = self._buckets.get(client)
        if known is None:
            return float(self.policy.units)
        return min(known[0] + (now - known[1]) * self._rate, float(self.policy.units))

    def _keep(self, client: str, level: float, now: float) -> None:
        self._buckets[client] = (level, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)

    def _seconds(self, level: float) -> int:
        return math.ceil((self.policy.units - level) / self._rate)
