"""Where a figure is going: what is under way, at what pace, which structures would close the gap, what if."""

from calendar import monthrange
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field, StringConstraints

from services.sharing.domain.definition import Definition, Shipped, Words
from services.sharing.domain.ratio import History, at, judge

Weight = Annotated[str, StringConstraints(pattern=r"^(0(\.\d{1,4})?|1)$")]
BUILT = "in_service"
MOST_MONTHS = 600


class Forecasting(Shipped):
    """`weights`: how likely a structure of that status gets built, from 0 to 1, as text."""

    source: Words
    horizon_years: int = Field(ge=1, le=10)
    pace_months: int = Field(ge=2, le=60)
    near_m: int = Field(ge=1, le=5000)
    weights: dict[str, Weight]


class UnderWay(NamedTuple):
    """A structure that is not counted yet, and whether it would be shared once it is built."""

    status: str
    shared: bool


def under_way(
    definition: Definition, history: History, statuses: Collection[str], day: date, instant: datetime
) -> UnderWay | None:
    """What it is on the day as known at the instant; None when it is no plan then, or would not be counted."""
    standing = at(history.structure, day, instant)
    if not standing or standing[0].status not in statuses:
        return None
    known = {org: at(held, day, instant) for org, held in history.identities.items()}
    identities = {org: found[0] for org, found in known.items() if found}
    stations, tenancies = at(history.stations, day, instant), at(history.tenancies, day, instant)
    if judge(definition, standing[0], stations, tenancies, identities).counted:
        return None
    outcome = judge(definition, replace(standing[0], status=BUILT), stations, tenancies, identities)
    return UnderWay(standing[0].status, outcome.shared) if outcome.counted else None


class Expected(NamedTuple):
    """Exact: weights add up as fractions. In percent: `low` if all that is unshared gets built and nothing that is
    shared, `high` the other way round.
    """

    shared: Fraction
    counted: Fraction
    low: Fraction | None
    high: Fraction | None

    @property
    def percent(self) -> Fraction | None:
        return 100 * self.shared / self.counted if self.counted else None


def expected(shared: int, counted: int, ways: Iterable[UnderWay], weights: Mapping[str, str]) -> Expected:
    """What the figure becomes when what is under way gets built as often as its weight says."""
    more_shared, more_counted, of_both = Fraction(), Fraction(), Counter[bool]()
    for way in ways:
        weight = Fraction(weights[way.status])
        more_counted += weight
        more_shared += weight if way.shared else 0
        of_both[way.shared] += 1
    return Expected(
        shared + more_shared,
        counted + more_counted,
        _percent(shared, counted + of_both[False]),
        _percent(shared + of_both[True], counted + of_both[True]),
    )


def _percent(shared: int, counted: int) -> Fraction | None:
    return Fraction(100 * shared, counted) if counted else None


class Pace(NamedTuple):
    """Structures a month."""

    shared: Fraction
    counted: Fraction


def pace(earlier: tuple[int, int], now: tuple[int, int], months: int) -> Pace:
    """Between two figures (shared, counted) so many months apart."""
    return Pace(Fraction(now[0] - earlier[0], months), Fraction(now[1] - earlier[1], months))


def horizons(as_of: date, due: Iterable[date], years: int) -> list[date]:
    """The day itself, the days of targets to come, and the ends of so many years."""
    ends = {date(as_of.year + n, 12, 31) for n in range(years + 1)}
    return sorted({as_of} | {day for day in ends | set(due) if as_of < day <= date(as_of.year + years, 12, 31)})


def before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_until(percent: str, shared: int, counted: int, going: Pace) -> int | None:
    """Months until the target is met at this pace, 0 when it is; None when it never is within fifty years."""
    for month in range(MOST_MONTHS + 1):
        then_shared, then_counted = shared + month * going.shared, counted + month * going.counted
        if then_counted <= 0 or then_shared > then_counted:
            return None
        if 100 * then_shared / then_counted >= Fraction(percent):
            return month
    return None


class Candidate(NamedTuple):
    """A counted structure that is not shared. The lower the `rank`, the less has to be done."""

    id: UUID
    owner: str
    rank: int


FULL = 5


class OwnersPart(NamedTuple):
    owner: str
    candidates: int
    chosen: tuple[UUID, ...]


def smallest_set(candidates: Sequence[Candidate], gap: int) -> list[OwnersPart]:
    """As many structures as are missing, of as few owners as can be; of each owner those for which least has to be
    done. What has no free position is left out. Fewer than `gap` when there are not enough.
    """
    of_owner: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda one: one.rank):
        if candidate.rank < FULL:
            of_owner.setdefault(candidate.owner, []).append(candidate)
    parts, missing = [], gap
    for owner, own in sorted(of_owner.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if missing <= 0:
            break
        chosen = tuple(one.id for one in own[:missing])
        missing -= len(chosen)
        parts.append(OwnersPart(owner, len(own), chosen))
    return parts


class Standing(NamedTuple):
    counted: bool
    shared: bool


class Supposed(NamedTuple):
    """`ignored`: what makes no difference, and why: unknown, not_counted, shared_already."""

    shared: int
    counted: int
    ignored: dict[UUID, str]


def suppose(
    shared: int,
    counted: int,
    standing: Mapping[UUID, Standing],
    *,
    share: Iterable[UUID] = (),
    dismantle: Iterable[UUID] = (),
    build: int = 0,
    build_shared: int = 0,
) -> Supposed:
    """The figure if these became shared, those were taken down and so many new ones were built, some of them shared."""
    ignored: dict[UUID, str] = {}
    gone = set(dismantle)
    for key in sorted(gone):
        if (why := _no_difference(standing.get(key))) is not None:
            ignored[key] = why
        else:
            counted -= 1
            shared -= standing[key].shared
    for key in sorted(set(share) - gone):
        if (why := _no_difference(standing.get(key))) is not None:
            ignored[key] = why
        elif standing[key].shared:
            ignored[key] = "shared_already"
        else:
            shared += 1
    return Supposed(shared + build_shared, counted + build, ignored)


def _no_difference(standing: Standing | None) -> str | None:
    if standing is None:
        return "unknown"
    return None if standing.counted else "not_counted"


def rounded(value: Fraction | None) -> Decimal | None:
    """For display only: two decimals, half up."""
    if value is None:
        return None
    hundredths = (value.numerator * 200 + value.denominator) // (2 * value.denominator)
    return Decimal(hundredths).scaleb(-2)
