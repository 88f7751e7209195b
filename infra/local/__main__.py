"""`python -m infra.local`, which is what `make run` calls. Settings are environment variables: see `options.py`."""

import sys

from infra.local import launcher, options
from infra.local.console import Console
from infra.local.errors import CannotStart


def main() -> int:
    console = Console()
    try:
        launcher.run(options.read(), console)
    except CannotStart as refusal:
        console.failure(str(refusal))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
