"""What goes in over HTTP; neither the tables nor the events."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
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

from kernel.batch import Items
from kernel.texts import STORABLE, Day, Moment
from services.permits.commands import Filing, PhraseText
from services.permits.domain.application import (
    Condition,
    Decision,
    Opinion,
    PartDraft,
    ShareAnswer,
    SiteDraft,
    SupplementItem,
)

Text = Annotated[str, Field(max_length=4000), STORABLE]
Code = Annotated[str, Field(min_length=1, max_length=60), STORABLE]


def _one_fault(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One fault at the fact itself, not one for each type it might have had."""
    try:
        return read(value)
    except ValidationError as error:
        raise PydanticCustomError("fact_wrong", "a fact is a number, a text, true or false") from error


FactValue = Annotated[bool | int | float | str, WrapValidator(_one_fault)]


def _shown(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


DossierId = Annotated[UUID, Path(description="The dossier.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c10"])]
FILE = "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"
SITE = {
    "name": "BTS An Xuyên 12",
    "kind": "mast",
    "code": ["ND163", "A1"],
    "height_m": "45.0",
    "lon": 105.15,
    "lat": 9.17,
    "commune": "32002@2025-07",
    "capacity": 3,
    "facts": {"foundation": "ground"},
}
DOSSIER = {
    "work": "mast.new",
    "sites": [SITE],
    "parts": [{"code": "land_paper", "file": FILE}, {"code": "drawings", "file": FILE}],
}


class SiteFile(Given):
    """A place: WGS 84 degrees, metres above ground; `commune` is a unit's id such as `32002@2025-07`."""

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


class ShareAnswerGive(Given):
    """Why one mast in service around is not used. `reason`: a code of `GET /codes?list=share_reason`."""

    structure: UUID
    reason: Code
    words: Text = ""
    site: int = Field(default=1, ge=1, le=200, description="The number of the site it is near to.")

    def answer(self) -> ShareAnswer:
        return ShareAnswer(self.structure, self.reason, self.words, self.site)


class ApplicationFile(Given):
    """`applicant`, `received_at` and `received_reason` are for a registrar who enters a paper dossier."""

    model_config = _shown(DOSSIER, {"sites": [SITE]})
    work: Code = "mast.new"
    sites: list[SiteFile] = Field(min_length=1, max_length=200)
    parts: list[PartFile] = Field(default_factory=list, max_length=200)
    applicant: Code | None = None
    received_at: Moment | None = None
    received_reason: Text | None = None
    sharing: list[ShareAnswerGive] = Field(
        default_factory=list, max_length=200, description="Why masts in service around are not used; see `:check`."
    )

    def filing(self) -> Filing:
        return Filing(
            self.work,
            [site.draft() for site in self.sites],
            [part.draft() for part in self.parts],
            self.applicant,
            self.received_at,
            self.received_reason,
            [each.answer() for each in self.sharing],
        )


class SharingAnswer(Given):
    """Of the masts that the dossier tells under `sharing`."""

    model_config = _shown({"answers": [{"structure": FILE, "reason": "too_low"}]})
    answers: list[ShareAnswerGive] = Field(min_length=1, max_length=200)


class ApplicationsFile(Items[ApplicationFile]):
    model_config = _shown({"items": [DOSSIER, DOSSIER]})


class CompletenessItem(Given):
    code: Code
    reason: Text = ""

    def item(self) -> SupplementItem:
        return SupplementItem(self.code, self.reason)


class CompletenessGive(Given):
    """`items` of an incomplete one: what is missing or wrong."""

    model_config = _shown(
        {"outcome": "complete"}, {"outcome": "incomplete", "items": [{"code": "drawings", "reason": "Thiếu mặt đứng"}]}
    )
    outcome: Literal["complete", "incomplete"]
    items: list[CompletenessItem] = Field(default_factory=list, max_length=100)

    @field_validator("items")
    @classmethod
    def _only_of_an_incomplete_one(cls, items: list[CompletenessItem], read: ValidationInfo) -> list[CompletenessItem]:
        if items and read.data.get("outcome") == "complete":
            raise PydanticCustomError("unexpected", "a complete dossier misses nothing")
        return items


class SupplementGive(Given):
    """New copies of the parts that the request named."""

    model_config = _shown({"parts": [{"code": "drawings", "file": FILE}]})
    parts: list[PartFile] = Field(min_length=1, max_length=200)


class ConditionGive(Given):
    """`subject` with its `value` lets the conditions of several departments be compared; `verifier`: a function asked.

    Codes of `kind` and `subject`: `GET /codes?list.in=condition_kind,condition_subject`.
    """

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), STORABLE]
    due_on: Day | None = None
    kind: Code | None = None
    subject: Code | None = None
    value: Annotated[str, Field(max_length=60), STORABLE] | None = None
    evidence: Annotated[str, Field(max_length=500), STORABLE] | None = None
    verifier: Code | None = None

    def condition(self) -> Condition:
        return Condition(
            self.text,
            self.due_on,
            self.kind or "",
            self.subject or "",
            self.value or "",
            self.evidence or "",
            self.verifier or "",
        )


class DecidedConditionGive(ConditionGive):
    """`of`: the functions that asked for it."""

    of: Annotated[list[Code], Field(max_length=20)] = []

    def condition(self) -> Condition:
        return replace(super().condition(), of=tuple(self.of))


