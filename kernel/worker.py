"""The composition of a service's worker process: relay, sealer, consumers, questions, jobs, heartbeat."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import Question
from kernel import audit, feed, idempotency, inbox, logging, metrics, parked, roots, trace
from kernel.bus import Answer, Bus
from kernel.clock import Clock
from kernel.db import Database
from kernel.inbox import Consumer, Handlers, by_stream, by_type
from kernel.lags import lags
from kernel.relay import Relay
from kernel.settings import ServiceSettings
from kernel.tasks import end

log = logging.get(__name__)
SEAL_EVERY = 0.2
PLACE_EVERY = 0.2
HEARTBEAT_EVERY = 3.0
REDRIVE_EVERY = 1.0
MEASURE_EVERY = 15.0
COUNT_EVERY = 60.0
# A part that was not heard of for so long is not beaten for: what is wrong with it shows in the service's readiness.
PART_SILENCE = 10.0
KEYS_KEPT = timedelta(days=7)

Figures = Mapping[tuple[str, str], float]
Gauges = Callable[[AsyncSession, datetime], Awaitable[Figures]]


@dataclass(frozen=True)
class Job:
    """What the worker visits: a query over a column, never a timer in memory. `run` returns how much it did."""

    name: str
    every: float
    run: Callable[[Database, Bus, datetime], Awaitable[int]]


@dataclass(frozen=True)
class Duties:
    """What one service's worker is for. `readers`: the events of its stream that each other service may know."""

    handlers: Handlers
    jobs: Sequence[Job] = ()
    answers: Mapping[type[Question], Answer] = field(default_factory=dict)
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gauges: Gauges | None = None


