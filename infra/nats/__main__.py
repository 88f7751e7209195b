"""`python -m infra.nats` prints the broker's file; `... prepare FOLDER HOST` makes what a deployment's broker needs."""

import sys
from pathlib import Path

from infra.nats.deployment import prepare
from infra.nats.keys import USERS, variable
from infra.nats.permissions import configuration


def main(verb: str = "print", folder: str = "", host: str = "nats", owner: str = "") -> None:
    if verb == "print":
        sys.stdout.write(configuration({user: f"${variable(user)}" for user in USERS}))
    elif verb == "prepare" and folder:
        prepare(Path(folder), host, owner=int(owner) if owner else None)
    else:
        raise SystemExit("usage: python -m infra.nats [print | prepare FOLDER [HOST [UID]]]")


if __name__ == "__main__":
    main(*sys.argv[1:])
