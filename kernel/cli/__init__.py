"""The verbs every service answers to: api, worker, migrate, openapi, republish, parked, audit, mail, and its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
import uvicorn
from fastapi import FastAPI

from kernel import audit, logging, metrics, migrations, outbox, parked, roots, trace
from kernel.cli.logbook import logbook
from kernel.cli.mails import mails
from kernel.cli.messages import messages, with_database
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
    sends_mail: bool = False,
) -> typer.Typer:
    """`publish` loads shipped law data after a migration; `verify` adds the service's own checks to the audit's.

    `sends_mail`: the service has the table of `kernel.mail`, and so the verbs of it.
    """
    cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    verbs = Verbs(name, package, app, work, settings, publish, verify, digest)
    for verb in (verbs.api, verbs.worker, verbs.migrate, verbs.revision, verbs.openapi, verbs.republish):
        cli.command()(verb)
    cli.command(name="digest")(verbs.digests)
    cli.command(name="verify")(verbs.check)
    cli.add_typer(messages(verbs.load), name="parked")
    cli.add_typer(logbook(verbs.load), name="audit")
    if sends_mail:
        cli.add_typer(mails(verbs.load), name="mail")
    return cli


@dataclass(frozen=True)
class Verbs:
    """One service's verbs; a docstring is what `--help` says of it."""

    name: str
    package: Path
    app: Callable[[Any], FastAPI]
    work: Callable[[Any], None]
    settings: type[ServiceSettings]
    publish: Publish | None
    verify: Check | None
    digest: Digest | None

    def load(self) -> ServiceSettings:
        return self.settings.load(self.name)

    def api(self) -> None:
        """Serve HTTP until SIGTERM."""
        given = self.load()
        logging.configure(f"{self.name}.api", given.log_level)
        trace.configure(f"{self.name}.api")
        stop = metrics.serve(given.metrics_port, given.host)
        try:
            uvicorn.run(
                self.app(given),
                host=given.host,
                port=given.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        finally:
            stop()
            trace.close()

    def worker(self) -> None:
        """Relay events, consume those of others, visit deadlines, until SIGTERM."""
        self.work(self.load())

    def migrate(self) -> None:
        """Bring the schema to its head as the owner, then publish the shipped law data."""
        given = self.load()
        migrations.upgrade(self.package / "migrations", given.owner_database_url)
        if self.publish is not None:
            publish, clock = self.publish, Clock(given.clock_file, given.demo)
            asyncio.run(with_database(given, lambda database: publish(database, clock)))

    def revision(self, message: str) -> None:
        """Write a new migration from the difference between the models and the migrated database."""
        migrations.revise(self.package / "migrations", self.load().owner_database_url, message)

    def openapi(self) -> None:
        """Write the service's own document beside its code, for the gateway to merge."""
        blank = self.settings(
            name=self.name, nats_url="nats://localhost", form_key="-", database_url="postgresql://localhost/none"
        )
        document = json.dumps(self.app(blank).openapi(), ensure_ascii=False, indent=1, sort_keys=True)
        (self.package / "openapi.json").write_text(document + "\n")

    def republish(self) -> None:
        """Offer the whole outbox again under the same ids, after a loss at the broker."""

        async def again(database: Database) -> None:
            async with database.tx() as tx:
                typer.echo(f"{await outbox.reoffer(tx)} events will be offered again")

        asyncio.run(with_database(self.load(), again))

    def digests(self) -> None:
        """Print one digest per own thing (`structure`) and per copy of another's (`registry.structure`), to compare."""

        async def tell(database: Database) -> None:
            typer.echo(json.dumps(await self.digest(database) if self.digest else {}))

        asyncio.run(with_database(self.load(), tell))

    def check(self) -> None:
        """Check the audit chain and what else the service can prove; exit 1 and name each fault found."""
        faults: list[str] = []

        async def look(database: Database) -> None:
            faults.extend(await _faults(database, self.verify))

        asyncio.run(with_database(self.load(), look))
        for fault in faults:
            typer.echo(fault, err=True)
        typer.echo(f"{self.name}: {'well' if not faults else f'{len(faults)} faults'}")
        raise typer.Exit(1 if faults else 0)


async def _faults(database: Database, verify: Check | None) -> list[str]:
    async with database.read() as read:
        faults = [*await audit.verify(read), *await roots.faults(read)]
        waiting = await parked.waiting(read)
    if waiting:
        faults.append(f"{waiting} parked messages wait for a person")
    return faults + (await verify(database) if verify else [])
