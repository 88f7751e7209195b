"""Audits of the ratio: what was to be looked at, and what was found."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


class AuditPlan(Table, table=True):
    """`rules` are those by which it was drawn; `strata` how many each class of risk has and how many were drawn.
    `result` is kept when it is closed; `no` counts every change."""

    __tablename__ = "audit_plan"
    __table_args__ = (
        sa.CheckConstraint("shared >= 0 AND shared <= counted"),
        sa.CheckConstraint("(closed_at IS NULL) = (result IS NULL)"),
    )
    id: UUID = Field(primary_key=True)
    kind: str
    definition: str
    definition_sha256: str
    boundary_set: str
    unit: str | None = None
    owner: str | None = None
    as_of: date
    known_at: datetime = Field(sa_type=MOMENT)
    size: int
    seed: str
    rules: Any = Field(sa_type=JSONB)
    strata: Any = Field(sa_type=JSONB)
    shared: int
    counted: int
    drawn_at: datetime = Field(sa_type=MOMENT)
    drawn_by: str
    closed_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    closed_by: str | None = None
    result: Any = Field(default=None, sa_type=JSONB, nullable=True)
    no: int = Field(default=1, sa_column_kwargs={"server_default": sa.text("1")})


class AuditItem(Table, table=True):
    """Every structure that could be drawn, so that the draw can be done again; `place` is that in the draw of its
    class, None for what was not drawn. What was found stands beside what is recorded, which never changes."""

    __tablename__ = "audit_item"
    __table_args__ = (
        sa.CheckConstraint("counted OR NOT shared"),
        sa.CheckConstraint("coalesce(found_counted OR NOT found_shared, true)"),
        sa.CheckConstraint("(found_at IS NULL) = (found_counted IS NULL)"),
        sa.CheckConstraint("found_at IS NULL OR place IS NOT NULL"),
        sa.Index("audit_item_drawn", "plan_id", "stratum", "place", postgresql_where=sa.text("place IS NOT NULL")),
    )
    plan_id: UUID = Field(primary_key=True, foreign_key="audit_plan.id")
    structure_id: UUID = Field(primary_key=True)
    public_no: str
    owner: str
    unit: str
    counted: bool
    shared: bool
    reason: str
    signs: list[str] = Field(sa_type=ARRAY(sa.Text))
    stratum: str
    place: int | None = None
    found_counted: bool | None = None
    found_shared: bool | None = None
    users: str = Field(default="", sa_column_kwargs={"server_default": ""})
    note: str = Field(default="", sa_column_kwargs={"server_default": ""})
    evidence_sha256: str = Field(default="", sa_column_kwargs={"server_default": ""})
    inspected_on: date | None = None
    found_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    found_by: str | None = None
    no: int = Field(default=1, sa_column_kwargs={"server_default": sa.text("1")})
