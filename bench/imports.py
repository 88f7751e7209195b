"""An import as a job, from the file to the last row: `python -m bench.imports [rows] [arcep]`, loopback only.

The file is checked and recorded by the worker's own steps in this process, on the product's PostgreSQL. The reference
is a bare COPY of the same versions into a table without index or trigger. `arcep`: the 77,148 real sites of
../shared/data (projected, laid over the province, marked synthetic) instead of made-up rows.
"""

import csv
import io
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from signal import SIGSTOP

import asyncpg
import uvloop

from bench.instruments.product import product
from bench.instruments.table import show, verdict
from infra.local.seed.registry import DEMO, places
from kernel.db import Database
from services.registry.commands import import_jobs, import_work
from services.registry.commands.import_jobs import Setup
from services.registry.queries import imports as queries
from services.registry.settings import RegistrySettings

ROWS = 20_000
GOAL = 25_000
HEADER = ("name", "owner", "status", "height_m", "lon", "lat", "commune", "valid_from", "capacity", "synthetic")
SITES = Path(__file__).parents[2] / "shared" / "data" / "test_load" / "arcep_2018_01_sites_mobiles_L93.csv"
OWNERS = ("VIETTEL", "VNPT", "MOBIFONE", "VIETNAMOBILE", "OCK")


def made_up(count: int) -> Iterator[tuple[object, ...]]:
    random, communes = Random(1), places()
    for number in range(count):
        place = random.choice(communes)
        lon, lat = place.lon + random.uniform(-0.02, 0.02), place.lat + random.uniform(-0.02, 0.02)
        height = random.randrange(2400, 9000) / 100
        owner = random.choice(OWNERS)
        yield (
            f"S{number:07d}",
            owner,
            "in_service",
            height,
            f"{lon:.6f}",
            f"{lat:.6f}",
            place.unit,
            "2018-01-01",
            3,
            "x",
        )


def real() -> Iterator[tuple[object, ...]]:
    """The French sites, drawn together into the province's box: their crowding stays, their places do not."""
    communes = places()
    with SITES.open() as file:
        for number, row in enumerate(csv.DictReader(file, delimiter=";")):
            lon = 104.75 + (float(row["x"]) - 100_000) / 1_150_000 * 0.6
            lat = 8.6 + (float(row["y"]) - 6_040_000) / 1_080_000 * 0.6
            owner = OWNERS[int(row["Operateur"]) % len(OWNERS)]
            unit = communes[number % len(communes)].unit
            yield f"L{number:06d}", owner, "in_service", 30, f"{lon:.6f}", f"{lat:.6f}", unit, "2018-01-01", 3, "x"


def file_of(rows: Iterator[tuple[object, ...]]) -> tuple[bytes, int]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    count = sum(1 for row in rows if writer.writerow(row))
    return text.getvalue().encode(), count


async def _body(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 1 << 20):
        yield content[at : at + (1 << 20)]


async def measure(url: str, superuser: str, rows: Iterator[tuple[object, ...]]) -> None:
    content, count = file_of(rows)
    database = Database(url, 4)
    settings = RegistrySettings(name="registry", nats_url="nats://localhost", form_key="-", database_url=url)

    def clock() -> datetime:
        return datetime.now(UTC)

    async def work() -> float:
        began = time.monotonic()
        while await import_work.step(database, clock, settings):
            pass
        return time.monotonic() - began

    async with import_jobs.take(_body(content), "bench.csv", 500, 50) as taken, database.tx() as tx:
        job = await import_jobs.receive(tx, DEMO, "mast", taken, now=clock())
    await work()
    async with database.tx() as tx:
        await import_jobs.set_up(tx, DEMO, job.id, Setup({name: name for name in HEADER}), now=clock())
    checked = await work()
    async with database.tx() as tx:
        await import_jobs.start(tx, DEMO, job.id, now=clock(), leave_out_faulty=True, undecided="new")
    written = await work()
    async with database.read() as read:
        seen = await queries.import_job(read, DEMO, job.id)
    assert seen is not None
    bare = await _bare(superuser)
    done = seen.outcomes.get("new", 0)
    print(f"{count:,} rows: {json.dumps(seen.plans)}; recorded {done:,}")
    show(
        "An import as a job",
        ["", "rows a second", "us each"],
        [
            ["bare COPY of the same versions", done / bare, bare / done * 1e6],
            ["checked", count / checked, checked / count * 1e6],
            ["recorded", done / written, written / done * 1e6],
            ["both", count / (checked + written), (checked + written) / count * 1e6],
        ],
    )
    verdict("seconds for 25,000 rows, checked and recorded", (checked + written) / count * GOAL, 1.0)
    await database.close()


async def _bare(superuser: str) -> float:
    """Seconds for the same versions, out and in again, into a table that has nothing to keep."""
    connection = await asyncpg.connect(superuser)
    file = io.BytesIO()
    await connection.copy_from_query("SELECT * FROM structure_version", output=file, format="binary")
    await connection.execute("CREATE UNLOGGED TABLE bench_bare (LIKE structure_version)")
    file.seek(0)
    began = time.monotonic()
    await connection.copy_to_table("bench_bare", source=file, format="binary")
    taken = time.monotonic() - began
    await connection.execute("DROP TABLE bench_bare")
    await connection.close()
    return taken


def main(rows: int = ROWS, source: str = "") -> None:
    if source == "arcep" and not SITES.is_file():
        print(f"{SITES.name} is not here: nothing measured", file=sys.stderr)
        return
    with product() as place:
        # The product's own worker would take the steps from under the measurement.
        place.launched.kill("registry.worker", SIGSTOP)
        given = real() if source == "arcep" else made_up(rows)
        uvloop.run(measure(place.database("registry"), place.superuser("registry"), given))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, sys.argv[2] if len(sys.argv) > 2 else "")
