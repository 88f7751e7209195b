"""`python -m infra.documents write` makes the committed documents anew, `client FOLDER` the typed Python client."""

import sys
from pathlib import Path

import typer

from infra.documents import authorisation, client, merged

cli = typer.Typer(add_completion=False, help=__doc__)


@cli.command()
def write(breaking: bool = typer.Option(False, help="Write also what breaks integrators' programs.")) -> None:
    """Refuses a merged document in which what integrators rely on is gone, unless told to go on."""
    new = merged.document()
    lost = merged.breaks(merged.committed(), new)
    for each in lost:
        typer.echo(f"breaks: {each}", err=True)
    if lost and not breaking:
        typer.echo(
            "Nothing written. To go on, and tell it in gateway/data/changes.toml: make openapi BREAKING=1", err=True
        )
        raise typer.Exit(1)
    merged.FILE.write_text(merged.text(new))
    authorisation.FILE.write_text(authorisation.text())


@cli.command(name="client")
def client_(folder: Path) -> None:
    """The package `hatang_client` in FOLDER."""
    client.generate(folder)


if __name__ == "__main__":
    sys.exit(cli())
