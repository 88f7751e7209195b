import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer

from kernel.bus import Bus
from kernel.cli import command_line
from kernel.clock import Clock
from kernel.db import Database
from kernel.seals import SealBroken, checked
from services.sharing import clients
from services.sharing.app import create
from services.sharing.commands import proof
from services.sharing.commands.publish import publish
from services.sharing.commands.rebuild import TELLING, StreamIncomplete
from services.sharing.commands.rebuild import rebuild as fill_again
from services.sharing.queries.digests import digests
from services.sharing.settings import SharingSettings
from services.sharing.worker import work

cli = command_line(
    "sharing",
    Path(__file__).parent,
    app=create,
    work=work,
    settings=SharingSettings,
    publish=publish,
    verify=proof.faults,
    digest=digests,
    sends_mail=True,
)


@cli.command()
def rebuild(copy: Annotated[str, typer.Argument(help="structures, stations, organisations, units or all")]) -> None:
    """Fill a copy again from the registry's stream; what was read before stays in place until it is whole."""
    wanted = list(reversed(TELLING)) if copy == "all" else [copy]
    if any(name not in TELLING for name in wanted):
        raise typer.BadParameter(f"one of {', '.join(TELLING)} or all")
    try:
        for name, count in asyncio.run(_rebuild(wanted)):
            typer.echo(f"{name}: {count} beliefs")
    except StreamIncomplete as error:
        typer.echo(f"{error}: offer them again with `python -m services.registry republish`, then repeat", err=True)
        raise typer.Exit(1) from None


@cli.command()
def check_statement(file: Path) -> None:
    """Check a sealed statement (`content` and `seal` as JSON) without any network or database."""
    try:
        told = orjson.loads(file.read_bytes())
        content, signer = checked(told["seal"], told["content"])
        number, figure = content["number"], f"{content['shared']} of {content['counted']}"
    except (OSError, ValueError, KeyError, TypeError, SealBroken) as error:
        raise SystemExit(f"NOT a sound statement: {error}") from error
    typer.echo(f"{number}: {figure}, sound, signed by {signer.name} (certificate SHA-256 {signer.sha256})")
    if signer.development:
        typer.echo("The key is a developer's: it proves nothing.")


async def _rebuild(wanted: list[str]) -> list[tuple[str, int]]:
    settings = SharingSettings.load("sharing")
    database, bus = Database(settings.database_url, 1), Bus(settings)
    now = Clock(settings.clock_file, settings.demo)()
    await bus.connect(wait=True)
    try:
        done = []
        for name in wanted:
            async with database.tx() as tx:
                done.append((name, await fill_again(tx, name, clients.registry_events(bus, TELLING[name]), now=now)))
        return done
    finally:
        await bus.close()
        await database.close()


if __name__ == "__main__":
    cli()
