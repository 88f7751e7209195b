"""The reports of the enterprises."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


class ReportCycle(Table, table=True):
    """One round of reports: of a year by a rule, or asked for out of turn. `remind`: days before the last good day."""

    __tablename__ = "report_cycle"
    __table_args__ = (sa.UniqueConstraint("rule", "year"), sa.CheckConstraint("(rule IS NULL) = (year IS NULL)"))
    id: UUID = Field(primary_key=True)
    rule: str | None = None
    year: int | None = None
    title_vi: str
    title_en: str
    source: str
    as_of: date
    opened_at: datetime = Field(sa_type=MOMENT)
    late_on: date
    remind: list[int] = Field(sa_type=ARRAY(sa.Integer))
    reporters: list[str] = Field(sa_type=ARRAY(sa.Text))
    opened_by: str
    no: int = 0
    closed_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    closed_by: str | None = None


class Report(Table, table=True):
    """What one enterprise says in one cycle: its lines as known at `known_at`; `no` counts every change, `versions`
    what it submitted."""

    __tablename__ = "report"
    __table_args__ = (sa.UniqueConstraint("cycle_id", "org"), sa.Index("report_org", "org", "id"))
    id: UUID = Field(primary_key=True)
    cycle_id: UUID = Field(foreign_key="report_cycle.id")
    org: str
    known_at: datetime = Field(sa_type=MOMENT)
    no: int = 0
    versions: int = 0
    submitted_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)


class ReportLine(Table, table=True):
    """`told` is what the registry and the agreements said when the cycle opened; it never changes."""

    __tablename__ = "report_line"
    report_id: UUID = Field(primary_key=True, foreign_key="report.id")
    no: int = Field(primary_key=True)
    kind: str
    thing: UUID | None = None
    public_no: str
    told: Any = Field(sa_type=JSONB)
    answer: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    claims: Any = Field(default=None, sa_type=JSONB, nullable=True)
    note: str = Field(default="", sa_column_kwargs={"server_default": ""})
    answered_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    answered_by: str | None = None
    outcome: str | None = None
    outcome_note: str = Field(default="", sa_column_kwargs={"server_default": ""})
    settled_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    settled_by: str | None = None


class ReportVersion(Table, table=True):
    """A report as it was submitted, kept whole; `sha256` is that of its canonical JSON."""

    __tablename__ = "report_version"
    report_id: UUID = Field(primary_key=True, foreign_key="report.id")
    no: int = Field(primary_key=True)
    submitted_at: datetime = Field(sa_type=MOMENT)
    submitted_by: str
    late: bool
    content: Any = Field(sa_type=JSONB)
    sha256: str


class ReportReminder(Table, table=True):
    __tablename__ = "report_reminder"
    report_id: UUID = Field(primary_key=True, foreign_key="report.id")
    days_left: int = Field(primary_key=True)
    at: datetime = Field(sa_type=MOMENT)


class ReportContact(Table, table=True):
    """Where an enterprise wants to be reminded of its reports; it says so itself."""

    __tablename__ = "report_contact"
    org: str = Field(primary_key=True)
    address: str
    name: str
    locale: str
    set_at: datetime = Field(sa_type=MOMENT)
    set_by: str
