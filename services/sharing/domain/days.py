"""The days of a trend."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date


def month_ends(since: date, until: date) -> Iterator[date]:
    """The last days of the months from `since` on, before `until`, and `until` itself."""
    year, month = since.year, since.month
    while (last := date(year, month, monthrange(year, month)[1])) < until:
        yield last
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    yield until
