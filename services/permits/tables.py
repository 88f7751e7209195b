"""The tables of permits. Validation happens in schemas and rules; what must never be otherwise is a CHECK here."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from kernel.db import own_tables

MOMENT: Any = sa.DateTime(timezone=True)
JSON: Any = JSONB(none_as_null=True)
TEXT: Any = sa.Text
STATES = "'received','incomplete','supplemented','under_review','ready','decided','closed','withdrawn'"
OUTCOMES = "'agree','conditions','disagree','not_involved','silent'"
KINDS = "'start','pause','resume','restart','extend','stop','void'"


class Table(SQLModel, registry=registry()):
    pass


metadata = Table.metadata


class ProcedureVersion(Table, table=True):
    """Published law: rows never change. `body` is canonical JSON, `sha256` its hash."""

    __tablename__ = "procedure_version"
    __table_args__ = (
        sa.UniqueConstraint("code", "version"),
        sa.CheckConstraint("state IN ('draft','published')", name="procedure_version_state"),
        sa.CheckConstraint("valid_from < valid_to", name="procedure_version_validity"),
    )
    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=TEXT)
    version: int
    work: str = Field(sa_type=TEXT, index=True)
    valid_from: date
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    body: Any = Field(sa_type=JSON)
    sha256: str = Field(sa_type=TEXT)
    state: str = Field(sa_type=TEXT)
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)


class CalendarVersion(Table, table=True):
    __tablename__ = "calendar_version"
    __table_args__ = (sa.UniqueConstraint("area", "no"),)
    id: UUID = Field(primary_key=True)
    area: str = Field(sa_type=TEXT)
    no: int
    starts_on: date
    ends_on: date
    cutoff: time
    half_cutoff: time
    source: str = Field(sa_type=TEXT)
    sha256: str = Field(sa_type=TEXT)
    published_at: datetime = Field(sa_type=MOMENT)


class CalendarDay(Table, table=True):
    __tablename__ = "calendar_day"
    __table_args__ = (sa.CheckConstraint("kind IN ('off','work','half')", name="calendar_day_kind"),)
    version_id: UUID = Field(foreign_key="calendar_version.id", primary_key=True)
    day: date = Field(primary_key=True)
    kind: str = Field(sa_type=TEXT)
    cutoff: time | None = None
    vi: str = Field(sa_type=TEXT)
    en: str = Field(sa_type=TEXT)
    source: str = Field(sa_type=TEXT)


class CodeEntry(Table, table=True):
    """Code lists with their words: parts, facts, functions, works, areas, class codes."""

    __tablename__ = "code_entry"
    list: str = Field(sa_type=TEXT, primary_key=True)
    code: str = Field(sa_type=TEXT, primary_key=True)
    position: int
    body: Any = Field(sa_type=JSON)


class NumberSeries(Table, table=True):
    __tablename__ = "number_series"
    series: str = Field(sa_type=TEXT, primary_key=True)
    year: int = Field(primary_key=True)
    last: int


class File(Table, table=True):
    __tablename__ = "file"
    __table_args__ = (
        sa.CheckConstraint("state IN ('staged','stored')", name="file_state"),
        sa.CheckConstraint("size > 0", name="file_size"),
        sa.Index("file_staged", "id", postgresql_where=sa.text("state = 'staged'")),
        sa.Index("file_sha256", "sha256"),
    )
    id: UUID = Field(primary_key=True)
    org: str = Field(sa_type=TEXT)
    sha256: str = Field(sa_type=TEXT)
    size: int = Field(sa_type=sa.BigInteger)
    media_type: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    state: str = Field(sa_type=TEXT)
    created_at: datetime = Field(sa_type=MOMENT)
    created_by: str = Field(sa_type=TEXT)
    stored_at: datetime | None = Field(default=None, sa_type=MOMENT)


class FileChunk(Table, table=True):
    """At most 1 MiB each, numbered from 0; dropped some days after the bucket holds the file."""

    __tablename__ = "file_chunk"
    __table_args__ = (
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], ondelete="CASCADE"),
        sa.CheckConstraint("length(bytes) <= 1048576", name="file_chunk_size"),
    )
    file_id: UUID = Field(primary_key=True)
    no: int = Field(primary_key=True)
    bytes: Any = Field(sa_type=sa.LargeBinary)


class Application(Table, table=True):
    """The dossier, locked FOR UPDATE by every command. `number` is set in the transaction that inserts the row."""

    __tablename__ = "application"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.CheckConstraint(f"state IN ({STATES})", name="application_state"),
        sa.Index("application_list", sa.text("received_at DESC"), sa.text("id DESC")),
        sa.Index("application_applicant", "applicant_org", sa.text("received_at DESC"), sa.text("id DESC")),
        sa.Index("application_lead", "lead_org", sa.text("received_at DESC"), sa.text("id DESC")),
    )
    id: UUID = Field(primary_key=True)
    number: str | None = Field(default=None, sa_type=TEXT)
    procedure_version_id: UUID = Field(foreign_key="procedure_version.id")
    applicant_org: str = Field(sa_type=TEXT)
    filed_by: str = Field(sa_type=TEXT)
    state: str = Field(sa_type=TEXT)
    version: int
    received_at: datetime = Field(sa_type=MOMENT)
    received_on: date
    effective_on: date
    received_reason: str | None = Field(default=None, sa_type=TEXT)
    lead_org: str = Field(sa_type=TEXT)
    assigned_to: str | None = Field(default=None, sa_type=TEXT)
    assigned_name: str | None = Field(default=None, sa_type=TEXT)
    touched_at: datetime = Field(sa_type=MOMENT)


class ApplicationSite(Table, table=True):
    """`structure_id` is minted at filing and becomes the structure's own id in the registry."""

    __tablename__ = "application_site"
    __table_args__ = (
        sa.UniqueConstraint("structure_id"),
        sa.CheckConstraint("height_m > 0", name="application_site_height"),
    )
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    no: int = Field(primary_key=True)
    structure_id: UUID
    kind: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    name_fold: str = Field(sa_type=TEXT)
    code_system: str | None = Field(default=None, sa_type=TEXT)
    code: str | None = Field(default=None, sa_type=TEXT)
    height_m: Decimal | None = Field(default=None, sa_type=sa.Numeric(6, 2))
    lon: float
    lat: float
    unit_id: str = Field(sa_type=TEXT)
    capacity: int | None = None
    facts: Any = Field(sa_type=JSON)


