"""What a workbook's sheets would take in memory is known before they are laid out."""

import io
import zipfile

import pytest
import xlsxwriter

from services.registry.domain.files import grids, sheets
from services.registry.domain.files.grids import FileUnreadable, Reading

pytestmark = pytest.mark.unit
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
SPARSE = f"<worksheet {MAIN}><sheetData>{FAR}</sheetData></worksheet>"


def book(sheet: str = "", path: str = "xl/worksheets/sheet1.xml", **more: bytes) -> io.BytesIO:
    """A real workbook whose first sheet is replaced or joined by what is given."""
    made = io.BytesIO()
    workbook = xlsxwriter.Workbook(made)
    page = workbook.add_worksheet("Cột")
    for no, row in enumerate([["Tên", "Chiều cao"], ["CMU-1", 42]]):
        page.write_row(no, 0, row)
    page.write_blank(1_048_575, 16_383, None, workbook.add_format({"bold": True}))
    workbook.close()
    if not sheet and not more:
        return made
    changed = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if not sheet or entry.filename != path:
                new.writestr(entry.filename, old.read(entry))
        if sheet:
            new.writestr(path, sheet)
        for name, content in more.items():
            new.writestr(f"xl/media/{name}.svg", content)
    return changed


def opened(file: io.BytesIO) -> grids.Grid:
    return grids.opened(file, grids.XLSX, Reading(), lambda word: word == "Tên", 200)


def test_a_style_far_away_is_no_cell_and_a_picture_no_sheet():
    drawn = b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg/>'
    grid = opened(book(picture=drawn, other=b"\x89PNG no xml <a"))
    assert grid.header == ["Tên", "Chiều cao"]
    assert [list(cells)[:2] for _, cells in grid.rows] == [["CMU-1", 42]]


@pytest.mark.parametrize(
    ("sheet", "path"),
    [
        (SPARSE, "xl/worksheets/sheet1.xml"),
        (SPARSE, "xl/theme/elsewhere.bin"),
        (SPARSE.replace("<c ", "<x:c ").replace("</c>", "</x:c>").replace("xmlns=", 'xmlns:x="m" xmlns='), "s.xml"),
        (SPARSE.replace('r="', "r='").replace('"><v', "'><v").replace('"><c', "'><c"), "s.xml"),
        (SPARSE.replace("XFD1048576", "&#88;FD1048576"), "s.xml"),
        (SPARSE.replace("<v>1</v></c></row></sheetData>", "<is><t>x</t></is></c></row></sheetData>"), "s.xml"),
        (SPARSE.replace('<c r="XFD1048576">', "<c/>" * 16_383 + "<c>"), "s.xml"),
    ],
    ids=["as it is", "anywhere", "prefixed", "single quotes", "escaped", "inline", "without places"],
)
def test_cells_that_lie_too_far_apart_are_refused_before_anything_is_laid_out(sheet: str, path: str):
    with pytest.raises(FileUnreadable) as refused:
        opened(book(sheet, path))
    assert refused.value.errors[0].code == "too_spread"


@pytest.mark.parametrize(
    "sheet",
    [
        SPARSE.replace("<sheetData>", "<sheetData><b>&nothing;</b>"),
        SPARSE.replace(FAR, "").replace("</worksheet>", ""),
        SPARSE.replace("<sheetData>", '<sheetData a="1" a="2">'),
        f'<!DOCTYPE x [<!ENTITY e "{"x" * 50}">]>{SPARSE}',
        SPARSE.replace("XFD1048576", "ZZZZ99999999"),
        SPARSE.replace('<row r="1048576">', '<row r="-5">'),
    ],
    ids=["entity", "unfinished", "twice", "doctype", "no place", "no row"],
)
def test_a_sheet_that_two_readers_could_read_differently_is_none(sheet: str):
    with pytest.raises(FileUnreadable) as refused:
        opened(book(sheet))
    assert refused.value.errors[0].code == "workbook"


def test_a_full_sheet_is_let_in():
    cells = "".join(
        f'<row r="{no}"><c r="A{no}"><v>1</v></c><c r="CV{no}"><v>1</v></c></row>' for no in range(1, 2_000)
    )
    with zipfile.ZipFile(book(f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>")) as archive:
        sheets.check(archive)
