"""List of 50 masts out of 100,000, and one mast: `python -m bench.masts [seconds a round] [masts]`, loopback only.

The registry service over HTTP against the very statement that it runs, prepared, over bare asyncpg with its JSON
encoded. What lies between is shown by a minimal FastAPI route that runs the same statement, and one that gives the same
bytes without any statement: what is left of the distance is ours, the rest is HTTP's.
"""

import asyncio
import itertools
import pickle
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import asyncpg
import sqlalchemy as sa
import uvloop
from sqlalchemy.ext.asyncio import AsyncSession

from bench.gateway import process
from bench.instruments.load import Sample, over_http, repeated, request
from bench.instruments.minimal import Dish, Menu
from bench.instruments.product import Place, product
from bench.instruments.province import OWNERS, Filled, fill
from bench.instruments.rounds import Outcome, Subject, cpu_seconds, interleaved
from bench.instruments.table import show, verdict
from infra.local.ports import free_ports
from kernel.auth import Actor
from kernel.db import Database
from kernel.paging import encode_cursor
from services.registry.domain.times import Times, times
from services.registry.queries import structures as queries
from services.registry.queries.asked import Filter

CONNECTIONS = (1, 16)
ROUNDS = 5
PATH = "/api/registry/v1/masts"
PAGE, PAGES, SINGLES = 50, 40, 1000
TIMES_BARE = 2.0
FIRST_KEY = ["", "00000000-0000-0000-0000-000000000000"]
# As the token of `viettel-api` says: what it may see is a part of the statement.
CLIENT = "viettel-api"
CALLER = Actor(id=CLIENT, org="VIETTEL", kind="client", capabilities=frozenset({"applicant", "owner"}))
TITLES = {"list": f"A page of {PAGE} masts of one owner", "one": "One mast with its evidence, stations and units"}
NAMES = {
    "bare": "bare statement",
    "bytes": "FastAPI, bytes at hand",
    "statement": "FastAPI, same statement",
    "service": "registry service",
}


@dataclass(frozen=True)
class Question:
    """The same question as a statement with its arguments and as addresses of the service."""

    dish: Dish
    paths: list[str]


