"""What the API takes and gives about the enterprises' reports."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from kernel.listing import Page, Sparse
from kernel.texts import STORABLE, Day
from services.sharing.api.schemas import Strict, shown

CycleId = Annotated[UUID, Path(description="The round of reports.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c30"])]
ReportId = Annotated[UUID, Path(description="The report.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c31"])]
LineNo = Annotated[int, Path(ge=1, le=10_000_000, description="Number of the line in its report.", examples=[1])]
VersionNo = Annotated[int, Path(ge=1, le=100_000, description="Number of the submission.", examples=[1])]
LineKind = Literal["structure", "tenancy", "letting", "station", "missing"]
Answer = Literal["open", "confirmed", "disputed"]
Outcome = Literal["accepted", "rejected"]
Standing = Literal["open", "submitted", "late", "overdue"]
Note = Annotated[str, Field(max_length=1000)]
Claims = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=200)]], Field(max_length=20)
]


class Titles(BaseModel):
    vi: str
    en: str


class CycleOf(BaseModel):
    """`as_of`: the day whose state is reported; `version` is what the ETag says."""

    id: UUID
    rule: str | None
    year: int | None
    title: Titles
    source: str
    as_of: date
    opened_at: datetime
    last_good_day: date
    closed_at: datetime | None
    version: int


class CycleRead(CycleOf):
    """With how many reports are in; `late`: those that came too late or are missing too late."""

    reports: int
    submitted: int
    late: int


class CycleRow(Sparse, CycleRead):
    """Of a list."""


class CyclePage(Page):
    items: list[CycleRow]


class CycleAsk(Strict):
    """`last_good_day`: the last day on which a report is in time."""

    model_config = shown(
        {
            "title_vi": "Báo cáo đột xuất sau bão số 9",
            "title_en": "Ad hoc report after storm no. 9",
            "as_of": "2026-11-01",
            "last_good_day": "2030-12-05",
        }
    )

    title_vi: Annotated[str, Field(min_length=1, max_length=200)]
    title_en: Annotated[str, Field(max_length=200)] = ""
    as_of: Day
    last_good_day: Day


class CycleMade(BaseModel):
    id: UUID


class CycleRenewed(BaseModel):
    """`reports`: how many were filled in anew; those with an answer stay as they are."""

    id: UUID
    version: int
    reports: int


class CycleClosedRead(BaseModel):
    id: UUID
    version: int
    closed_at: datetime


class ReportFacts(BaseModel):
    """`version` is what the ETag says, `versions` how often it was submitted; `unsettled`: disputes nobody settled;
    `known_at`: when its lines were filled in."""

    id: UUID
    cycle_id: UUID
    org: str
    standing: Standing
    last_good_day: date
    known_at: datetime
    submitted_at: datetime | None
    versions: int
    version: int
    lines: int
    confirmed: int
    disputed: int
    open: int
    unsettled: int
    reminded_at: datetime | None


class ReportRow(Sparse, ReportFacts):
    """Of a list."""


class ReportPage(Page):
    items: list[ReportRow]


class SubmissionRow(BaseModel):
    no: int
    submitted_at: datetime
    submitted_by: str
    late: bool
    sha256: str


class ReportRead(ReportFacts):
    cycle: CycleOf
    submissions: list[SubmissionRow]


class SubmissionRead(SubmissionRow):
    """`content` as it was submitted: the hash is that of its canonical JSON."""

    content: dict[str, Any]


class LineRow(Sparse):
    """`told`: what registry and agreements said when the round opened. `mended`: whether they say by now what is
    claimed; null where that cannot be told by a machine."""

    report_id: UUID
    no: int
    org: str
    kind: LineKind
    thing: UUID | None
    public_no: str
    told: dict[str, Any]
    answer: Answer
    claims: dict[str, str] | None
    note: str
    answered_at: datetime | None
    outcome: Outcome | None
    outcome_note: str
    settled_at: datetime | None
    mended: bool | None


class LinePage(Page):
    items: list[LineRow]


class LineAnswer(Strict):
    """`claims` of a dispute say what is right instead. Of a structure: owner, status, height_m, commune, code; of an
    agreement: ended_on (a day) or status `never`; of a station: status, technologies."""

    line: Annotated[int, Field(ge=1, le=10_000_000)]
    answer: Answer
    claims: Claims = Field(default_factory=dict)
    note: Note = ""


class AnswersGive(Strict):
    """Up to 1,000 answers, all taken or none."""

    model_config = shown(
        {
            "items": [
                {"line": 1, "answer": "disputed", "claims": {"height_m": "42"}, "note": "Đo lại tháng 10/2026"},
                {"line": 2, "answer": "confirmed"},
            ]
        }
    )

    items: Annotated[list[LineAnswer], Field(min_length=1, max_length=1000)]


class MissingGive(Strict):
    """A thing that the registry does not know. `claims`: thing (structure, agreement, station), name; also commune,
    other (organisation code of the other party), lon, lat."""

    model_config = shown(
        {
            "claims": {"thing": "structure", "name": "Cột BTS Khánh An 3", "commune": "32059"},
            "note": "Đưa vào sử dụng tháng 9/2026",
        }
    )

    claims: Claims
    note: Note = ""


class Nothing(Strict):
    """No members: the address says it all."""

    model_config = shown({})


class AnsweredRead(BaseModel):
    """`version` is what the ETag says."""

    id: UUID
    version: int


class MissingRead(AnsweredRead):
    line: int


class SettlementGive(Strict):
    """A rejection needs its reason."""

    model_config = shown({"outcome": "rejected", "note": "Biên bản kiểm tra ngày 02/11/2026 ghi cột cao 45 m"})

    outcome: Outcome
    note: Note = ""


class FormRead(BaseModel):
    """One form of Decree 163/2024, appendix. `held` false: nothing is recorded that could fill it."""

    no: int
    title: Titles
    note: Titles
    held: bool
    columns: list[str]
    rows: list[dict[str, Any]]


class ConsolidationRead(BaseModel):
    cycle: CycleRead
    forms: list[FormRead]


class ContactRow(Sparse):
    """Where an enterprise is reminded of its reports by mail."""

    org: str
    address: str
    name: str
    locale: str
    set_at: datetime
    set_by: str


class ContactPage(Page):
    items: list[ContactRow]


class ContactSet(Strict):
    """Your enterprise's own. Without `address` it is reminded on its pages only."""

    model_config = shown({"address": "baocao@viettel.com.vn", "name": "Phòng Hạ tầng", "locale": "vi"})

    address: Annotated[str | None, Field(max_length=254), STORABLE] = None
    name: Annotated[str, Field(max_length=200), STORABLE] = ""
    locale: Literal["vi", "en"] = "vi"


class ContactRead(BaseModel):
    org: str
    address: str | None
