"""How far a figure is from a target: exact fractions of integers, rounded nowhere."""

from fractions import Fraction
from math import ceil


def needed(percent: str, counted: int) -> int:
    """Structures that must be shared for `percent` (decimal text): 13 % of 1,320 is 171.6, so 172."""
    return ceil(Fraction(percent) * counted / 100)


def gap(percent: str, shared: int, counted: int) -> int:
    """Structures still missing; 0 when the target is reached."""
    return max(needed(percent, counted) - shared, 0)


def met(percent: str, shared: int, counted: int) -> bool | None:
    """Only on the unrounded ratio: 19.996 % has not met 20 %. None when nothing is counted."""
    return None if counted == 0 else Fraction(100 * shared, counted) >= Fraction(percent)
