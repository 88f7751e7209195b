"""Copies of the registry, agreements, shipped law, and the counted figures. One metadata, this service's own."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from kernel.db import own_tables

_MOMENT = sa.DateTime(timezone=True)
_OPEN = sa.text("'infinity'")


class Table(SQLModel, registry=registry()):
    """Holds only this service's tables, so that its migrations see no others."""


class Belief(Table, table=True):
    """One numbered belief about one thing of the registry; it is true until the next number's `recorded_at`."""

    __tablename__ = "belief"
    thing: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    no: int = Field(primary_key=True)
    recorded_at: datetime = Field(sa_type=_MOMENT)


class Structure(Table, table=True):
    """The lock of everything about one structure. `kind` is NULL while it was only spoken of."""

    __tablename__ = "structure"
    __table_args__ = (sa.Index("structure_public_no", "public_no", unique=True),)
    id: UUID = Field(primary_key=True)
    kind: str | None = None
    public_no: str | None = None
    name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    name_fold: str = Field(default="", sa_column_kwargs={"server_default": ""})


class Rectangle(Table):
    valid_from: date = Field(primary_key=True)
    valid_to: date
    recorded_from: datetime = Field(sa_type=_MOMENT)
    recorded_to: datetime = Field(sa_type=_MOMENT, sa_column_kwargs={"server_default": _OPEN})


_SPAN_CHECKS = (sa.CheckConstraint("valid_from < valid_to"), sa.CheckConstraint("recorded_from < recorded_to"))


class StructureCopy(Rectangle, table=True):
    __tablename__ = "structure_copy"
    __table_args__ = (
        *_SPAN_CHECKS,
        sa.PrimaryKeyConstraint("id", "no", "valid_from"),
        sa.Index("structure_copy_owner", "owner"),
        sa.Index("structure_copy_commune", "commune"),
        sa.Index("structure_copy_place", "lat", "lon", postgresql_where=sa.text("recorded_to = 'infinity'")),
    )
    id: UUID = Field(primary_key=True)
    no: int = Field(primary_key=True)
    owner: str
    status: str
    code_system: str | None = None
    code: str | None = None
    height_m: Any = Field(default=None, sa_type=sa.Numeric(6, 2), nullable=True)
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    capacity: int | None = None
    evidence: int = Field(sa_type=sa.SmallInteger)


class StationCopy(Rectangle, table=True):
    __tablename__ = "station_copy"
    __table_args__ = (
        *_SPAN_CHECKS,
        sa.PrimaryKeyConstraint("id", "no", "valid_from"),
        sa.Index("station_copy_structure", "structure_id"),
        sa.Index("station_copy_operator", "operator"),
    )
    id: UUID = Field(primary_key=True)
    no: int = Field(primary_key=True)
    structure_id: UUID
    operator: str
    status: str
    technologies: list[str] = Field(sa_type=ARRAY(sa.Text))
    evidence: int = Field(sa_type=sa.SmallInteger)


class OrganisationCopy(Rectangle, table=True):
    __tablename__ = "organisation_copy"
    __table_args__ = (*_SPAN_CHECKS, sa.PrimaryKeyConstraint("code", "no", "valid_from"))
    code: str = Field(primary_key=True)
    no: int = Field(primary_key=True)
    name_vi: str
    name_en: str
    short: str = Field(default="", sa_column_kwargs={"server_default": ""})
    kind: str
    legal_entity: str
    successor: str | None = None


class UnitCopy(Table, table=True):
    __tablename__ = "unit_copy"
    __table_args__ = (sa.Index("unit_copy_parent", "parent"),)
    id: str = Field(primary_key=True)
    no: int
    code: str
    name: str
    level: str
    parent: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    boundary_sets: list[str] = Field(sa_type=ARRAY(sa.Text))
    successors: Any = Field(sa_type=JSONB)
    source: str


class Placement(Table, table=True):
    """Where a structure declared in `declared` lies in each set of boundaries."""

    __tablename__ = "placement"
    declared: str = Field(primary_key=True)
    boundary_set: str = Field(primary_key=True)
    unit_id: str
    how: str
    provisional: bool


