"""One head; nothing to everything equals the models; the last step goes down and up; core PostgreSQL only."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from kernel import migrations
from services.registry.tables import metadata

DIRECTORY = Path(__file__).parents[2] / "services" / "registry" / "migrations"


async def differences(url):
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))

    def compare(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
        names = (await connection.execute(sa.text("SELECT extname FROM pg_extension"))).scalars().all()
    await engine.dispose()
    return found, names


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(migrations.configuration(DIRECTORY)).get_heads()) == 1


async def test_a_migrated_database_is_what_the_models_say(fresh_database):
    found, extensions = await differences(fresh_database("registry").owner_url)
    assert found == []
    assert extensions == ["plpgsql"]


def test_the_last_step_goes_down_and_up_again(postgres_server):
    database = postgres_server.empty("registry")
    try:
        migrations.upgrade(DIRECTORY, database.owner_url)
        migrations.downgrade(DIRECTORY, database.owner_url, "-1")
        migrations.upgrade(DIRECTORY, database.owner_url)
    finally:
        postgres_server.drop(database)
