"""`python -m infra.local [run | migrate | revision SERVICE MESSAGE]`; settings: see `options.py`."""

import sys

from infra.local import launcher, options
from infra.local.console import Console
from infra.local.errors import CannotStart


def main(arguments: list[str]) -> int:
    console = Console()
    try:
        _run(arguments, console)
    except CannotStart as refusal:
        console.failure(str(refusal))
        return 1
    except launcher.Stopped:
        return 130
    return 0


def _run(arguments: list[str], console: Console) -> None:
    match arguments:
        case [] | ["run"]:
            launcher.run(options.read(), console)
        case ["migrate"]:
            launcher.migrate(options.read(), console)
        case ["revision", service, message]:
            launcher.revise(options.read(), console, service, message)
        case _:
            raise CannotStart("usage: python -m infra.local [run | migrate | revision SERVICE MESSAGE]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
