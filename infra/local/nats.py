"""nats-server from its PyPI wheel: JetStream that syncs each write, users by configuration file, 127.0.0.1."""

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

USERS = ("registry", "permits", "sharing", "gateway", "admin", "sys")
CONFIGURATION = Path(__file__).parents[1] / "nats" / "nats.conf"


@dataclass(frozen=True)
class Broker:
    """A nats-server over its store folder; `passwords` holds one for each of USERS (letters first, then hex)."""

    folder: Path
    port: int
    passwords: Mapping[str, str]
    configuration: Path = CONFIGURATION

    def command(self) -> Command:
        argv = [str(_binary()), "-c", str(self.configuration), "-a", "127.0.0.1", "-p", str(self.port)]
        argv += ["-sd", str(self.folder)]
        secrets = {f"NATS_{user.upper()}_PASSWORD": self.passwords[user] for user in USERS}
        return Command(argv, {"PATH": os.environ.get("PATH", os.defpath), **secrets})

    def url(self, user: str) -> str:
        return f"nats://{user}:{self.passwords[user]}@127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """The server greets with INFO only after JetStream has recovered its streams."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
                return connection.recv(4096).startswith(b"INFO ")
        except OSError:
            return False


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
