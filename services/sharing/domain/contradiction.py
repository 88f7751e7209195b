"""What cannot all be right at once: the rules that are in force, and what may be done with a case."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from pydantic import Field, model_validator

from services.sharing.domain.definition import Shipped, Words

State = Literal["open", "settled", "dismissed"]
Outcome = Literal["settled", "dismissed"]
Code = Literal[
    "station_without_agreement",
    "agreement_without_station",
    "agreement_ended",
    "tenant_is_owner",
    "structure_not_in_use",
    "owner_changed",
]


class Rule(Shipped):
    """`days`: how many days there are to settle a case, counted from the one on which it was first seen."""

    code: Code
    valid_from: date
    valid_to: date | None = None
    thing: Literal["station", "agreement"]
    days: int = Field(ge=1, le=365)
    short: Words
    title: Words
    advice: Words
    source: str

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class Rules(Shipped):
    rules: list[Rule]

    @model_validator(mode="after")
    def _one_at_a_time(self) -> "Rules":
        for rule in self.rules:
            if sum(each.code == rule.code and each.holds(rule.valid_from) for each in self.rules) > 1:
                raise ValueError(f"two rules {rule.code} hold on {rule.valid_from}")
        return self

    def on(self, day: date) -> list[Rule]:
        return [rule for rule in self.rules if rule.holds(day)]


def due_on(rules: Sequence[Rule], code: str, seen_on: date) -> date:
    """The last good day for a case of one of these rules."""
    return seen_on + timedelta(days=next(rule.days for rule in rules if rule.code == code))
