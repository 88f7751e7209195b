"""From commit to the other service's commit: `python -m bench.events [seconds in all]`, loopback only.

100 changes of masts a second are sent to the registry service; each is an event that the registry's worker relays and
the sharing service's worker stores in its copy, counting the structure anew. Measured from the commit at the registry
to the commit at sharing, by notifications from triggers on outbox and inbox. The reference, in turns of the same run:
messages of the same size published to JetStream (which syncs each write) and fetched by bare nats-py, at the same rate.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import nats
import nats.errors
import uvloop
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig

from bench.instruments.load import Connection, request
from bench.instruments.pace import paced
from bench.instruments.product import Place, product
from bench.instruments.province import fill
from bench.instruments.rounds import cpu_seconds, quantile
from bench.instruments.table import show, verdict
from bench.instruments.witness import Witness
from kernel.db import Database

RATE = 100
TURN = 5.0
CONNECTIONS = 16
MASTS = 3000
GOAL_MS = 50.0
CLIENT, OWNER = "viettel-api", "VIETTEL"
SUBJECT = "bench.thing.changed"


@dataclass
class Times:
    """Seconds. `ours` from commit to commit; the steps between are by the databases' own clock, which is the same."""

    ours: list[float] = field(default_factory=list)
    relayed: list[float] = field(default_factory=list)
    fetched: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)


class Changes:
    """Sends changes of masts to the registry service over kept connections."""

    def __init__(self, port: int, token: str, ids: list[str]) -> None:
        self._port, self._token = port, token
        self._ids = itertools.cycle(ids)
        self._free: asyncio.Queue[Connection] = asyncio.Queue()

    async def turn(self, seconds: float) -> None:
        """RATE a second; the connections are its own, because the service closes those that stay idle."""
        opened = [await Connection.open(self._port) for _ in range(CONNECTIONS)]
        for one in opened:
            self._free.put_nowait(one)
        await paced(self._send, RATE, seconds)
        for _ in opened:
            self._free.get_nowait().close()

    async def _send(self, number: int) -> None:
        body = {"patch": {"height_m": f"{30 + number % 40}.00"}, "valid_from": "2026-01-01", "reason": "bench"}
        path = f"/api/registry/v1/masts/{next(self._ids)}/changes"
        connection = await self._free.get()
        said = {"Idempotency_Key": str(uuid4()), "If_Match": "*"}
        await connection.send(request("POST", path, self._port, self._token, json.dumps(body).encode(), **said))
        self._free.put_nowait(connection)


async def masts(place: Place) -> list[str]:
    database = Database(place.database("registry"), 2)
    await fill(database, MASTS, 0)
    await database.close()
    connection = await asyncpg.connect(place.superuser("registry"))
    rows = await connection.fetch("SELECT structure_id::text FROM structure_version WHERE owner_id = $1", OWNER)
    await connection.close()
    return [row[0] for row in rows]


async def _copied(place: Place) -> None:
    """Until sharing knows what the registry told so far."""
    source = await asyncpg.connect(place.superuser("registry"))
    copy = await asyncpg.connect(place.superuser("sharing"))
    told = await source.fetchval("SELECT count(*) FROM outbox")
    until = time.monotonic() + 60
    while await copy.fetchval("SELECT count(*) FROM inbox WHERE stream = 'registry'") < told:
        if time.monotonic() > until:
            raise TimeoutError("sharing does not follow the registry")
        await asyncio.sleep(0.2)
    await source.close()
    await copy.close()


@asynccontextmanager
async def bare_stream(place: Place) -> AsyncIterator[tuple[JetStreamContext, JetStreamContext.PullSubscription]]:
    client = await nats.connect(**place.nats("admin"))
    js = client.jetstream()
    await js.add_stream(StreamConfig(name="BENCH", subjects=["bench.>"], storage=StorageType.FILE))
    yield js, await js.pull_subscribe(SUBJECT, durable="bench", stream="BENCH")
    await client.close()


