"""The schema's history: one head, equal to the models, and reversible."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from kernel import migrations
from services.permits.tables import metadata
from tests.fixtures.servers import PostgresServer

pytestmark = pytest.mark.database
FOLDER = Path(__file__).parents[2] / "services" / "permits" / "migrations"


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrations.configuration(FOLDER)).get_heads()) == 1


async def difference(url: str) -> list[object]:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        found = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        )
    await engine.dispose()
    return list(found)


async def test_upgraded_from_nothing_it_equals_the_models(postgres_server: PostgresServer) -> None:
    assert await difference(postgres_server.shared("permits").owner_url) == []


def test_down_and_up_again(postgres_server: PostgresServer) -> None:
    database = postgres_server.empty("permits")
    try:
        migrations.upgrade(FOLDER, database.owner_url)
        migrations.downgrade(FOLDER, database.owner_url, "-1")
        migrations.upgrade(FOLDER, database.owner_url)
    finally:
        postgres_server.drop(database)


async def test_only_core_postgresql_is_needed(postgres_server: PostgresServer) -> None:
    engine = create_async_engine(
        postgres_server.shared("permits").url.replace("postgresql://", "postgresql+asyncpg://", 1)
    )
    async with engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT extname FROM pg_extension"))
        assert list(rows.scalars()) == ["plpgsql"]
    await engine.dispose()
