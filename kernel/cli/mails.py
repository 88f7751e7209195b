"""`mail list | again`: what a person at the service's machine does about mail that does not arrive."""

import asyncio
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import typer

from kernel.cli.messages import operator, with_database
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import Refusal
from kernel.mail import queue
from kernel.settings import ServiceSettings

Load = Callable[[], ServiceSettings]
Thing = Annotated[str, typer.Option(help="what was written about this thing, sent mails among it")]


def mails(load: Load) -> typer.Typer:
    cli = typer.Typer(no_args_is_help=True, help="Mail that was not delivered: see, try again.")

    @cli.command(name="list")
    def tell(about: Thing = "") -> None:
        """One line each: id, state, tries, kind, address, when, the server's last words."""

        async def read_them(database: Database) -> None:
            async with database.read() as read:
                for each in await (queue.of(read, about) if about else queue.undelivered(read)):
                    words = " ".join(each.error.split())[:120]
                    when = f"{each.recorded_at:%Y-%m-%dT%H:%M:%SZ}"
                    said = (each.id, each.state, each.tries, each.kind, each.address, when, words)
                    typer.echo("\t".join(map(str, said)))

        asyncio.run(with_database(load(), read_them))

    @cli.command()
    def again(mail: UUID) -> None:
        """A given-up mail waits for the worker as if it were new, under the same Message-ID."""
        settings = load()

        async def revive(database: Database) -> None:
            async with database.tx() as tx:
                now = Clock(settings.clock_file, settings.demo)()
                await queue.try_again(tx, operator(), settings.name, mail, now=now)

        try:
            asyncio.run(with_database(settings, revive))
        except Refusal as refusal:
            typer.echo(refusal.say(str), err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{mail}: waits")

    return cli
