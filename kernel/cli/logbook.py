"""`audit export | roots`: the audit log out of the database, and the chain's root of each day."""

import asyncio
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

import typer

from kernel import roots
from kernel.cli.messages import with_database
from kernel.db import Database
from kernel.settings import ServiceSettings

Load = Callable[[], ServiceSettings]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def logbook(load: Load) -> typer.Typer:
    cli = typer.Typer(no_args_is_help=True, help="The audit log: out of the database, and its daily roots.")

    @cli.command()
    def export(since: Day = None, until: Day = None) -> None:
        """JSON lines on standard output: the rows of these days in the chain's order, then the roots."""

        async def write(database: Database) -> None:
            async with database.read() as read:
                async for line in roots.export(read, _day(since), _day(until)):
                    sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

        asyncio.run(with_database(load(), write))

    @cli.command(name="roots")
    def tell() -> None:
        """One line a day: the day, the number of the chain's last row in it, its hash. Publish it elsewhere."""

        async def write(database: Database) -> None:
            async with database.read() as read:
                for root in await roots.roots(read):
                    typer.echo(f"{root['day']}\t{root['chain_no']}\t{root['chain_hash']}")

        asyncio.run(with_database(load(), write))

    return cli


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None
