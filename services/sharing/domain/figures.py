"""Corners of the spans: numbers whose sum over everything up to (D, K) is the figure at (D, K)."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from kernel.errors import N_
from services.sharing.domain.ratio import NEVER, NO_DAY

# What the two numbers of a figure count, by kind of structure.
SHARED = {
    "mast": N_("masts of two enterprises or more"),
    "pole": N_("poles of two users or more"),
    "duct": N_("ducts of two users or more"),
}
COUNTED = {"mast": N_("masts in service"), "pole": N_("poles in service"), "duct": N_("ducts in service")}


class Placed(NamedTuple):
    """A span in its group of one series."""

    valid_from: date
    valid_to: date
    recorded_from: datetime
    recorded_to: datetime
    g: int
    counted: bool
    shared: bool


class Delta(NamedTuple):
    v: date
    r: datetime
    g: int
    den: int
    num: int


def deltas(placed: Iterable[Placed]) -> list[Delta]:
    """Corners that cancel are left out, and so are those at an open end, which no (D, K) reaches."""
    den: Counter[tuple[date, datetime, int]] = Counter()
    num: Counter[tuple[date, datetime, int]] = Counter()
    for span in placed:
        if not span.counted:
            continue
        for day, day_sign in ((span.valid_from, 1), (span.valid_to, -1)):
            for instant, sign in ((span.recorded_from, day_sign), (span.recorded_to, -day_sign)):
                if day != NO_DAY and instant != NEVER:
                    den[day, instant, span.g] += sign
                    num[day, instant, span.g] += sign if span.shared else 0
    return sorted(Delta(*key, den[key], num[key]) for key in den if den[key] or num[key])


def percent(shared: int, counted: int) -> Decimal | None:
    """For display only: two decimals, half up. None ("no data") when nothing is counted."""
    if counted == 0:
        return None
    return (Decimal(100 * shared) / Decimal(counted)).quantize(Decimal("0.01"), ROUND_HALF_UP)
