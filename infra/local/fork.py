"""Python processes by fork: the libraries are imported once, in the launcher, before the first of them starts."""

import importlib
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from infra.local.child import die_with_parent

# No service of ours, and nothing that starts threads when imported, as numpy under shapely does: none survives a fork.
LIBRARIES = (
    "asyncpg",
    "kernel.papers",
    "kernel.mail",
    "kernel.seals",
    "sqlmodel",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "fastapi",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "httpx",
    "nats",
    "jinja2",
    "babel.support",
    "structlog",
    "typer",
    "alembic.command",
    "keycloak",
    "kernel.app",
    "kernel.edge",
    "kernel.worker",
    "kernel.cli",
)


def can_fork() -> bool:
    return sys.platform == "linux"


def preload() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


class Forked:
    """The part of subprocess.Popen that the launcher uses, for a process that was forked without exec."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(
    module: str, arguments: Sequence[str], env: Mapping[str, str], log: int, *, before: Callable[[], None]
) -> Forked:
    """`python -m module arguments` without a new interpreter; `before` lets go of what is the launcher's alone."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be(module, arguments, env, log, before, parent)
    return Forked(pid)


def _be(
    module: str, arguments: Sequence[str], env: Mapping[str, str], log: int, before: Callable[[], None], parent: int
) -> NoReturn:
    code = 1
    try:
        _leave(parent, log)
        before()
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _leave(parent: int, log: int) -> None:
    """Out of the terminal's group and into the log file, gone when the launcher is gone."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_DFL)
    os.setsid()
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _exit_code(end: SystemExit) -> int:
    if isinstance(end.code, str):
        print(end.code, file=sys.stderr)
        return 1
    return end.code or 0
