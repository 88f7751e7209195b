from pathlib import Path

from kernel.cli import command_line
from kernel.clock import Clock
from kernel.db import Database
from services.registry.app import create
from services.registry.commands.publishing import publish as publish_facts
from services.registry.queries import proof
from services.registry.queries.digests import digests
from services.registry.settings import RegistrySettings
from services.registry.worker import work


async def publish(database: Database, clock: Clock) -> None:
    async with database.tx() as tx:
        await publish_facts(tx, now=clock())


cli = command_line(
    "registry",
    Path(__file__).parent,
    app=create,
    work=work,
    settings=RegistrySettings,
    publish=publish,
    verify=proof.faults,
    digest=digests,
)

if __name__ == "__main__":
    cli()
