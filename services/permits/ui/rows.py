"""Rows of the queue and of the lists, as the templates want them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kernel.web.formats import unit_in_text
from services.permits.domain.calendar import Calendar
from services.permits.ui.words import DECIDED, Chip, Words

MOST_COLUMNS = 4


@dataclass(frozen=True)
class Row:
    id: str
    number: str
    href: str
    applicant: str
    work: str
    place: str
    more_sites: int
    state: str
    step: str
    chip: Chip
    due: str
    due_iso: str
    received: str
    marks: Sequence[tuple[str, str, str]]
    answered: int
    asked: int
    assignee: str

    @property
    def mark_list(self) -> list[tuple[str, str]]:
        return [(kind, label) for kind, _, label in self.marks]


@dataclass(frozen=True)
class Columns:
    """The functions that head the review columns, in their order; too many become one count."""

    functions: Sequence[str]

    @property
    def counted(self) -> bool:
        return len(self.functions) > MOST_COLUMNS


def columns(rows: Iterable[Mapping[str, Any]], words: Words, usual: Sequence[str]) -> Columns:
    asked = {review["function"] for row in rows for review in row["reviews"]} | set(usual)
    return Columns([code for code in words.lexicon.lists["function"] if code in asked])


def build(
    rows: Sequence[Mapping[str, Any]],
    words: Words,
    *,
    heads: Columns,
    places: Mapping[str, str],
    today: date,
    calendar: Calendar,
) -> list[Row]:
    return [_row(row, words, heads, places, today, calendar) for row in rows]


def _row(
    row: Mapping[str, Any], words: Words, heads: Columns, places: Mapping[str, str], today: date, calendar: Calendar
) -> Row:
    site, deadline = row["sites"][0], row["deadline"]
    due_on = deadline["due_on"] if deadline else None
    return Row(
        id=row["id"],
        number=row["number"],
        href=f"/permits/applications/{row['id']}",
        applicant=words.org(row["applicant"]),
        work=words.work(site),
        place=unit_in_text(places.get(site["commune"], site["commune"])),
        more_sites=len(row["sites"]) - 1,
        state=row["state"],
        step=_step(row, words),
        chip=_chip(row, words, today, calendar),
        due=words.short_day(due_on) if due_on and due_on[:4] == str(today.year) else words.day(due_on),
        due_iso=due_on or "",
        received=words.day(row["received_on"]),
        marks=_marks(row, words, heads, today),
        answered=sum(review["outcome"] is not None for review in row["reviews"]),
        asked=len(row["reviews"]),
        assignee=row.get("assignee_name") or row.get("assigned_name") or "",
    )


def _step(row: Mapping[str, Any], words: Words) -> str:
    decision = row.get("decision")
    if decision and row["state"] == "decided":
        return words._(DECIDED.get(decision["outcome"], decision["outcome"]))
    return words.step(row["state"])


def _chip(row: Mapping[str, Any], words: Words, today: date, calendar: Calendar) -> Chip:
    if row["state"] == "withdrawn":
        return Chip("done", words._("Withdrawn"))
    return words.chip(row["deadline"], today, calendar)


def _marks(row: Mapping[str, Any], words: Words, heads: Columns, today: date) -> list[tuple[str, str, str]]:
    """(kind, letters, label) per column; the newest round of a function counts."""
    newest = {review["function"]: review for review in row["reviews"]}
    found = []
    for function in heads.functions:
        review = newest.get(function)
        kind, label = (
            words.mark(review, today)
            if review
            else ("none", f"{words.code('function', function)}: {words._('Not asked')}")
        )
        found.append((kind, words.short(function), label))
    return found


def legend(words: Words) -> list[tuple[str, str]]:
    return [
        ("agree", words._("Agrees")),
        ("cond", words._("With conditions")),
        ("disagree", words._("Objects")),
        ("draft", words._("Being drafted")),
        ("wait", words._("Not answered yet")),
        ("late", words._("Overdue")),
        ("silent", words._("Silent")),
    ]
