"""Copies of what the registry tells."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, SPAN_CHECKS, Rectangle, Table


class Belief(Table, table=True):
    """One numbered belief about one thing of the registry; it is true until the next number's `recorded_at`."""

    __tablename__ = "belief"
    thing: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    no: int = Field(primary_key=True)
    recorded_at: datetime = Field(sa_type=MOMENT)


class Structure(Table, table=True):
    """The lock of everything about one structure. `kind` is NULL while it was only spoken of."""

    __tablename__ = "structure"
    __table_args__ = (sa.Index("structure_public_no", "public_no", unique=True),)
    id: UUID = Field(primary_key=True)
    kind: str | None = None
    public_no: str | None = None
    name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    name_fold: str = Field(default="", sa_column_kwargs={"server_default": ""})


class StructureCopy(Rectangle, table=True):
    __tablename__ = "structure_copy"
    __table_args__ = (
        *SPAN_CHECKS,
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
        *SPAN_CHECKS,
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
    __table_args__ = (*SPAN_CHECKS, sa.PrimaryKeyConstraint("code", "no", "valid_from"))
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
