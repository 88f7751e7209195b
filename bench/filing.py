"""What it costs to file a dossier: `python -m bench.filing [seconds a round]`, loopback only.

A dossier of one mast and three stored files is filed at the permits service and through the gateway, each with a new
Idempotency-Key, against the bare transaction in the same durable PostgreSQL: the dossier's row, an outbox row and an
audit row by one prepared CTE statement over asyncpg, committed. The bare rows go to tables of the same columns and
indexes in a schema of their own; the product's worker goes on relaying and sealing what the filings leave.
"""

import json
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvloop

from bench.instruments.load import Request, Sample, over_http, repeated, request
from bench.instruments.product import Place, product
from bench.instruments.rounds import Outcome, cpu_seconds, interleaved
from bench.instruments.table import show, verdict
from infra.local.main_job import PARTS, site
from infra.local.papers import paper
from infra.local.visitor import wait_for
from kernel.db import new_id

CONNECTIONS = (1, 16)
ROUNDS = 5
PATH = "/api/permits/v1/applications"
COPIED = ("application", "outbox", "audit")
# stack.md: the hop keeps 0.9 of the direct throughput; 20 % are allowed. Its CPU time is measured by bench/gateway.py,
# at full load: here the gateway mostly waits, and every request finds its caches cold.
HOP_KEEPS = 0.9 / 1.2
TIMES_BARE = 4.0
KEPT = (
    "procedure_version_id, applicant_org, filed_by, state, version, received_at, received_on, effective_on, lead_org,"
    " lead_function, touched_at"
)
BARE = f"""
WITH a AS (
  INSERT INTO bench.application (id, number, {KEPT})
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)),
o AS (INSERT INTO bench.outbox (id, subject, envelope, recorded_at) VALUES ($14, $15, $16, now()))
INSERT INTO bench.audit (at, actor, org, act, thing, after, row_hash) VALUES (now(), $17, $18, $19, $2, $20, $21)
"""


@dataclass(frozen=True)
class Rows:
    """What one real filing wrote, for the bare transaction to write again."""

    application: asyncpg.Record
    outbox: asyncpg.Record
    audit: asyncpg.Record


def filed_before(place: Place) -> bytes:
    """The body of every filing: one mast, three files that are stored already."""
    with place.visitor("viettel-api") as operator:
        files = {code: operator.send_file(f"{code}.pdf", paper(title)) for code, title in PARTS.items()}
        body = {"sites": [site()], "parts": [{"code": code, "file": file["id"]} for code, file in files.items()]}
        wait_for(lambda: operator.post(PATH, body), "the copies of units and mandates to arrive at permits")
    return json.dumps(body).encode()


def filings(port: int, token: str, body: bytes) -> Request:
    mark = "b" * 36
    whole = request("POST", PATH, port, token, body, Idempotency_Key=mark)
    return lambda: whole.replace(mark.encode(), str(uuid.uuid4()).encode())


@asynccontextmanager
async def bare_tables(place: Place) -> AsyncIterator[tuple[asyncpg.Pool, Rows]]:
    pool = await asyncpg.create_pool(place.superuser("permits"), min_size=max(CONNECTIONS), max_size=max(CONNECTIONS))
    async with pool:
        await pool.execute("CREATE SCHEMA bench")
        for table in COPIED:
            await pool.execute(f"CREATE TABLE bench.{table} (LIKE public.{table} INCLUDING ALL)")
        application = await pool.fetchrow(f"SELECT {KEPT} FROM application LIMIT 1")
        outbox = await pool.fetchrow("SELECT subject, envelope::text FROM outbox ORDER BY seq DESC LIMIT 1")
        audit = await pool.fetchrow(
            "SELECT actor, org, act, after::text, row_hash FROM audit ORDER BY seq DESC LIMIT 1"
        )
        assert application is not None
        assert outbox is not None
        assert audit is not None
        yield pool, Rows(application, outbox, audit)


async def bare(pool: asyncpg.Pool, rows: Rows, connections: int, seconds: float) -> Sample:
    taken = [await pool.acquire() for _ in range(connections)]
    try:
        return await repeated([_inserting(await one.prepare(BARE), rows) for one in taken], seconds)
    finally:
        for one in taken:
            await pool.release(one)


def _inserting(statement: Any, rows: Rows) -> Any:
    dossier, said, told = (tuple(row.values()) for row in (rows.application, rows.outbox, rows.audit))

    async def insert() -> None:
        identifier = new_id()
        await statement.fetch(identifier, str(identifier), *dossier, new_id(), *said, *told)

    return insert


async def measure(place: Place, seconds: float) -> None:
    body = filed_before(place)
    token = place.token("viettel-api")
    found: dict[int, tuple[Mapping[str, Outcome], dict[str, float]]] = {}
    async with bare_tables(place) as (pool, rows):
        for connections in CONNECTIONS:
            found[connections] = await _at(place, connections, seconds, filings_at(place, token, body), pool, rows)
    report(found)


def filings_at(place: Place, token: str, body: bytes) -> dict[str, tuple[int, Request]]:
    ports = {"service": place.port("permits"), "gateway": place.gateway}
    return {name: (port, filings(port, token, body)) for name, port in ports.items()}


async def _at(
    place: Place,
    connections: int,
    seconds: float,
    targets: Mapping[str, tuple[int, Request]],
    pool: asyncpg.Pool,
    rows: Rows,
) -> tuple[Mapping[str, Outcome], dict[str, float]]:
    """The three outcomes, and the CPU time (us a filing) of the processes that share a filing's way."""
    pids = place.launched.pids()
    spent: dict[str, float] = {"permits.api": 0.0, "gateway": 0.0}
    served = {"permits.api": 0, "gateway": 0}

    def over(name: str) -> Any:
        watched = "gateway" if name == "gateway" else "permits.api"
        port, make = targets[name]

        async def run() -> Sample:
            before = cpu_seconds(pids[watched])
            sample = await over_http(port, make, connections, seconds)
            spent[watched] += cpu_seconds(pids[watched]) - before
            served[watched] += sample.count
            return sample

        return run

    subjects = {"bare": lambda: bare(pool, rows, connections, seconds), **{name: over(name) for name in targets}}
    outcomes = await interleaved(subjects, ROUNDS)
    return outcomes, {name: spent[name] / served[name] * 1e6 for name in spent}


def report(found: Mapping[int, tuple[Mapping[str, Outcome], Mapping[str, float]]]) -> None:
    names = {"bare": "bare transaction", "service": "permits service", "gateway": "through the gateway"}
    rows = [
        [f"{names[name]}, {connections} at once", one.rate, one.quantile_ms(0.5), one.quantile_ms(0.99),
         one.slower_than(outcomes["bare"]), cpu.get({"service": "permits.api"}.get(name, name))]
        for connections, (outcomes, cpu) in found.items()
        for name, one in outcomes.items()
    ]  # fmt: skip
    show("Filing a dossier", ["", "a second", "p50 ms", "p99 ms", "times bare", "CPU us each"], rows)
    for connections, (outcomes, _) in found.items():
        allowed = f"filing at the service within 4x of the bare transaction, {connections} at once"
        verdict(allowed, outcomes["service"].slower_than(outcomes["bare"]), TIMES_BARE)
        hop = outcomes["gateway"].slower_than(outcomes["service"])
        verdict(f"through the gateway against the service, {connections} at once (times)", hop, 1 / HOP_KEEPS)


def main(seconds: float = 0.8) -> None:
    with product() as place:
        uvloop.run(measure(place, seconds))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