class Captured:
    """What the service's own queries send to PostgreSQL, so that the reference can't drift from them."""

    def __init__(self) -> None:
        self._last: tuple[str, tuple[Any, ...]] = ("", ())
        self._kept: list[tuple[str, tuple[Any, ...]]] = []

    async def listen(self, database: Database, read: AsyncSession) -> None:
        """Both at SQLAlchemy and at the driver: whichever sends the statement, it is heard."""
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", self._prepared)
        driver = (await (await read.connection()).get_raw_connection()).driver_connection
        assert driver is not None
        driver.add_query_logger(lambda query: self._note(query.query, query.args))

    def _prepared(self, connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        self._note(sql, values)

    def _note(self, sql: str, values: Any) -> None:
        if sql.lstrip().startswith(("SELECT", "WITH")):
            self._last = (sql, tuple(values))

    async def keep(self) -> None:
        await asyncio.sleep(0)
        self._kept.append(self._last)

    def question(self, column: str, paths: list[str]) -> Question:
        """Of what was kept since the last one: it must have been one statement with different values."""
        (sql,) = {statement for statement, _ in self._kept}
        assert sql
        arguments = [values for _, values in self._kept]
        self._kept = []
        return Question(Dish(sql, arguments, column), paths)


async def questions(database: Database, filled: Filled) -> dict[str, Question]:
    captured = Captured()
    at = times(None, None, datetime.now(UTC))
    async with database.read() as read:
        await captured.listen(database, read)
        found = {"list": captured.question("items", await _pages(read, captured, at))}
        found["one"] = captured.question("item", await _singles(read, captured, at, filled))
    return found


async def _pages(read: AsyncSession, captured: Captured, at: Times) -> list[str]:
    paths = []
    for owner in OWNERS:
        after: list[Any] | None = FIRST_KEY
        for _ in range(PAGES):
            if after is None:
                break
            paths.append(f"{PATH}?owner={owner}&limit={PAGE}&cursor={encode_cursor(after)}")
            asked = Filter(owner=owner)
            after = (await queries.structures(read, CALLER, "mast", asked, at, limit=PAGE, after=after)).following
            await captured.keep()
    return paths


async def _singles(read: AsyncSession, captured: Captured, at: Times, filled: Filled) -> list[str]:
    """Masts of others that are only planned or permitted are not for the caller to see: they are left out."""
    paths = []
    for one in filled.ids[:: max(len(filled.ids) // SINGLES, 1)]:
        if await queries.structure(read, CALLER, "mast", one, at):
            await captured.keep()
            paths.append(f"{PATH}/{one}")
    return paths


@asynccontextmanager
async def many_masts(place: Place, count: int) -> AsyncIterator[dict[str, Question]]:
    """Filled, told to the stream and vacuumed; the other services' workers stand still meanwhile."""
    others = [f"{service}.worker" for service in ("permits", "sharing")]
    for name in others:
        place.launched.kill(name, SIGSTOP)
    database = Database(place.database("registry"), 4)
    try:
        began = time.monotonic()
        filled = await fill(database, count, count // 50)
        await _settled(place)
        print(f"{count:,} masts, {filled.changed:,} of them with four changes, in {time.monotonic() - began:.0f} s")
        yield await questions(database, filled)
    finally:
        await database.close()
        for name in others:
            place.launched.kill(name, SIGCONT)


async def _settled(place: Place) -> None:
    connection = await asyncpg.connect(place.superuser("registry"))
    for _ in range(300):
        if not await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL"):
            break
        await asyncio.sleep(0.2)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


@contextmanager
def minimal(place: Place, asked: Mapping[str, Question]) -> Iterator[tuple[int, int]]:
    """Port and process id of the minimal FastAPI service."""
    content = Menu(place.database("registry"), 8, {name: question.dish for name, question in asked.items()})
    (port,) = free_ports(1)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pickle.dumps(content))
        with process(["-m", "bench.instruments.minimal", str(port), file.name], port, {}) as pid:
            yield port, pid


@dataclass(frozen=True)
class Stand:
    """Where a question can be asked: the reference's connections, the minimal service, and the registry."""

    place: Place
    pool: asyncpg.Pool
    port: int
    token: str

    def subjects(self, name: str, question: Question, connections: int, seconds: float) -> dict[str, Subject]:
        registry = self.place.port("registry")
        turns = itertools.cycle([request("GET", path, registry, self.token) for path in question.paths])
        plain = {kind: request("GET", f"/{kind}/{name}", self.port, self.token) for kind in ("statement", "bytes")}
        return {
            "bare": lambda: bare(self.pool, question.dish, connections, seconds),
            "statement": lambda: over_http(self.port, lambda: plain["statement"], connections, seconds),
            "bytes": lambda: over_http(self.port, lambda: plain["bytes"], connections, seconds),
            "service": lambda: over_http(registry, lambda: next(turns), connections, seconds),
        }


async def bare(pool: asyncpg.Pool, dish: Dish, connections: int, seconds: float) -> Sample:
    taken = [await pool.acquire() for _ in range(connections)]
    turns = itertools.cycle(dish.arguments)

    def asking(statement: Any) -> Any:
        async def ask() -> bytes:
            row = await statement.fetchrow(*next(turns))
            return bytes(row[dish.column].encode())

        return ask

    try:
        return await repeated([asking(await one.prepare(dish.sql)) for one in taken], seconds)
    finally:
        for one in taken:
            await pool.release(one)


async def measure(place: Place, seconds: float, count: int) -> None:
    most = max(CONNECTIONS)
    settings = {"jit": "off", "timezone": "UTC"}
    url = place.database("registry")
    async with (
        many_masts(place, count) as asked,
        asyncpg.create_pool(url, min_size=most, max_size=most, server_settings=settings) as pool,
    ):
        with minimal(place, asked) as (port, pid):
            stand = Stand(place, pool, port, place.token(CLIENT))
            pids = {"statement": pid, "bytes": pid, "service": place.launched.pids()["registry.api"]}
            for name, question in asked.items():
                report(name, *await _measured(stand, name, question, seconds, pids))


async def _measured(
    stand: Stand, name: str, question: Question, seconds: float, pids: Mapping[str, int]
) -> tuple[dict[int, Mapping[str, Outcome]], dict[str, float]]:
    """The outcomes by connections; and the CPU time (us) a request takes in the process that answers."""
    found: dict[int, Mapping[str, Outcome]] = {}
    for connections in CONNECTIONS:
        found[connections] = await interleaved(stand.subjects(name, question, connections, seconds), ROUNDS)
    spent = {}
    for kind, pid in pids.items():
        before = cpu_seconds(pid)
        sample = await stand.subjects(name, question, 1, seconds * 2)[kind]()
        spent[kind] = (cpu_seconds(pid) - before) / sample.count * 1e6
    return found, spent


def report(name: str, found: Mapping[int, Mapping[str, Outcome]], spent: Mapping[str, float]) -> None:
    rows = [
        [f"{NAMES[kind]}, {connections} at once", one.rate, one.quantile_ms(0.5), one.quantile_ms(0.99),
         one.slower_than(outcomes["bare"]), one.slower_than(outcomes["statement"]), spent.get(kind)]
        for connections, outcomes in found.items()
        for kind, one in sorted(outcomes.items(), key=lambda pair: list(NAMES).index(pair[0]))
    ]  # fmt: skip
    show(TITLES[name], ["", "a second", "p50 ms", "p99 ms", "times bare", "times FastAPI", "CPU us each"], rows)
    for connections, outcomes in found.items():
        goal = f"{name} within 2x of the bare statement, {connections} at once"
        verdict(goal, outcomes["service"].slower_than(outcomes["bare"]), TIMES_BARE)


def main(seconds: float = 0.5, count: float = 100_000) -> None:
    with product() as place:
        uvloop.run(measure(place, seconds, int(count)))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
