"""Dates, numbers and places as people read them: `16/05/2024`, `11,74%`, `45,0 m`; English `16 May 2024`, `11.74 %`.

Instants are shown in Asia/Ho_Chi_Minh. Nothing (None) is shown as an en dash.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOTHING = "\u2013"
Number = int | float | Decimal

_WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_SHORT_WEEKDAYS = {
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OPEN_END = {"vi": "nay", "en": "now"}
_POINTS = {"vi": ("B", "N", "Đ", "T"), "en": ("N", "S", "E", "W")}


def local_day(value: date | datetime) -> date:
    """The calendar day in Asia/Ho_Chi_Minh of a date or an aware instant."""
    return value.astimezone(ZONE).date() if isinstance(value, datetime) else value


def day(value: date | datetime | None, locale: str) -> str:
    """16/05/2024; English 16 May 2024."""
    if value is None:
        return NOTHING
    local = local_day(value)
    if locale == "vi":
        return f"{local.day:02}/{local.month:02}/{local.year:04}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def short_day(value: date | datetime | None, locale: str) -> str:
    """16/05; English 16 May. Only where the year is plain from the place."""
    if value is None:
        return NOTHING
    local = local_day(value)
    return f"{local.day:02}/{local.month:02}" if locale == "vi" else f"{local.day} {_MONTHS[local.month - 1]}"


def until(value: date | datetime | None, locale: str) -> str:
    """A last day; an open end (None or 31/12/9999) reads "nay"."""
    if value is None or local_day_or_max(value) == date.max:
        return _OPEN_END[locale]
    return day(value, locale)


def local_day_or_max(value: date | datetime) -> date:
    """`local_day`, but the last representable instant does not overflow the zone."""
    return date.max if value.year == date.max.year else local_day(value)


def time_of(value: datetime | None, locale: str) -> str:
    """14:05."""
    del locale
    return NOTHING if value is None else value.astimezone(ZONE).strftime("%H:%M")


def moment(value: datetime | None, locale: str) -> str:
    """16/05/2024, 14:05."""
    return NOTHING if value is None else f"{day(value, locale)}, {time_of(value, locale)}"


def weekday(value: date | datetime, locale: str, *, short: bool = False) -> str:
    """thứ Hai (short: T2)."""
    return (_SHORT_WEEKDAYS if short else _WEEKDAYS)[locale][local_day(value).weekday()]


def weekdays(locale: str) -> tuple[str, ...]:
    """Short names from Monday to Sunday, the heads of a calendar."""
    return _SHORT_WEEKDAYS[locale]


def long_day(value: date | datetime, locale: str) -> str:
    """Thứ Năm, 16/05/2024."""
    name = weekday(value, locale)
    return f"{name[0].upper()}{name[1:]}, {day(value, locale)}"


def number(value: Number | None, locale: str, decimals: int = 0) -> str:
    """1.320 or 45,0 (rounded half up); English 1,320 and 45.0."""
    if value is None:
        return NOTHING
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    english = f"{exact:,}".replace("-", "\u2212")
    return english.translate(str.maketrans(",.", ".,")) if locale == "vi" else english


def percent(value: Number | None, locale: str, decimals: int = 2) -> str:
    """A figure that is already in percent: 11,74%."""
    if value is None:
        return NOTHING
    return f"{number(value, locale, decimals)}%" if locale == "vi" else f"{number(value, locale, decimals)}\u00a0%"


def share(numerator: int, denominator: int) -> Decimal | None:
    """100 x numerator / denominator to two decimals, half up; None over an empty denominator."""
    if denominator == 0:
        return None
    return (Decimal(100) * numerator / denominator).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def metres(value: Number | None, locale: str, decimals: int = 1) -> str:
    """45,0 m."""
    return NOTHING if value is None else f"{number(value, locale, decimals)}\u00a0m"


def coordinates(lat: float | None, lon: float | None, locale: str) -> str:
    """WGS 84 degrees to five decimals: 9,17342° B, 104,81507° Đ."""
    if lat is None or lon is None:
        return NOTHING
    north, south, east, west = _POINTS[locale]
    return (
        f"{number(abs(lat), locale, 5)}°\u00a0{north if lat >= 0 else south}, "
        f"{number(abs(lon), locale, 5)}°\u00a0{east if lon >= 0 else west}"
    )


_KINDS_OF_UNIT = ("Xã", "Phường", "Thị trấn", "Thị xã", "Huyện", "Thành phố", "Quận", "Tỉnh")


def unit_in_text(name: str) -> str:
    """A unit's name inside a sentence: `xã Khánh Hải, huyện Trần Văn Thời`."""
    parts = name.split(", ")
    return ", ".join(part[0].lower() + part[1:] if part.startswith(_KINDS_OF_UNIT) else part for part in parts)


def size(value: int | None, locale: str) -> str:
    """A file's size from bytes: 820 KB, 1,4 MB."""
    if value is None:
        return NOTHING
    if value < 1_000_000:
        return f"{number(max(1, round(value / 1000)), locale)}\u00a0KB"
    return f"{number(value / 1_000_000, locale, 1)}\u00a0MB"


def filters(locale: str) -> dict[str, Callable[..., Any]]:
    """The functions above as Jinja filters of one language."""
    shown = (day, short_day, until, moment, weekday, long_day, number, percent, metres, size)
    return {function.__name__: partial(function, locale=locale) for function in shown} | {
        "time": partial(time_of, locale=locale),
        "local_day": local_day,
        "unit_in_text": unit_in_text,
    }
