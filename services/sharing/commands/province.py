"""The province's report on paper and as a workbook: the same tables that the page shows."""

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

from kernel.errors import N_
from kernel.papers import paper
from kernel.web import formats
from services.sharing.domain import reporting

PDF = "application/pdf"
TEMPLATE = Path(__file__).parents[1] / "paper" / "report.typ"
Names = Mapping[str, tuple[str, str]]
Say = Callable[[str], str]
AGENCY, OFFICE = N_("People's Committee of the province"), N_("Department in charge of telecommunications")
NOTHING_HELD, NO_ROWS = N_("Not recorded here."), N_("No rows.")
STATE_OF, OPENED_AT, IN_TIME, REPORTS = (
    N_("State of"),
    N_("Round opened"),
    N_("Last day to report"),
    N_("Reports received"),
)
BASIS = N_("Legal basis")
FORM = N_("Form {no}: {title}")
COUNTED = N_("Lines count as they were told to the enterprise; a dispute that was accepted counts as it claims.")


class Table(NamedTuple):
    """One form in the reader's words; `numbers`: places of the columns that hold numbers."""

    no: int
    title: str
    note: str
    held: bool
    heads: list[str]
    rows: list[list[Any]]
    numbers: frozenset[int]


def table(form: Mapping[str, Any], names: Names, say: Say, lang: str) -> Table:
    columns = [name for name in form["columns"] if name != "height_to"]
    return Table(
        form["no"],
        form["title"][lang],
        form["note"][lang],
        form["held"],
        [say(reporting.HEADS["height" if name == "height_from" else name]) for name in columns],
        [[_cell(row, name, names, say, lang) for name in columns] for row in form["rows"]],
        frozenset(at for at, name in enumerate(columns) if name not in _TEXTS),
    )


_TEXTS = {"unit", "kind", "code", "height_from", "technology", "org", "status"}


def _cell(row: Mapping[str, Any], name: str, names: Names, say: Say, lang: str) -> Any:
    value = row[name]
    if name == "height_from":
        return _band(value, row["height_to"])
    if name == "org":
        return names[value][0 if lang == "vi" else 1] if value in names else value
    words = {"kind": reporting.STRUCTURE_KIND, "status": reporting.STRUCTURE_STATUS}.get(name)
    if words is not None:
        return say(words.get(value, value))
    return "–" if value in ("", None) else value


def _band(lower: int | None, upper: int | None) -> str:
    if lower is None and upper is None:
        return "–"
    return f"< {upper}" if lower is None else f"≥ {lower}" if upper is None else f"{lower} – < {upper}"


def about(cycle: Mapping[str, Any], say: Say, lang: str) -> list[tuple[str, str]]:
    """What every form stands on: the day, the knowledge, the deadline, how many answered."""
    return [
        (say(STATE_OF), formats.day(date.fromisoformat(cycle["as_of"]), lang)),
        (say(OPENED_AT), formats.moment(datetime.fromisoformat(cycle["opened_at"]), lang)),
        (say(IN_TIME), formats.day(date.fromisoformat(cycle["last_good_day"]), lang)),
        (say(REPORTS), f"{cycle['submitted']}/{cycle['reports']}"),
        (say(BASIS), cycle["source"]),
    ]


async def written(
    cycle: Mapping[str, Any],
    forms: Sequence[Mapping[str, Any]],
    names: Names,
    say: Say,
    lang: str,
    *,
    as_pdf: bool,
    now: datetime,
) -> bytes:
    """The report as PDF/A or XLSX, `forms` from `queries.consolidation`."""
    tables = [table(form, names, say, lang) for form in forms]
    if not as_pdf:
        return await asyncio.to_thread(_workbook, cycle["title"][lang], about(cycle, say, lang), tables, say)
    content = {
        "title": cycle["title"][lang],
        "agency": say(AGENCY),
        "office": say(OFFICE),
        "about": about(cycle, say, lang),
        "counted": say(COUNTED),
        "forms": [
            {
                "title": say(FORM).format(no=each.no, title=each.title),
                "note": each.note,
                "heads": each.heads,
                "rows": [[_text(cell, lang) for cell in row] for row in each.rows],
                "numbers": sorted(each.numbers),
                "empty": say(NO_ROWS if each.held else NOTHING_HELD),
            }
            for each in tables
        ],
    }
    return await paper(TEMPLATE, content, now=now, locale=lang)


def _text(cell: Any, lang: str) -> str:
    return formats.number(cell, lang) if isinstance(cell, int | float) else str(cell)


def _workbook(title: str, facts: Sequence[tuple[str, str]], tables: Sequence[Table], say: Say) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    strong, head = book.add_format({"bold": True, "font_size": 14}), book.add_format({"bold": True, "bottom": 1})
    front = book.add_worksheet(say(N_("Report")))
    front.set_column(0, 0, 28)
    front.set_column(1, 1, 80)
    front.write(0, 0, title, strong)
    for at, (term, value) in enumerate(facts, 2):
        front.write(at, 0, term)
        front.write(at, 1, value)
    front.write(len(facts) + 3, 0, say(COUNTED))
    for each in tables:
        sheet = book.add_worksheet(say(N_("Form {no}")).format(no=each.no))
        sheet.write(0, 0, each.title, strong)
        sheet.write(1, 0, each.note)
        if not each.held:
            sheet.write(3, 0, say(NOTHING_HELD))
            continue
        sheet.write_row(3, 0, each.heads, head)
        sheet.freeze_panes(4, 0)
        sheet.set_column(0, max(len(each.heads) - 1, 0), 18)
        for at, row in enumerate(each.rows, 4):
            sheet.write_row(at, 0, row)
    book.close()
    return file.getvalue()
