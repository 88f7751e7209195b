"""Dossiers as lists tell them and as a whole."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from kernel.listing import Page, Sparse


class SiteRead(BaseModel):
    """WGS 84 degrees, metres above ground; `structure_id` is the structure's own id from the filing on."""

    no: int
    structure_id: UUID
    kind: str
    name: str
    code: tuple[str, str] | None
    height_m: Decimal | None
    lon: float
    lat: float
    commune: str
    capacity: int | None
    facts: dict[str, Any]


class MarkRead(BaseModel):
    """How far one agency is; `outcome` null: it has not said anything yet, `silent`: it let its time pass.

    `stage`: asked, draft, check, sign, answered.
    """

    function: str
    org: str
    outcome: str | None
    late: bool
    drafted: bool
    stage: str
    due_on: date | None


class NearestDeadline(BaseModel):
    clock: str
    due_on: date | None
    state: str
    remaining: int | None


class DecidedRead(BaseModel):
    """`may_build` is what the outcome means for the site."""

    number: str | None
    outcome: str
    may_build: bool
    decided_on: date


class PartRead(BaseModel):
    """`replaced_at`: a later copy of the same part stands in its place."""

    code: str
    no: int
    file: UUID
    name: str
    sha256: str
    size: int
    media_type: str
    added_at: datetime
    replaced_at: datetime | None


class ClockNow(BaseModel):
    """`function` and `org` of a review's clock; `remaining` while it is paused."""

    clock: str
    function: str | None
    org: str
    due_on: date | None
    state: str
    length: int
    remaining: int | None


class RequestItem(BaseModel):
    code: str
    reason: str


class SupplementRequestRead(BaseModel):
    """`lapsed_on`: the last day for an answer, when it passed without one."""

    round: int
    items: list[RequestItem]
    sent_at: datetime
    answered_at: datetime | None
    lapsed_on: date | None


class NoticeRead(BaseModel):
    kind: str
    on: date
    given_at: datetime


class DossierHead(BaseModel):
    """What is told of every dossier. `received_on` decides the law, `effective_on` begins the clocks."""

    id: UUID
    number: str
    state: str
    version: int
    procedure: str
    work: str
    applicant: str
    lead: str
    received_at: datetime
    received_on: date
    effective_on: date
    assigned_to: str | None
    assigned_name: str | None


class ApplicationRow(DossierHead, Sparse):
    """`works`: kind of notice -> its day. `parts` to `notices` only when `expand` names them."""

    deadline: NearestDeadline | None
    sites: list[SiteRead]
    reviews: list[MarkRead]
    decision: DecidedRead | None
    works: dict[str, date] | None
    parts: list[PartRead] | None = None
    clocks: list[ClockNow] | None = None
    supplement_requests: list[SupplementRequestRead] | None = None
    notices: list[NoticeRead] | None = None
    lon: float | None = Field(default=None, description="Of the first site.")
    lat: float | None = Field(default=None, description="Of the first site.")


class ApplicationPage(Page):
    items: list[ApplicationRow]


class QueueRow(DossierHead, Sparse):
    """`asked`: the function whose opinion the deadline waits for, null where it is the lead's own."""

    deadline: NearestDeadline
    sort_on: str
    asked: str | None
    assignee: str | None
    assignee_name: str | None
    sites: list[SiteRead]
    reviews: list[MarkRead]


class QueuePage(Page):
    """`counts`: rows of each tab, without filters."""

    items: list[QueueRow]
    counts: dict[str, int]


class ConditionRead(BaseModel):
    """`subject` and `value` make it comparable (`GET /codes?list=condition_subject`); `of`: who asked for it."""

    text: str
    due_on: date | None
    kind: str | None = None
    subject: str | None = None
    value: str | None = None
    evidence: str | None = None
    verifier: str | None = None
    of: list[str] = []


class FollowedCondition(ConditionRead):
    """A condition of the decision. `state`: open, submitted, met, rejected, waived; null where nothing may be built."""

    no: int
    state: str | None
    verifier_org: str | None
    file: UUID | None
    remark: str | None
    changed_at: datetime | None
    changed_name: str | None


class ReviewRead(BaseModel):
    """What one agency was asked and said; a draft that is not signed is told of, not told.

    `stage`: asked, draft, check, sign, answered.
    """

    id: UUID
    function: str
    org: str
    round: int
    asked_on: date
    ask_reason: str | None
    outcome: str | None
    grounds: str | None
    conditions: list[ConditionRead]
    stage: str
    drafted: bool
    drafted_by: str | None
    checked_by: str | None
    signed_by: str | None
    signed_name: str | None
    signed_at: datetime | None
    late: bool
    silent_on: date | None
    assigned_to: str | None
    assigned_name: str | None
    version: int
    due_on: date | None
    clock_state: str | None


class DecisionRead(DecidedRead):
    decided_by: str
    decided_name: str
    grounds: str
    conditions: list[FollowedCondition]
    reason: str | None


class ShareOptionRead(BaseModel):
    """A mast in service around that could carry it. `reason` null: not answered; details null: not told yet."""

    site_no: int
    structure_id: UUID
    public_no: str | None
    owner: str | None
    distance_m: float | None
    height_m: Decimal | None
    capacity: int | None
    free: int | None
    reason: str | None
    words: str | None
    answered_at: datetime | None


class SharingRead(BaseModel):
    """`asked_at` null: sharing was not asked yet; `radius_m` null: nothing is asked for this kind of work."""

    asked_at: datetime | None
    radius_m: int | None
    options: list[ShareOptionRead]


class ApplicationRead(DossierHead):
    """The whole dossier but the days of its clocks."""

    received_reason: str | None
    filed_by: str
    sites: list[SiteRead]
    parts: list[PartRead]
    reviews: list[ReviewRead]
    supplement_requests: list[SupplementRequestRead]
    clocks: list[ClockNow]
    decision: DecisionRead | None
    notices: list[NoticeRead]
    sharing: SharingRead
