"""Agreements: a log of changes and what it means."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, OPEN, SPAN_CHECKS, Rectangle, Table


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
    created_at: datetime = Field(sa_type=MOMENT)


class AgreementChange(Table, table=True):
    __tablename__ = "agreement_change"
    __table_args__ = (sa.UniqueConstraint("agreement_id", "no"), sa.CheckConstraint("valid_from < valid_to"))
    id: UUID = Field(primary_key=True)
    agreement_id: UUID = Field(foreign_key="agreement.id")
    no: int
    act: str
    valid_from: date
    valid_to: date = Field(sa_column_kwargs={"server_default": OPEN})
    patch: Any = Field(sa_type=JSONB)
    evidence: int = Field(sa_type=sa.SmallInteger)
    evidence_ref: Any = Field(default=None, sa_type=JSONB, nullable=True)
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    corrects: UUID | None = Field(default=None, foreign_key="agreement_change.id", unique=True)
    actor: str
    org: str
    recorded_at: datetime = Field(sa_type=MOMENT)


class AgreementVersion(Rectangle, table=True):
    __tablename__ = "agreement_version"
    __table_args__ = (
        *SPAN_CHECKS,
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
