"""A file as a table: its header, its rows one by one, and what was odd about it. CSV, XLSX and GeoJSON."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

import orjson
import python_calamine
from pydantic import BaseModel, ConfigDict

from kernel.errors import N_, Fault, Invalid
from services.registry.domain.files import encodings, sheets

CSV, XLSX, GEOJSON = "csv", "xlsx", "geojson"
Cell = str | float | int | bool | date | None
HEADER_WITHIN = 20
MOST_COLUMNS = 100
SAMPLES = 5
# An entry of an archive may grow by as much; real sheets grow by 5 to 30.
MOST_GROWTH = 200
_DAMAGED = N_("This workbook cannot be opened; it may be damaged or locked.")
_SEPARATORS = (";", "\t", "|", ",")
csv.field_size_limit(1_000_000)


class FileUnreadable(Invalid):
    detail = N_("This file cannot be read as a table.")


class Reading(BaseModel):
    """How a file is read; what is not said is guessed from it. `header_row` counts as people do, from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: str | None = None
    legacy: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_row: int | None = None


@dataclass
class Grid:
    """`rows` are read once, while the file is open; numbers as the file's own program counts them."""

    form: str
    reading: Reading
    header: list[str]
    rows: Iterator[tuple[int, Sequence[Cell]]]
    suspected: str | None = None
    sheets: list[str] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


Known = Callable[[str], bool]


def unreadable(code: str, text: str, **params: Any) -> FileUnreadable:
    return FileUnreadable(errors=[Fault("/file", code, text, **params)])


def form_of(start: bytes, name: str) -> str:
    """By the content first: a name is easily wrong."""
    if start.startswith(b"PK\x03\x04"):
        return XLSX
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise unreadable("old_excel", N_("This is the old Excel format. Save it as .xlsx, or as CSV."))
    if start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
        raise unreadable("no_table", N_("This is a document or a picture, not a table."))
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return GEOJSON if head.startswith(b"{") or name.lower().endswith((".geojson", ".json")) else CSV


def opened(file: BinaryIO, form: str, reading: Reading, known: Known, unpacked_mb: int) -> Grid:
    """`known`: whether a heading is one of ours, by which the header is found. Raises FileUnreadable (422)."""
    file.seek(0)
    if form == XLSX:
        return _workbook(file, reading, known, unpacked_mb)
    return _geojson(file, reading) if form == GEOJSON else _text(file, reading, known)


def _text(file: BinaryIO, reading: Reading, known: Known) -> Grid:
    start = file.read(64 * 1024)
    guess = encodings.guess(start)
    encoding = reading.encoding or guess.encoding
    file.seek(0)
    try:
        text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
    except LookupError as error:
        raise unreadable("encoding", N_("There is no encoding {name}."), name=encoding) from error
    separator = reading.separator or _separator(encodings.decoded(start, encoding))
    lines = _lines(text, separator)
    given = Reading(encoding=encoding, legacy=reading.legacy, separator=separator, header_row=reading.header_row)
    grid = _headed(CSV, given, lines, known)
    grid.suspected = None if reading.legacy else guess.legacy
    return grid


