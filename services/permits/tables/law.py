"""Published law, its drafts, code lists, phrases and the number series."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table


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


class LawDraft(Table, table=True):
    """A procedure or calendar being written. Published rows never change; a draft does until it is published."""

    __tablename__ = "law_draft"
    __table_args__ = (sa.CheckConstraint("kind IN ('procedure','calendar')", name="law_draft_kind"),)
    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    body: Any = Field(sa_type=JSON)
    version: int
    drafted_by: str = Field(sa_type=TEXT)
    drafted_name: str = Field(sa_type=TEXT)
    changed_at: datetime = Field(sa_type=MOMENT)
    published_id: UUID | None = None
    published_by: str | None = Field(default=None, sa_type=TEXT)
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)


class Phrase(Table, table=True):
    """What is said often, with its source: conditions and grounds, of one function or of all; append only."""

    __tablename__ = "phrase"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('condition','ground')", name="phrase_kind"),
        sa.CheckConstraint("valid_from < valid_to", name="phrase_validity"),
    )
    kind: str = Field(sa_type=TEXT, primary_key=True)
    code: str = Field(sa_type=TEXT, primary_key=True)
    no: int = Field(primary_key=True)
    function: str | None = Field(default=None, sa_type=TEXT)
    text: str = Field(sa_type=TEXT)
    body: Any = Field(sa_type=JSON)
    source: str = Field(sa_type=TEXT)
    valid_from: date
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    made_by: str = Field(sa_type=TEXT)
    made_at: datetime = Field(sa_type=MOMENT)


class NumberSeries(Table, table=True):
    __tablename__ = "number_series"
    series: str = Field(sa_type=TEXT, primary_key=True)
    year: int = Field(primary_key=True)
    last: int