def run(
    settings: ServiceSettings,
    *,
    handlers: Handlers,
    jobs: Sequence[Job] = (),
    answers: Mapping[type[Question], Answer] | None = None,
    readers: Mapping[str, Sequence[str]] | None = None,
    gauges: Gauges | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT, then ends cleanly: what was not acknowledged comes again.

    `readers` None: nothing is granted, and each consumer makes its own durable (a broker without permissions).
    """
    logging.configure(f"{settings.name}.worker", settings.log_level)
    trace.configure(f"{settings.name}.worker")
    stop = metrics.serve(settings.metrics_port, settings.host)
    duties = Duties(handlers, jobs, answers or {}, readers or {}, gauges)
    try:
        uvloop.run(Worker(settings, duties, granted=readers is not None).run())
    finally:
        stop()
        trace.close()


_BEAT = text(
    "INSERT INTO heartbeat (worker, at) SELECT p.part, clock_timestamp() FROM unnest(CAST(:parts AS text[])) p(part)"
    " ON CONFLICT (worker) DO UPDATE SET at = excluded.at"
)
_SILENT = text(
    "INSERT INTO heartbeat (worker, at) SELECT p.part, 'epoch' FROM unnest(CAST(:parts AS text[])) p(part)"
    " ON CONFLICT DO NOTHING"
)
_PAST = text("DELETE FROM heartbeat WHERE worker <> ALL(CAST(:parts AS text[]))")
Work = Callable[[], Coroutine[Any, Any, None]]


class Worker:
    """The parts of the process, each begun again by itself when it fails."""

    def __init__(self, settings: ServiceSettings, duties: Duties, *, granted: bool = True) -> None:
        self._settings, self._duties, self._granted = settings, duties, granted
        self._clock = Clock(settings.clock_file, settings.demo)
        self._database = Database(settings.database_url, max(settings.pool_size // 2, 4))
        self._bus = Bus(settings)
        self._heard: dict[str, float] = {}
        self._tellers = metrics.Tellers(settings.name)
        metrics.watch_pool(self._database.engine)

    async def run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        await self._bus.connect()
        tasks = [asyncio.create_task(_for_ever(name, work)) for name, work in self._parts()]
        log.info("worker.started")
        await stop.wait()
        await end(tasks)
        await self._bus.close()
        await self._database.close()
        log.info("worker.stopped")

    def _parts(self) -> list[tuple[str, Work]]:
        streams = by_stream(self._duties.handlers)
        return [
            ("relay", self._relay),
            ("questions", self._serve),
            ("sealer", _every(SEAL_EVERY, self._seal)),
            ("feed", _every(PLACE_EVERY, self._place)),
            ("heartbeat", _every(HEARTBEAT_EVERY, self._beat)),
            ("idempotency", _every(3600, self._forget_keys)),
            ("redrive", _every(REDRIVE_EVERY, self._redrive)),
            ("lags", _every(MEASURE_EVERY, self._measure)),
            ("gauges", _every(COUNT_EVERY, self._count)),
            *((f"consumer.{stream}", self._consumer(stream, own).run) for stream, own in streams.items()),
            *((f"job.{job.name}", _every(job.every, self._visit(job))) for job in self._duties.jobs),
        ]

    def _hear(self, part: str) -> Callable[[], None]:
        """A part that touches the broker, in the service's readiness: well as long as it calls this."""
        self._heard[part] = float("-inf")

        def alive() -> None:
            self._heard[part] = time.monotonic()

        return alive

    async def _relay(self) -> None:
        settings = self._settings
        alive = self._hear("relay")
        await self._bus.ensure_stream(settings.name)
        await self._bus.grant(settings.name, self._duties.readers)
        await Relay(settings.database_url, self._bus, settings.name, self._clock, alive).run()

    def _consumer(self, stream: str, own: Handlers) -> Consumer:
        return Consumer(
            self._database,
            self._bus,
            self._settings.name,
            stream,
            own,
            self._clock,
            granted=self._granted,
            alive=self._hear(f"consumer.{stream}"),
        )

    async def _serve(self) -> None:
        for question, reply in self._duties.answers.items():
            await self._bus.answer(question, self._database, reply)
        await asyncio.Event().wait()

    async def _seal(self) -> None:
        async with self._database.tx() as tx:
            if await audit.seal(tx):
                await roots.note(tx, now=self._clock())

    async def _place(self) -> None:
        """Needs no broker: who follows the outbox by HTTP goes on while that is away."""
        placed = feed.AT_ONCE
        while placed == feed.AT_ONCE:
            async with self._database.tx() as tx:
                placed = await feed.place(tx)

    async def _beat(self) -> None:
        """One row for the process and one for each part; the row of a part not heard of lately ages. Past parts go."""
        name, limit = self._settings.name, time.monotonic() - PART_SILENCE
        alive = [name, *(part for part, heard in self._heard.items() if heard >= limit)]
        silent = [part for part in self._heard if part not in alive]
        async with self._database.tx() as tx:
            await tx.execute(_BEAT, {"parts": alive})
            await tx.execute(_SILENT, {"parts": silent})
            await tx.execute(_PAST, {"parts": [*alive, *silent]})

    async def _forget_keys(self) -> None:
        async with self._database.tx() as tx:
            await idempotency.forget(tx, self._clock() - KEYS_KEPT)

    async def _redrive(self) -> None:
        async with self._database.read() as read:
            asked = await parked.asked(read)
        for message in asked:
            try:
                async with self._database.tx() as tx:
                    await parked.settle(tx, message, self._apply, now=self._clock())
                log.info("parked.redriven", message=message.id)
            except Exception as error:
                if inbox.is_outage(error):
                    raise
                log.warning("parked.again", message=message.id, error=repr(error)[:500])
                async with self._database.tx() as tx:
                    await parked.note(tx, message, repr(error))

    async def _apply(self, tx: AsyncSession, message: parked.Parked, now: datetime) -> None:
        handlers = by_type(self._duties.handlers)
        await inbox.apply(tx, message.stream, [inbox.read(message.payload, handlers)], handlers, now)

    async def _measure(self) -> None:
        async with self._database.read() as read:
            await lags(read, now=self._clock())

    async def _count(self) -> None:
        if self._duties.gauges is not None:
            async with self._database.read() as read:
                self._tellers.tell(await self._duties.gauges(read, self._clock()))

    def _visit(self, job: Job) -> Callable[[], Awaitable[object]]:
        async def visit() -> None:
            with metrics.job_seconds.labels(job.name).time():
                await job.run(self._database, self._bus, self._clock())

        return visit


def _every(seconds: float, act: Callable[[], Awaitable[object]]) -> Work:
    async def repeat() -> None:
        while True:
            await act()
            await asyncio.sleep(seconds)

    return repeat


async def _for_ever(name: str, work: Work) -> None:
    """One part that fails is logged and begun again; it never takes the others with it."""
    while True:
        try:
            await work()
        except Exception as error:
            log.warning("worker.part_failed", part=name, error=repr(error)[:500])
            await asyncio.sleep(0.5)