def _separator(text: str) -> str:
    """The one that parts the lines alike: a semicolon where the comma is a decimal's."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:HEADER_WITHIN] if line.strip()]
    return max(_SEPARATORS, key=lambda sign: (max((line.count(sign) for line in lines[:1]), default=0), sign == ";"))


def _lines(text: io.TextIOWrapper, separator: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    reader = csv.reader(text, delimiter=separator)
    try:
        first = True
        for cells in reader:
            if first and cells:
                cells[0], first = cells[0].lstrip("\ufeff"), False
            yield reader.line_num, cells
    except csv.Error as error:
        raise unreadable("malformed", N_("Line {no} is not valid CSV."), no=reader.line_num) from error
    except UnicodeDecodeError as error:
        text_ = N_("This file is not written in {encoding} throughout, near line {no}. Choose another encoding.")
        raise unreadable("encoding", text_, encoding=error.encoding, no=reader.line_num) from error


def _workbook(file: BinaryIO, reading: Reading, known: Known, unpacked_mb: int) -> Grid:
    _guard(file, unpacked_mb)
    try:
        book = python_calamine.CalamineWorkbook.from_object(file)
        names = book.sheet_names
        chosen = reading.sheet or next((name for name in names if book.get_sheet_by_name(name).total_height), None)
        if chosen is None or chosen not in names:
            raise unreadable("no_sheet", N_("This workbook has no such sheet with rows."))
        sheet = book.get_sheet_by_name(chosen)
    except (python_calamine.CalamineError, python_calamine.PasswordError, OSError) as error:
        raise unreadable("workbook", _DAMAGED) from error
    merged = [((a, b), (c, d)) for (a, b), (c, d) in sheet.merged_cell_ranges or []]
    given = Reading(sheet=chosen, legacy=reading.legacy, header_row=reading.header_row)
    grid = _headed(XLSX, given, _sheet_rows(sheet, merged), known, merged)
    grid.sheets = list(names)
    if reading.legacy is None:
        start = "\n".join(cell for row in sheet.to_python(nrows=200) for cell in row if isinstance(cell, str))
        grid.suspected = encodings.suspected(start)
    return grid


def _guard(file: BinaryIO, unpacked_mb: int) -> None:
    """What an archive says it unpacks to is summed before anything is unpacked; zlib then holds it to its word.

    How far apart its cells lie is read before the reader that lays sheets out whole.
    """
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise unreadable("workbook", _DAMAGED) from error
    entries = archive.infolist()
    size = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if size > unpacked_mb * 1024 * 1024 or size > max(packed, 50_000) * MOST_GROWTH or len(entries) > 10_000:
        raise unreadable("zip_bomb", N_("This workbook unpacks to more than {limit} MB."), limit=unpacked_mb)
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        raise unreadable("no_table", N_("This is a document or a picture, not a table."))
    try:
        sheets.check(archive)
    except sheets.NoWorkbook as error:
        raise unreadable("workbook", _DAMAGED) from error
    except sheets.TooSpread as error:
        text = N_("The cells of a sheet lie too far apart: delete what stands far from the table.")
        raise unreadable("too_spread", text) from error
    file.seek(0)


Range = tuple[tuple[int, int], tuple[int, int]]


def _sheet_rows(sheet: Any, merged: Sequence[Range]) -> Iterator[tuple[int, Sequence[Cell]]]:
    """Merged cells say in each of their places what they say in the first."""
    spread = {
        (row, column): start
        for start, end in merged
        if start[0] < HEADER_WITHIN
        for row in range(start[0], min(end[0], HEADER_WITHIN) + 1)
        for column in range(start[1], min(end[1], MOST_COLUMNS) + 1)
    }
    said: dict[tuple[int, int], Cell] = {}
    offset = sheet.start[0] if sheet.start else 0
    for no, cells in enumerate(sheet.iter_rows(), start=offset):
        row = [_cell(cell) for cell in cells]
        if no < HEADER_WITHIN and spread:
            said |= {(no, column): cell for column, cell in enumerate(row)}
            row = [said.get(spread.get((no, c), (no, c)), cell) for c, cell in enumerate(row)]
        yield no + 1, row


def _cell(cell: Any) -> Cell:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, time | timedelta):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell if cell != "" else None


def _headed(
    form: str,
    reading: Reading,
    lines: Iterator[tuple[int, Sequence[Cell]]],
    known: Known,
    merged: Sequence[Range] = (),
) -> Grid:
    """The header is the row most of whose cells are headings we know; what stands above it is a title."""
    first: list[tuple[int, Sequence[Cell]]] = []
    for line in lines:
        first.append(line)
        if line[0] >= (reading.header_row or HEADER_WITHIN):
            break
    at = _header_at(first, reading.header_row, lambda word: known(_relieved(word, reading.legacy)))
    if at is None:
        raise unreadable("empty", N_("This file has no rows."))
    no, cells = first[at]
    header = [" ".join(_relieved(cell, reading.legacy).split()) for cell in cells]
    while header and not header[-1]:
        header.pop()
    if len(header) > MOST_COLUMNS:
        raise unreadable("too_many_columns", N_("A file has at most {most} columns."), most=MOST_COLUMNS)
    notes = [Fault("/file", "title_rows", N_("Rows above row {no} are a title and are left out."), no=no)] if at else []
    if any(start[0] <= no - 1 <= end[0] for start, end in merged):
        notes.append(Fault("/file", "merged_header", N_("Cells of the header are merged; check what each column is.")))
    rest = _chained(first[at + 1 :], lines)
    return Grid(form, reading.model_copy(update={"header_row": no}), header, rest, notes=notes)


def _relieved(cell: Cell, legacy: str | None) -> str:
    text = str(cell or "")
    return encodings.relieved(text, legacy) if legacy else text


def _header_at(first: Sequence[tuple[int, Sequence[Cell]]], wanted: int | None, known: Known) -> int | None:
    if wanted is not None:
        return next((place for place, (no, _) in enumerate(first) if no == wanted), None)
    best, most = None, (0, 0)
    for place, (_, cells) in enumerate(first):
        words = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
        # Of rows that know as many headings the earliest; without any, the first row that is filled at all.
        weight = (sum(known(word) for word in words), 1 if words else 0)
        if weight > most:
            best, most = place, weight
    return best


def _chained(
    first: Sequence[tuple[int, Sequence[Cell]]], rest: Iterator[tuple[int, Sequence[Cell]]]
) -> Iterator[tuple[int, Sequence[Cell]]]:
    yield from first
    yield from rest


def _geojson(file: BinaryIO, reading: Reading) -> Grid:
    """Properties are columns; a point gives `lon` and `lat`, a line its `line`. Rows count from 1."""
    try:
        given = orjson.loads(file.read().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise unreadable("not_json", N_("This file is not valid JSON.")) from error
    features = given.get("features") if isinstance(given, dict) else None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise unreadable("no_features", N_("This file is no GeoJSON FeatureCollection."))
    names: dict[str, None] = {}
    for one in features:
        names |= dict.fromkeys(one.get("properties") or {})
        if len(names) > MOST_COLUMNS:
            raise unreadable("too_many_columns", N_("A file has at most {most} columns."), most=MOST_COLUMNS)
    header = [*names, *(name for name in ("lon", "lat") if name not in names)]
    return Grid(GEOJSON, Reading(), header, _features(features, header))


def _features(features: Sequence[dict[str, Any]], header: Sequence[str]) -> Iterator[tuple[int, Sequence[Cell]]]:
    for no, one in enumerate(features, start=1):
        said = dict(one.get("properties") or {})
        geometry = one.get("geometry") or {}
        if geometry.get("type") == "Point" and len(geometry.get("coordinates") or ()) >= 2:
            said["lon"], said["lat"] = geometry["coordinates"][:2]
        yield no, [_plain(said.get(name)) for name in header]


def _plain(value: Any) -> Cell:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value
