"""An audit's sample: weighed by risk, drawn by a seed that anybody can use again, and what it says of the ratio.

Within a class of risk the structures with the smallest SHA-256 of seed and id are drawn, which is a simple random
sample for whoever could not choose the seed. The corrected ratio is a difference estimate: what is recorded, plus what
the sample found otherwise, raised to each class.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import sqrt
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from services.sharing.domain.definition import Shipped, Words

Sign = Literal["contradiction", "paper_only", "tower_single", "over_capacity", "weak_evidence", "capacity_unknown"]
Id = str
# Of 95 in 100: the normal quantile, and the "rule of three", by which n alike leave less than 3/n otherwise.
QUANTILE = 1.96
THREE = 3.0
# So many can be drawn at once.
MOST = 100_000


class Points(Shipped):
    sign: Sign
    points: int = Field(ge=0)
    title: Words


class RiskClass(Shipped):
    """`weight`: how many times as dense it is drawn as a class of weight 1."""

    code: str
    from_points: int = Field(ge=0)
    weight: int = Field(ge=1)
    title: Words


class Sampling(Shipped):
    source: Words
    frame: list[str]
    least: int = Field(ge=1)
    weak_below: int
    points: list[Points]
    classes: list[RiskClass] = Field(min_length=1)

    @model_validator(mode="after")
    def _classes_rise(self) -> "Sampling":
        bounds = [each.from_points for each in self.classes]
        if bounds[0] != 0 or sorted(set(bounds)) != bounds:
            raise ValueError("the classes of risk must begin at 0 and rise")
        return self


class Facts(NamedTuple):
    """What is recorded of one structure. `users`: enterprises that share it; `seen_users`: those of them that are not
    known from an agreement alone."""

    evidence: int
    capacity: int | None
    shared: bool
    users: int
    seen_users: int
    of_tower_company: bool
    contradicted: bool


def signs(facts: Facts, rules: Sampling) -> list[Sign]:
    """What speaks for looking at it, in the order of the rules."""
    found: Mapping[Sign, bool] = {
        "contradiction": facts.contradicted,
        "paper_only": facts.shared and facts.seen_users < 2,
        "tower_single": facts.of_tower_company and facts.users == 1,
        "over_capacity": facts.capacity is not None and facts.users > facts.capacity,
        "weak_evidence": facts.evidence < rules.weak_below,
        "capacity_unknown": facts.capacity is None,
    }
    return [each.sign for each in rules.points if found[each.sign]]


def class_of(found: Iterable[Sign], rules: Sampling) -> str:
    wanted = set(found)
    points = sum(each.points for each in rules.points if each.sign in wanted)
    return next(each.code for each in reversed(rules.classes) if each.from_points <= points)


def allocate(sizes: Mapping[str, int], weights: Mapping[str, int], size: int, least: int) -> dict[str, int]:
    """How many of each class: by its size times its weight, at least `least`, at most all. The sum is `size`, or all.

    Where the least of all classes is more than `size`, those of more weight come first.
    """
    left = min(size, sum(sizes.values()))
    given = dict.fromkeys(sizes, 0)
    for code in sorted(sizes, key=lambda code: (-weights[code], code)):
        given[code] = min(least, sizes[code], left)
        left -= given[code]
    while left:
        room = {code: sizes[code] - given[code] for code in sorted(sizes) if given[code] < sizes[code]}
        whole = sum(sizes[code] * weights[code] for code in room)
        quotas = {code: Fraction(left * sizes[code] * weights[code], whole) for code in room}
        more = {code: min(int(quota), room[code]) for code, quota in quotas.items()}
        if not any(more.values()):
            ranked = sorted(room, key=lambda code: (-quotas[code], code))
            more = dict.fromkeys(ranked[:left], 1)
        for code, count in more.items():
            given[code] += count
            left -= count
    return given


def mark(seed: str, structure_id: Id) -> str:
    """Its place in the draw: `sha256(seed + id)` in hexadecimal, the id in its usual small letters."""
    return hashlib.sha256(f"{seed}{structure_id}".encode()).hexdigest()


def draw(seed: str, ids: Iterable[Id], count: int) -> list[Id]:
    """The `count` ids with the smallest marks, in that order, whatever the order they come in."""
    return sorted(ids, key=lambda each: (mark(seed, each), each))[:count]


class Tally(NamedTuple):
    """One class: how many there are, how many were inspected, and sums over these of what was found less what is
    recorded: `y` of shared, `x` of counted, their squares and their product."""

    size: int
    seen: int
    y: int = 0
    x: int = 0
    yy: int = 0
    xx: int = 0
    xy: int = 0


class Estimate(NamedTuple):
    """`ratio` and `bound` as parts of 1: with 95 in 100 the true ratio is within `bound` of `ratio`.

    `shared` and `counted` are estimates too.
    """

    ratio: float
    bound: float
    shared: float
    counted: float


class Alike(NamedTuple):
    """Of a class in which all that was seen is alike: how many were not seen, how many were, and by how much one of
    the others can be otherwise, in structures."""

    unseen: int
    seen: int
    reach: int


def estimate(tallies: Sequence[Tally], shared: int, counted: int) -> Estimate | None:
    """What the inspections make of a recorded ratio; None where nothing would be counted.

    A class that was seen whole is certain. One that differs within itself has the variance of its sample with the
    finite population correction; of one in which all seen are alike no variance is known, and the rule of three bounds
    it. The two add up, which is more than they need.
    """
    y = shared + sum(t.size * t.y / t.seen for t in tallies if t.seen)
    x = counted + sum(t.size * t.x / t.seen for t in tallies if t.seen)
    if x <= 0:
        return None
    ratio = min(max(y / x, 0.0), 1.0)
    variance, alike = 0.0, []
    for t in tallies:
        if t.seen >= t.size:
            continue
        spread = _spread(t, ratio)
        if spread > 0:
            variance += t.size**2 * (1 - t.seen / t.size) * spread / t.seen
        else:
            alike.append(Alike(t.size - t.seen, t.seen, 2 if t.y or t.x else 1))
    bound = min((QUANTILE * sqrt(variance) + unnoticed(alike)) / x, 1.0)
    return Estimate(ratio, bound, y, x)


def _spread(t: Tally, ratio: float) -> float:
    """The variance of `y - ratio * x` in the sample of a class; 0 where it cannot be known."""
    if t.seen < 2 or not (t.yy or t.xx):
        return 0.0
    total = t.y - ratio * t.x
    squares = t.yy - 2 * ratio * t.xy + ratio**2 * t.xx
    spread = (squares - total**2 / t.seen) / (t.seen - 1)
    return spread if spread > 1e-12 else 0.0  # what is left of equal numbers


def unnoticed(classes: Iterable[Alike]) -> float:
    """How many structures could be otherwise without one of them having been drawn, with 95 in 100, over all classes.

    The chance that none shows is at most exp(-sum of seen x part); what keeps it at 5 in 100 and hides most lies where
    the fewest were seen for those that were not.
    """
    hidden, left = 0.0, THREE
    for each in sorted(classes, key=lambda each: _dense(each)):
        part = 1.0 if not each.seen else min(left / each.seen, 1.0)
        hidden += each.unseen * each.reach * part
        left -= part * each.seen
    return hidden


def _dense(each: Alike) -> float:
    weight = each.unseen * each.reach
    return each.seen / weight if weight else float("inf")


def best_bound(sizes: Mapping[str, int], drawn: Mapping[str, int], counted: int) -> float:
    """The bound that the plan reaches if every inspection finds what is recorded: it gets no better."""
    return min(unnoticed(Alike(sizes[code] - drawn[code], drawn[code], 1) for code in sizes) / counted, 1.0)


def percent(part: float) -> str:
    """For display and JSON: two decimals."""
    return f"{100 * part:.2f}"


def told(found: Estimate | None) -> dict[str, Any] | None:
    """An estimate as the API, the page and a closed plan tell it: percent and percentage points."""
    if found is None:
        return None
    return {
        "percent": percent(found.ratio),
        "bound": percent(found.bound),
        "shared": f"{found.shared:.1f}",
        "counted": f"{found.counted:.1f}",
    }
