"""The dossier: its places, parts, supplement requests, decision, conditions and notices."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table

STATES = "'received','incomplete','supplemented','under_review','ready','decided','closed','withdrawn'"


class Application(Table, table=True):
    """The dossier, locked FOR UPDATE by every command. `number` is set in the transaction that inserts the row."""

    __tablename__ = "application"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.CheckConstraint(f"state IN ({STATES})", name="application_state"),
        sa.Index("application_options", "id", postgresql_where=sa.text("options_asked_at IS NULL")),
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
    lead_function: str = Field(sa_type=TEXT)
    options_asked_at: datetime | None = Field(default=None, sa_type=MOMENT)
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
    lapsed_on: date | None = None


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


class DecisionCondition(Table, table=True):
    """What became of a condition of the decision; what it says stands in the decision, at place `no` from 1 on."""

    __tablename__ = "decision_condition"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open','submitted','met','rejected','waived')", name="decision_condition_state"),
        sa.Index("decision_condition_file", "file_id"),
        sa.Index(
            "decision_condition_due",
            "due_on",
            postgresql_where=sa.text("state IN ('open','submitted','rejected')"),
        ),
    )
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    no: int = Field(primary_key=True)
    due_on: date | None = None
    verifier: str = Field(sa_type=TEXT)
    verifier_org: str = Field(sa_type=TEXT)
    state: str = Field(sa_type=TEXT)
    file_id: UUID | None = Field(default=None, foreign_key="file.id")
    remark: str | None = Field(default=None, sa_type=TEXT)
    changed_at: datetime = Field(sa_type=MOMENT)
    changed_by: str = Field(sa_type=TEXT)
    changed_name: str = Field(sa_type=TEXT)


class ShareOption(Table, table=True):
    """A mast that could carry the station of a new one, as sharing told it, and why the applicant does not use it."""

    __tablename__ = "share_option"
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    site_no: int = Field(primary_key=True)
    structure_id: UUID = Field(primary_key=True)
    public_no: str | None = Field(default=None, sa_type=TEXT)
    owner: str | None = Field(default=None, sa_type=TEXT)
    distance_m: float | None = None
    height_m: Decimal | None = Field(default=None, sa_type=sa.Numeric(6, 2))
    capacity: int | None = None
    free: int | None = None
    reason: str | None = Field(default=None, sa_type=TEXT)
    words: str | None = Field(default=None, sa_type=TEXT)
    answered_at: datetime | None = Field(default=None, sa_type=MOMENT)


class Notice(Table, table=True):
    """The owner's word on the works: commencement, then completion."""

    __tablename__ = "notice"
    __table_args__ = (sa.CheckConstraint("kind IN ('commencement','completion')", name="notice_kind"),)
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    kind: str = Field(sa_type=TEXT, primary_key=True)
    happened_on: date
    given_at: datetime = Field(sa_type=MOMENT)
    given_by: str = Field(sa_type=TEXT)
