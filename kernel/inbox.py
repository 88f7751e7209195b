"""What arrives goes through here: inbox row, effect and commit in one transaction, then the acknowledgement."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Generic, TypeVar

import nats.errors
import sqlalchemy as sa
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import Envelope, Event, stream_of
from kernel import logging, metrics, trace
from kernel.bus import Bus, durable
from kernel.clock import Clock
from kernel.db import Database, watermark_table
from kernel.parked import park

log = logging.get(__name__)
E = TypeVar("E", bound=Event)

BATCH = 200
LAST_TRY = 8
WATERMARK_EVERY = 0.25


@dataclass(frozen=True)
class Received(Generic[E]):
    """`traceparent`: of the message that brought it, else of the event itself."""

    envelope: Envelope
    event: E
    traceparent: str | None = None


Handler = Callable[..., Awaitable[None]]
Handlers = Mapping[type[Any], Handler]


class Consumer:
    """One durable of one stream, named after the consuming service; its filter is what the handlers know.

    `granted`: the publisher makes the durable (`Bus.grant`) and this one only binds to it, as the broker's permissions
    demand; else it is made here. `alive` is called whenever the stream was asked and answered.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        service: str,
        stream: str,
        handlers: Handlers,
        clock: Clock,
        *,
        granted: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._bus, self._service, self._stream, self._clock = database, bus, service, stream, clock
        self._granted, self._alive = granted, alive
        self._noted = 0.0
        self._handlers = by_type(handlers)

    async def run(self) -> None:
        while True:
            try:
                subscription = await self._subscribe()
                while True:
                    await self._step(subscription)
            except NotFoundError:
                log.info("consumer.waits", stream=self._stream, error="not granted yet")
                await asyncio.sleep(0.5)
            except (OSError, nats.errors.Error, JetStreamError, DBAPIError) as error:
                log.warning("consumer.waits", stream=self._stream, error=repr(error)[:300])
                await asyncio.sleep(0.5)

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        stream = self._bus.stream(self._stream)
        if self._granted:
            await self._bus.js.consumer_info(stream, self._service)
        else:
            subjects = [self._bus.subject(name) for name in sorted(self._handlers)]
            await self._bus.js.add_consumer(stream, durable(self._service, subjects))
        return await self._bus.js.pull_subscribe_bind(durable=self._service, stream=stream)

    async def _step(self, subscription: JetStreamContext.PullSubscription) -> None:
        try:
            messages = await subscription.fetch(BATCH, timeout=1)
        except (nats.errors.TimeoutError, TimeoutError):
            messages = []
        # A stream without news is well, too, as long as the broker is there to say so.
        if self._bus.connected:
            self._alive()
        if messages:
            await self._take(messages)
        now = asyncio.get_running_loop().time()
        if len(messages) < BATCH and now - self._noted >= WATERMARK_EVERY:
            self._noted = now
            await self._note_watermark(subscription)

    async def _take(self, messages: Sequence[Msg]) -> None:
        readable = await self._readable(messages)
        try:
            await self._apply([received for _, received in readable])
        except Exception as error:
            if is_outage(error):
                await _nak_all(messages, 1.0)
                raise
            log.warning("batch.one_by_one", stream=self._stream, size=len(readable), error=repr(error)[:300])
            for message, received in readable:
                await self._take_one(message, received)
            return
        for message, received in readable:
            await message.ack()
            metrics.messages.labels(received.envelope.type, "done").inc()

    async def _take_one(self, message: Msg, received: Received[Event]) -> None:
        try:
            await self._apply([received])
        except Exception as error:
            if is_outage(error):
                await message.nak(delay=1.0)
                raise
            tries = message.metadata.num_delivered or 1
            if tries < LAST_TRY:
                metrics.messages.labels(received.envelope.type, "again").inc()
                await message.nak(delay=min(2.0**tries * 0.1, 30.0))
                return
            log.exception("message.parked", subject=message.subject)
            await self._park(message, repr(error))
        else:
            await message.ack()
            metrics.messages.labels(received.envelope.type, "done").inc()

    async def _readable(self, messages: Sequence[Msg]) -> list[tuple[Msg, Received[Event]]]:
        result: list[tuple[Msg, Received[Event]]] = []
        for message in messages:
            try:
                received = read(message.data, self._handlers, message.headers)
            except (ValidationError, KeyError) as error:
                log.error("message.unreadable", subject=message.subject, error=repr(error)[:500])
                await self._park(message, f"unreadable: {error!r}")
                continue
            result.append((message, received))
        return result

    async def _apply(self, received: Sequence[Received[Event]]) -> None:
        async with self._database.tx() as tx:
            now = self._clock()
            await apply(tx, self._stream, received, self._handlers, now)

    async def _park(self, message: Msg, error: str) -> None:
        async with self._database.tx() as tx:
            number = message.metadata.sequence.stream
            await park(tx, self._stream, number, message.subject, message.data, error, now=self._clock())
        metrics.messages.labels(message.subject, "parked").inc()
        await message.term()

    async def _note_watermark(self, subscription: JetStreamContext.PullSubscription) -> None:
        """How far the local copy is complete, once this durable has passed what the publisher promised."""
        mark = await self._bus.watermark(self._stream)
        if mark is None:
            return
        until, seq = mark
        info = await subscription.consumer_info()
        idle = info.num_pending == 0 and info.num_ack_pending == 0
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        if not idle and floor < seq:
            return
        statement = insert(watermark_table).values(source=self._stream, until=until)
        async with self._database.tx() as tx:
            await tx.execute(
                statement.on_conflict_do_update(
                    index_elements=["source"],
                    set_={"until": statement.excluded.until},
                    where=watermark_table.c.until < statement.excluded.until,
                )
            )


