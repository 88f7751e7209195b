"""How far a figure is from a target: exact fractions of integers, rounded nowhere."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import ceil
from typing import Any


def needed(percent: str, counted: int) -> int:
    """Structures that must be shared for `percent` (decimal text): 13 % of 1,320 is 171.6, so 172."""
    return ceil(Fraction(percent) * counted / 100)


def gap(percent: str, shared: int, counted: int) -> int:
    """Structures still missing; 0 when the target is reached."""
    return max(needed(percent, counted) - shared, 0)


def met(percent: str, shared: int, counted: int) -> bool | None:
    """Only on the unrounded ratio: 19.996 % has not met 20 %. None when nothing is counted."""
    return None if counted == 0 else Fraction(100 * shared, counted) >= Fraction(percent)


def in_force(targets: Iterable[Any], day: date) -> list[Any]:
    """Of each kind the targets (plan, kind, due_on, is_base) of one plan only: of that whose next target is due first
    on or after the day, else of that which named the last. A figure is never held against targets of other borders.
    """
    rows = list(targets)
    plans: dict[str, str] = {}
    for row in sorted((row for row in rows if not row.is_base), key=lambda row: row.due_on, reverse=True):
        if row.kind not in plans or row.due_on >= day:
            plans[row.kind] = row.plan
    return [row for row in rows if plans.get(row.kind) == row.plan]
