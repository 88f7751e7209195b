"""Schema changes: expand, deploy, contract. Run by `migrate` as the schema's owner, never at start."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 0xA1EB1C


def configuration(directory: Path, url: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(directory))
    config.attributes["url"] = url
    return config


def head(directory: Path) -> str | None:
    return ScriptDirectory.from_config(configuration(directory)).get_current_head()


def upgrade(directory: Path, url: str, revision: str = "head") -> None:
    """Brings the schema to `revision`; two at once wait for each other, a busy table gives up after five seconds."""
    command.upgrade(configuration(directory, url), revision)


def downgrade(directory: Path, url: str, revision: str) -> None:
    command.downgrade(configuration(directory, url), revision)


def revise(directory: Path, url: str, message: str) -> None:
    command.revision(configuration(directory, url), message, autogenerate=True)


def run_env(metadata: sa.MetaData) -> None:
    """The whole of a service's `env.py`."""
    asyncio.run(_run(metadata, context.config.attributes["url"]))


async def _run(metadata: sa.MetaData, url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
    await engine.dispose()


def _migrate(connection: Connection, metadata: sa.MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        context.run_migrations()


def append_only(role: str, tables: Sequence[str], sealing: Mapping[str, str] | None = None) -> list[str]:
    """Statements that leave the application INSERT and SELECT, and UPDATE only of the sealing columns per table."""
    revoked = [f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}" for table in tables]
    return revoked + [f"GRANT UPDATE ({columns}) ON {table} TO {role}" for table, columns in (sealing or {}).items()]
