"""Rate limits that all gateways keep together: each tells the others what it granted, several times a second.

Between two tellings each gateway knows only its own, so that a client who asks them all at once may get up to one
interval's worth more than its share. Without a broker each goes on alone.
"""

import asyncio
import secrets
import time
from collections import defaultdict

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gateway.quota import Policy, Quota, Standing
from gateway.settings import GatewaySettings
from kernel import logging
from kernel.bus import Bus
from kernel.errors import TooMany

SUBJECT = "gateway.granted"
_TELL_SECONDS = 0.2
# One telling stays far below the broker's largest message; who is beyond it is told of with the next.
_TOLD_AT_ONCE = 5_000
_log = logging.get("gateway.rates")

Added = tuple[tuple[bytes, bytes], ...]


class Rates:
    """`charge` raises TooMany. Policies: `client` (signed in), `address` (nobody known), and those of signing in."""

    def __init__(self, settings: GatewaySettings, bus: Bus) -> None:
        self._bus = bus
        self._name = secrets.token_hex(8)
        self._quotas = {policy.name: Quota(policy) for policy in policies(settings) if policy.units}
        self._said = {name: (b"ratelimit-policy", quota.policy.header) for name, quota in self._quotas.items()}
        self._granted: dict[str, defaultdict[str, float]] = {name: defaultdict(float) for name in self._quotas}
        self._task: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self.refused = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_telling())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def charge(self, policy: str, client: str, cost: float) -> Added:
        """Takes `cost` units; gives the headers that tell the client where it stands."""
        quota = self._quotas.get(policy)
        if quota is None:
            return ()
        standing = quota.take(client, cost, time.monotonic())
        if not standing.is_granted:
            self.refused += 1
            raise self._too_many(policy, standing)
        self._granted[policy][client] += cost
        return (self._said[policy], (b"ratelimit", b'"%b";r=%d;t=%d' % (policy.encode(), standing[1], standing[2])))

    def spend(self, policy: str, client: str, cost: float) -> None:
        """Takes units without asking, as for an attempt that failed."""
        if policy in self._quotas:
            self._quotas[policy].spend(client, cost, time.monotonic())
            self._granted[policy][client] += cost

    def _too_many(self, policy: str, standing: Standing) -> TooMany:
        told = {
            "Retry-After": str(standing.wait),
            "RateLimit-Policy": self._said[policy][1].decode(),
            "RateLimit": f'"{policy}";r=0;t={standing.wait}',
        }
        return TooMany(seconds=standing.wait, headers=told)

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            try:
                if not self._bus.connected:
                    self._forget()
                    continue
                if self._subscription is None:
                    self._subscription = await self._bus.client.subscribe(self._bus.subject(SUBJECT), cb=self._hear)
                await self._tell()
            except (nats.errors.Error, OSError) as error:
                _log.warning("granted units not told", error=repr(error))

    async def _tell(self) -> None:
        for policy, granted in self._granted.items():
            if granted:
                told = dict(list(granted.items())[:_TOLD_AT_ONCE])
                for client in told:
                    del granted[client]
                body = orjson.dumps({"by": self._name, "policy": policy, "granted": told})
                await self._bus.client.publish(self._bus.subject(SUBJECT), body)

    async def _hear(self, message: Msg) -> None:
        try:
            told = orjson.loads(message.data)
            quota = self._quotas.get(told["policy"])
            if told["by"] == self._name or quota is None:
                return
            now = time.monotonic()
            for client, units in told["granted"].items():
                quota.spend(client, float(units), now)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            _log.warning("telling not understood", error=repr(error))

    def _forget(self) -> None:
        """What was granted during an outage is not told later: it would be charged as if it were new."""
        for granted in self._granted.values():
            granted.clear()


def policies(settings: GatewaySettings) -> tuple[Policy, ...]:
    window = settings.rate_seconds
    return (
        Policy("client", settings.rate_units, window),
        Policy("address", settings.rate_address_units, window),
        Policy("sign-in", settings.sign_in_units, window),
        Policy("sign-in-person", settings.sign_in_person_units, window),
    )
