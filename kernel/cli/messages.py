"""`parked list | show | mend | redrive | drop`: what a person at the service's machine does with a parked message.

Whoever has the database's address acts; the audit names the account of the operating system.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import parked
from kernel.auth import Actor
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import Refusal
from kernel.settings import ServiceSettings

Every = Annotated[bool, typer.Option("--all", help="also redriven and dropped ones")]
NewText = Annotated[str, typer.Argument(help="the new text; - reads it here")]
Seconds = Annotated[float, typer.Option(help="how long to wait")]
Reason = Annotated[str, typer.Option(help="why, for the audit log")]
Identifier = Annotated[str, typer.Argument(help="stream and number, such as permits-17")]
Load = Callable[[], ServiceSettings]


def operator() -> Actor:
    """Not a person of the realm: who can run a verb holds the service's own rights already."""
    return Actor(id=f"system:console:{getpass.getuser()}", org="SYSTEM", kind="system")


def messages(load: Load) -> typer.Typer:
    cli = typer.Typer(no_args_is_help=True, help="Messages that could not be applied: see, mend, redrive, drop.")
    verbs = MessageVerbs(load)
    cli.command(name="list")(verbs.list_)
    for verb in (verbs.show, verbs.mend, verbs.redrive, verbs.drop):
        cli.command()(verb)
    return cli


class MessageVerbs:
    def __init__(self, load: Load) -> None:
        self._load = load

    def list_(self, every: Every = False) -> None:
        """One line each: id, state, tries, subject, when, error."""

        async def tell(tx: AsyncSession) -> None:
            for each in await parked.messages(tx, limit=1000):
                if every or each.state in ("waiting", "asked"):
                    error = " ".join(each.error.split())[:120]
                    typer.echo(f"{each.id}\t{each.state}\t{each.tries}\t{each.subject}\t{each.parked_at}\t{error}")

        self._run(tell)

    def show(self, message: Identifier) -> None:
        """The message as it would be applied, after a head that says why it was not."""

        async def tell(tx: AsyncSession) -> None:
            found = await parked.message(tx, message)
            mended = ", mended" if found.mended is not None else ""
            typer.echo(
                f"{found.id}: {found.state}{mended}; {found.subject}; {found.parked_at}\n{found.error}\n", err=True
            )
            typer.echo(found.text)

        self._run(tell)

    def mend(self, message: Identifier, file: NewText) -> None:
        """Replace what would be applied by the text of FILE; what arrived is kept."""
        text = sys.stdin.read() if file == "-" else Path(file).read_text()

        async def replace(tx: AsyncSession) -> None:
            found = await parked.mend(tx, operator(), self._settings.name, message, text, now=self._now())
            typer.echo(f"{found.id}: mended")

        self._run(replace)

    def redrive(self, message: Identifier, seconds: Seconds = 15) -> None:
        """Have the running worker apply it, and wait for that."""

        async def ask(tx: AsyncSession) -> None:
            await parked.ask_redrive(tx, operator(), self._settings.name, message, now=self._now())

        self._run(ask)
        state = self._settled(message, seconds)
        typer.echo(f"{message}: {state}")
        raise typer.Exit(0 if state == "redriven" else 1)

    def drop(self, message: Identifier, reason: Reason) -> None:
        """Never apply it."""

        async def discard(tx: AsyncSession) -> None:
            await parked.drop(tx, operator(), self._settings.name, message, reason, now=self._now())
            typer.echo(f"{message}: dropped")

        self._run(discard)

    @property
    def _settings(self) -> ServiceSettings:
        return self._load()

    def _now(self) -> datetime:
        return Clock(self._settings.clock_file, self._settings.demo)()

    def _settled(self, message: str, seconds: float) -> str:
        state = "asked"

        async def look(tx: AsyncSession) -> None:
            nonlocal state
            found = await parked.message(tx, message)
            state = found.state if found.state != "waiting" else f"failed again: {found.error}"

        async def wait(database: Database) -> None:
            until = asyncio.get_running_loop().time() + seconds
            while state == "asked" and asyncio.get_running_loop().time() < until:
                await asyncio.sleep(0.2)
                async with database.read() as read:
                    await look(read)

        asyncio.run(with_database(self._settings, wait))
        return state if state != "asked" else "no worker took it yet"

    def _run(self, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async def within(database: Database) -> None:
            async with database.tx() as tx:
                await act(tx)

        try:
            asyncio.run(with_database(self._settings, within))
        except Refusal as refusal:
            typer.echo(refusal.say(str), err=True)
            raise typer.Exit(1) from None


async def with_database(settings: ServiceSettings, act: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(settings.database_url, 2)
    try:
        await act(database)
    finally:
        await database.close()