class BoundarySet(Table, table=True):
    __tablename__ = "boundary_set"
    code: str = Field(primary_key=True)
    title_vi: str
    title_en: str
    valid_from: date | None = None
    valid_to: date | None = None
    reported: bool


class Definition(Table, table=True):
    __tablename__ = "definition"
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    kind: str
    content: Any = Field(sa_type=JSONB)
    sha256: str
    is_default: bool
    valid_from: date
    valid_to: date
    published_at: datetime = Field(sa_type=_MOMENT)


class Plan(Table, table=True):
    __tablename__ = "plan"
    code: str = Field(primary_key=True)
    title_vi: str
    title_en: str
    source: str
    boundary_set: str
    sha256: str
    published_at: datetime = Field(sa_type=_MOMENT)


class Target(Table, table=True):
    __tablename__ = "target"
    plan: str = Field(primary_key=True, foreign_key="plan.code")
    kind: str = Field(primary_key=True)
    due_on: date = Field(primary_key=True)
    is_base: bool = Field(primary_key=True)
    percent: Any = Field(sa_type=sa.Numeric(7, 4))


class AgreementKind(Table, table=True):
    __tablename__ = "agreement_kind"
    code: str = Field(primary_key=True)
    title_vi: str
    title_en: str
    source: str


class Agreement(Table, table=True):
    __tablename__ = "agreement"
    __table_args__ = (
        sa.CheckConstraint("owner <> tenant"),
        sa.Index("agreement_structure", "structure_id"),
        sa.Index("agreement_owner", "owner", "id"),
        sa.Index("agreement_tenant", "tenant", "id"),
    )
    id: UUID = Field(primary_key=True)
    structure_id: UUID = Field(foreign_key="structure.id")
    owner: str
    tenant: str
    last_no: int
    created_at: datetime = Field(sa_type=_MOMENT)


