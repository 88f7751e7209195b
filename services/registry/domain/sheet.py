"""A CSV of structures as our own clients write it: English headers that are stable, UTF-8, all faults at once."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from kernel.errors import N_, Fault
from services.registry.domain.files.grids import MOST_COLUMNS
from services.registry.domain.files.headings import Headings
from services.registry.domain.files.rows import Reader, Row, Unread
from services.registry.domain.structure import FACTS

REQUIRED = ("owner", "lon", "lat", "commune", "status", "valid_from")
_OWN = ("code_system", "code", "lon", "lat", "valid_from", "evidence", "reason")
_NOT_COLUMNS = ("code", "point", "entered", "external_ids", "positions", "line")
MOST_FAULTS = 1000


@dataclass
class Sheet:
    """`rows` hold the number of the line in the file (the header is line 1), its facts and its day."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0


def columns(kind: str) -> list[str]:
    """Every header a file of this kind may have."""
    facts = [name for name in FACTS[kind].model_fields if name not in _NOT_COLUMNS]
    return [*facts, *_OWN]


def read(content: bytes, kind: str, most: int, book: Headings) -> Sheet:
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
            _fill(sheet, Reader(kind, header, book), header, lines, most)
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


def _fill(sheet: Sheet, reader: Reader, header: list[str], lines: Iterator[list[str]], most: int) -> None:
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
        row = reader.read(no, cells)
        if isinstance(row, Unread):
            sheet.faults += row.faults
        else:
            sheet.rows.append(row)
        if len(sheet.faults) > MOST_FAULTS:
            text = N_("There are more than {most} faults; mend these first.")
            sheet.faults.append(Fault(f"/rows/{no}/file", "too_many_faults", text, most=MOST_FAULTS))
            return
