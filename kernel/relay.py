"""From the outbox to the stream, in order, by one relay per service; and the watermark that says how far."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

import asyncpg
import nats.errors
from nats.js.api import PubAck
from nats.js.errors import APIError, NotFoundError

from kernel import logging, metrics, trace
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.db import CHANNEL, MARGIN, WRITING_FOR

log = logging.get(__name__)
BATCH = 500
SLOW_POLL = 1.0
# While events flow, the next one is expected soon: a wake-up that comes late must not cost a quarter of a second.
BUSY_POLL = 0.01
BUSY_FOR = 1.0
WATERMARK_EVERY = 0.25
_RELAY_LOCK = 0x0B0C
# Locked in order of seq, as whoever gives the places does: neither ever waits for the other in a circle.
_SENT = (
    "WITH told AS (SELECT seq FROM outbox WHERE seq = ANY($1) ORDER BY seq FOR NO KEY UPDATE)"
    " UPDATE outbox o SET sent_at = now() FROM told WHERE o.seq = told.seq"
)


class Relay:
    """Holds its own connection for as long as it lives: the advisory lock and LISTEN belong to it."""

    def __init__(
        self, url: str, bus: Bus, service: str, clock: Clock, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._url, self._bus, self._service, self._clock, self._alive = url, bus, service, clock, alive
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """For ever; a lost database or broker is waited for, nothing is skipped."""
        while True:
            try:
                await self._hold()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, nats.errors.Error, TimeoutError) as error:
                log.warning("relay.waits", error=repr(error))
                await asyncio.sleep(0.5)

    async def _hold(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=5, server_settings={"application_name": "relay"})
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _RELAY_LOCK)
            await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
            marked = busy_until = 0.0
            time = asyncio.get_running_loop().time
            while True:
                self._woken.clear()
                sent = await self._send(connection)
                if sent:
                    self._alive()
                    busy_until = time() + BUSY_FOR
                if sent < BATCH:
                    if time() - marked >= WATERMARK_EVERY:
                        await self._mark(connection)
                        marked = time()
                    await self._pause(time() < busy_until)
        finally:
            connection.terminate()

    async def _pause(self, is_busy: bool) -> None:
        # Not wait_for: in Python 3.11 it can swallow a cancellation that meets its own time-out.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BUSY_POLL if is_busy else SLOW_POLL):
                await self._woken.wait()

    async def _send(self, connection: asyncpg.Connection) -> int:
        """Rows chosen by "not yet sent", never by position: a lower number may be committed later."""
        rows = await connection.fetch(
            "SELECT seq, id, subject, envelope::text, envelope->>'traceparent' AS traceparent"
            " FROM outbox WHERE sent_at IS NULL ORDER BY seq LIMIT $1",
            BATCH,
        )
        if not rows:
            return 0
        waiting = [await self._publish(row) for row in rows]
        answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 15)
        done = [row["seq"] for row, answer in zip(rows, answers, strict=True) if not isinstance(answer, BaseException)]
        if done:
            await connection.execute(_SENT, done)
            for row in rows:
                metrics.published.labels(row["subject"]).inc()
        if len(done) < len(rows):
            first = next(a for a in answers if isinstance(a, BaseException))
            raise first if isinstance(first, nats.errors.Error | TimeoutError) else OSError(repr(first))
        return len(rows)

    async def _publish(self, row: asyncpg.Record) -> Awaitable[PubAck]:
        headers = {"Nats-Msg-Id": str(row["id"])}
        with trace.span(f"publish {row['subject']}", "PRODUCER", row["traceparent"], messaging_system="nats"):
            if parent := (trace.current.get() if trace.is_on() else row["traceparent"]):
                headers["traceparent"] = parent
            subject = self._bus.subject(row["subject"])
            acknowledged: Awaitable[PubAck] = await self._bus.js.publish_async(
                subject, row["envelope"].encode(), headers=headers
            )
            return acknowledged

    async def _mark(self, connection: asyncpg.Connection) -> None:
        """Everything recorded before `until` is in the stream: no older row is unsent, no older writer is open."""
        age = await connection.fetchval(WRITING_FOR)
        until = self._clock() - MARGIN - timedelta(seconds=age)
        unsent = await connection.fetchval("SELECT min(recorded_at) FROM outbox WHERE sent_at IS NULL")
        if unsent is not None:
            until = min(until, unsent)
        try:
            info = await self._bus.js.stream_info(self._bus.stream(self._service))
        except (NotFoundError, APIError):
            return
        await self._bus.put_watermark(self._service, until.astimezone(UTC), info.state.last_seq)
        self._alive()
