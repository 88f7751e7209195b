"""The counted figures."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


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
    recorded_from: datetime = Field(primary_key=True, sa_type=MOMENT)
    valid_to: date
    recorded_to: datetime = Field(sa_type=MOMENT)
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
    r: datetime = Field(primary_key=True, sa_type=MOMENT)
    g: int = Field(primary_key=True)
    den: int
    num: int


class RatioCheckpoint(Table, table=True):
    """Cumulative figures of all groups at one corner; an event late beyond it makes it stale."""

    __tablename__ = "ratio_checkpoint"
    series_id: int = Field(primary_key=True, foreign_key="ratio_series.id")
    known_to: datetime = Field(primary_key=True, sa_type=MOMENT)
    valid_to: date = Field(primary_key=True)
    den: list[int] = Field(sa_type=ARRAY(sa.Integer))
    num: list[int] = Field(sa_type=ARRAY(sa.Integer))
    stale: bool = Field(default=False, sa_column_kwargs={"server_default": sa.text("false")})
