"""Organisations, mandates, administrative units and where structures lie in each set of boundaries."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.registry.tables.columns import (
    Table,
    bytewise_column,
    json_column,
    key_column,
    moment_column,
    named_column,
    open_day_column,
    open_moment_column,
    text_column,
    texts_column,
)


class Organisation(Table, table=True):
    __tablename__ = "organisation"
    code: str = text_column(primary_key=True)
    last_no: int
    created_at: datetime = moment_column()


class OrganisationChange(Table, table=True):
    __tablename__ = "organisation_change"
    __table_args__ = (
        sa.UniqueConstraint("organisation_code", "no", name="organisation_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="organisation_change_days"),
    )
    id: UUID = Field(primary_key=True)
    organisation_code: str = named_column("organisation.code")
    no: int
    act: str = text_column()
    valid_from: date
    valid_to: date = open_day_column()
    patch: dict[str, Any] = json_column()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = json_column(nullable=True)
    reason: str = text_column()
    corrects: UUID | None = key_column("organisation_change.id", unique=True)
    actor: str = text_column()
    org: str = text_column()
    recorded_at: datetime = moment_column()


class OrganisationVersion(Table, table=True):
    """After its end an organisation goes on as a version that is not active and names its successor."""

    __tablename__ = "organisation_version"
    __table_args__ = (
        sa.CheckConstraint("valid_from < valid_to", name="organisation_version_days"),
        sa.CheckConstraint("recorded_from < recorded_to", name="organisation_version_recorded"),
        sa.Index(
            "organisation_version_open",
            "organisation_code",
            "valid_from",
            unique=True,
            postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
        ),
    )
    organisation_code: str = named_column("organisation.code", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = open_day_column()
    recorded_from: datetime = moment_column()
    recorded_to: datetime = open_moment_column()
    name_vi: str = text_column()
    name_en: str = text_column()
    short: str = text_column()
    kind: str = text_column()
    legal_entity: str = text_column()
    active: bool
    successor: str | None = text_column(default=None)
    name_fold: str = bytewise_column()
    sort_key: str = bytewise_column()
    sources: dict[str, int] = json_column()


class Mandate(Table, table=True):
    """The function an organisation holds by date, in an area."""

    __tablename__ = "mandate"
    __table_args__ = (sa.CheckConstraint("valid_from < valid_to", name="mandate_days"),)
    function: str = text_column(primary_key=True)
    area: str = text_column(primary_key=True)
    valid_from: date = Field(primary_key=True)
    organisation_code: str = named_column("organisation.code", primary_key=True)
    valid_to: date = open_day_column()
    source: str = text_column()


class BoundarySet(Table, table=True):
    __tablename__ = "boundary_set"
    code: str = text_column(primary_key=True)
    title: dict[str, str] = json_column()
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Table, table=True):
    """A GSO code is no stable identity: a unit is its code and the vintage in which it first stands."""

    __tablename__ = "unit"
    __table_args__ = (sa.Index("unit_sets", "boundary_sets", postgresql_using="gin"),)
    id: str = text_column(primary_key=True)
    no: int
    code: str = text_column(index=True)
    name: str = text_column()
    name_en: str = text_column()
    level: str = text_column()
    parent_id: str | None = named_column("unit.id", default=None, index=True)
    valid_from: date | None = None
    valid_to: date | None = None
    boundary_sets: list[str] = texts_column()
    lat: float | None = None
    lon: float | None = None
    area_km2: float | None = None
    source: str = text_column()
    name_fold: str = bytewise_column()
    sort_key: str = bytewise_column()


class UnitSuccession(Table, table=True):
    """`share` of the old unit's area, where the relation is a part and it was measured."""

    __tablename__ = "unit_succession"
    unit_id: str = named_column("unit.id", primary_key=True)
    successor_id: str = named_column("unit.id", primary_key=True)
    on: date
    relation: str = text_column()
    share: float | None = None
    source: str = text_column()


class UnitPlacement(Table, table=True):
    """The crosswalk worked out: where what was declared in one unit lies in each set. A projection of the two above."""

    __tablename__ = "unit_placement"
    declared_id: str = named_column("unit.id", primary_key=True)
    boundary_set: str = named_column("boundary_set.code", primary_key=True)
    unit_id: str = named_column("unit.id")
    how: str = text_column()
    provisional: bool


class Placement(Table, table=True):
    """A structure's unit in every set, for each unit it was ever declared in; a polygon or a person may decide it."""

    __tablename__ = "placement"
    __table_args__ = (sa.Index("placement_unit", "unit_id", "structure_id"),)
    structure_id: UUID = key_column("structure.id", primary_key=True)
    declared_id: str = named_column("unit.id", primary_key=True)
    boundary_set: str = named_column("boundary_set.code", primary_key=True)
    unit_id: str = named_column("unit.id")
    how: str = text_column()
    provisional: bool


class Boundary(Table, table=True):
    """Display outlines as an administrator imported them; never evidence of a legal boundary."""

    __tablename__ = "boundary"
    unit_id: str = named_column("unit.id", primary_key=True)
    boundary_set: str = named_column("boundary_set.code", primary_key=True)
    geometry: dict[str, Any] = json_column()
    west: float
    south: float
    east: float
    north: float
    source: str = text_column()
    recorded_at: datetime = moment_column()
