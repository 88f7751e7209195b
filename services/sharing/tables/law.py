"""Published law: borders, definitions, plans with their targets, kinds of agreement."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


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
    published_at: datetime = Field(sa_type=MOMENT)


class Plan(Table, table=True):
    __tablename__ = "plan"
    code: str = Field(primary_key=True)
    title_vi: str
    title_en: str
    source: str
    boundary_set: str
    sha256: str
    published_at: datetime = Field(sa_type=MOMENT)


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
