"""One database per service: sessions that the edge opens and closes, and the tables every service keeps."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import orjson
import sqlalchemy as sa
from asyncpg.transaction import Transaction
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from kernel.direct import DRIVER, READERS, Readers, as_sqlalchemy, bare

# The margin that the watermark allows between a command's `now` and the start of its transaction.
MARGIN = timedelta(seconds=1)
# Seconds for which the oldest other transaction of this service has been open: what it records is not seen yet.
WRITING_FOR = (
    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float AS seconds"
    " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND xact_start IS NOT NULL"
    " AND pid <> pg_backend_pid() AND application_name <> 'relay'"
)
# Where the relay listens, and the mark on a session that recorded an event.
CHANNEL = "outbox"
TOLD = "told"

kernel_metadata = sa.MetaData()
_moment = sa.DateTime(timezone=True)

outbox_table = sa.Table(
    "outbox",
    kernel_metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("id", PG_UUID(as_uuid=True), nullable=False, unique=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("envelope", JSONB, nullable=False),
    sa.Column("recorded_at", _moment, nullable=False),
    sa.Column("sent_at", _moment),
    sa.Column("position", sa.BigInteger, unique=True),
    sa.Index("outbox_unsent", "seq", postgresql_where=sa.text("sent_at IS NULL")),
    sa.Index("outbox_unplaced", "seq", postgresql_where=sa.text("position IS NULL")),
)
inbox_table = sa.Table(
    "inbox",
    kernel_metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("id", PG_UUID(as_uuid=True), primary_key=True),
    sa.Column("received_at", _moment, nullable=False),
)
parked_table = sa.Table(
    "parked",
    kernel_metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("stream_seq", sa.BigInteger, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("parked_at", _moment, nullable=False),
    sa.Column("redriven_at", _moment),
    sa.Column("mended", sa.LargeBinary),
    sa.Column("asked_at", _moment),
    sa.Column("dropped_at", _moment),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
)
audit_table = sa.Table(
    "audit",
    kernel_metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", _moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("thing", sa.Text, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Column("row_hash", sa.Text, nullable=False),
    sa.Column("chain_no", sa.BigInteger, unique=True),
    sa.Column("chain_hash", sa.Text),
    sa.Index("audit_unsealed", "seq", postgresql_where=sa.text("chain_no IS NULL")),
    sa.Index("audit_thing", "thing", "seq"),
)
audit_root_table = sa.Table(
    "audit_root",
    kernel_metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("chain_no", sa.BigInteger, nullable=False),
    sa.Column("chain_hash", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
)
idempotency_table = sa.Table(
    "idempotency",
    kernel_metadata,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", JSONB),
    sa.Column("body", sa.LargeBinary),
    sa.Column("created_at", _moment, nullable=False),
    sa.Index("idempotency_age", "created_at"),
)
heartbeat_table = sa.Table(
    "heartbeat",
    kernel_metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("at", _moment, nullable=False),
)
watermark_table = sa.Table(
    "watermark",
    kernel_metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("until", _moment, nullable=False),
)


def own_tables(metadata: sa.MetaData) -> None:
    """Puts the tables every service keeps into the service's own metadata, for its migrations."""
    for table in kernel_metadata.sorted_tables:
        table.to_metadata(metadata)


def new_id() -> UUID:
    """A UUIDv7: time-ordered, made here and passed in, parsed by nobody."""
    millis = time.time_ns() // 1_000_000
    rand = secrets.randbits(74)
    value = (millis << 80) | (0x7 << 76) | ((rand >> 62) << 64) | (0b10 << 62) | (rand & ((1 << 62) - 1))
    return UUID(int=value)


def open_end(day: date | None) -> date:
    """How the rules' `None` is stored: PostgreSQL's `infinity`, which asyncpg speaks as `date.max`."""
    return date.max if day is None else day


def closed_end(day: date) -> date | None:
    return None if day == date.max else day


class Undone(Exception):
    """Whoever rolled the session back wanted nothing of it kept."""


class Database:
    """The engine of one process. Sessions are short; whoever opens one at the edge also ends it.

    SQLAlchemy runs in AUTOCOMMIT; transactions are begun and ended here, at the driver, so that statements past
    SQLAlchemy (`kernel.direct`) are inside them from the first one on.
    """

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_reset_on_return=None,
            json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
            json_deserializer=orjson.loads,
            connect_args={"server_settings": {"timezone": "UTC", "jit": "off"}, "timeout": 5},
        )
        sa.event.listen(self.engine.sync_engine, "checkout", _still_open)
        self._readers = Readers(url, pool_size)
        self._waker = Waker(url)

    @asynccontextmanager
    async def tx(self) -> AsyncIterator[AsyncSession]:
        """A write transaction: commits when the block ends well and nobody rolled the session back.

        It has begun before the block does: a `now` taken inside is later than the transaction's start, however long
        the pool made us wait. The watermark relies on that.
        """
        with contextlib.suppress(Undone):
            async with self._transaction() as session:
                yield session
                if not session.in_transaction():
                    raise Undone
            if session.info.get(TOLD):
                self._waker.wake()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """For long readings: one transaction that writes nothing, with server-side cursors."""
        async with self._transaction(readonly=True) as session:
            yield session

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncSession]:
        """For a request that only reads, without BEGIN and ROLLBACK: each statement is a transaction of its own.

        At READ COMMITTED they would not see one state either. Streaming needs `read`.
        """
        async with AsyncSession(self.engine, expire_on_commit=False, info={READERS: self._readers}) as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, *, readonly: bool = False) -> AsyncIterator[AsyncSession]:
        async with self.engine.connect() as connection:
            driver = await bare(connection)
            session = AsyncSession(connection, expire_on_commit=False, info={DRIVER: driver})
            transaction = driver.transaction(readonly=readonly)
            with as_sqlalchemy("BEGIN"):
                await transaction.start()
            try:
                async with session:
                    await session.begin()
                    yield session
                    # The driver ends the transaction: nobody else would write what objects were changed to.
                    if session.new or session.dirty or session.deleted:
                        await session.flush()
                with as_sqlalchemy("COMMIT"):
                    await transaction.commit()
            finally:
                await _undo(driver, transaction)

    async def close(self) -> None:
        self._waker.stop()
        await self._readers.close()
        await self.engine.dispose()


async def _undo(driver: asyncpg.Connection, transaction: Transaction) -> None:
    """Rolls back what was not committed; a connection that can't even do that goes back to no pool."""
    if driver.is_closed() or not driver.is_in_transaction():
        return
    try:
        await transaction.rollback()
    except BaseException:
        driver.terminate()
        raise


def _still_open(connection: sa.engine.interfaces.DBAPIConnection, record: object, proxy: object) -> None:
    """A connection that was lost while it lay in the pool is replaced, before anybody meets it."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


class Waker:
    """Tells the relay that something was committed, outside the writers' transactions and at most every PAUSE.

    A NOTIFY inside each transaction makes all commits of the database wait for one another (see docs/adr/0003).
    """

    PAUSE = 0.005

    def __init__(self, url: str) -> None:
        self._url = url
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._told.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        """On a connection of its own, so that no wake-up waits in line behind the writers for one of the pool."""
        # The relay's slow poll stands behind a wake-up that is lost together with the database.
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection = await asyncpg.connect(self._url, timeout=5, server_settings={"application_name": "waker"})
            try:
                while True:
                    await self._told.wait()
                    self._told.clear()
                    await connection.execute(f"NOTIFY {CHANNEL}")
                    await asyncio.sleep(self.PAUSE)
            finally:
                connection.terminate()
