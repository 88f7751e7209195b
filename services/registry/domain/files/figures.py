"""Values as sheets hold them: numbers with commas and units, days as text or as a count, degrees with minutes."""

import re
from datetime import date, timedelta

from services.registry.domain.files.grids import Cell

_EPOCH = date(1899, 12, 30)
_DMS = re.compile(
    r"([NSEWBĐDT]?)\s*(\d{1,3})\s*[°ºo*\s]\s*(\d{1,2})\s*['’′\s]\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|”|″|'')?\s*([NSEWBĐDT]?)",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s*(?:m|met|mét|°|độ)\.?$", re.IGNORECASE)
_DAYS = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})"), (3, 2, 1)),
    (re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"), (1, 2, 3)),
)
_MONTH = re.compile(r"(\d{1,2})[/.-](\d{4})")
TRUE = frozenset({"true", "yes", "1", "x", "co", "có", "đúng"})
FALSE = frozenset({"false", "no", "0", "khong", "không", "sai"})
ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!"})


def number(cell: Cell) -> str | None:
    """As text that a decimal is read from. `1.234,5` and `1,234.5` are one number; a lone comma is a decimal's."""
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        return f"{cell:.12g}"
    text = _UNIT.sub("", str(cell).strip().replace("\u00a0", "").replace("\u202f", ""))
    if "," in text and "." in text:
        thousands, point = (".", ",") if text.rindex(",") > text.rindex(".") else (",", ".")
        text = text.replace(thousands, "").replace(point, ".")
    elif text.count(",") == 1:
        text = text.replace(",", ".")
    elif text.count(".") > 1 or text.count(",") > 1:
        text = text.replace(".", "").replace(",", "")
    try:
        float(text.replace(" ", ""))
    except ValueError:
        return None
    return text.replace(" ", "")


def degrees(cell: Cell) -> str | None:
    """Also `9°10'38,1"N`; minutes and seconds of 60 are none."""
    plain = number(cell)
    if plain is not None or not isinstance(cell, str):
        return plain
    found = _DMS.fullmatch(cell.strip())
    if found is None:
        return None
    minutes, seconds = int(found[3]), float(found[4].replace(",", "."))
    if minutes >= 60 or seconds >= 60:
        return None
    value = int(found[2]) + minutes / 60 + seconds / 3600
    return f"{-value if (found[1] or found[5]).upper() in ('S', 'W') else value:.9f}"


def day(cell: Cell) -> date | None:
    """Day before month, as it is written here; a year alone is its first day."""
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        if 1900 <= cell <= 2100:
            return date(cell, 1, 1)
        return _EPOCH + timedelta(days=cell) if 18_000 < cell < 75_000 else None
    text = str(cell or "").strip()
    if text.isdigit():
        return day(int(text))
    for pattern, (year, month, of_month) in _DAYS:
        if found := pattern.fullmatch(text):
            return _date(int(found[year]), int(found[month]), int(found[of_month]))
    found = _MONTH.fullmatch(text)
    return _date(int(found[2]), int(found[1]), 1) if found else None


def _date(year: int, month: int, of_month: int) -> date | None:
    try:
        return date(year, month, of_month) if 1900 <= year <= 2200 else None
    except ValueError:
        return None


def truth(cell: Cell) -> bool | None:
    if isinstance(cell, bool):
        return cell
    said = str(cell).strip().lower()
    return True if said in TRUE else False if said in FALSE else None


def code_of_unit(cell: Cell) -> str:
    """A commune's code has five digits; a sheet that took it for a number lost the zeros before it."""
    text = str(cell).strip()
    return text.zfill(5) if text.isdigit() and len(text) < 5 else text