async def bare(stream: tuple[JetStreamContext, JetStreamContext.PullSubscription], size: int) -> list[float]:
    """Publish to fetch, in batches of up to 200 with plain acknowledgements, as the product's consumers do."""
    js, subscription = stream
    sent: dict[int, float] = {}
    taken: list[float] = []
    whole = int(RATE * TURN)

    async def publish(number: int) -> None:
        sent[number] = time.time()
        await js.publish(SUBJECT, str(number).encode().ljust(size))

    async def consume() -> None:
        while len(taken) < whole:
            try:
                messages = await subscription.fetch(200, timeout=1)
            except (nats.errors.TimeoutError, TimeoutError):
                continue
            now = time.time()
            taken.extend(now - sent[int(message.data)] for message in messages)
            for message in messages:
                await message.ack()

    consuming = asyncio.ensure_future(consume())
    await paced(publish, RATE, TURN)
    await consuming
    return taken


async def measure(place: Place, seconds: float) -> None:
    ids = await masts(place)
    await _copied(place)
    times = Times()
    changes = Changes(place.port("registry"), place.token(CLIENT), ids)
    async with (
        await Witness.of(place.superuser("registry"), "outbox") as source,
        await Witness.of(place.superuser("sharing"), "inbox") as copy,
        bare_stream(place) as stream,
    ):
        await changes.turn(1)
        await _copied(place)
        source.seen.clear()
        size = await source.connection.fetchval("SELECT length(envelope::text) FROM outbox ORDER BY seq DESC LIMIT 1")
        for _ in range(round(seconds / TURN)):
            before = cpu_of(place)
            await changes.turn(TURN)
            await _copied(place)
            times.cpu = {name: times.cpu.get(name, 0) + spent - before[name] for name, spent in cpu_of(place).items()}
            await asyncio.sleep(0.2)
            times.reference += await bare(stream, size)
        await _compare(source, copy, times)
    report(times, size)


def cpu_of(place: Place) -> dict[str, float]:
    pids = place.launched.pids()
    return {name: cpu_seconds(pids[name]) for name in ("registry.api", "registry.worker", "sharing.worker", "nats")}


async def _compare(source: Witness, copy: Witness, times: Times) -> None:
    sent = await source.connection.fetch("SELECT id::text, extract(epoch FROM sent_at)::float8 FROM outbox")
    received = await copy.connection.fetch("SELECT id::text, extract(epoch FROM received_at)::float8 FROM inbox")
    sent_at, received_at = (dict(map(tuple, rows)) for rows in (sent, received))
    for identifier, committed in source.seen.items():
        stored = copy.seen[identifier]
        times.ours.append(stored - committed)
        times.relayed.append(sent_at[identifier] - committed)
        times.fetched.append(received_at[identifier] - sent_at[identifier])
        times.stored.append(stored - received_at[identifier])


def report(times: Times, size: int) -> None:
    names = {
        "JetStream publish -> fetch, bare nats-py": times.reference,
        "commit at registry -> commit at sharing": times.ours,
        "  of it: commit -> acknowledged by JetStream": times.relayed,
        "  of it: -> taken up by the consumer": times.fetched,
        "  of it: -> copied, counted anew and committed": times.stored,
    }
    median = quantile(times.reference, 0.5)
    rows = [
        [name, *(quantile(taken, share) * 1000 for share in (0.5, 0.9, 0.99, 1)), quantile(taken, 0.5) / median]
        for name, taken in names.items()
    ]
    title = f"{len(times.ours):,} events of {size:,} bytes at {RATE} a second"
    show(title, ["", "p50 ms", "p90 ms", "p99 ms", "worst ms", "times bare"], rows)
    spent = ", ".join(f"{name} {seconds / len(times.ours) * 1000:.1f}" for name, seconds in times.cpu.items())
    print(f"CPU ms an event: {spent}")
    verdict("event p99 (ms)", quantile(times.ours, 0.99) * 1000, GOAL_MS)


def main(seconds: float = 20.0) -> None:
    with product() as place:
        uvloop.run(measure(place, seconds))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
