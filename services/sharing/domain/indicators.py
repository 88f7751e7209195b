"""The indicators of a plan: what each is measured in, its targets year by year, and how a value stands to them."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from services.sharing.domain.definition import Shipped, Words

Unit = Literal["percent", "yes_no", "count", "per_100", "mbps"]
Light = Literal["met", "near", "missed", "unknown"]
Exact = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,4})?$")]
Year = Annotated[str, StringConstraints(pattern=r"^20\d\d$")]
HIGHEST: dict[Unit, Decimal] = {"percent": Decimal(100), "yes_no": Decimal(1), "mbps": Decimal(100_000)}
MOST = Decimal(999_999_999)


class IndicatorGroup(Shipped):
    code: str
    title: Words


class Indicator(Shipped):
    """`counted`: the figure is the sharing ratio of that kind of structure, which nobody enters."""

    code: str
    unit: Unit
    title: Words
    counted: Literal["mast", "pole", "duct"] | None = None
    base: Exact | None = None
    targets: dict[Year, Exact] = Field(min_length=1)

    @property
    def group(self) -> str:
        return self.code.partition(".")[0]


class Indicators(Shipped):
    """`base_on`: the day on which the bases were measured."""

    plan: str
    base_on: date
    groups: list[IndicatorGroup]
    indicators: list[Indicator]

    @model_validator(mode="after")
    def _each_in_a_group(self) -> "Indicators":
        groups = {group.code for group in self.groups}
        codes = [indicator.code for indicator in self.indicators]
        if len(set(codes)) != len(codes) or any(indicator.group not in groups for indicator in self.indicators):
            raise ValueError(f"indicators of {self.plan} are doubled or have no group")
        return self


class Goal(Shipped):
    due_on: date
    value: str


def goals(indicator: Indicator) -> list[Goal]:
    """By day; a yearly target is due at the end of its year."""
    return [Goal(due_on=date(int(year), 12, 31), value=value) for year, value in sorted(indicator.targets.items())]


def goal_on(indicator: Indicator, day: date) -> Goal:
    """The next one due on or after the day, or the last there was."""
    found = goals(indicator)
    return next((goal for goal in found if goal.due_on >= day), found[-1])


def light(indicator: Indicator, value: Decimal | None, day: date) -> Light:
    """`met`: the target in force is reached; `near`: at least the one of the year before, or the base; else `missed`.

    More is better for all of them. The value is taken as it is, never rounded before it is compared.
    """
    if value is None:
        return "unknown"
    goal = goal_on(indicator, day)
    if value >= Decimal(goal.value):
        return "met"
    earlier = [each.value for each in goals(indicator) if each.due_on < goal.due_on]
    before = earlier[-1] if earlier else indicator.base
    return "near" if before is not None and value >= Decimal(before) else "missed"


def read_value(unit: Unit, text: str) -> Decimal | None:
    """A value as people write it, `11,74` as well as `11.74`; None when it cannot be one of this unit."""
    plain = text.strip().removesuffix("%").strip().replace(",", ".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= HIGHEST.get(unit, MOST):
        return None
    if unit in ("yes_no", "count") and value != value.to_integral_value():
        return None
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and exponent >= -4 else None
