"""A CSV of structures: every fault of every row at once. Headers are English and stable."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from kernel.errors import N_, Fault
from services.registry.domain.structure import FACTS

REQUIRED = ("owner", "lon", "lat", "commune", "status", "valid_from")
_OWN = ("code_system", "code", "lon", "lat", "valid_from", "evidence", "reason")
MOST_COLUMNS = 100
MOST_FAULTS = 1000
_TRUE, _FALSE = {"true", "yes", "1", "x"}, {"false", "no", "0"}
_BOOLEANS, _NUMBERS = {"synthetic", "solid"}, {"height_m", "building_height_m", "length_m", "lon", "lat"}


@dataclass
class Sheet:
    """`rows` hold the number of the line in the file (the header is line 1), its facts and its day."""

    rows: list["SheetRow"] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0


@dataclass(frozen=True)
class SheetRow:
    no: int
    facts: Any
    valid_from: date
    evidence: int
    reason: str


def columns(kind: str) -> list[str]:
    """Every header a file of this kind may have."""
    facts = [name for name in FACTS[kind].model_fields if name not in ("code", "point")]
    return [*facts, *_OWN]


def read(content: bytes, kind: str, most: int) -> Sheet:
    """UTF-8 with or without its mark; comma or semicolon. `most` bounds the rows."""
    sheet = Sheet()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        sheet.faults.append(Fault("/rows/0/file", "encoding", N_("This file is not UTF-8. Save it as CSV UTF-8.")))
        return sheet
    delimiter = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        sheet.faults += _header_faults(header, kind)
        if not sheet.faults:
            _fill(sheet, kind, header, lines, delimiter == ";", most)
    except csv.Error:
        sheet.faults.append(Fault(f"/rows/{lines.line_num}/file", "malformed", N_("This line is not valid CSV.")))
    if not sheet.lines and not sheet.faults:
        sheet.faults.append(Fault("/rows/0/file", "empty", N_("This file has no rows.")))
    return sheet


def _header_faults(header: list[str], kind: str) -> list[Fault]:
    known = columns(kind)
    if len(header) > MOST_COLUMNS:
        text = N_("A file has at most {most} columns.")
        return [Fault("/rows/1/file", "too_many_columns", text, most=MOST_COLUMNS)]
    unknown = [name for name in header if name not in known]
    doubled = sorted(name for name, times in Counter(header).items() if times > 1)
    return [
        *(Fault(f"/rows/1/{n or '?'}", "unknown_column", N_("Column {name} is not known."), name=n) for n in unknown),
        *(Fault(f"/rows/1/{n}", "doubled_column", N_("Column {name} stands twice."), name=n) for n in doubled),
        *(
            Fault(f"/rows/1/{n}", "missing_column", N_("Column {name} is missing."), name=n)
            for n in REQUIRED
            if n not in header
        ),
    ]


def _fill(
    sheet: Sheet, kind: str, header: list[str], lines: Iterator[list[str]], comma_decimal: bool, most: int
) -> None:
    for no, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        sheet.lines += 1
        if sheet.lines > most:
            sheet.faults.append(
                Fault(f"/rows/{no}/file", "too_many", N_("A file holds at most {most} rows."), most=most)
            )
            return
        if len(cells) != len(header):
            text = N_("This row has {found} cells, the header {expected}.")
            sheet.faults.append(Fault(f"/rows/{no}/file", "cells", text, found=len(cells), expected=len(header)))
            continue
        given = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
        _take(sheet, kind, no, given, comma_decimal)
        if len(sheet.faults) > MOST_FAULTS:
            text = N_("There are more than {most} faults; mend these first.")
            sheet.faults.append(Fault(f"/rows/{no}/file", "too_many_faults", text, most=MOST_FAULTS))
            return


def _take(sheet: Sheet, kind: str, no: int, given: Mapping[str, str], comma_decimal: bool) -> None:
    faults = [
        Fault(f"/rows/{no}/{name}", "formula", N_("This cell begins like a formula."))
        for name, cell in given.items()
        if cell.startswith(("=", "@"))
    ]
    said = {name: _typed(name, cell, comma_decimal) for name, cell in given.items()}
    own = {name: said.pop(name, None) for name in _OWN}
    if own["code_system"] or own["code"]:
        said["code"] = (own["code_system"] or "", own["code"] or "")
    if own["lon"] is not None and own["lat"] is not None:
        said["point"] = (own["lon"], own["lat"])
    facts = _validated(FACTS[kind], said, no, faults)
    beside = {name: own[name] for name in ("valid_from", "evidence", "reason") if own[name] is not None}
    row = _validated(_Beside, beside, no, faults)
    if facts is not None and row is not None and not faults:
        sheet.rows.append(SheetRow(no, facts, row.valid_from, row.evidence, row.reason))
    sheet.faults += faults


class _Beside(BaseModel):
    valid_from: date
    evidence: int = 1
    reason: str = ""


def _typed(name: str, cell: str, comma_decimal: bool) -> Any:
    if name in _NUMBERS and comma_decimal:
        return cell.replace(",", ".")
    if name in _BOOLEANS:
        return True if cell.lower() in _TRUE else False if cell.lower() in _FALSE else cell
    local = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", cell) if name == "valid_from" else None
    return f"{local[3]}-{local[2]:0>2}-{local[1]:0>2}" if local else cell


def _validated(model: type[Any], said: Mapping[str, Any], no: int, faults: list[Fault]) -> Any:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        for one in error.errors():
            column = str(one["loc"][0])
            if column == "point":
                column = "lon" if one["loc"][-1] == 0 else "lat"
            kind, text = _WORDS.get(
                one["type"], ("unreadable", N_("This value cannot be read as what is expected here."))
            )
            faults.append(Fault(f"/rows/{no}/{column}", kind, text))
        return None


_WORDS = {
    "missing": ("missing", N_("This value is required.")),
    "literal_error": ("not_in_list", N_("This value is not in the list of allowed values.")),
    "greater_than_equal": ("too_small", N_("This number is too small.")),
    "less_than_equal": ("too_large", N_("This number is too large.")),
}
