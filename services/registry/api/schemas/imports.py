"""Imports as jobs, as they are told and as they are set up."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from kernel.listing import Page, Sparse
from kernel.texts import STORABLE
from services.registry.api.schemas.statements import RowError, shown
from services.registry.domain.importing import OnDuplicate, Plan, State

Field_ = Annotated[str, Field(max_length=40, description="A fact of the kind, or `public_no`, `valid_from` and so on.")]
Heading = Annotated[str, Field(max_length=1000)]
Word = Annotated[str, Field(max_length=200), STORABLE]
_SETUP = {
    "fields": {"Mã trạm": "name", "Kinh độ": "lon", "Vĩ độ": "lat", "Chiều cao": "height_m", "Xã": "commune"},
    "defaults": {"owner": "VIETTEL", "status": "in_service", "valid_from": "2026-01-01"},
    "on_duplicate": "new_version",
}


class Column(BaseModel):
    """`field`: what it is read as, guessed or chosen; `repeats`: it only repeats or reckons, nobody misses it."""

    heading: str
    field: str | None
    repeats: bool
    samples: list[str]


class ImportJobRow(Sparse):
    """`rows`: how many were read, then how many are to be recorded; `done`: how many were."""

    id: UUID
    kind: str
    org: str
    file_name: str
    form: Literal["csv", "xlsx", "geojson"]
    size: int
    sha256: str
    state: State
    on_duplicate: OnDuplicate
    rows: int
    done: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    version: int


class ImportJobPage(Page):
    items: list[ImportJobRow]


class ImportJobRead(BaseModel):
    """`plans`: how many rows are new, near to something known and so on; `outcomes`: what became of them.

    `suspected`: the file seems to be typed in this legacy font; its samples show whether it reads better by it.
    """

    id: UUID
    kind: str
    org: str
    file_name: str
    form: Literal["csv", "xlsx", "geojson"]
    size: int
    sha256: str
    state: State
    on_duplicate: OnDuplicate
    columns: list[Column]
    reading: dict[str, Any]
    suspected: str | None
    sheets: list[str]
    zone: str | None
    defaults: dict[str, str]
    notes: list[RowError]
    errors: list[RowError]
    rows: int
    done: int
    plans: dict[Plan, int]
    outcomes: dict[Plan, int]
    undecided: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    version: int


class ImportSetup(BaseModel):
    """`fields`: heading -> fact; columns that are not named are left out. `defaults`: what no column says.

    Another `encoding`, `sheet` or `header_row` than the one it was read by: the file is looked into again.
    """

    model_config = shown(_SETUP)

    fields: Annotated[dict[Heading, Field_], Field(max_length=100)]
    defaults: Annotated[dict[Field_, Word], Field(max_length=40)] = {}
    on_duplicate: OnDuplicate = "skip"
    zone: Annotated[str, Field(max_length=40, description="Of VN-2000, such as `VN-2000/104-30`.")] | None = None
    encoding: Literal["utf-8-sig", "utf-16-le", "utf-16-be", "cp1258", "latin-1"] | None = None
    legacy: Literal["tcvn3", "vni"] | None = Field(default=None, description="The font the texts were typed in.")
    sheet: Annotated[str, Field(max_length=100, description="Of a workbook.")] | None = None
    header_row: Annotated[int, Field(ge=1, le=20, description="As people count, from 1.")] | None = None


class Decision(BaseModel):
    """`decision`: `new`, `skip`, or the id of the structure that it is."""

    model_config = shown({"row": 12, "decision": "new"})

    row: Annotated[int, Field(ge=1)]
    decision: Annotated[str, Field(max_length=40)]


class ImportDecisions(BaseModel):
    model_config = shown({"decisions": [{"row": 12, "decision": "new"}]})

    decisions: Annotated[list[Decision], Field(min_length=1, max_length=500)]


class ImportRun(BaseModel):
    """`leave_out_faulty`: rows with faults stay out; `undecided`: what holds for rows nobody decided on."""

    model_config = shown({"leave_out_faulty": True, "undecided": "skip"})

    leave_out_faulty: bool = False
    undecided: Literal["new", "skip"] | None = None


class NearRead(BaseModel):
    """A structure that stands near, or an earlier `row` of the file."""

    id: UUID | None = None
    public_no: str | None = None
    name: str | None = None
    owner: str | None = None
    status: str | None = None
    height_m: str | None = None
    distance_m: float | None = None
    row: int | None = None


class ImportRowRead(Sparse):
    """A row of the file: what is to become of it, and what became of it."""

    row: int
    plan: Plan
    outcome: Plan | None
    public_no: str | None
    structure_id: UUID | None
    owner: str | None
    name: str | None
    valid_from: date | None
    decision: str | None
    near: list[NearRead] | None
    facts: dict[str, Any] | None
    faults: list[RowError]


class ImportRowPage(Page):
    items: list[ImportRowRead]


class ImportFault(BaseModel):
    """`column`: the fact, or `file` for the row as a whole. `ignored`: the row is none of ours, no harm is done."""

    row: int
    column: str
    code: str
    detail: str
    ignored: bool


class ImportFaultPage(Page):
    items: list[ImportFault]
