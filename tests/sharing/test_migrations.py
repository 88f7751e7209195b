"""The schema: one head, equal to the models, down and up again, logs that only grow, law that is published once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from kernel.clock import Clock
from kernel.db import Database
from kernel.migrations import configuration, downgrade, upgrade
from services.sharing import data
from services.sharing.commands.publish import PublishedOtherwise, publish, publish_shipped
from services.sharing.tables import metadata
from tests.fixtures.servers import PostgresServer, ServiceDatabase
from tests.sharing.conftest import NOW, Province

pytestmark = pytest.mark.database
MIGRATIONS = Path(__file__).parents[2] / "services" / "sharing" / "migrations"


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(configuration(MIGRATIONS)).get_heads()) == 1


def _differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_upgrading_from_nothing_gives_the_models(fresh_database: Callable[[str], ServiceDatabase]):
    url = fresh_database("sharing").owner_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def test_down_and_up_again(postgres_server: PostgresServer):
    database = postgres_server.empty("sharing")
    upgrade(MIGRATIONS, database.owner_url)
    downgrade(MIGRATIONS, database.owner_url, "base")
    upgrade(MIGRATIONS, database.owner_url)
    postgres_server.drop(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agreement_change SET reason = 'x'",
        "DELETE FROM agreement_change",
        "UPDATE definition SET content = '{}'",
        "DELETE FROM target",
        "UPDATE audit SET actor = 'x'",
        "UPDATE agreement_version SET status = 'terminated'",
        "UPDATE agreement_version SET recorded_to = 'infinity', closed_no = 1",
    ],
)
async def test_what_is_recorded_stays(statement: str, province: Province):
    await province.agree(await province.mast())
    with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|only ever closed"):
        async with province.database.tx() as tx:
            await tx.execute(sa.text(statement))


async def test_the_versions_of_an_agreement_have_no_gap(province: Province):
    made = await province.agree(await province.mast())
    with pytest.raises(sa.exc.DBAPIError, match="gap or an overlap"):
        async with province.database.tx() as tx:
            await tx.execute(
                sa.text(
                    "INSERT INTO agreement_version (agreement_id, opened_no, valid_from, valid_to, recorded_from,"
                    " status, kind, number, document_sha256, evidence, sources)"
                    " VALUES (:id, 2, '2030-01-01', 'infinity', now(), 'in_force', 'lease', '', '', 1, '{}')"
                ),
                {"id": made.id},
            )


async def test_publishing_again_is_nothing_and_other_content_is_an_error(
    fresh_database: Callable[[str], ServiceDatabase],
):
    database = Database(fresh_database("sharing").url, 1)
    await publish(database, Clock())
    altered = data.definitions()[0].model_copy(update={"minimum": 3})
    with pytest.raises(PublishedOtherwise, match=r"duct\.declared\.1"):
        async with database.tx() as tx:
            await publish_shipped(tx, [altered], [], now=NOW)
    async with database.read() as read:
        assert (await read.execute(sa.text("SELECT count(*) FROM definition"))).scalar_one() == 4
        assert (await read.execute(sa.text("SELECT count(*) FROM ratio_series"))).scalar_one() == 16
    await database.close()


async def test_a_new_version_of_a_definition_counts_what_is_there(province: Province):
    mast = await province.mast()
    await province.agree(mast)
    newer = data.definitions()[1].model_copy(update={"version": 2, "minimum": 3, "default": False})
    async with province.database.tx() as tx:
        await publish_shipped(tx, [newer], [], now=NOW)
        rows = await tx.execute(
            sa.text(
                "SELECT sum(den), sum(num) FROM ratio_delta d JOIN ratio_series s ON s.id = d.series_id"
                " WHERE s.definition_version = 2 AND s.boundary_set = 'CM-2023'"
            )
        )
        assert tuple(rows.one()) == (1, 0)
