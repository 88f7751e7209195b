"""Ratios at any (D, K): `python -m bench.ratio [structures]` (100,000; the goals speak of 1,000,000).

A PostgreSQL of its own; ten years of history: three versions of each structure in three beliefs, one and a half
agreements and as many stations for each; six structures of ten come by one import of ten minutes. Figures with
checkpoints against the plain sum of all deltas, the drill-down against its bare statement, the board as a page, and the
full recomputation from the copies.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import sqlalchemy as sa
import uvloop

from bench.instruments.rounds import quantile
from bench.instruments.table import show, verdict
from kernel.auth import Actor
from kernel.db import Database
from services.sharing.app import create
from services.sharing.commands import checkpoints
from services.sharing.commands.recount import FIRST_ID, recount, recount_all
from services.sharing.queries import histories, ratios, sides
from services.sharing.queries.ratios import Scope
from services.sharing.settings import SharingSettings
from tests.fixtures.realm import Realm
from tests.fixtures.servers import running_postgres
from tests.fixtures.service import client_of

SETS = ("CM-2023", "CM-2024-12", "CM-2025-07", "BL-2025-06")
COMMUNES, ASKED, SAMPLE = 830, 60, 20_000
EYES = Actor(id="bench", org="SKHCN", kind="person", capabilities=frozenset({"auditor"}))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
FIGURE_MS, BOARD_MS, TIMES_BARE, EVENTS = 50.0, 100.0, 2.0, 50_000.0
# One day of recording at 2,000 a day; the import's ten minutes at the end of the eighth year.
_AT = """CASE WHEN n % 10 < 6 THEN timestamptz '2024-05-06 02:00+00' + n * interval '600 s' / {count}
  ELSE timestamptz '2016-01-04 02:00+00' + (n * 0.9 * interval '3650 days' / {count}) END"""
FILL = (
    """INSERT INTO unit_copy (id, no, code, name, level, boundary_sets, successors, source)
    SELECT lpad(n::text, 5, '0') || '@2023', 1, lpad(n::text, 5, '0'), 'Xã ' || n, 'commune', '{sets}', '[]', 'bench'
    FROM generate_series(1, {communes}) n""",
    """INSERT INTO placement (declared, boundary_set, unit_id, how, provisional)
    SELECT u.id, b, u.id, 'same', false FROM unit_copy u, unnest(CAST('{sets}' AS text[])) b""",
    """INSERT INTO organisation_copy (code, no, valid_from, valid_to, recorded_from, name_vi, name_en, kind,
      legal_entity)
    SELECT c, 1, '2000-01-01', 'infinity', '2015-01-01', c, c, 'operator', c
    FROM unnest(ARRAY['VIETTEL','VNPT','MOBIFONE','VIETNAMOBILE','GMOBILE','O6','O7','O8']) c""",
    """INSERT INTO structure (id, kind, public_no, name, name_fold)
    SELECT md5('s' || n)::uuid, 'mast', 'CM-M-' || lpad(n::text, 7, '0') || '-1', 'Cột ' || n, 'cot ' || n
    FROM generate_series(1, {count}) n""",
    """INSERT INTO belief (thing, id, no, recorded_at)
    SELECT 'structure', md5('s' || n)::uuid::text, k, {at} + (k - 1) * interval '90 days'
    FROM generate_series(1, {count}) n, generate_series(1, 3) k""",
    """INSERT INTO structure_copy (id, no, valid_from, valid_to, recorded_from, recorded_to, owner, status, commune,
      capacity, evidence, lon, lat)
    SELECT md5('s' || n)::uuid, k, d + (j - 1) * 500, CASE WHEN j = k THEN 'infinity' ELSE d + j * 500 END,
      {at} + (k - 1) * interval '90 days', CASE WHEN k = 3 THEN 'infinity' ELSE {at} + k * interval '90 days' END,
      (ARRAY['VIETTEL','VNPT','MOBIFONE','VIETNAMOBILE','GMOBILE','O6','O7','O8'])[1 + n * 7 % 8],
      CASE WHEN n % 20 = 0 AND j = 3 THEN 'dismantled' ELSE 'in_service' END,
      lpad((1 + n * 31 % {communes})::text, 5, '0') || '@2023', 1 + (n + j) % 4, 1 + n % 4, 105 + n % 97 / 100.0,
      9 + n % 89 / 100.0
    FROM generate_series(1, {count}) n, LATERAL (SELECT date '2012-01-01' + n * 13 % 3600 AS d) x,
      generate_series(1, 3) k, generate_series(1, k) j""",
    """INSERT INTO agreement (id, structure_id, owner, tenant, last_no, created_at)
    SELECT md5('a' || n)::uuid, md5('s' || (1 + n * 2 / 3))::uuid, 'x', 'VNPT', 1, now()
    FROM generate_series(1, {count} * 3 / 2 - 2) n WHERE n % 3 = 0""",
    """INSERT INTO agreement_version (agreement_id, opened_no, valid_from, valid_to, recorded_from, status, kind,
      number, document_sha256, evidence, sources)
    SELECT md5('a' || n)::uuid, 1, CASE half WHEN 1 THEN begun ELSE begun + 900 END,
      CASE WHEN half = 2 OR n % 4 = 0 THEN 'infinity' ELSE begun + 900 END,
      timestamptz '2018-02-01' + (n * interval '3100 days' / ({count} * 3 / 2)),
      CASE half WHEN 1 THEN 'in_force' ELSE 'ended' END, 'lease', n::text, '', 2, '{{}}'
    FROM generate_series(1, {count} * 3 / 2 - 2) n, LATERAL (SELECT date '2018-01-01' + n * 11 % 2400 AS begun) x,
      generate_series(1, 2) half WHERE n % 3 = 0 AND (half = 1 OR n % 4 <> 0)""",
    """INSERT INTO station_copy (id, no, valid_from, valid_to, recorded_from, recorded_to, structure_id, operator,
      status, technologies, evidence)
    SELECT md5('t' || n)::uuid, 1, date '2014-01-01' + n * 17 % 3600, 'infinity',
      timestamptz '2016-02-01' + (n * interval '3800 days' / ({count} * 5 / 2)), 'infinity',
      md5('s' || (1 + n * 2 / 5))::uuid,
      (ARRAY['VIETTEL','VNPT','MOBIFONE','VIETNAMOBILE','GMOBILE','O6','O7','O8'])[1 + (1 + n * 2 / 5) * 7 % 8],
      'active', ARRAY['4G'], 2
    FROM generate_series(1, {count} * 5 / 2 - 3) n""",
)
TABLES = (
    "structure, structure_copy, station_copy, agreement, agreement_version, organisation_copy, placement, ratio_span"
)


async def fill(owner: str, count: int) -> int:
    """Answers how many facts (beliefs of structures, versions of agreements and stations) there are."""
    connection = await asyncpg.connect(owner)
    sets = "{" + ",".join(SETS) + "}"
    for statement in FILL:
        at = _AT.format(count=count)
        await connection.execute(statement.format(count=count, communes=COMMUNES, sets=sets, at=at))
    await connection.execute("INSERT INTO watermark (source, until) VALUES ('registry', $1)", NOW)
    await connection.execute(f"ANALYZE {TABLES}")
    facts = await connection.fetchval(
        "SELECT (SELECT count(*) FROM belief) + (SELECT count(*) FROM agreement_version)"
        " + (SELECT count(*) FROM station_copy)"
    )
    await connection.close()
    return int(facts)


async def analyse(owner: str) -> None:
    """What autovacuum does by itself within minutes; a bench does not wait for it."""
    connection = await asyncpg.connect(owner)
    await connection.execute("VACUUM ANALYZE ratio_delta, ratio_span, ratio_group, ratio_checkpoint")
    await connection.close()


async def counted(database: Database) -> float:
    began = time.perf_counter()
    async with database.tx() as tx:
        await recount_all(tx)
    return time.perf_counter() - began


async def unchanged(database: Database) -> int:
    """A sample counted again: how many come out otherwise."""
    async with database.tx() as tx:
        return await recount(tx, await histories.structure_ids_after(tx, FIRST_ID, SAMPLE))


async def lines(database: Database) -> tuple[int, float]:
    built, began = 0, time.perf_counter()
    while True:
        async with database.tx() as tx:
            if not await checkpoints.build_next(tx, now=NOW):
                return built, time.perf_counter() - began
        built += 1


def asked(random: Random) -> list[tuple[date, datetime]]:
    """Any day of the ten years as known on any, every fifth on the day of the import."""
    found = []
    for number in range(ASKED):
        known = datetime(2016, 6, 1, tzinfo=UTC) + timedelta(
            days=random.randrange(3700), seconds=random.randrange(86400)
        )
        if number % 5 == 0:
            known = datetime(2024, 5, 6, 2, 0, tzinfo=UTC) + timedelta(seconds=random.randrange(600))
        found.append((date(2014, 1, 1) + timedelta(days=random.randrange(4700)), min(known, NOW)))
    return found


async def scope_of(database: Database, day: date, instant: datetime) -> Scope:
    async with database.look() as read:
        return await ratios.scope(
            read, actor=EYES, kind="mast", as_of=day, known_at=instant, now=NOW, boundary_set="CM-2023"
        )


async def timed(acts: list[Callable[[], Awaitable[object]]]) -> list[float]:
    """Milliseconds of each, after one unmeasured."""
    await acts[0]()
    found = []
    for act in acts:
        began = time.perf_counter()
        await act()
        found.append((time.perf_counter() - began) * 1000)
    return found


async def figures(database: Database, scopes: list[Scope], by: str | None) -> list[float]:
    async with database.look() as read:
        return await timed([lambda s=scope: ratios.ratio(read, s, by) for scope in scopes])  # type: ignore[misc]


def told(name: str, times: list[float]) -> list[object]:
    return [name, statistics.median(times), quantile(times, 0.95), max(times)]


async def main(count: int) -> None:
    with running_postgres(durable=True) as server:
        where = server.fresh("sharing")
        facts = await fill(where.owner_url, count)
        database = Database(where.url, 4)
        seconds = await counted(database)
        await analyse(where.owner_url)
        print(
            f"{count:,} structures, {facts:,} facts counted in {seconds:.0f} s: {facts / seconds:,.0f} facts a second"
        )
        print(f"counted again: {await unchanged(database)} of {min(SAMPLE, count):,} come out otherwise")
        scopes = [await scope_of(database, *point) for point in asked(Random(1))]
        async with database.read() as read:
            sizes = [
                (
                    await read.execute(sa.text(f"SELECT count(*) FROM {table} WHERE series_id = {scopes[0].series_id}"))
                ).scalar_one()
                for table in ("ratio_delta", "ratio_span", "ratio_group")
            ]
        print("{:,} deltas, {:,} spans and {:,} groups of the series that is asked".format(*sizes))
        plain = {by: await figures(database, scopes, by) for by in (None, "owner", "unit")}
        built, took = await lines(database)
        await analyse(where.owner_url)
        print(f"{built} lines of checkpoints built in {took:.1f} s")
        with_lines = {by: await figures(database, scopes, by) for by in (None, "owner", "unit")}
        rows = [told(f"sum of all deltas, by {by or 'nothing'}", times) for by, times in plain.items()]
        rows += [told(f"with checkpoints, by {by or 'nothing'}", times) for by, times in with_lines.items()]
        show("A figure at any (D, K)", ["", "ms median", "p95", "worst"], rows)
        drilled, bare = await drill_down(database, scopes, where.url)
        show(
            "Drill-down: 50 structures",
            ["", "ms median", "p95", "worst"],
            [told("bare statement", bare), told("query", drilled)],
        )
        board = await pages(where.url, database)
        show("Board page", ["", "ms median", "p95", "worst"], [told("/sharing/ratio", board)])
        verdict("figure at any (D, K), ms p95", max(quantile(times, 0.95) for times in with_lines.values()), FIGURE_MS)
        verdict("board page, ms median", statistics.median(board), BOARD_MS)
        verdict(
            "drill-down, times bare", statistics.median(a / b for a, b in zip(drilled, bare, strict=True)), TIMES_BARE
        )
        verdict("full recomputation, 50,000 facts a second (times too slow)", EVENTS / (facts / seconds), 1.0)
        await database.close()


async def drill_down(database: Database, scopes: list[Scope], url: str) -> tuple[list[float], list[float]]:
    """The query as the API calls it, and the very statement that it sends, prepared, over bare asyncpg; in turns."""
    ours, bare = [], []
    connection = await asyncpg.connect(url)
    heard: list[tuple[str, tuple[object, ...]]] = []
    async with database.look() as read:
        await sides.structures(read, scopes[0], "numerator", actor=EYES, limit=50)
        pool = database._readers._pool
        assert pool is not None
        async with pool.acquire() as reader:
            reader.add_query_logger(lambda query: heard.append((query.query, query.args)))
        for scope in scopes:
            heard.clear()
            ours += await timed([lambda s=scope: sides.structures(read, s, "numerator", actor=EYES, limit=50)])  # type: ignore[misc]
            statement, values = heard[-1]
            prepared = await connection.prepare(statement)
            bare += await timed([lambda p=prepared, v=values: p.fetch(*v)])  # type: ignore[misc]
    await connection.close()
    return ours, bare


async def pages(url: str, database: Database) -> list[float]:
    settings = SharingSettings(
        name="sharing", database_url=url, nats_url="nats://127.0.0.1:1", form_key="bench", demo=True
    )
    realm = Realm()
    async with client_of(create, settings, realm, database) as http:
        http.app.state.clock = lambda: NOW  # type: ignore[attr-defined]
        header = realm.header("bench", "SKHCN", "auditor")
        return await timed([lambda: http.get("/sharing/ratio", headers=header)] * 20)


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
