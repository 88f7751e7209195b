"""Starts programs in groups by readiness, watches them, starts the dead again with back-off, stops all."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local import child
from infra.local.console import Console, tail
from infra.local.errors import CannotStart

POLL = 0.05
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
WELL_AFTER = 60.0
TRIES_AT_START = 3
LOG_LIMIT = 20_000_000
PIDS = "pids.json"


class Running(Protocol):
    """A process that can be asked, signalled and waited for, as subprocess.Popen can."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True)
class Program:
    """`launch` starts the process with its output going to the given file descriptor."""

    name: str
    launch: Callable[[int], Running]
    is_ready: Callable[[], bool]
    address: str = ""
    stop_signal: int = signal.SIGTERM
    start_seconds: float = 60


@dataclass
class Member:
    program: Program
    log: Path
    process: Running | None = None
    started: float = 0.0
    is_ready: bool = False
    failures: int = 0
    next_try: float = 0.0


@dataclass
class Supervisor:
    log_folder: Path
    console: Console
    groups: list[list[Member]] = field(default_factory=list)

    def start(self, programs: Sequence[Program]) -> None:
        """Starts all of them at once and returns when each is ready; CannotStart when one does not get there."""
        self.launch(programs)
        self.wait_ready()

    def launch(self, programs: Sequence[Program]) -> None:
        group = [Member(program, self.log_folder / f"{program.name}.log") for program in programs]
        self.groups.append(group)
        for member in group:
            self._launch(member)

    def wait_ready(self) -> None:
        group = self.groups[-1]
        while not all(member.is_ready for member in group):
            self.tend()
            for member in group:
                self._give_up(member)
            time.sleep(POLL)

    def watch(self, seconds: float | None = None) -> None:
        """Looks after everything that was started, for ever or for so many seconds."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            self.tend()
            time.sleep(POLL * 2)

    def tend(self) -> None:
        """One round: notices who ended, starts again who has waited long enough, reports who became ready."""
        for group in self.groups:
            for member in group:
                self._tend(member)

    def stop(self, grace: float = 15) -> None:
        """Ends the groups in reverse order, each one together; whoever does not go in time is killed."""
        for group in reversed(self.groups):
            running = [member for member in group if member.process is not None and member.process.poll() is None]
            for member in running:
                _running(member).send_signal(member.program.stop_signal)
            until = time.monotonic() + grace
            for member in running:
                self._await_end(member, max(0.1, until - time.monotonic()))
        self.groups.clear()
        self._note_pids()

    def _note_pids(self) -> None:
        """Who is who, for a person with `kill` and for tests: forked processes all look alike in `ps`."""
        members = [member for group in self.groups for member in group]
        pids = {member.program.name: member.process.pid for member in members if member.process is not None}
        noted = self.log_folder.parent / PIDS
        partial = noted.with_name(f"{PIDS}.new")
        partial.write_text(json.dumps(pids, indent=1))
        partial.replace(noted)

    def _await_end(self, member: Member, seconds: float) -> None:
        process = _running(member)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.console.trouble(member.program.name, f"did not stop within {seconds:.0f} s and was killed")
            process.kill()
            process.wait()

    def _tend(self, member: Member) -> None:
        if member.process is None:
            if time.monotonic() >= member.next_try:
                self._launch(member)
            return
        code = member.process.poll()
        if code is not None:
            self._note_end(member, code)
        elif not member.is_ready:
            self._note_readiness(member)
        elif member.failures and time.monotonic() - member.started > WELL_AFTER:
            member.failures = 0

    def _launch(self, member: Member) -> None:
        _keep_small(member.log)
        member.started, member.is_ready = time.monotonic(), False
        with member.log.open("ab") as log:
            member.process = member.program.launch(log.fileno())
        self._note_pids()

    def _note_readiness(self, member: Member) -> None:
        if member.program.is_ready():
            member.is_ready = True
            self.console.ready(member.program.name, member.program.address, time.monotonic() - member.started)

    def _note_end(self, member: Member, code: int) -> None:
        delay = min(FIRST_DELAY * 2**member.failures, LONGEST_DELAY)
        member.process, member.is_ready = None, False
        member.failures += 1
        member.next_try = time.monotonic() + delay
        self.console.trouble(
            member.program.name, f"{_reason(code)}; starting again in {delay:.1f} s; log: {member.log}"
        )

    def _give_up(self, member: Member) -> None:
        if member.is_ready:
            return
        if member.failures >= TRIES_AT_START:
            raise CannotStart(
                f"{member.program.name} ended {member.failures} times while starting:\n{tail(member.log)}"
            )
        if time.monotonic() - member.started > member.program.start_seconds:
            raise CannotStart(
                f"{member.program.name} is not ready after {member.program.start_seconds:.0f} s; "
                f"the end of {member.log}:\n{tail(member.log)}"
            )


def _running(member: Member) -> Running:
    assert member.process is not None
    return member.process


def _reason(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _keep_small(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def spawned(command: child.Command) -> Callable[[int], Running]:
    return lambda log: child.spawn(command, log)
