"""The registry's tables. Logs are appended to; versions are their projection, kept continuous by triggers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import registry
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from kernel.db import own_tables


class Point(UserDefinedType[tuple[float, float]]):
    """PostgreSQL's own point: (longitude, latitude), indexed by GiST without any extension."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "point"


ischema_names["point"] = Point

OPEN_DAY = sa.text("'infinity'")
SPAN = ["valid_from", "valid_to", "recorded_from", "recorded_to"]


class Table(SQLModel, registry=registry()):
    pass


metadata = Table.metadata


def _bytewise(**more: Any) -> Any:
    """Compared byte by byte: the order is made in Python and must not depend on the server's collation."""
    return Field(sa_column=sa.Column(sa.Text(collation="C"), nullable=False), **more)


def _moment(nullable: bool = False, **more: Any) -> Any:
    return Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=nullable, **more))


def _json(nullable: bool = False) -> Any:
    return Field(sa_column=sa.Column(JSONB, nullable=nullable))


def _texts() -> Any:
    return Field(sa_column=sa.Column(ARRAY(sa.Text), nullable=False))


def _open_day() -> Any:
    return Field(sa_column=sa.Column(sa.Date, nullable=False, server_default=OPEN_DAY))


def _open_moment() -> Any:
    return _moment(server_default=OPEN_DAY)


def _key(target: str, **more: Any) -> Any:
    return Field(foreign_key=target, **more)


def _named(target: str, **more: Any) -> Any:
    return Field(foreign_key=target, sa_type=sa.Text, **more)


def _text(**more: Any) -> Any:
    return Field(sa_type=sa.Text, **more)


class NumberSeries(Table, table=True):
    """Given out by UPDATE ... RETURNING; gaps are allowed."""

    __tablename__ = "number_series"
    series: str = _text(primary_key=True)
    last: int


class Publication(Table, table=True):
    """A shipped file in a version that was loaded: the same version with another digest is an error."""

    __tablename__ = "publication"
    name: str = _text(primary_key=True)
    version: int = Field(primary_key=True)
    digest: str = _text()
    published_at: datetime = _moment()


class Structure(Table, table=True):
    """Locked FOR UPDATE by every command on it."""

    __tablename__ = "structure"
    id: UUID = Field(primary_key=True)
    kind: str = _text()
    public_no: str = _text(unique=True)
    application_id: UUID | None = None
    last_no: int
    created_at: datetime = _moment()


