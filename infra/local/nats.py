"""nats-server from its PyPI wheel: JetStream that syncs each write, users by their nkeys, 127.0.0.1 only."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.child import Command
from infra.local.errors import CannotStart
from infra.nats import keys

USERS = keys.USERS
CONFIGURATION = Path(__file__).parents[1] / "nats" / "nats.conf"


@dataclass(frozen=True)
class Broker:
    """A nats-server over its store folder. `environment` is what its file refers to: the users' public keys."""

    folder: Path
    port: int
    environment: Mapping[str, str]
    seeds: Path
    configuration: Path = CONFIGURATION

    def command(self) -> Command:
        argv = [str(_binary()), "-c", str(self.configuration), "-a", "127.0.0.1", "-p", str(self.port)]
        argv += ["-sd", str(self.folder)]
        return Command(argv, {"PATH": os.environ.get("PATH", os.defpath), **self.environment})

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def seed_file(self, user: str) -> Path:
        """What the user proves with that it is itself; only its path is ever passed on."""
        return keys.seed_file(self.seeds, user)

    def is_ready(self) -> bool:
        """The server greets with INFO only after JetStream has recovered its streams."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
                return connection.recv(4096).startswith(b"INFO ")
        except OSError:
            return False


def prepared(folder: Path, port: int, configuration: Path = CONFIGURATION) -> Broker:
    """A broker whose store and seeds are under `folder`; seeds are made at the first start."""
    seeds = folder / "nkeys"
    return Broker(folder / "nats", port, keys.as_environment(keys.prepare(seeds)), seeds, configuration)


def _binary() -> Path:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise CannotStart("nats-server is not in this Python environment: run `make run` to install it.")
    return Path(found)


def wait_ready(broker: Broker, process: subprocess.Popen[bytes], *, timeout: float = 30) -> None:
    """Returns once the server greets; CannotStart when it ended or did not come up in time."""
    until = time.monotonic() + timeout
    while not broker.is_ready():
        if process.poll() is not None:
            raise CannotStart("nats-server ended while starting; its log says why.")
        if time.monotonic() > until:
            raise CannotStart(f"nats-server did not answer within {timeout:.0f} s; its log says why.")
        time.sleep(0.03)
