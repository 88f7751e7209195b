"""`python -m infra.local [run | migrate | verify | revision SERVICE MESSAGE]`; settings: see `options.py`."""

import sys

from infra.local import launcher, options
from infra.local.console import Console
from infra.local.errors import CannotStart


def main(arguments: list[str]) -> int:
    console = Console()
    try:
        return _run(arguments, console)
    except CannotStart as refusal:
        console.failure(str(refusal))
        return 1
    except launcher.Stopped:
        return 130


def _run(arguments: list[str], console: Console) -> int:
    match arguments:
        case [] | ["run"]:
            launcher.run(options.read(), console)
        case ["migrate"]:
            launcher.migrate(options.read(), console)
        case ["verify"]:
            return 0 if launcher.verify(options.read(), console) else 1
        case ["revision", service, message]:
            launcher.revise(options.read(), console, service, message)
        case _:
            raise CannotStart("usage: python -m infra.local [run | migrate | verify | revision SERVICE MESSAGE]")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
