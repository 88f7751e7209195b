"""Past SQLAlchemy: inside the transaction, with SQLAlchemy's errors, and back after the database was away."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest
import sqlalchemy as sa

from kernel import audit, direct
from kernel.auth import system
from kernel.db import Database
from kernel.direct import Readers
from kernel.edge import Read, Tx, api_router
from tests.fixtures.realm import Realm
from tests.fixtures.service import client_of
from tests.kernel.conftest import now

pytestmark = pytest.mark.database
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
api = api_router("/api/test/v1", ["things"])


@api.get("/number")
async def number(read: Read, q: str) -> int:
    row = await direct.row(read, "SELECT CAST(:q AS text)::int AS n", {"q": q})
    assert row is not None
    return int(row["n"])


@api.post("/thing")
async def thing(tx: Tx, q: str) -> str:
    await direct.execute(tx, "INSERT INTO heartbeat VALUES ($1, now())", q)
    return q


@api.post("/cut")
async def cut(tx: Tx) -> None:
    await direct.execute(tx, "SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
async def client(settings, tmp_path, database):
    from kernel.app import create_app

    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    realm = Realm()

    def make_app(given):
        return create_app(given, title="test", api=[api], ui=[], package=tmp_path, nav=[])

    async with client_of(make_app, settings, realm, database) as client:
        client.headers.update(realm.header("viettel-api", "VIETTEL", "applicant"))
        yield client


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_values_that_cannot_be_are_the_callers_mistake(client):
    for q in ("nan", "a%00b", "99999999999"):
        answer = await client.get(f"/api/test/v1/number?q={q}")
        assert (answer.status_code, answer.json()["code"]) == (422, "MalformedRequest"), q
        answer = await client.post("/api/test/v1/thing?q=a%00b", headers=keyed(q))
        assert (answer.status_code, answer.json()["code"]) == (422, "MalformedRequest"), q
    assert (await client.get("/api/test/v1/number?q=7")).json() == 7


async def test_a_connection_lost_on_the_way_is_503_and_the_next_request_finds_another(client):
    answer = await client.post("/api/test/v1/cut", headers=keyed("k1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await client.post("/api/test/v1/thing?q=a", headers=keyed("k2"))).status_code == 200


async def test_connections_that_were_cut_in_the_pool_are_replaced_before_anyone_meets_them(database, postgres_server):
    async with database.tx() as tx, database.look() as look:
        await direct.row(look, "SELECT 1 AS n", {})
        await tx.execute(sa.text("SELECT 1"))
    name = sa.engine.make_url(database.url).database
    admin = await asyncpg.connect(postgres_server.admin_url.rsplit("/", 1)[0] + f"/{name}")
    await admin.execute(CUT)
    await admin.close()
    await asyncio.sleep(0.1)
    async with database.tx() as tx, database.look() as look:
        assert (await direct.row(look, "SELECT 1 AS n", {}))["n"] == 1
        assert (await tx.execute(sa.text("SELECT 1"))).scalar_one() == 1


async def test_a_session_that_was_rolled_back_keeps_nothing_and_its_connection_is_clean(database: Database):
    async with database.tx() as tx:
        await direct.insert(tx, {"audit": [audit.row(system("test"), "test:thing:make", "a", now=now())]})
        await tx.rollback()
    with pytest.raises(RuntimeError):
        async with database.tx() as tx:
            await direct.insert(tx, {"audit": [audit.row(system("test"), "test:thing:make", "b", now=now())]})
            raise RuntimeError
    async with database.look() as look:
        assert (await direct.row(look, "SELECT count(*) AS n FROM audit", {}))["n"] == 0


async def test_who_leaves_in_the_middle_of_a_statement_leaves_a_clean_connection(database_address):
    database = Database(database_address, 1)

    async def slow() -> None:
        async with database.tx() as tx:
            await direct.execute(tx, "INSERT INTO heartbeat VALUES ('left', now())")
            await direct.execute(tx, "SELECT pg_sleep(5)")

    leaving = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with database.tx() as tx:
        assert (await direct.row(tx, "SELECT count(*) AS n FROM heartbeat", {}))["n"] == 0
    await database.close()


async def test_both_layers_see_one_transaction(database: Database):
    async with database.tx() as tx:
        await direct.execute(tx, "INSERT INTO heartbeat VALUES ($1, now())", "w")
        assert (await tx.execute(sa.text("SELECT count(*) FROM heartbeat"))).scalar_one() == 1
        async with database.look() as look:
            assert (await direct.row(look, "SELECT count(*) AS n FROM heartbeat", {}))["n"] == 0


async def test_rows_of_several_tables_arrive_with_their_types(database: Database):
    at = datetime(2026, 11, 20, 2, 0, 0, 123456, tzinfo=UTC)
    async with database.tx() as tx:
        await tx.execute(sa.text("CREATE TEMP TABLE a (n numeric, d date, t timestamptz, j jsonb, l text[], x text)"))
        await tx.execute(sa.text("CREATE TEMP TABLE b (n int)"))
        row = {"n": Decimal("45.00"), "d": date.max, "t": at, "j": {"ừ": [1]}, "l": ["a", "b"], "x": None}
        await direct.insert(tx, {"a": [row, row], "b": [{"n": 1}], "empty": []})
        found = (await tx.execute(sa.text("SELECT n, d = 'infinity', t, j, l, x FROM a"))).all()
        assert [tuple(each) for each in found] == [(Decimal("45.00"), True, at, {"ừ": [1]}, ["a", "b"], None)] * 2
        assert (await tx.execute(sa.text("SELECT n FROM b"))).scalar_one() == 1


async def test_a_full_pool_of_readers_says_so_in_time(database_address, monkeypatch):
    monkeypatch.setattr(Readers, "WAIT", 0.1)
    readers = Readers(database_address, 1)
    slow = asyncio.create_task(readers.row("SELECT pg_sleep(1)", []))
    await asyncio.sleep(0.3)
    with pytest.raises(TimeoutError):
        await readers.row("SELECT 1", [])
    await slow
    await readers.close()
