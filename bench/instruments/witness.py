"""When a row became visible to others: a trigger notifies, and PostgreSQL delivers the word once it is committed.

Both ends are seen by the same process in the same way (a notification takes about 0.1 ms), so that the way cancels out.
"""

import time
from types import TracebackType
from typing import Self

import asyncpg

_TRIGGER = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE FUNCTION bench.tell() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_notify('bench', NEW.id::text); RETURN NULL; END $$;
CREATE TRIGGER bench_tells AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION bench.tell();
"""


class Witness:
    """`seen`: id of each row of the table -> the moment (seconds since the epoch) at which its commit was heard of."""

    def __init__(self, connection: asyncpg.Connection, table: str) -> None:
        self.connection, self._table = connection, table
        self.seen: dict[str, float] = {}

    @classmethod
    async def of(cls, url: str, table: str) -> Self:
        return cls(await asyncpg.connect(url), table)

    async def __aenter__(self) -> Self:
        await self.connection.execute(_TRIGGER.format(table=self._table))
        await self.connection.add_listener("bench", self._hear)
        return self

    def _hear(self, connection: object, pid: int, channel: str, payload: object) -> None:
        self.seen[str(payload)] = time.time()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.connection.close()