ByType = Mapping[str, tuple[type[Event], Handler]]


def read(payload: bytes, handlers: ByType, headers: Mapping[str, str] | None = None) -> Received[Any]:
    """Raises pydantic.ValidationError or KeyError when it is not a message that these handlers know."""
    envelope = Envelope.model_validate_json(payload)
    event = handlers[envelope.type][0].model_validate(envelope.data)
    return Received(envelope, event, (headers or {}).get("traceparent") or envelope.traceparent)


# One text whatever the size of the batch, so that it is compiled and planned once.
_SEE = sa.text(
    "INSERT INTO inbox (stream, id, received_at) SELECT :stream, i.id, :now FROM unnest(CAST(:ids AS uuid[])) i(id)"
    " ON CONFLICT DO NOTHING RETURNING id"
)


async def apply(
    tx: AsyncSession,
    stream: str,
    received: Sequence[Received[Any]],
    handlers: ByType,
    now: datetime,
) -> None:
    """Inbox rows and effects of one batch, in the order given; what was seen before is left out."""
    if not received:
        return
    first: dict[Any, Received[Any]] = {}
    for one in received:
        first.setdefault(one.envelope.id, one)
    seen_now = {"stream": stream, "ids": list(first), "now": now}
    fresh = set((await tx.execute(_SEE, seen_now)).scalars())
    unseen = [one for one in first.values() if one.envelope.id in fresh]
    for kind, run in groupby(unseen, key=lambda one: one.envelope.type):
        batch = list(run)
        with (
            trace.batch(f"handle {kind}", [one.traceparent for one in batch]),
            metrics.handler_seconds.labels(kind).time(),
        ):
            await handlers[kind][1](tx, batch, now=now)


def by_type(handlers: Handlers) -> ByType:
    return {event.type: (event, handler) for event, handler in handlers.items()}


def by_stream(handlers: Handlers) -> dict[str, dict[type[Event], Handler]]:
    streams: dict[str, dict[type[Event], Handler]] = {}
    for event, handler in handlers.items():
        streams.setdefault(stream_of(event), {})[event] = handler
    return streams


async def _nak_all(messages: Sequence[Msg], delay: float) -> None:
    for message in messages:
        await message.nak(delay=delay)


def is_outage(error: BaseException) -> bool:
    """A database that is away is nobody's fault and no reason to park a message."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or type(error.orig).__name__ in _OUTAGES or _is_refused(error.orig)
    return isinstance(error, OSError | TimeoutError)


def _is_refused(error: BaseException | None) -> bool:
    cause = getattr(error, "__cause__", None)
    return isinstance(error, OSError) or isinstance(cause, OSError) or type(cause).__name__ in _OUTAGES


_OUTAGES = {
    "ConnectionDoesNotExistError",
    "CannotConnectNowError",
    "AdminShutdownError",
    "CrashShutdownError",
    "InterfaceError",
    "ConnectionFailureError",
    "TooManyConnectionsError",
}
