"""Structures and stations: logs that are appended to, and versions, their projection."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.registry.tables.columns import (
    SPAN,
    Point,
    Table,
    bytewise_column,
    json_column,
    key_column,
    moment_column,
    open_day_column,
    open_moment_column,
    text_column,
    texts_column,
)


class NumberSeries(Table, table=True):
    """Given out by UPDATE ... RETURNING; gaps are allowed."""

    __tablename__ = "number_series"
    series: str = text_column(primary_key=True)
    last: int


class Publication(Table, table=True):
    """A shipped file in a version that was loaded: the same version with another digest is an error."""

    __tablename__ = "publication"
    name: str = text_column(primary_key=True)
    version: int = Field(primary_key=True)
    digest: str = text_column()
    published_at: datetime = moment_column()


class SearchWord(Table, table=True):
    """A word of letters that a structure is found by; `variants`: itself, and what is left when one letter goes."""

    __tablename__ = "search_word"
    __table_args__ = (sa.Index("search_word_variants", "variants", postgresql_using="gin"),)
    word: str = bytewise_column(primary_key=True)
    variants: list[str] = texts_column()


class Structure(Table, table=True):
    """Locked FOR UPDATE by every command on it."""

    __tablename__ = "structure"
    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    public_no: str = text_column(unique=True)
    application_id: UUID | None = None
    last_no: int
    created_at: datetime = moment_column()


class StructureChange(Table, table=True):
    __tablename__ = "structure_change"
    __table_args__ = (
        sa.UniqueConstraint("structure_id", "no", name="structure_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="structure_change_days"),
    )
    id: UUID = Field(primary_key=True)
    structure_id: UUID = key_column("structure.id")
    no: int
    act: str = text_column()
    valid_from: date
    valid_to: date = open_day_column()
    patch: dict[str, Any] = json_column()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = json_column(nullable=True)
    reason: str = text_column()
    corrects: UUID | None = key_column("structure_change.id", unique=True)
    actor: str = text_column()
    org: str = text_column()
    recorded_at: datetime = moment_column()


class StructureVersion(Table, table=True):
    __tablename__ = "structure_version"
    __table_args__ = (
        sa.CheckConstraint("valid_from < valid_to", name="structure_version_days"),
        sa.CheckConstraint("recorded_from < recorded_to", name="structure_version_recorded"),
        sa.Index(
            "structure_version_open",
            "structure_id",
            "valid_from",
            unique=True,
            postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
        ),
        sa.Index("structure_version_order", "kind", "sort_key", "structure_id", postgresql_include=SPAN),
        sa.Index("structure_version_owner", "kind", "owner_id", "sort_key", "structure_id", postgresql_include=SPAN),
        sa.Index(
            "structure_version_commune", "kind", "commune_id", "sort_key", "structure_id", postgresql_include=SPAN
        ),
        sa.Index(
            "structure_version_name",
            "owner_id",
            "name",
            postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
        ),
        sa.Index("structure_version_point", "point", postgresql_using="gist"),
        sa.Index(
            "structure_version_words",
            sa.text("to_tsvector('simple'::regconfig, name_fold)"),
            postgresql_using="gin",
        ),
    )
    structure_id: UUID = key_column("structure.id", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = open_day_column()
    recorded_from: datetime = moment_column()
    recorded_to: datetime = open_moment_column()
    kind: str = text_column()
    owner_id: str = text_column()
    status: str = text_column()
    code_system: str | None = text_column(default=None)
    code: str | None = text_column(default=None)
    height_m: Decimal | None = Field(default=None, sa_type=sa.Numeric(6, 2))
    point: Any = Field(default=None, sa_column=sa.Column(Point, nullable=True))
    commune_id: str | None = text_column(default=None)
    capacity: int | None = None
    name: str | None = text_column(default=None)
    name_fold: str = bytewise_column()
    sort_key: str = bytewise_column()
    attributes: dict[str, Any] = json_column()
    sources: dict[str, int] = json_column()
    evidence: int = Field(sa_type=sa.SmallInteger)


class Station(Table, table=True):
    __tablename__ = "station"
    id: UUID = Field(primary_key=True)
    structure_id: UUID = key_column("structure.id", index=True)
    last_no: int
    created_at: datetime = moment_column()


class StationChange(Table, table=True):
    __tablename__ = "station_change"
    __table_args__ = (
        sa.UniqueConstraint("station_id", "no", name="station_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="station_change_days"),
    )
    id: UUID = Field(primary_key=True)
    station_id: UUID = key_column("station.id")
    no: int
    act: str = text_column()
    valid_from: date
    valid_to: date = open_day_column()
    patch: dict[str, Any] = json_column()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = json_column(nullable=True)
    reason: str = text_column()
    corrects: UUID | None = key_column("station_change.id", unique=True)
    actor: str = text_column()
    org: str = text_column()
    recorded_at: datetime = moment_column()


class StationVersion(Table, table=True):
    __tablename__ = "station_version"
    __table_args__ = (
        sa.CheckConstraint("valid_from < valid_to", name="station_version_days"),
        sa.CheckConstraint("recorded_from < recorded_to", name="station_version_recorded"),
        sa.Index(
            "station_version_open",
            "station_id",
            "valid_from",
            unique=True,
            postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
        ),
        sa.Index("station_version_structure", "structure_id", "valid_from"),
        sa.Index("station_version_operator", "operator_id", "station_id"),
    )
    station_id: UUID = key_column("station.id", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = open_day_column()
    recorded_from: datetime = moment_column()
    recorded_to: datetime = open_moment_column()
    structure_id: UUID
    operator_id: str = text_column()
    status: str = text_column()
    technologies: list[str] = texts_column()
    attributes: dict[str, Any] = json_column()
    sources: dict[str, int] = json_column()
    evidence: int = Field(sa_type=sa.SmallInteger)
