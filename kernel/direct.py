"""Past SQLAlchemy: the few statements that requests run all day, over asyncpg on the session's own connection."""

import asyncio
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

# Marks on a session: the connection its transaction runs on, or the pool that serves its reads.
DRIVER, READERS = "driver", "readers"
LOST = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.TooManyConnectionsError,
)


@contextmanager
def as_sqlalchemy(sql: str) -> Iterator[None]:
    """Errors of the driver leave as SQLAlchemy's, so that whoever answers or retries knows one family of them."""
    try:
        yield
    except LOST as error:
        raise sa.exc.OperationalError(sql, None, error, connection_invalidated=True) from error
    except asyncpg.UniqueViolationError as error:
        raise sa.exc.IntegrityError(sql, None, error) from error
    except asyncpg.PostgresError as error:
        raise sa.exc.DBAPIError(sql, None, error) from error


async def bare(connection: AsyncConnection) -> asyncpg.Connection:
    found: asyncpg.Connection | None = (await connection.get_raw_connection()).driver_connection
    assert found is not None
    return found


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """The connection of the session's transaction. What it raises is asyncpg's: see `as_sqlalchemy`."""
    found: asyncpg.Connection | None = session.info.get(DRIVER)
    return found if found is not None else await bare(await session.connection())


async def row(session: AsyncSession, sql: str, values: Mapping[str, Any]) -> asyncpg.Record | None:
    """The first row of a statement that names its values as `:name`; JSON columns are read as Python values."""
    text, names = positional(sql)
    given = [values[name] for name in names]
    with as_sqlalchemy(sql):
        readers: Readers | None = session.info.get(READERS)
        if readers is not None:
            return await readers.row(text, given)
        return await (await driver(session)).fetchrow(text, *given)


async def execute(session: AsyncSession, sql: str, *values: Any) -> None:
    """`sql` names its values as the driver does: `$1`."""
    with as_sqlalchemy(sql):
        await (await driver(session)).execute(sql, *values)


async def insert(session: AsyncSession, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Rows of several tables in one statement; those of one table name the same columns, no bytes among them.

    They travel as one JSON document, which PostgreSQL reads by the columns' own types.
    """
    filled = {table: rows for table, rows in tables.items() if rows}
    if filled:
        shape = tuple((table, tuple(rows[0])) for table, rows in filled.items())
        await execute(session, _inserting(shape), document(filled))


@functools.lru_cache(256)
def _inserting(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    def one(table: str, columns: tuple[str, ...]) -> str:
        names = ", ".join(f'"{column}"' for column in columns)
        # The names are those of our own tables and columns.
        rows = f"json_populate_recordset(NULL::{table}, (SELECT j FROM given)->'{table}')"  # noqa: S608
        return f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows}"  # noqa: S608

    *before, last = [one(*each) for each in shape]
    steps = ["given AS (SELECT $1::json AS j)", *(f"t{no} AS ({step})" for no, step in enumerate(before))]
    return f"WITH {', '.join(steps)} {last}"


# Keys may be numbers: `sources` says for each attribute which change.
_JSON = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def document(value: object) -> str:
    return orjson.dumps(value, default=_plain, option=_JSON).decode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return "infinity" if value == datetime.max else value.isoformat()  # noqa: DTZ901 -- as asyncpg speaks it
    if isinstance(value, date):
        return "infinity" if value == date.max else value.isoformat()
    return str(value)


_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@functools.lru_cache(1024)
def positional(sql: str) -> tuple[str, tuple[str, ...]]:
    """The text with `$1` for `:name`, and the names in that order."""
    compiled = sa.text(sql).compile(dialect=_DIALECT)
    return compiled.string, tuple(compiled.positiontup or ())


class Readers:
    """Connections for single SELECTs, which need no transaction around them and leave nothing behind to reset."""

    WAIT = 10.0

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size = url, size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def row(self, sql: str, values: Sequence[Any]) -> asyncpg.Record | None:
        pool = self._pool or await self._open()
        async with asyncio.timeout(self.WAIT):
            connection = await pool.acquire()
        try:
            return await connection.fetchrow(sql, *values)
        finally:
            await pool.release(connection)

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=self._size,
                    init=_speak_json,
                    reset=_leave,
                    timeout=5,
                    server_settings={"timezone": "UTC", "jit": "off"},
                )
        return self._pool


async def _speak_json(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _leave(connection: asyncpg.Connection) -> None:
    return
