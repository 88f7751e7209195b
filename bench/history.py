"""The two-time engine by itself: `python -m bench.history [seconds a round]`, no database, no network.

What one further change costs at histories of 3, 10 and 50 changes: `believe` (all versions believed), `revise` (what
the newest change alters), and what a command really does, the ledger's `page` and `add`. The reference is the naive
reading of the rule: for every day on which something may change and every attribute, search all changes.
"""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from bench.instruments.load import Sample
from bench.instruments.rounds import Outcome
from bench.instruments.table import show
from infra.local.seed.registry import DEMO
from kernel.db import new_id
from kernel.history import REGISTER, Change, Rectangle, believe, revise
from services.registry.commands.ledger import Statement, add, page
from services.registry.queries.logs import Log

LENGTHS = (3, 10, 50)
ROUNDS = 7
FIRST = {
    "owner": "VIETTEL",
    "status": "planned",
    "code": ["TT14", "A2b"],
    "height_m": "42.00",
    "point": [105.15, 9.17],
    "commune": "32002@2023",
    "capacity": 3,
    "name": "CM 0042",
    "foundation": "ground",
}
ATTRIBUTES = ("height_m", "capacity", "status", "owner", "name")


def history(length: int) -> list[Change]:
    """A registration, then changes of one or two facts on days in any order; every fifth corrects an earlier one."""
    random = Random(length)
    start, now = date(2015, 3, 1), datetime(2023, 7, 3, tzinfo=UTC)
    changes = [Change(new_id(), 1, REGISTER, start, FIRST, now)]
    corrected: set[UUID] = set()
    for no in range(2, length + 1):
        target = random.choice(changes[1:]) if no % 5 == 0 and len(changes) > 1 else None
        if target is not None and target.id in corrected:
            target = None
        patch = {name: f"{name} {no}" for name in random.sample(ATTRIBUTES, random.randint(1, 2))}
        day = target.valid_from if target else start + timedelta(days=random.randrange(1, 4000))
        corrects = target.id if target else None
        act = "correct" if target else "change"
        changes.append(Change(new_id(), no, act, day, patch, now + timedelta(days=no), corrects=corrects))
        corrected |= {corrects} if corrects else set()
    return changes


def naive(changes: Sequence[Change]) -> list[tuple[date, dict[str, Any]]]:
    """The meaning word by word (decisions, section 3), for histories without an undone registration."""
    days = sorted({c.valid_from for c in changes})
    attributes = {name for change in changes for name in change.patch}
    return [(day, {name: _value(changes, name, day) for name in attributes}) for day in days]


def _value(changes: Sequence[Change], attribute: str, day: date) -> Any:
    setting = [c for c in changes if attribute in c.patch and c.holds_on(day) and not _corrected(changes, c)]
    winner = max(setting, key=lambda c: (c.valid_from, c.no), default=None)
    return winner.patch[attribute] if winner else None


def _corrected(changes: Sequence[Change], change: Change) -> bool:
    return any(c.corrects == change.id and not _corrected(changes, c) for c in changes)


def acts(changes: list[Change]) -> dict[str, Callable[[], object]]:
    """What is measured, the reference first."""
    before = changes[:-1]
    standing = [Rectangle(version, 1, changes[0].recorded_at) for version in believe(before).versions]
    newest = changes[-1]
    statement = Statement(newest.act, newest.valid_from, newest.patch, corrects=newest.corrects)
    log = Log(None, before)
    return {
        "naive reading": lambda: naive(changes),
        "believe": lambda: believe(changes),
        "revise": lambda: revise(standing, changes),
        "page + add": lambda: add(page("bench", log), statement, DEMO, newest.recorded_at),
    }


def measure(changes: list[Change], seconds: float) -> dict[str, Outcome]:
    taken: dict[str, list[Sample]] = {}
    for _ in range(ROUNDS):
        for name, act in acts(changes).items():
            taken.setdefault(name, []).append(_repeated(act, seconds))
    return {name: Outcome(samples) for name, samples in taken.items()}


def _repeated(act: Callable[[], object], seconds: float) -> Sample:
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        act()
        count += 1
    return Sample(count, passed, [])


def main(seconds: float = 0.05) -> None:
    rows = []
    for length in LENGTHS:
        outcomes = measure(history(length), seconds)
        for name, outcome in outcomes.items():
            times = 1 / outcomes["naive reading"].slower_than(outcome)
            rows.append([f"{name}, {length} changes", 1e6 / outcome.rate, times])
    show("One change in the two-time engine", ["", "us", "times naive"], rows)


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
