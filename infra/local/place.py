"""The data folder: writable, ours alone while we run, with its passwords in a 0600 file."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from infra.local import postgres
from infra.local.errors import CannotStart

LOCK = "lock"
SECRETS = "secrets.json"
SEAL = "seal.p12"
PORTS = "ports.json"


class Lock:
    """Held by the running launcher; the system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            holder = os.read(self._descriptor, 20).decode() or "unknown"
            os.close(self._descriptor)
            raise CannotStart(
                f"Process {holder} is already running on {folder}: stop it first, or choose another DATA_DIR."
            ) from taken
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def forget(self) -> None:
        """In a forked child: the lock is the launcher's, not ours."""
        os.close(self._descriptor)

    def release(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def open_folder(folder: Path) -> Lock:
    """Makes the folder if it is absent; CannotStart when it can't be written or another launcher holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(mode=0o700, exist_ok=True)
        return Lock(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotStart(f"{folder} cannot be written ({reason}): choose another folder with DATA_DIR=...") from error


def note_ports(folder: Path, ports: Mapping[str, int]) -> None:
    """Where the internal servers of this start listen, for `verify` beside the running product."""
    (folder / PORTS).write_text(json.dumps(dict(ports), indent=1))


def noted_ports(folder: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads((folder / PORTS).read_text()).items()}
    except (OSError, ValueError) as error:
        raise CannotStart(f"Nothing was started in {folder} yet.") from error


def credentials(folder: Path) -> dict[str, str]:
    """The folder's random passwords and keys, made at the first start and completed by later versions."""
    path = folder / SECRETS
    kept = _read(path)
    if not kept and postgres.is_made(folder / "postgres"):
        raise CannotStart(f"{folder} has a database but no {SECRETS}: bring that file back, or move the folder away.")
    made = {name: kept.get(name) or make() for name, make in _wanted().items()}
    if made != kept:
        _write(path, made)
    return made


def development_seal(folder: Path, password: str) -> None:
    """Made at the first start; whoever sets SEAL_FILE has a real one instead."""
    path = folder / SEAL
    if not path.exists():
        # Only here: a library of some hundred milliseconds, which no later start needs.
        from kernel.seals import make_development_seal

        partial = path.with_name(f"{SEAL}.new")
        partial.unlink(missing_ok=True)
        make_development_seal(partial, password, now=datetime.now(UTC))
        partial.replace(path)


def _wanted() -> dict[str, Callable[[], str]]:
    """Names with their makers. A letter first: NATS reads a password of digits as a number."""
    roles = ("postgres", *postgres.ROLES, "client", "identity_admin", "form", "keycloak", "seal")
    return {
        **dict.fromkeys(roles, lambda: f"s{secrets.token_hex(20)}"),
        "session": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return {str(key): str(value) for key, value in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError) as error:
        raise CannotStart(f"{path} is damaged: bring it back from a copy, or move {path.parent} away.") from error


def _write(path: Path, content: dict[str, str]) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(path)