class ApplicationPart(Table, table=True):
    """A part in all its copies: the newest has no `replaced_at`."""

    __tablename__ = "application_part"
    __table_args__ = (sa.Index("application_part_file", "file_id"),)
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    code: str = Field(sa_type=TEXT, primary_key=True)
    no: int = Field(primary_key=True)
    file_id: UUID = Field(foreign_key="file.id")
    added_at: datetime = Field(sa_type=MOMENT)
    replaced_at: datetime | None = Field(default=None, sa_type=MOMENT)


class Review(Table, table=True):
    """One function's opinion, in the procedure's order. `silent_on` stays when a late answer comes."""

    __tablename__ = "review"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "function", "round"),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name="review_outcome"),
        sa.CheckConstraint("signed_by <> drafted_by", name="review_duties"),
        sa.Index("review_asked", "org", "function", "application_id"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    function: str = Field(sa_type=TEXT)
    position: int
    round: int
    org: str = Field(sa_type=TEXT)
    asked_on: date
    outcome: str | None = Field(default=None, sa_type=TEXT)
    grounds: str | None = Field(default=None, sa_type=TEXT)
    conditions: Any = Field(default=None, sa_type=JSON, nullable=True)
    drafted_by: str | None = Field(default=None, sa_type=TEXT)
    signed_by: str | None = Field(default=None, sa_type=TEXT)
    signed_name: str | None = Field(default=None, sa_type=TEXT)
    signed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    late: bool = False
    silent_on: date | None = None
    assigned_to: str | None = Field(default=None, sa_type=TEXT)
    assigned_name: str | None = Field(default=None, sa_type=TEXT)
    version: int = 1


class SupplementRequest(Table, table=True):
    __tablename__ = "supplement_request"
    __table_args__ = (sa.UniqueConstraint("application_id", "round"),)
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    round: int
    items: Any = Field(sa_type=JSON)
    sent_at: datetime = Field(sa_type=MOMENT)
    sent_by: str = Field(sa_type=TEXT)
    answered_at: datetime | None = Field(default=None, sa_type=MOMENT)


class Decision(Table, table=True):
    __tablename__ = "decision"
    __table_args__ = (sa.UniqueConstraint("number"),)
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    number: str | None = Field(default=None, sa_type=TEXT)
    outcome: str = Field(sa_type=TEXT)
    may_build: bool
    decided_on: date
    decided_by: str = Field(sa_type=TEXT)
    decided_name: str = Field(sa_type=TEXT)
    grounds: str = Field(sa_type=TEXT)
    conditions: Any = Field(sa_type=JSON)
    reason: str | None = Field(default=None, sa_type=TEXT)


class Notice(Table, table=True):
    """The owner's word on the works: commencement, then completion."""

    __tablename__ = "notice"
    __table_args__ = (sa.CheckConstraint("kind IN ('commencement','completion')", name="notice_kind"),)
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    kind: str = Field(sa_type=TEXT, primary_key=True)
    happened_on: date
    given_at: datetime = Field(sa_type=MOMENT)
    given_by: str = Field(sa_type=TEXT)


class ClockEvent(Table, table=True):
    """The ledger of days; append only. `cause` is the id of what was done, such as the supplement request."""

    __tablename__ = "clock_event"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "seq"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="clock_event_kind"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    review_id: UUID | None = Field(default=None, foreign_key="review.id")
    seq: int
    clock: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    at: datetime = Field(sa_type=MOMENT)
    effective_on: date
    days: int | None = None
    cause: UUID
    reason: str | None = Field(default=None, sa_type=TEXT)
    corrects: UUID | None = Field(default=None, foreign_key="clock_event.id")
    actor: str = Field(sa_type=TEXT)
    recorded_at: datetime = Field(sa_type=MOMENT)


class Deadline(Table, table=True):
    """Projection of the ledger and the worker's query: what each clock says now, and who answers for it."""

    __tablename__ = "deadline"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "review_id", "clock", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("state IN ('running','paused','stopped')", name="deadline_state"),
        sa.Index(
            "deadline_queue",
            "function",
            "org",
            "sort_on",
            "application_id",
            postgresql_where=sa.text("state IN ('running','paused')"),
        ),
        sa.Index(
            "deadline_expiry",
            "due_on",
            postgresql_where=sa.text("state = 'running' AND on_expiry <> 'overdue'"),
        ),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    review_id: UUID | None = Field(default=None, foreign_key="review.id")
    clock: str = Field(sa_type=TEXT)
    org: str = Field(sa_type=TEXT)
    function: str = Field(sa_type=TEXT)
    due_on: date | None = None
    sort_on: date
    state: str = Field(sa_type=TEXT)
    length: int
    remaining: int | None = None
    on_expiry: str = Field(sa_type=TEXT)
    procedure_version: UUID = Field(foreign_key="procedure_version.id")
    calendar_version: UUID = Field(foreign_key="calendar_version.id")


class UnitCopy(Table, table=True):
    """The registry's units; the newest belief of each."""

    __tablename__ = "unit_copy"
    id: str = Field(sa_type=TEXT, primary_key=True)
    no: int
    code: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    name_fold: str = Field(sa_type=TEXT)
    level: str = Field(sa_type=TEXT)
    parent: str | None = Field(default=None, sa_type=TEXT)
    valid_from: date = Field(sa_column_kwargs={"server_default": sa.text("'-infinity'")})
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})


class OrganisationCopy(Table, table=True):
    """The registry's organisations: all versions believed after change `no`."""

    __tablename__ = "organisation_copy"
    code: str = Field(sa_type=TEXT, primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    no: int
    name_vi: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    short: str = Field(sa_type=TEXT, sa_column_kwargs={"server_default": ""})
    kind: str = Field(sa_type=TEXT)
    legal_entity: str = Field(sa_type=TEXT)
    successor: str | None = Field(default=None, sa_type=TEXT, index=True)


class MandateCopy(Table, table=True):
    """Which organisation holds which function in which area, by date."""

    __tablename__ = "mandate_copy"
    org: str = Field(sa_type=TEXT, primary_key=True)
    function: str = Field(sa_type=TEXT, primary_key=True)
    area: str = Field(sa_type=TEXT, primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    source: str = Field(sa_type=TEXT)


own_tables(metadata)
