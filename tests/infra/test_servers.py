import asyncpg
import nats
import pytest
from nats.errors import NoRespondersError
from nats.js.api import StreamConfig

from infra.local import postgres
from tests.fixtures.servers import PASSWORD, OpenBroker, PostgresServer

pytestmark = pytest.mark.database


async def test_only_core_postgresql_is_used(postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres_server.url("registry_app", "registry"))
    try:
        names = await connection.fetch("SELECT extname FROM pg_extension")
        assert [row["extname"] for row in names] == ["plpgsql"]
        assert await connection.fetchval("SHOW max_connections") == "200"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    finally:
        await connection.close()


async def test_an_application_role_writes_rows_but_makes_no_tables(postgres_server: PostgresServer) -> None:
    database = postgres_server.empty("permits")
    owner = await asyncpg.connect(database.owner_url)
    app = await asyncpg.connect(database.url)
    try:
        await owner.execute("CREATE TABLE thing (id int GENERATED ALWAYS AS IDENTITY, name text)")
        await app.execute("INSERT INTO thing (name) VALUES ('mast')")
        assert await app.fetchval("SELECT count(*) FROM thing") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE other (id int)")
    finally:
        await owner.close()
        await app.close()
        postgres_server.drop(database)


async def test_a_service_cannot_open_another_services_database(postgres_server: PostgresServer) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres_server.url("registry_app", "permits"))


async def test_roles_hold_nothing_beyond_their_own_database(postgres_server: PostgresServer) -> None:
    admin = await asyncpg.connect(postgres_server.admin_url)
    try:
        roles = await admin.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", list(postgres.ROLES))
        assert len(roles) == len(postgres.ROLES)
        for role in roles:
            held = [name for name in _ATTRIBUTES if role[name]]
            assert held == [], role["rolname"]
        members = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = ANY($1)"
        assert await admin.fetchval(members, list(postgres.ROLES)) == 0
        for role in postgres.ROLES:
            for service in postgres.SERVICES:
                may = await admin.fetchval("SELECT has_database_privilege($1, $2, 'CONNECT')", role, service)
                assert may == role.startswith(f"{service}_"), f"{role} on {service}"
        for other in ("postgres", "template1"):
            for role in postgres.ROLES:
                assert not await admin.fetchval("SELECT has_database_privilege($1, $2, 'CONNECT')", role, other)
    finally:
        await admin.close()


_ATTRIBUTES = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")


@pytest.mark.parametrize("service", postgres.SERVICES)
async def test_an_application_role_owns_nothing_and_makes_nothing(
    postgres_server: PostgresServer, service: str
) -> None:
    app = await asyncpg.connect(postgres_server.shared(service).url)
    try:
        assert not await app.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
        assert not await app.fetchval("SELECT has_database_privilege(current_database(), 'CREATE')")
        assert await app.fetchval("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole") == 0
        for table, right in (("audit", "DELETE"), ("audit_root", "DELETE"), ("audit", "TRUNCATE")):
            assert not await app.fetchval("SELECT has_table_privilege($1, $2)", table, right), (table, right)
        assert not await app.fetchval("SELECT has_column_privilege('audit', 'actor', 'UPDATE')")
    finally:
        await app.close()


async def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_server.cluster.url("registry_app", "guess", "registry"))


def test_bootstrapping_twice_changes_nothing(postgres_server: PostgresServer) -> None:
    postgres.bootstrap(postgres_server.cluster, dict.fromkeys(postgres.ROLES, PASSWORD))
    count = postgres_server.cluster.psql("-d", "postgres", "-c", "SELECT count(*) FROM pg_roles WHERE rolcanlogin")
    assert count == "7"


async def test_the_runs_broker_keeps_streams(nats_server: OpenBroker) -> None:
    connection = await nats.connect(nats_server.url("registry"))
    try:
        stream = connection.jetstream()
        await stream.add_stream(StreamConfig(name="servers_REGISTRY", subjects=["servers.registry.>"]))
        assert (await stream.publish("servers.registry.x.v1", b"1")).seq == 1
        await stream.delete_stream("servers_REGISTRY")
        with pytest.raises(NoRespondersError):
            await connection.request("ask.nobody.v1", b"", timeout=1)
    finally:
        await connection.close()
