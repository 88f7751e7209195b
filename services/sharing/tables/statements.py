"""Sealed statements."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


class Statement(Table, table=True):
    """A sealed figure, never changed. `content` is what was hashed and signed; `paper` the signed PDF."""

    __tablename__ = "statement"
    __table_args__ = (sa.UniqueConstraint("year", "no"), sa.CheckConstraint("shared >= 0 AND shared <= counted"))
    id: UUID = Field(primary_key=True)
    year: int
    no: int
    kind: str
    definition: str
    boundary_set: str
    unit: str | None = None
    owner: str | None = None
    as_of: date
    known_at: datetime = Field(sa_type=MOMENT)
    shared: int
    counted: int
    content: Any = Field(sa_type=JSONB)
    sha256: str
    seal: str
    paper: bytes
    sealed_at: datetime = Field(sa_type=MOMENT)
    sealed_by: str


class StatementLine(Table, table=True):
    """One structure of a statement, as it was judged then."""

    __tablename__ = "statement_line"
    statement_id: UUID = Field(primary_key=True, foreign_key="statement.id")
    structure_id: UUID = Field(primary_key=True)
    public_no: str
    owner: str
    unit: str
    counted: bool
    shared: bool
    reason: str
    sharers: Any = Field(sa_type=JSONB)


class StatementNumber(Table, table=True):
    """The last number of a year: whoever seals takes the next in the same transaction, so that none is missing."""

    __tablename__ = "statement_number"
    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last_no: int
