"""A service with nothing but the kernel's own tables, on the run's real PostgreSQL and NATS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import ClassVar

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.envelope import Event
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.db import Database, kernel_metadata
from kernel.relay import Relay
from kernel.settings import ServiceSettings
from kernel.tasks import end
from tests.fixtures.servers import OpenBroker, PostgresServer

_numbers = count()


class Happened(Event):
    type: ClassVar[str] = "permits.test.happened.v1"
    n: int


@pytest.fixture
async def database_address(postgres_server: PostgresServer) -> AsyncIterator[str]:
    made = postgres_server.empty("permits")
    engine = create_async_engine(made.owner_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(kernel_metadata.create_all)
    await engine.dispose()
    yield made.url
    postgres_server.drop(made)


@pytest.fixture
async def database(database_address: str) -> AsyncIterator[Database]:
    database = Database(database_address)
    yield database
    await database.close()


@pytest.fixture
def settings(nats_server: OpenBroker, database_address: str) -> ServiceSettings:
    return ServiceSettings(
        name="permits",
        database_url=database_address,
        nats_url=nats_server.url("permits"),
        form_key="tests",
        stream_prefix=f"k{next(_numbers)}.",
    )


@pytest.fixture
async def bus(settings: ServiceSettings) -> AsyncIterator[Bus]:
    bus = Bus(settings)
    await bus.connect(wait=True)
    await bus.ensure_stream("permits")
    yield bus
    await bus.js.delete_stream(bus.stream("permits"))
    await bus.close()


@asynccontextmanager
async def running(*works) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield
    finally:
        await end(tasks)


async def until(condition, seconds: float = 10.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def relay_of(settings: ServiceSettings, bus: Bus) -> Relay:
    return Relay(settings.database_url, bus, "permits", Clock())


def now() -> datetime:
    return datetime.now(UTC)
