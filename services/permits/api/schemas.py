"""What goes in and out over HTTP; neither the tables nor the events."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from kernel.texts import STORABLE, Day, Moment
from services.permits.domain.application import Condition, Decision, Opinion, PartDraft, SiteDraft, SupplementItem

Text = Annotated[str, Field(max_length=4000), STORABLE]
Code = Annotated[str, Field(min_length=1, max_length=60), STORABLE]


def _one_fault(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One fault at the fact itself, not one for each type it might have had."""
    try:
        return read(value)
    except ValidationError as error:
        raise PydanticCustomError("fact_wrong", "a fact is a number, a text, true or false") from error


FactValue = Annotated[bool | int | float | str, WrapValidator(_one_fault)]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SiteFile(Given):
    """A place: WGS 84 degrees, metres above ground; `commune` is a unit's id such as `32002@2025`."""

    kind: Code = "mast"
    name: Annotated[str, STORABLE] = Field(default="", max_length=200)
    code: tuple[str, str] | None = Field(default=None, description="(system, code), such as `[ND163, A1]`.")
    height_m: Decimal | None = Field(default=None, max_digits=6, decimal_places=2)
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    commune: Code
    capacity: int | None = Field(default=None, ge=1, le=50)
    facts: dict[Code, FactValue] = Field(default_factory=dict, max_length=30)

    def draft(self) -> SiteDraft:
        return SiteDraft(**self.model_dump())


class PartFile(Given):
    code: Code
    file: UUID

    def draft(self) -> PartDraft:
        return PartDraft(self.code, self.file)


class ApplicationFile(Given):
    """`applicant`, `received_at` and `received_reason` are for a registrar who enters a paper dossier."""

    work: Code = "mast.new"
    sites: list[SiteFile] = Field(min_length=1, max_length=50)
    parts: list[PartFile] = Field(default_factory=list, max_length=200)
    applicant: Code | None = None
    received_at: Moment | None = None
    received_reason: Text | None = None


class CompletenessItem(Given):
    code: Code
    reason: Text = ""

    def item(self) -> SupplementItem:
        return SupplementItem(self.code, self.reason)


class CompletenessGive(Given):
    outcome: Literal["complete", "incomplete"]
    items: list[CompletenessItem] = Field(default_factory=list, max_length=100)

    @field_validator("items")
    @classmethod
    def _only_of_an_incomplete_one(cls, items: list[CompletenessItem], read: ValidationInfo) -> list[CompletenessItem]:
        if items and read.data.get("outcome") == "complete":
            raise PydanticCustomError("unexpected", "a complete dossier misses nothing")
        return items


class SupplementGive(Given):
    parts: list[PartFile] = Field(min_length=1, max_length=200)


class ConditionGive(Given):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), STORABLE]
    due_on: Day | None = None


class OpinionGive(Given):
    function: Code
    outcome: Literal["agree", "conditions", "disagree", "not_involved"]
    grounds: Text = ""
    conditions: list[ConditionGive] = Field(default_factory=list, max_length=50)

    def opinion(self) -> Opinion:
        return Opinion(self.outcome, self.grounds, tuple(Condition(c.text, c.due_on) for c in self.conditions))


class DecisionMake(Given):
    outcome: Code
    grounds: Text = ""
    conditions: list[ConditionGive] = Field(default_factory=list, max_length=50)
    reason: Text = ""

    def decision(self) -> Decision:
        conditions = tuple(Condition(c.text, c.due_on) for c in self.conditions)
        return Decision(self.outcome, self.grounds, conditions, self.reason)


class ExtensionGrant(Given):
    days: int = Field(ge=1, le=400)
    reason: Text = ""


class NoticeGive(Given):
    kind: Literal["commencement", "completion"]
    on: Day


class Withdrawal(Given):
    reason: Text = ""


class FileRead(BaseModel):
    id: UUID
    sha256: str
    media_type: str
    size: int
    name: str


class SiteRead(BaseModel):
    no: int
    structure_id: UUID


class ReceiptRead(BaseModel):
    """The receipt: number, when it counts as received, under which law, until when the first step is due."""

    id: UUID
    number: str
    state: str
    version: int
    procedure: str
    received_at: datetime
    received_on: date
    effective_on: date
    due_on: date | None
    sites: list[SiteRead]


class ChangedRead(BaseModel):
    """The dossier after the act; `version` is also its ETag."""

    id: UUID
    number: str
    state: str
    version: int
    due_on: date | None = None
    decision_number: str | None = None


class Page(BaseModel):
    items: list[dict[str, Any]]
    next: str | None


class ClockDay(BaseModel):
    day: date
    kind: str
    count: int | None
    makeup: bool
    name: dict[str, str] | None
    source: str
    events: list[str]
    due: bool


class ClockEventRead(BaseModel):
    seq: int
    kind: str
    at: datetime | None
    effective_on: date
    days: int | None


class ClockRead(BaseModel):
    """One clock with the answer to "why this date?": the rule, its events, every day."""

    clock: str
    function: str | None
    state: str
    unit: str
    length: int
    used: int
    remaining: int
    due_on: date | None
    source: str
    unverified: bool
    supplement: str
    events: list[ClockEventRead]
    days: list[ClockDay]


class ClocksRead(BaseModel):
    application: UUID
    procedure: str
    calendar: str
    calendar_ends_on: date
    clocks: list[ClockRead]
