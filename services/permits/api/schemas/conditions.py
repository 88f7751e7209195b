"""Conditions side by side, and the library."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from kernel.listing import Page, Sparse
from services.permits.api.schemas.dossier import ConditionRead
from services.permits.domain.application import Condition
from services.permits.queries import SideBySide


class FindingRead(BaseModel):
    """Two places of `conditions`. Of `stricter` the second covers the first; nobody can meet both of `contrary`."""

    kind: Literal["same", "stricter", "contrary"]
    first: int
    second: int


class SideBySideRead(BaseModel):
    """`proposal`: what a decision would take over, without what says nothing new; contradictions still in it."""

    conditions: list[ConditionRead]
    findings: list[FindingRead]
    proposal: list[ConditionRead]

    @classmethod
    def of(cls, found: SideBySide) -> "SideBySideRead":
        return cls(
            conditions=[_condition(each) for each in found.conditions],
            findings=[FindingRead(kind=f.kind, first=f.first, second=f.second) for f in found.findings],
            proposal=[_condition(each) for each in found.proposal],
        )


def _condition(each: Condition) -> ConditionRead:
    said: dict[str, Any] = each.kept()
    return ConditionRead.model_validate(said)


class PhraseRow(Sparse):
    """A text of the library. `no` counts its texts; `function` null: of all; `when`: the kind of condition."""

    kind: str
    code: str
    no: int
    function: str | None
    text: str
    title: str | None
    when: str | None
    subject: str | None
    value: str | None
    evidence: str | None
    verifier: str | None
    source: str
    valid_from: date
    valid_to: date | None
    made_by: str
    made_at: datetime


class PhrasePage(Page):
    items: list[PhraseRow]


class Written(BaseModel):
    """Which text of the phrase this is."""

    code: str
    no: int
