"""What an opinion and a decision must say."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from kernel.errors import N_, Fault
from services.permits.domain.application.conditions import (
    Condition,
    ConditionBook,
    condition_faults,
    contradictions,
    read_condition,
)
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import (
    DossierFaulty,
    ReasonMissing,
)

OPINIONS = ("agree", "conditions", "disagree", "not_involved")
SILENT = "silent"
GROUNDS = N_("Give the grounds.")
CONDITIONS = N_("Name at least one condition.")
OUTCOME = N_("This value is not in the list of allowed values.")
EARLY = N_("Not all asked have answered. To decide now, give the reason.")
AGAINST = N_("One of those asked objects. To decide otherwise, give the reason.")


@dataclass(frozen=True)
class Opinion:
    outcome: str
    grounds: str = ""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class ReviewState:
    """The part of a review that rules look at. `orgs` of the asked body's line count as the body itself.

    `way`: how many people the duties of the day on which it was asked want; `authors`: who wrote any of the draft.
    """

    id: UUID
    function: str
    org: str
    round: int
    outcome: str | None
    signed_by: str | None
    version: int
    stage: str = "asked"
    checked_by: str | None = None
    way: str | None = None
    authors: Collection[str] = ()

    @property
    def answered(self) -> bool:
        return self.outcome is not None


def way_of(review: ReviewState, procedure: Procedure) -> str:
    """The department's own duties, else the agency's of the procedure, else what the procedure says of all."""
    asked = next((agency.duties for agency in procedure.agencies if agency.function == review.function), None)
    return review.way or asked or ("two_persons" if procedure.four_eyes else "one_person")


def written(opinion: Opinion) -> dict[str, Any]:
    """As it is kept."""
    conditions = [condition.kept() for condition in opinion.conditions]
    return {"outcome": opinion.outcome, "grounds": opinion.grounds, "conditions": conditions}


def read_opinion(kept: Mapping[str, Any]) -> Opinion:
    conditions = tuple(read_condition(each) for each in kept["conditions"])
    return Opinion(kept["outcome"], kept["grounds"] or "", conditions)


def check_opinion(opinion: Opinion, book: ConditionBook, today: date) -> None:
    """Raises DossierFaulty (422): an objection has grounds, an agreement with conditions names them, each soundly."""
    faults = []
    if opinion.outcome not in OPINIONS:
        faults.append(Fault("/outcome", "literal_error", OUTCOME))
    if opinion.outcome == "disagree" and not opinion.grounds.strip():
        faults.append(Fault("/grounds", "missing", GROUNDS))
    if opinion.outcome == "conditions" and not opinion.conditions:
        faults.append(Fault("/conditions", "missing", CONDITIONS))
    faults += condition_faults(opinion.conditions, book, today)
    if faults:
        raise DossierFaulty(errors=faults)


@dataclass(frozen=True)
class Decision:
    outcome: str
    grounds: str = ""
    conditions: tuple[Condition, ...] = ()
    reason: str = ""


def check_decision(
    decision: Decision, procedure: Procedure, reviews: Sequence[ReviewState], book: ConditionBook, today: date
) -> bool:
    """Whether it is a favourable one. Raises DossierFaulty (422) or ReasonMissing (422)."""
    if decision.outcome not in procedure.outcomes:
        raise DossierFaulty(errors=[Fault("/outcome", "literal_error", OUTCOME)])
    may_build = decision.outcome in procedure.may_build
    faults = [
        *condition_faults(decision.conditions, book, today),
        *contradictions(decision.conditions, book),
    ]
    if not may_build and not decision.grounds.strip():
        faults.append(Fault("/grounds", "missing", GROUNDS))
    if faults:
        raise DossierFaulty(errors=faults)
    if not decision.reason.strip():
        if not all(review.answered for review in reviews):
            raise ReasonMissing(errors=[Fault("/reason", "missing", EARLY)])
        if may_build and any(review.answered and review.outcome == "disagree" for review in reviews):
            raise ReasonMissing(errors=[Fault("/reason", "missing", AGAINST)])
    return may_build
