"""The composition of a service's worker process: relay, sealer, consumers, questions, jobs, heartbeat."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import uvloop
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from contracts.envelope import Question
from kernel import audit, idempotency, logging
from kernel.bus import Answer, Bus
from kernel.clock import Clock
from kernel.db import Database, heartbeat_table
from kernel.inbox import Consumer, Handlers, by_stream
from kernel.relay import Relay
from kernel.settings import ServiceSettings

log = logging.get(__name__)
SEAL_EVERY = 0.2
HEARTBEAT_EVERY = 3.0
KEYS_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    """What the worker visits: a query over a column, never a timer in memory. `run` returns how much it did."""

    name: str
    every: float
    run: Callable[[Database, Bus, datetime], Awaitable[int]]


def run(
    settings: ServiceSettings,
    *,
    handlers: Handlers,
    jobs: Sequence[Job] = (),
    answers: Mapping[type[Question], Answer] | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT, then ends cleanly: what was not acknowledged comes again."""
    logging.configure(f"{settings.name}.worker", settings.log_level)
    uvloop.run(_run(settings, handlers, jobs, answers or {}))


async def _run(
    settings: ServiceSettings, handlers: Handlers, jobs: Sequence[Job], answers: Mapping[type[Question], Answer]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    clock = Clock(settings.clock_file, settings.demo)
    database, bus = Database(settings.database_url, max(settings.pool_size // 2, 4)), Bus(settings)
    await bus.connect()
    tasks = [
        asyncio.create_task(_for_ever(name, work))
        for name, work in _work(settings, database, bus, clock, handlers, jobs, answers)
    ]
    log.info("worker.started")
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await bus.close()
    await database.close()
    log.info("worker.stopped")


Work = Callable[[], Coroutine[Any, Any, None]]


def _work(
    settings: ServiceSettings,
    database: Database,
    bus: Bus,
    clock: Clock,
    handlers: Handlers,
    jobs: Sequence[Job],
    answers: Mapping[type[Question], Answer],
) -> list[tuple[str, Work]]:
    async def relay() -> None:
        await bus.ensure_stream(settings.name)
        await Relay(settings.database_url, bus, settings.name, clock).run()

    async def serve() -> None:
        for question, reply in answers.items():
            await bus.answer(question, database, reply)
        await asyncio.Event().wait()

    def every(seconds: float, act: Callable[[], Awaitable[object]]) -> Work:
        async def repeat() -> None:
            while True:
                await act()
                await asyncio.sleep(seconds)

        return repeat

    async def seal() -> None:
        async with database.tx() as tx:
            await audit.seal(tx)

    async def beat() -> None:
        async with database.tx() as tx:
            statement = insert(heartbeat_table).values(worker=settings.name, at=func.clock_timestamp())
            await tx.execute(
                statement.on_conflict_do_update(index_elements=["worker"], set_={"at": statement.excluded.at})
            )

    async def forget_keys() -> None:
        async with database.tx() as tx:
            await idempotency.forget(tx, clock() - KEYS_KEPT)

    def visit(job: Job) -> Callable[[], Awaitable[object]]:
        return lambda: job.run(database, bus, clock())

    consumers = [
        (f"consumer.{stream}", Consumer(database, bus, settings.name, stream, own, clock).run)
        for stream, own in by_stream(handlers).items()
    ]
    return [
        ("relay", relay),
        ("questions", serve),
        ("sealer", every(SEAL_EVERY, seal)),
        ("heartbeat", every(HEARTBEAT_EVERY, beat)),
        ("idempotency", every(3600, forget_keys)),
        *consumers,
        *((f"job.{job.name}", every(job.every, visit(job))) for job in jobs),
    ]


async def _for_ever(name: str, work: Work) -> None:
    """One part that fails is logged and begun again; it never takes the others with it."""
    while True:
        try:
            await work()
        except Exception as error:
            log.warning("worker.part_failed", part=name, error=repr(error)[:500])
            await asyncio.sleep(0.5)
