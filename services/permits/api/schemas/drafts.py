"""Law being written."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from kernel.listing import Page, Sparse
from services.permits.api.schemas.filing import FaultRead
from services.permits.api.schemas.given import Given

_EXAMPLE: dict[str, Any] = {
    "kind": "calendar",
    "body": {"area": "96", "no": 2, "starts_on": "2023-01-01", "ends_on": "2031-12-31"},
}


class LawDraftGive(Given):
    """`body`: a procedure as `GET /procedures` tells one, or a calendar as `GET /calendars`. It may be unfinished."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]}, extra="forbid")
    kind: Literal["procedure", "calendar"]
    body: dict[str, Any]


class LawDraftChange(Given):
    """The whole body anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": _EXAMPLE["body"]}]}, extra="forbid")
    body: dict[str, Any]


class LawDraftRow(Sparse):
    """`name`: code and version; `published_at` null: still being written."""

    id: UUID
    kind: str
    name: str
    version: int
    drafted_by: str
    drafted_name: str
    changed_at: datetime
    published_at: datetime | None
    published_by: str | None


class LawDraftPage(Page):
    items: list[LawDraftRow]


class LawDraftRead(LawDraftRow):
    body: dict[str, Any]


class LawDraftChanged(BaseModel):
    """`version` is also the ETag."""

    id: UUID
    version: int


class MoveRead(BaseModel):
    """A running clock whose day would move; `function` of a review's clock."""

    number: str
    clock: str
    function: str | None
    due_on: date | None
    moved_to: date | None


class TrialRead(BaseModel):
    """`running`: how many clocks run, of a calendar; `moves`: the first 1,000 of those that would move, `moved` all."""

    publishable: bool
    faults: list[FaultRead]
    running: int | None
    moved: int | None
    moves: list[MoveRead]


class PublishedRead(BaseModel):
    """The id of the published version."""

    id: UUID


class CalendarDayRead(BaseModel):
    day: date
    kind: str
    cutoff: str | None
    vi: str
    en: str
    source: str


class CalendarRow(Sparse):
    """Days that differ from Monday to Friday. After `ends_on` no deadline can be told."""

    id: UUID
    area: str
    no: int
    starts_on: date
    ends_on: date
    cutoff: str
    half_cutoff: str
    source: str
    published_at: datetime
    days: list[CalendarDayRead]


class CalendarPage(Page):
    items: list[CalendarRow]