class AgreementChange(Table, table=True):
    __tablename__ = "agreement_change"
    __table_args__ = (sa.UniqueConstraint("agreement_id", "no"), sa.CheckConstraint("valid_from < valid_to"))
    id: UUID = Field(primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    no: int
    act: str
    valid_from: date
    valid_to: date = Field(sa_column_kwargs={"server_default": _OPEN})
    patch: Any = Field(sa_type=JSONB)
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: Any = Field(default=None, sa_type=JSONB, nullable=True)
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    corrects: UUID | None = Field(default=None, foreign_key="agreement_change.id", unique=True)
    actor: str
    org: str
    recorded_at: datetime = Field(sa_type=_MOMENT)


class AgreementVersion(Rectangle, table=True):
    __tablename__ = "agreement_version"
    __table_args__ = (
        *_SPAN_CHECKS,
        sa.PrimaryKeyConstraint("agreement_id", "opened_no", "valid_from"),
        sa.Index(
            "agreement_version_open",
            "agreement_id",
            "valid_from",
            unique=True,
            postgresql_where=sa.text("recorded_to = 'infinity'"),
        ),
    )
    agreement_id: UUID = Field(primary_key=True, foreign_key="agreement.id")
    opened_no: int = Field(primary_key=True)
    closed_no: int | None = None
    status: str
    kind: str
    number: str
    document_sha256: str
    evidence: int = Field(sa_type=sa.SmallInteger)
    sources: Any = Field(sa_type=JSONB)


class RatioSeries(Table, table=True):
    __tablename__ = "ratio_series"
    __table_args__ = (sa.UniqueConstraint("definition_code", "definition_version", "boundary_set"),)
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    definition_code: str
    definition_version: int
    kind: str
    boundary_set: str


class RatioGroup(Table, table=True):
    """Groups are numbered from 0 without holes: a number is a place in a checkpoint's arrays. No unit: ""."""

    __tablename__ = "ratio_group"
    __table_args__ = (sa.UniqueConstraint("series_id", "unit_id", "owner_id"),)
    series_id: int = Field(primary_key=True, foreign_key="ratio_series.id")
    g: int = Field(primary_key=True)
    unit_id: str
    owner_id: str


class RatioSpan(Table, table=True):
    __tablename__ = "ratio_span"
    __table_args__ = (
        sa.Index(
            "ratio_span_list",
            "series_id",
            "public_no",
            "structure_id",
            postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to", "counted", "shared"],
        ),
    )
    structure_id: UUID = Field(primary_key=True)
    series_id: int = Field(primary_key=True, foreign_key="ratio_series.id")
    valid_from: date = Field(primary_key=True)
    recorded_from: datetime = Field(primary_key=True, sa_type=_MOMENT)
    valid_to: date
    recorded_to: datetime = Field(sa_type=_MOMENT)
    g: int
    public_no: str
    counted: bool
    shared: bool
    reason: str
    sharers: Any = Field(sa_type=JSONB)


class RatioDelta(Table, table=True):
    """The figure at (D, K) is the sum of everything with `v` <= D and `r` <= K."""

    __tablename__ = "ratio_delta"
    __table_args__ = (
        sa.Index("ratio_delta_r", "series_id", "r", "v", postgresql_include=["g", "den", "num"]),
        sa.Index("ratio_delta_v", "series_id", "v", "r", postgresql_include=["g", "den", "num"]),
    )
    structure_id: UUID = Field(primary_key=True)
    series_id: int = Field(primary_key=True, foreign_key="ratio_series.id")
    v: date = Field(primary_key=True)
    r: datetime = Field(primary_key=True, sa_type=_MOMENT)
    g: int = Field(primary_key=True)
    den: int
    num: int


class RatioCheckpoint(Table, table=True):
    """Cumulative figures of all groups at one corner; an event late beyond it makes it stale."""

    __tablename__ = "ratio_checkpoint"
    series_id: int = Field(primary_key=True, foreign_key="ratio_series.id")
    known_to: datetime = Field(primary_key=True, sa_type=_MOMENT)
    valid_to: date = Field(primary_key=True)
    den: list[int] = Field(sa_type=ARRAY(sa.Integer))
    num: list[int] = Field(sa_type=ARRAY(sa.Integer))
    stale: bool = Field(default=False, sa_column_kwargs={"server_default": sa.text("false")})


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
    opened_at: datetime = Field(sa_type=_MOMENT)
    late_on: date
    remind: list[int] = Field(sa_type=ARRAY(sa.Integer))
    reporters: list[str] = Field(sa_type=ARRAY(sa.Text))
    opened_by: str
    no: int = 0
    closed_at: datetime | None = Field(default=None, sa_type=_MOMENT, nullable=True)
    closed_by: str | None = None


class Report(Table, table=True):
    """What one enterprise says in one cycle: its lines as known at `known_at`; `no` counts every change, `versions`
    what it submitted."""

    __tablename__ = "report"
    __table_args__ = (sa.UniqueConstraint("cycle_id", "org"), sa.Index("report_org", "org", "id"))
    id: UUID = Field(primary_key=True)
    cycle_id: UUID = Field(foreign_key="report_cycle.id")
    org: str
    known_at: datetime = Field(sa_type=_MOMENT)
    no: int = 0
    versions: int = 0
    submitted_at: datetime | None = Field(default=None, sa_type=_MOMENT, nullable=True)


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
    answered_at: datetime | None = Field(default=None, sa_type=_MOMENT, nullable=True)
    answered_by: str | None = None
    outcome: str | None = None
    outcome_note: str = Field(default="", sa_column_kwargs={"server_default": ""})
    settled_at: datetime | None = Field(default=None, sa_type=_MOMENT, nullable=True)
    settled_by: str | None = None


class ReportVersion(Table, table=True):
    """A report as it was submitted, kept whole; `sha256` is that of its canonical JSON."""

    __tablename__ = "report_version"
    report_id: UUID = Field(primary_key=True, foreign_key="report.id")
    no: int = Field(primary_key=True)
    submitted_at: datetime = Field(sa_type=_MOMENT)
    submitted_by: str
    late: bool
    content: Any = Field(sa_type=JSONB)
    sha256: str


class ReportReminder(Table, table=True):
    __tablename__ = "report_reminder"
    report_id: UUID = Field(primary_key=True, foreign_key="report.id")
    days_left: int = Field(primary_key=True)
    at: datetime = Field(sa_type=_MOMENT)


metadata = Table.metadata
own_tables(metadata)
