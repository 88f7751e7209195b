"""Ends of quarters, as figures over time are shown."""

from datetime import date, timedelta


def quarters(until: date, count: int) -> list[date]:
    """The last days of the quarters before `until`, oldest first, and `until` itself as the last."""
    found, year, quarter = [until], until.year, (until.month - 1) // 3
    while len(found) < count:
        end = date(year, quarter * 3 + 1, 1) - timedelta(days=1)
        if end < until:
            found.append(end)
        year, quarter = (year, quarter - 1) if quarter else (year - 1, 3)
    return found[::-1]
