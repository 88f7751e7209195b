"""Whether the whole product is ready, asked of every part at once."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import orjson

from gateway.errors import ServiceBusy
from gateway.upstreams import Upstream
from gateway.wire import Away, Broke
from kernel.bus import Bus

_SECONDS = 2.5
# The address is public: many askers must not become many questions to every service.
_REMEMBERED_SECONDS = 0.5

Report = dict[str, Any]


class Health:
    def __init__(self, upstreams: Sequence[Upstream], bus: Bus) -> None:
        self._upstreams, self._bus = upstreams, bus
        self._lock = asyncio.Lock()
        self._last: tuple[float, Report] | None = None

    async def ready(self) -> Report:
        """`{"status": "ready" | "not ready", "parts": {service: its own report or "away: ..."}}`."""
        async with self._lock:
            if self._last is not None and time.monotonic() - self._last[0] < _REMEMBERED_SECONDS:
                return self._last[1]
            report = await self._ask()
            self._last = (time.monotonic(), report)
            return report

    async def _ask(self) -> Report:
        answers = await asyncio.gather(*(_one(upstream) for upstream in self._upstreams))
        parts: Report = {upstream.name: said for upstream, (_, said) in zip(self._upstreams, answers, strict=True)}
        parts["nats"] = "ok" if self._bus.connected else "away"
        well = self._bus.connected and all(good for good, _ in answers)
        return {"status": "ready" if well else "not ready", "parts": parts}


async def _one(upstream: Upstream) -> tuple[bool, Any]:
    try:
        status, _, body = await upstream.fetch("/health/ready", seconds=_SECONDS)
    except (Away, Broke, TimeoutError, ServiceBusy) as error:
        return False, f"away: {type(error).__name__}"
    try:
        return status == 200, orjson.loads(body)
    except orjson.JSONDecodeError:
        return status == 200, f"status {status}"
