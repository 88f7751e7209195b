"""One coloured line for each thing that happens to a process."""

import os
import sys
from pathlib import Path

GREEN, YELLOW, RED, BOLD, DIM = "32", "33", "31", "1", "2"


class Console:
    """Colours only on a terminal that wants them (NO_COLOR, TERM=dumb)."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def ready(self, name: str, address: str, seconds: float) -> None:
        self._line("●", GREEN, name, f"ready in {seconds:.1f} s  {self._paint(address, DIM)}")

    def note(self, name: str, text: str) -> None:
        self._line("·", DIM, name, text)

    def trouble(self, name: str, text: str) -> None:
        self._line("▲", YELLOW, name, text)

    def failure(self, text: str) -> None:
        print(f"{self._paint('✗', RED)} {text}", file=sys.stderr, flush=True)

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def strong(self, text: str) -> str:
        return self._paint(text, BOLD)

    def _line(self, mark: str, colour: str, name: str, text: str) -> None:
        print(f"{self._paint(mark, colour)} {name:<16} {text}", flush=True)

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
