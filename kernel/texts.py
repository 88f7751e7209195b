"""What may be in a text at all, and how days and instants are written: checked where a request is read."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

# Earlier ones have no law, and near year 1 a change of time zone leaves the calendar.
FIRST_YEAR = 1900
Text = TypeVar("Text", str, str | None)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _storable(text: Text) -> Text:
    """PostgreSQL keeps no NUL in a text."""
    if text is not None and "\0" in text:
        raise PydanticCustomError("string_nul", "a text holds no NUL")
    return text


def _written_day(value: Any) -> Any:
    """Neither a number of seconds nor an instant is a day."""
    if isinstance(value, str) and _DAY.fullmatch(value) is None:
        raise PydanticCustomError("date_parsing", "a day is written YYYY-MM-DD")
    if not isinstance(value, str | date) or isinstance(value, datetime):
        raise PydanticCustomError("date_type", "a day is written YYYY-MM-DD")
    return value


def _in_calendar(day: date) -> date:
    if not FIRST_YEAR <= day.year <= 9998:
        raise PydanticCustomError("date_range", "the day is too far away")
    return day


def _written_moment(value: Any) -> Any:
    """A number of seconds is no instant, also when it is written as a text."""
    if not isinstance(value, str | datetime) or (isinstance(value, str) and _MOMENT.match(value) is None):
        raise PydanticCustomError("datetime_type", "an instant is written with its date, time and offset")
    return value


def _in_history(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= 9998:
        raise PydanticCustomError("datetime_range", "the instant is too far away")
    return at.astimezone(UTC)


STORABLE = AfterValidator(_storable)
Day = Annotated[date, BeforeValidator(_written_day), AfterValidator(_in_calendar)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment), AfterValidator(_in_history)]


def fold(text: str) -> str:
    """For matching: lower case without marks, words parted by single spaces: `Xã Đất Mũi` -> `xa dat mui`."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", bare))
