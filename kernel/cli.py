"""The verbs every service answers to: api, worker, migrate, openapi, republish, and its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import typer
import uvicorn
from fastapi import FastAPI

from kernel import audit, logging, migrations, outbox
from kernel.clock import Clock
from kernel.db import Database
from kernel.settings import ServiceSettings

Publish = Callable[[Database, Clock], Awaitable[None]]
Check = Callable[[Database], Awaitable[list[str]]]
Digest = Callable[[Database], Awaitable[dict[str, str]]]


def command_line(
    name: str,
    package: Path,
    *,
    app: Callable[[Any], FastAPI],
    work: Callable[[Any], None],
    settings: type[ServiceSettings] = ServiceSettings,
    publish: Publish | None = None,
    verify: Check | None = None,
    digest: Digest | None = None,
) -> typer.Typer:
    """`publish` loads shipped law data after a migration; `verify` adds the service's own checks to the audit's."""
    cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

    @cli.command()
    def api() -> None:
        """Serve HTTP until SIGTERM."""
        given = settings.load(name)
        logging.configure(f"{name}.api", given.log_level)
        uvicorn.run(
            app(given),
            host=given.host,
            port=given.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )

    @cli.command()
    def worker() -> None:
        """Relay events, consume those of others, visit deadlines, until SIGTERM."""
        work(settings.load(name))

    @cli.command()
    def migrate() -> None:
        """Bring the schema to its head as the owner, then publish the shipped law data."""
        given = settings.load(name)
        migrations.upgrade(package / "migrations", given.owner_database_url)
        if publish is not None:
            clock = Clock(given.clock_file, given.demo)
            asyncio.run(_with_database(given, lambda database: publish(database, clock)))

    @cli.command()
    def revision(message: str) -> None:
        """Write a new migration from the difference between the models and the migrated database."""
        migrations.revise(package / "migrations", settings.load(name).owner_database_url, message)

    @cli.command()
    def openapi() -> None:
        """Write the service's own document beside its code, for the gateway to merge."""
        blank = settings(
            name=name, nats_url="nats://localhost", form_key="-", database_url="postgresql://localhost/none"
        )
        document = app(blank).openapi()
        (package / "openapi.json").write_text(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    @cli.command()
    def republish() -> None:
        """Offer the whole outbox again under the same ids, after a loss at the broker."""

        async def again(database: Database) -> None:
            async with database.tx() as tx:
                typer.echo(f"{await outbox.reoffer(tx)} events will be offered again")

        asyncio.run(_with_database(settings.load(name), again))

    @cli.command(name="digest")
    def digests() -> None:
        """Print one digest per own thing (`structure`) and per copy of another's (`registry.structure`), to compare."""

        async def tell(database: Database) -> None:
            typer.echo(json.dumps(await digest(database) if digest else {}))

        asyncio.run(_with_database(settings.load(name), tell))

    @cli.command(name="verify")
    def check() -> None:
        """Check the audit chain and what else the service can prove; exit 1 and name each fault found."""
        faults = asyncio.run(_faults(settings.load(name), verify))
        for fault in faults:
            typer.echo(fault, err=True)
        typer.echo(f"{name}: {'well' if not faults else f'{len(faults)} faults'}")
        raise typer.Exit(1 if faults else 0)

    return cli


async def _with_database(settings: ServiceSettings, act: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(settings.database_url, 2)
    try:
        await act(database)
    finally:
        await database.close()


async def _faults(settings: ServiceSettings, verify: Check | None) -> list[str]:
    database = Database(settings.database_url, 2)
    try:
        async with database.read() as read:
            faults = await audit.verify(read)
            parked = (await read.execute(sa.text("SELECT count(*) FROM parked WHERE redriven_at IS NULL"))).scalar_one()
        if parked:
            faults.append(f"{parked} parked messages wait for a person")
        return faults + (await verify(database) if verify else [])
    finally:
        await database.close()
