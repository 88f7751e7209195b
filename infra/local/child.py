"""Child processes that never outlive us: own session, parent-death signal, bounded stop."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from infra.local.account import Account

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Command:
    """What to start: arguments, the whole environment, the account, and the signal that ends it cleanly."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: int = signal.SIGTERM


def die_with_parent(sign: int) -> None:
    """Linux: the kernel sends `sign` to this process once its parent is gone, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)


def _before_exec(sign: int, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(sign)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def spawn(command: Command, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Starts the command, its output going to `log`; raises OSError when it can't be executed."""
    account = command.account
    return subprocess.Popen(  # noqa: S603
        list(command.argv),
        env=dict(command.env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd="/" if account else None,
        start_new_session=True,
        preexec_fn=_before_exec(command.stop_signal, os.getpid()),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def stop(process: subprocess.Popen[bytes], sign: int = signal.SIGTERM, *, grace: float = 20) -> None:
    """Ends the process by `sign`, by SIGKILL once `grace` seconds have passed; returns when it is gone."""
    if process.poll() is not None:
        return
    process.send_signal(sign)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
