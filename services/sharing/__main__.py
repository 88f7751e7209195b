from pathlib import Path

from kernel.cli import command_line
from services.sharing.app import create
from services.sharing.commands.publish import publish
from services.sharing.settings import SharingSettings
from services.sharing.worker import work

cli = command_line("sharing", Path(__file__).parent, app=create, work=work, settings=SharingSettings, publish=publish)

if __name__ == "__main__":
    cli()
