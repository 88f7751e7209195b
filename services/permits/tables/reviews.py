"""Reviews of the functions asked, and how they came to be asked."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table

OUTCOMES = "'agree','conditions','disagree','not_involved','silent'"


class Review(Table, table=True):
    """One function's opinion, in the procedure's order. `silent_on` stays when a late answer comes."""

    __tablename__ = "review"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "function", "round"),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name="review_outcome"),
        sa.CheckConstraint("signed_by <> drafted_by", name="review_duties"),
        sa.Index("review_asked", "org", "function", "application_id"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    function: str = Field(sa_type=TEXT)
    position: int
    round: int
    org: str = Field(sa_type=TEXT)
    asked_on: date
    outcome: str | None = Field(default=None, sa_type=TEXT)
    grounds: str | None = Field(default=None, sa_type=TEXT)
    conditions: Any = Field(default=None, sa_type=JSON, nullable=True)
    drafted_by: str | None = Field(default=None, sa_type=TEXT)
    signed_by: str | None = Field(default=None, sa_type=TEXT)
    signed_name: str | None = Field(default=None, sa_type=TEXT)
    signed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    late: bool = False
    silent_on: date | None = None
    assigned_to: str | None = Field(default=None, sa_type=TEXT)
    assigned_name: str | None = Field(default=None, sa_type=TEXT)
    version: int = 1
