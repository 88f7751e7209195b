"""One coloured line for each thing that happens to a process."""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO

GREEN, YELLOW, RED, BOLD, DIM = "32", "33", "31", "1", "2"


class Console:
    """Colours only on a terminal that wants them (NO_COLOR, TERM=dumb)."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def ready(self, name: str, address: str, seconds: float) -> None:
        self._line("●", GREEN, name, f"ready in {seconds:.1f} s  {self._paint(address, DIM)}")

    def note(self, name: str, text: str) -> None:
        self._line("·", DIM, name, text)

    def trouble(self, name: str, text: str) -> None:
        self._line("▲", YELLOW, name, text)

    def failure(self, text: str) -> None:
        self._print(f"{self._paint('✗', RED)} {text}", sys.stderr)

    def say(self, text: str = "") -> None:
        self._print(text)

    def strong(self, text: str) -> str:
        return self._paint(text, BOLD)

    def _line(self, mark: str, colour: str, name: str, text: str) -> None:
        self._print(f"{self._paint(mark, colour)} {name:<16} {text}")

    def _print(self, text: str, stream: TextIO | None = None) -> None:
        # A terminal that has gone away is no reason to stop serving.
        with contextlib.suppress(OSError):
            print(text, file=stream or sys.stdout, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def tail(log: Path, lines: int = 3) -> str:
    """The last lines of a log, for the person who would otherwise have to open it."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])