class StructureChange(Table, table=True):
    __tablename__ = "structure_change"
    __table_args__ = (
        sa.UniqueConstraint("structure_id", "no", name="structure_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="structure_change_days"),
    )
    id: UUID = Field(primary_key=True)
    structure_id: UUID = _key("structure.id")
    no: int
    act: str = _text()
    valid_from: date
    valid_to: date = _open_day()
    patch: dict[str, Any] = _json()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = _json(nullable=True)
    reason: str = _text()
    corrects: UUID | None = _key("structure_change.id", unique=True)
    actor: str = _text()
    org: str = _text()
    recorded_at: datetime = _moment()


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
    structure_id: UUID = _key("structure.id", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = _open_day()
    recorded_from: datetime = _moment()
    recorded_to: datetime = _open_moment()
    kind: str = _text()
    owner_id: str = _text()
    status: str = _text()
    code_system: str | None = _text(default=None)
    code: str | None = _text(default=None)
    height_m: Decimal | None = Field(default=None, sa_type=sa.Numeric(6, 2))
    point: Any = Field(default=None, sa_column=sa.Column(Point, nullable=True))
    commune_id: str | None = _text(default=None)
    capacity: int | None = None
    name: str | None = _text(default=None)
    name_fold: str = _bytewise()
    sort_key: str = _bytewise()
    attributes: dict[str, Any] = _json()
    sources: dict[str, int] = _json()
    evidence: int = Field(sa_type=sa.SmallInteger)


class Station(Table, table=True):
    __tablename__ = "station"
    id: UUID = Field(primary_key=True)
    structure_id: UUID = _key("structure.id", index=True)
    last_no: int
    created_at: datetime = _moment()


class StationChange(Table, table=True):
    __tablename__ = "station_change"
    __table_args__ = (
        sa.UniqueConstraint("station_id", "no", name="station_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="station_change_days"),
    )
    id: UUID = Field(primary_key=True)
    station_id: UUID = _key("station.id")
    no: int
    act: str = _text()
    valid_from: date
    valid_to: date = _open_day()
    patch: dict[str, Any] = _json()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = _json(nullable=True)
    reason: str = _text()
    corrects: UUID | None = _key("station_change.id", unique=True)
    actor: str = _text()
    org: str = _text()
    recorded_at: datetime = _moment()


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
    station_id: UUID = _key("station.id", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = _open_day()
    recorded_from: datetime = _moment()
    recorded_to: datetime = _open_moment()
    structure_id: UUID
    operator_id: str = _text()
    status: str = _text()
    technologies: list[str] = _texts()
    attributes: dict[str, Any] = _json()
    sources: dict[str, int] = _json()
    evidence: int = Field(sa_type=sa.SmallInteger)


class Organisation(Table, table=True):
    __tablename__ = "organisation"
    code: str = _text(primary_key=True)
    last_no: int
    created_at: datetime = _moment()


class OrganisationChange(Table, table=True):
    __tablename__ = "organisation_change"
    __table_args__ = (
        sa.UniqueConstraint("organisation_code", "no", name="organisation_change_no"),
        sa.CheckConstraint("valid_from < valid_to", name="organisation_change_days"),
    )
    id: UUID = Field(primary_key=True)
    organisation_code: str = _named("organisation.code")
    no: int
    act: str = _text()
    valid_from: date
    valid_to: date = _open_day()
    patch: dict[str, Any] = _json()
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: dict[str, Any] | None = _json(nullable=True)
    reason: str = _text()
    corrects: UUID | None = _key("organisation_change.id", unique=True)
    actor: str = _text()
    org: str = _text()
    recorded_at: datetime = _moment()


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
    organisation_code: str = _named("organisation.code", primary_key=True)
    opened_no: int = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    closed_no: int | None = None
    valid_to: date = _open_day()
    recorded_from: datetime = _moment()
    recorded_to: datetime = _open_moment()
    name_vi: str = _text()
    name_en: str = _text()
    short: str = _text()
    kind: str = _text()
    legal_entity: str = _text()
    active: bool
    successor: str | None = _text(default=None)
    name_fold: str = _bytewise()
    sort_key: str = _bytewise()
    sources: dict[str, int] = _json()


class Mandate(Table, table=True):
    """The function an organisation holds by date, in an area."""

    __tablename__ = "mandate"
    __table_args__ = (sa.CheckConstraint("valid_from < valid_to", name="mandate_days"),)
    function: str = _text(primary_key=True)
    area: str = _text(primary_key=True)
    valid_from: date = Field(primary_key=True)
    organisation_code: str = _named("organisation.code", primary_key=True)
    valid_to: date = _open_day()
    source: str = _text()


class BoundarySet(Table, table=True):
    __tablename__ = "boundary_set"
    code: str = _text(primary_key=True)
    title: dict[str, str] = _json()
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Table, table=True):
    """A GSO code is no stable identity: a unit is its code and the vintage in which it first stands."""

    __tablename__ = "unit"
    __table_args__ = (sa.Index("unit_sets", "boundary_sets", postgresql_using="gin"),)
    id: str = _text(primary_key=True)
    no: int
    code: str = _text(index=True)
    name: str = _text()
    name_en: str = _text()
    level: str = _text()
    parent_id: str | None = _named("unit.id", default=None, index=True)
    valid_from: date | None = None
    valid_to: date | None = None
    boundary_sets: list[str] = _texts()
    lat: float | None = None
    lon: float | None = None
    area_km2: float | None = None
    source: str = _text()
    name_fold: str = _bytewise()
    sort_key: str = _bytewise()


class UnitSuccession(Table, table=True):
    """`share` of the old unit's area, where the relation is a part and it was measured."""

    __tablename__ = "unit_succession"
    unit_id: str = _named("unit.id", primary_key=True)
    successor_id: str = _named("unit.id", primary_key=True)
    on: date
    relation: str = _text()
    share: float | None = None
    source: str = _text()


class UnitPlacement(Table, table=True):
    """The crosswalk worked out: where what was declared in one unit lies in each set. A projection of the two above."""

    __tablename__ = "unit_placement"
    declared_id: str = _named("unit.id", primary_key=True)
    boundary_set: str = _named("boundary_set.code", primary_key=True)
    unit_id: str = _named("unit.id")
    how: str = _text()
    provisional: bool


class Placement(Table, table=True):
    """A structure's unit in every set, for each unit it was ever declared in; a polygon or a person may decide it."""

    __tablename__ = "placement"
    __table_args__ = (sa.Index("placement_unit", "unit_id", "structure_id"),)
    structure_id: UUID = _key("structure.id", primary_key=True)
    declared_id: str = _named("unit.id", primary_key=True)
    boundary_set: str = _named("boundary_set.code", primary_key=True)
    unit_id: str = _named("unit.id")
    how: str = _text()
    provisional: bool


class Boundary(Table, table=True):
    """Display outlines as an administrator imported them; never evidence of a legal boundary."""

    __tablename__ = "boundary"
    unit_id: str = _named("unit.id", primary_key=True)
    boundary_set: str = _named("boundary_set.code", primary_key=True)
    geometry: dict[str, Any] = _json()
    west: float
    south: float
    east: float
    north: float
    source: str = _text()
    recorded_at: datetime = _moment()


own_tables(metadata)
