"""`python -m services.permits api | worker | migrate | verify | rebuild | ...`"""

import asyncio
import hashlib
from pathlib import Path

import orjson
import typer

from kernel.bus import Bus
from kernel.cli import command_line
from kernel.clock import Clock
from kernel.db import Database
from kernel.seals import SealBroken, checked
from services.permits import commands
from services.permits.app import create
from services.permits.domain.application import chart
from services.permits.jobs import rebuild_copies
from services.permits.queries.digests import digests
from services.permits.queries.verify import faults
from services.permits.settings import PermitsSettings
from services.permits.worker import work


async def publish(database: Database, clock: Clock) -> None:
    async with database.tx() as tx:
        await commands.publish(tx, now=clock())


cli = command_line(
    "permits",
    Path(__file__).parent,
    app=create,
    work=work,
    settings=PermitsSettings,
    publish=publish,
    verify=faults,
    digest=digests,
    sends_mail=True,
)


@cli.command()
def rebuild(republished: bool = False) -> None:
    """Fill the copies of units and organisations anew from the registry's stream, in one transaction."""
    settings = PermitsSettings.load("permits")
    typer.echo(asyncio.run(_rebuild(settings, republished)))


@cli.command()
def check_receipt(file: Path, part: list[Path] | None = None) -> None:
    """Check a signed receipt (the answer of GET .../receipt) without any network, and files against its hashes."""
    try:
        told = orjson.loads(file.read_bytes())
        _, signer = checked(told["seal"], told["receipt"])
    except (OSError, ValueError, KeyError, TypeError, SealBroken) as error:
        raise SystemExit(f"NOT a sound receipt: {error}") from error
    typer.echo(f"{told['receipt']['number']}: sound, signed by {signer.name} (certificate SHA-256 {signer.sha256})")
    if signer.development:
        typer.echo("The key is a developer's: it proves nothing.")
    known = {each["sha256"]: each["code"] for each in told["receipt"]["parts"]}
    for each in part or []:
        code = known.get(hashlib.sha256(each.read_bytes()).hexdigest())
        if code is None:
            raise SystemExit(f"{each}: NOT one of the parts that were received")
        typer.echo(f"{each}: the part {code}")


@cli.command()
def statechart() -> None:
    """Draw the states of a dossier and the moves between them, as the commands know them (Mermaid)."""
    typer.echo(chart())


async def _rebuild(settings: PermitsSettings, republished: bool) -> str:
    database, bus = Database(settings.database_url, 2), Bus(settings)
    await bus.connect(wait=True)
    try:
        return await rebuild_copies(database, bus, republished=republished)
    finally:
        await bus.close()
        await database.close()


if __name__ == "__main__":
    cli()
