"""Rows of a table as facts of structures: every fault of a row at once, and rows that are none told apart."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from kernel.errors import N_, Fault
from kernel.texts import fold
from services.registry.domain.files import encodings, figures
from services.registry.domain.files.grids import Cell
from services.registry.domain.files.headings import Headings
from services.registry.domain.structure import FACTS, StructureFacts

_NUMBERS = frozenset(
    {"height_m", "building_height_m", "length_m", "height_above_sea_m", "load_limit_kg", "load_used_kg"}
    | {"northing", "easting"}
)
_DEGREES = frozenset({"lon", "lat"})
_BOOLEANS = frozenset({"synthetic", "solid"})
_WHOLE = frozenset({"capacity", "evidence"})
_BESIDE = ("public_no", "id", "valid_from", "evidence", "reason")
_PAIRED = ("code_system", "code", "lon", "lat", "northing", "easting")
_TAILS = ("ghi chu", "nguon", "tong", "tong cong", "total", "note", "source", "nguoi lap", "ngay thang")
_SEEN_VALUES = 5000
UNREADABLE = N_("This value cannot be read as what is expected here.")


@dataclass(frozen=True)
class Row:
    """A row that could be read: `no` as the file's own program counts; the keys by which it names a structure."""

    no: int
    facts: StructureFacts
    valid_from: date
    evidence: int = 1
    reason: str = ""
    public_no: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Unread:
    """A row that is none of ours to record: `ignored` by its nature, else with its faults and what of it was read."""

    no: int
    faults: tuple[Fault, ...]
    ignored: bool = False
    read: Row | None = None


class _Beside(BaseModel):
    valid_from: date
    evidence: int = 1
    reason: str = ""
    public_no: str | None = None
    id: str | None = None