class OpinionGive(Given):
    """What one function says; `conditions` go with the outcome `conditions`."""

    model_config = _shown({"function": "transport", "outcome": "agree", "grounds": "Ngoài hành lang an toàn đường bộ"})
    function: Code
    outcome: Literal["agree", "conditions", "disagree", "not_involved"]
    grounds: Text = ""
    conditions: list[ConditionGive] = Field(default_factory=list, max_length=50)

    def opinion(self) -> Opinion:
        return Opinion(self.outcome, self.grounds, tuple(c.condition() for c in self.conditions))


class OpinionName(Given):
    """The function whose opinion it is."""

    model_config = _shown({"function": "construction"})
    function: Code


class OpinionAsk(OpinionName):
    """A function that has answered, to be asked again, or one that no rule of the procedure names."""

    model_config = _shown({"function": "transport", "reason": "Vị trí đã dời 12 m về phía đường"})
    reason: Text


class OpinionCheck(OpinionName):
    """`reason`: what has to be changed, when it is handed back."""

    model_config = _shown(
        {"function": "transport", "outcome": "passed"},
        {"function": "transport", "outcome": "returned", "reason": "Thiếu căn cứ về hành lang an toàn"},
    )
    outcome: Literal["passed", "returned"]
    reason: Text = ""


class DutySet(Given):
    """`way`: how many people an opinion passes through; `valid_from`: for functions asked from this day on."""

    model_config = _shown(
        {
            "org": "SNNMT",
            "function": "natural_resources",
            "way": "two_persons",
            "valid_from": "2030-01-02",
            "reason": "Quy chế làm việc của Sở",
        }
    )
    org: Code
    function: Code
    way: Literal["one_person", "two_persons", "three_persons"]
    valid_from: Day
    reason: Text


class DecisionMake(Given):
    """`outcome` is one of the procedure's own: granted, refused of a permit; no_objection, objection of a notice."""

    model_config = _shown({"outcome": "no_objection", "reason": "Đã đủ ý kiến"})
    outcome: Code
    grounds: Text = ""
    conditions: list[DecidedConditionGive] = Field(default_factory=list, max_length=50)
    reason: Text = ""

    def decision(self) -> Decision:
        conditions = tuple(c.condition() for c in self.conditions)
        return Decision(self.outcome, self.grounds, conditions, self.reason)


class EvidenceShow(Given):
    """Condition `no` of the decision: a file that was sent before, or words."""

    model_config = _shown({"no": 1, "file": FILE, "remark": "Biên bản đo kiểm ngày 20/12"})
    no: int = Field(ge=1, le=1000)
    file: UUID | None = None
    remark: Text = ""


class ConditionJudge(Given):
    """`remark`: why, when it is rejected or waived."""

    model_config = _shown({"no": 1, "outcome": "met"})
    no: int = Field(ge=1, le=1000)
    outcome: Literal["met", "rejected", "waived"]
    remark: Text = ""


class PhraseWrite(Given):
    """The next text of a phrase. `function` null: for all functions; `when`: the kind of condition."""

    model_config = _shown(
        {
            "kind": "condition",
            "code": "road_setback",
            "title": "Khoảng lùi tới đường",
            "text": "Giữ khoảng lùi tới mép ngoài của đường.",
            "function": "transport",
            "source": "NĐ 165/2024/NĐ-CP",
            "valid_from": "2030-01-01",
            "subject": "road_setback_min",
            "value": "20",
        }
    )
    kind: Literal["condition", "ground"]
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), STORABLE]
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), STORABLE]
    valid_from: Day
    valid_to: Day | None = None
    function: Code | None = None
    when: Code | None = None
    subject: Code | None = None
    value: Annotated[str, Field(max_length=60), STORABLE] | None = None
    evidence: Annotated[str, Field(max_length=500), STORABLE] | None = None
    verifier: Code | None = None

    def phrase(self) -> PhraseText:
        worded = ("when", "subject", "value", "evidence", "verifier")
        said: dict[str, Any] = {name: value or "" for name, value in self.model_dump(include=set(worded)).items()}
        return PhraseText(**self.model_dump(exclude=set(worded)), **said)


class DossierRef(Given):
    """`version`: of what was read; without it the dossier is taken as it is now."""

    id: UUID
    version: int | None = Field(default=None, ge=1)


REF = {"id": "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c10", "version": 3}


class QueueClaim(Items[DossierRef]):
    """`act`: claim takes them for the caller, hand_back gives them back to the department."""

    model_config = _shown({"items": [REF], "act": "claim"}) | ConfigDict(extra="forbid")
    act: Literal["claim", "hand_back"] = "claim"


class QueueAssign(Items[DossierRef]):
    """`to`: somebody of the department, by his sign-in name."""

    model_config = _shown({"items": [REF], "to": "sxd.lan"}) | ConfigDict(extra="forbid")
    to: Code


class ExtensionGrant(Given):
    """In the unit of the clock that decides."""

    model_config = _shown({"days": 5, "reason": "Chờ ý kiến của Bộ Chỉ huy quân sự"})
    days: int = Field(ge=1, le=400)
    reason: Text = ""


class NoticeGive(Given):
    """`on`: the day on which the works began, or were done."""

    model_config = _shown({"kind": "commencement", "on": "2026-11-25"})
    kind: Literal["commencement", "completion"]
    on: Day


class Withdrawal(Given):
    """Why, in the applicant's own words."""

    model_config = _shown({"reason": "Đổi địa điểm"})
    reason: Text = ""
