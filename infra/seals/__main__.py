"""`python -m infra.seals FOLDER UID SERVICE...`: a development seal for each service that has none, in its own folder.

`FOLDER/<service>/seal.p12`, under the password `<SERVICE>_SEAL_PASSWORD` of the environment. An office puts its own
file there: one that is there stays.
"""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kernel.seals import make_development_seal

NAME = "seal.p12"


def prepare(folder: Path, owner: int, services: Sequence[str]) -> list[str]:
    """Idempotent; returns for whom one was made. Raises KeyError when a password is missing."""
    made = []
    for service in services:
        path = folder / service / NAME
        if not path.exists():
            partial = path.with_suffix(".new")
            partial.unlink(missing_ok=True)
            make_development_seal(partial, os.environ[f"{service.upper()}_SEAL_PASSWORD"], now=datetime.now(UTC))
            partial.replace(path)
            made.append(service)
        for each in (path.parent, path):
            os.chown(each, owner, owner)
    return made


if __name__ == "__main__":
    place, uid, *names = sys.argv[1:]
    for made_for in prepare(Path(place), int(uid), names):
        print(f"{made_for}: a development seal was made; it proves nothing")