class Reader:
    """`columns` names the field of each place, None for one left out; `defaults` are for what no column says.

    `formulas`: a text may be one that a spreadsheet would run, as in a CSV.
    """

    def __init__(
        self,
        kind: str,
        columns: Sequence[str | None],
        book: Headings,
        *,
        formulas: bool = True,
        legacy: str | None = None,
        zone: str | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> None:
        self._facts, self._formulas = FACTS[kind], formulas
        self._columns = [(place, field) for place, field in enumerate(columns) if field]
        self._legacy, self._zone, self._defaults = legacy, zone, dict(defaults or {})
        words = {field: book.words(field) for field in book.values}
        self._read = {field: _converter(field, words) for field in {f for _, f in self._columns} | set(self._defaults)}
        self._seen: dict[tuple[str, Cell], Any] = {}

    def read(self, no: int, cells: Sequence[Cell]) -> Row | Unread:
        faults: list[Fault] = []
        said: dict[str, Any] = {}
        width = len(cells)
        for place, field in self._columns:
            cell = cells[place] if place < width else None
            if cell is None or cell == "":
                continue
            value = self._value(no, field, cell, faults)
            if value is not None:
                said[field] = value
        for field, text in self._defaults.items():
            if field not in said and (value := self._value(no, field, text, faults)) is not None:
                said[field] = value
        return self._row(no, said, faults)

    def _value(self, no: int, field: str, cell: Cell, faults: list[Fault]) -> Any:
        """Columns of few different values are read once for each of them."""
        key = (field, cell)
        if key in self._seen:
            return self._seen[key]
        count = len(faults)
        value = self._fresh(no, field, cell, faults)
        if len(faults) == count and len(self._seen) < _SEEN_VALUES and field not in _DEGREES:
            self._seen[key] = value
        return value

    def _fresh(self, no: int, field: str, cell: Cell, faults: list[Fault]) -> Any:
        if isinstance(cell, str):
            cell = cell.strip()
            if self._legacy:
                cell = encodings.relieved(cell, self._legacy)
            if self._formulas and cell.startswith("'") and cell[1:2] in ("=", "+", "-", "@"):
                # As our own exports mark a text that a spreadsheet would run.
                cell = cell[1:]
            elif self._formulas and cell.startswith(("=", "@")):
                faults.append(Fault(f"/rows/{no}/{field}", "formula", N_("This cell begins like a formula.")))
                return None
            if cell in figures.ERRORS:
                text = N_("This cell holds the spreadsheet's error {error}.")
                faults.append(Fault(f"/rows/{no}/{field}", "sheet_error", text, error=cell))
                return None
            if not cell:
                return None
        try:
            return self._read[field](cell)
        except ValueError:
            faults.append(Fault(f"/rows/{no}/{field}", "unreadable", UNREADABLE))
            return None

    def _row(self, no: int, said: dict[str, Any], faults: list[Fault]) -> Row | Unread:
        beside = {name: said.pop(name) for name in _BESIDE if name in said}
        paired = {name: said.pop(name) for name in _PAIRED if name in said}
        self._pair(no, said, paired, faults)
        broken = {fault.pointer.rpartition("/")[2] for fault in faults}
        facts = _validated(self._facts, said, no, faults)
        if "valid_from" in broken:
            beside["valid_from"] = date.max
        rest = _validated(_Beside, beside, no, faults)
        if not faults and facts is not None and rest is not None:
            return Row(no, facts, rest.valid_from, rest.evidence, rest.reason, rest.public_no, rest.id)
        return Unread(no, tuple(faults), read=self._partly(no, said, beside, faults))

    def _partly(
        self, no: int, said: Mapping[str, Any], beside: Mapping[str, Any], faults: Sequence[Fault]
    ) -> Row | None:
        """What else can be wrong is judged by what could be read, so that all faults are told at once."""
        broken = {fault.pointer.rpartition("/")[2] for fault in faults}
        broken |= {"point", "entered"} if broken & {"lon", "lat", "northing", "easting"} else set()
        facts = _validated(self._facts, {n: v for n, v in said.items() if n not in broken}, no, [])
        rest = _validated(_Beside, {n: v for n, v in beside.items() if n not in broken}, no, [])
        if facts is None or rest is None or rest.valid_from == date.max:
            return None
        return Row(no, facts, rest.valid_from, rest.evidence, rest.reason, rest.public_no, rest.id)

    def _pair(self, no: int, said: dict[str, Any], paired: Mapping[str, Any], faults: list[Fault]) -> None:
        """What needs two columns: a class with its system, a point."""
        code = paired.get("code")
        if isinstance(code, tuple):
            said["code"] = code
        elif code or paired.get("code_system"):
            said["code"] = (paired.get("code_system") or "", code or "")
        if "lon" in paired and "lat" in paired:
            said["point"] = (paired["lon"], paired["lat"])
        elif "northing" in paired and "easting" in paired:
            if self._zone is None:
                text = N_("Metres of VN-2000 need their zone. Choose it for this file.")
                faults.append(Fault(f"/rows/{no}/northing", "zone_missing", text))
            else:
                said["entered"] = {"crs": self._zone, "north": paired["northing"], "east": paired["easting"]}
        else:
            for one, other in (("lon", "lat"), ("lat", "lon"), ("northing", "easting"), ("easting", "northing")):
                if one in paired and not any(f.pointer.endswith(f"/{other}") for f in faults):
                    faults.append(Fault(f"/rows/{no}/{other}", "missing", N_("This value is required.")))


def _converter(field: str, words: Mapping[str, Mapping[str, str]]) -> Callable[[Cell], Any]:
    if field in _NUMBERS:
        return _needed(figures.number)
    if field in _DEGREES:
        return _needed(figures.degrees)
    if field in _WHOLE:
        return lambda cell: int(float(_needed(figures.number)(cell)))
    if field in _BOOLEANS:
        return _needed(figures.truth)
    if field == "valid_from":
        return _needed(figures.day)
    if field == "commune":
        return figures.code_of_unit
    if field == "code":
        return _code
    if field == "occupants":
        return lambda cell: [one.strip() for one in re.split("[;,]", str(cell)) if one.strip()]
    if field in words:
        known = words[field]
        return lambda cell: known.get(fold(str(cell)), str(cell))
    return lambda cell: " ".join(str(cell).split())


def _needed(read: Callable[[Cell], Any]) -> Callable[[Cell], Any]:
    def value(cell: Cell) -> Any:
        found = read(cell)
        if found is None:
            raise ValueError
        return found

    return value


def _code(cell: Cell) -> Any:
    """Alone, or as exports write it: `["ND163","A1"]`."""
    text = str(cell)
    if not text.startswith("["):
        return text
    pair = orjson.loads(text)
    if not (isinstance(pair, list) and len(pair) == 2):
        raise ValueError
    return (str(pair[0]), str(pair[1]))


def _validated(model: type[Any], said: Mapping[str, Any], no: int, faults: list[Fault]) -> Any:
    """One fault for each column: what could not even be read is not also said to be missing."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        told = {fault.pointer for fault in faults}
        for one in error.errors():
            column = str(one["loc"][0]) if one["loc"] else "file"
            if column == "point":
                column = "lon" if one["loc"][-1] == 0 else "lat"
            if column == "entered":
                column = "northing"
            code, text = _WORDS.get(one["type"], ("unreadable", UNREADABLE))
            pointer = f"/rows/{no}/{column}"
            if pointer not in told:
                told.add(pointer)
                faults.append(Fault(pointer, code, text))
        return None


_WORDS = {
    "missing": ("missing", N_("This value is required.")),
    "literal_error": ("not_in_list", N_("This value is not in the list of allowed values.")),
    "greater_than_equal": ("too_small", N_("This number is too small.")),
    "less_than_equal": ("too_large", N_("This number is too large.")),
    "decimal_max_places": ("too_exact", N_("This number has too many decimals.")),
}


def sorted_out(
    lines: Iterable[tuple[int, Sequence[Cell]]], header: Sequence[str], book: Headings, *, strict_width: bool
) -> Iterator[tuple[int, Sequence[Cell]] | Unread]:
    """Rows with what is none of them told apart: footnotes, totals, the header again. A second table ends the reading.

    `strict_width`: another number of cells than the header's is a fault, as in a CSV, where it is a separator too many.
    """
    own = [fold(name) for name in header]
    blank = False
    for no, cells in lines:
        filled = [str(cell) for cell in cells if cell is not None and (not isinstance(cell, str) or cell.strip())]
        if not filled:
            blank = True
            continue
        if len(filled) >= 3 and all(isinstance(c, str) for c in cells if c is not None) and _is_header(filled, book):
            if [fold(str(cell or "")) for cell in cells][: len(own)] == own:
                text = N_("This row repeats the header and is left out.")
                yield Unread(no, (Fault(f"/rows/{no}/file", "repeated_header", text),), ignored=True)
                continue
            text = N_("Another table begins here. Put each table into a file of its own.")
            yield Unread(no, (Fault(f"/rows/{no}/file", "second_table", text),))
            return
        if len(own) >= 4 and len(filled) <= 2 and _is_tail(filled, blank):
            text = N_("This row is a note or a total, not a structure, and is left out.")
            yield Unread(no, (Fault(f"/rows/{no}/file", "footnote", text),), ignored=True)
            continue
        if strict_width and len(cells) != len(own) and any(str(cell).strip() for cell in cells[len(own) :] or ("x",)):
            text = N_("This row has {found} cells, the header {expected}.")
            yield Unread(no, (Fault(f"/rows/{no}/file", "cells", text, found=len(cells), expected=len(own)),))
            continue
        blank = False
        yield no, cells


def _is_header(filled: Sequence[str], book: Headings) -> bool:
    return sum(book.knows(word) for word in filled) * 2 > len(filled)


def _is_tail(filled: Sequence[str], blank: bool) -> bool:
    said = fold(re.sub(r"^[*(]+", "", filled[0]))
    return said.startswith(_TAILS) or (len(filled) == 1 and (blank or len(filled[0]) > 40 or filled[0].startswith("*")))
