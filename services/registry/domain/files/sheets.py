"""How far the cells of a workbook's sheets lie apart, read before the reader that lays every sheet out in memory.

Two cells, in the first corner and in the last, make a file of a kilobyte; laid out they are 17 thousand million cells.
"""

import re
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

# As far as a sheet reaches, and what it may take in memory: some 300 MB.
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 1_048_576, 16_384, 10_000_000
_PIECE = 64 * 1024
_MARK = b"sheetData"
_PLACE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")


class TooSpread(Exception):
    """The rectangle around the cells that say something is larger than we lay out."""


class NoWorkbook(Exception):
    """An entry that could be a sheet can be read in two ways, or not at all."""


class _Declares(Exception):
    """Entities could mean anything. A picture may declare some, a sheet not."""


def check(archive: zipfile.ZipFile) -> None:
    """Every entry, wherever it lies: which of them are sheets is for the workbook to say. Raises the two above."""
    for entry in archive.infolist():
        try:
            with archive.open(entry) as stream:
                _check_entry(stream)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            raise NoWorkbook from error


def _check_entry(stream: Any) -> None:
    scan, is_xml, is_marked, tail = _Scan(), True, False, b""
    while piece := stream.read(_PIECE):
        is_marked = is_marked or _MARK in tail + piece
        tail = piece[-len(_MARK) :]
        is_xml = is_xml and scan.feed(piece)
    is_xml = is_xml and scan.feed(b"", is_last=True)
    if is_marked and not is_xml:
        # A reader more lenient than ours would go on where we stopped.
        raise NoWorkbook


class _Scan:
    """The rectangle around cells with a content; a cell without a place follows the one before it."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._is_within = False
        self._row = self._column = -1
        self._at: tuple[int, int] | None = None
        self._first: tuple[int, int] = (MOST_ROWS, MOST_COLUMNS)
        self._last: tuple[int, int] = (-1, -1)

    def feed(self, piece: bytes, *, is_last: bool = False) -> bool:
        """Whether it is XML so far."""
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, _Declares):
            return False
        return True

    def _refuse(self, *_: object) -> None:
        raise _Declares

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self._is_within:
            self._is_within = local == "sheetData"
        elif local == "row":
            self._row = _number(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
        elif local == "c":
            place = attributes.get("r")
            self._at = _place(place) if place is not None else (self._row, self._column + 1)
            self._column = self._at[1]
        else:
            if self._at is not None and local in ("v", "is", "f"):
                self._reach(self._at)
            self._at = None

    def _reach(self, at: tuple[int, int]) -> None:
        row, column = at
        if not (0 <= row < MOST_ROWS and 0 <= column < MOST_COLUMNS):
            raise TooSpread
        self._first = min(self._first[0], row), min(self._first[1], column)
        self._last = max(self._last[0], row), max(self._last[1], column)
        if (self._last[0] - self._first[0] + 1) * (self._last[1] - self._first[1] + 1) > MOST_CELLS:
            raise TooSpread


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise NoWorkbook
    return int(text)


def _place(text: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise NoWorkbook
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1
