"""Who a server runs as: PostgreSQL refuses root, so root lends it an ordinary account."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("postgres", "hatang")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def _known(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _created() -> Account | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    argv = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAMES[-1]]
    subprocess.run(argv, capture_output=True, check=False)  # noqa: S603
    return _known(NAMES[-1])


def unprivileged() -> Account | None:
    """The account to run PostgreSQL as: None when we are an ordinary user ourselves."""
    if os.geteuid() != 0:
        return None
    found = next((account for name in NAMES if (account := _known(name))), None)
    return found or _created() or _known("nobody")


def give(path: Path, account: Account | None) -> None:
    """Hands a file or folder to the account; nothing to hand over when we are not root."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def can_run(account: Account, binary: Path) -> bool:
    """Whether the account reaches the binary; only trying tells (folder modes, mounts, capabilities)."""
    return _succeeds(account, [str(binary), "--version"])


def can_write(account: Account, folder: Path) -> bool:
    return _succeeds(account, ["/bin/sh", "-c", 'touch "$1/.tried" && rm "$1/.tried"', "sh", str(folder)])


def _succeeds(account: Account, argv: list[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            argv, user=account.uid, group=account.gid, extra_groups=[], cwd="/", capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
