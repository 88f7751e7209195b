"""What time it is, asked once at the edge and handed down as `now`."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock:
    """The real clock, or in a demonstration the one a file dictates: `+3600` (seconds) or an ISO instant.

    The file is read at each call, so that all processes of a test move together.
    """

    def __init__(self, clock_file: Path | None = None, demo: bool = False) -> None:
        if clock_file is not None and not demo:
            raise ValueError("CLOCK_FILE is refused unless DEMO=1")
        self._file = clock_file

    def __call__(self) -> datetime:
        real = datetime.now(UTC)
        if self._file is None:
            return real
        try:
            said = self._file.read_text().strip()
        except FileNotFoundError:
            return real
        if not said:
            return real
        if said[0] in "+-":
            return real + timedelta(seconds=float(said))
        return datetime.fromisoformat(said).astimezone(UTC)


def local_date(moment: datetime) -> date:
    return moment.astimezone(LOCAL).date()


def start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(0), LOCAL).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The first instant that no longer belongs to `day`, so that `< end_of_day` means the whole day."""
    return start_of_day(day + timedelta(days=1))


def real_time() -> datetime:
    """The world's time, which no demo's clock moves: for what another system dates."""
    return datetime.now(UTC)
