"""Reviews of the functions asked, and how they came to be asked."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table

OUTCOMES = "'agree','conditions','disagree','not_involved','silent'"
STAGES = "'asked','draft','check','sign','answered'"
WAYS = "'one_person','two_persons','three_persons'"


class Review(Table, table=True):
    """One function's opinion, in the procedure's order. `silent_on` stays when a late answer comes.

    `ask_reason`: why it was asked again, or though no rule names it.
    `draft` is what is being written in the department; it becomes outcome, grounds and conditions with the signature.
    """

    __tablename__ = "review"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "function", "round"),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name="review_outcome"),
        sa.CheckConstraint("signed_by <> drafted_by", name="review_duties"),
        sa.CheckConstraint("checked_by <> drafted_by", name="review_check_duties"),
        sa.CheckConstraint(f"stage IN ({STAGES})", name="review_stage"),
        sa.Index("review_asked", "org", "function", "application_id"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    function: str = Field(sa_type=TEXT)
    position: int
    round: int
    org: str = Field(sa_type=TEXT)
    asked_on: date
    ask_reason: str | None = Field(default=None, sa_type=TEXT)
    outcome: str | None = Field(default=None, sa_type=TEXT)
    grounds: str | None = Field(default=None, sa_type=TEXT)
    conditions: Any = Field(default=None, sa_type=JSON, nullable=True)
    stage: str = Field(default="asked", sa_type=TEXT, sa_column_kwargs={"server_default": "asked"})
    draft: Any = Field(default=None, sa_type=JSON, nullable=True)
    drafted_by: str | None = Field(default=None, sa_type=TEXT)
    checked_by: str | None = Field(default=None, sa_type=TEXT)
    signed_by: str | None = Field(default=None, sa_type=TEXT)
    signed_name: str | None = Field(default=None, sa_type=TEXT)
    signed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    late: bool = False
    silent_on: date | None = None
    assigned_to: str | None = Field(default=None, sa_type=TEXT)
    assigned_name: str | None = Field(default=None, sa_type=TEXT)
    version: int = 1


class ReviewStep(Table, table=True):
    """What happened to an opinion inside its department, by whom; append only. `remark`: why it was handed back."""

    __tablename__ = "review_step"
    __table_args__ = (sa.CheckConstraint("act IN ('draft','submit','pass','return','sign')", name="review_step_act"),)
    review_id: UUID = Field(foreign_key="review.id", primary_key=True)
    no: int = Field(primary_key=True)
    act: str = Field(sa_type=TEXT)
    person: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    at: datetime = Field(sa_type=MOMENT)
    remark: str | None = Field(default=None, sa_type=TEXT)


class Duty(Table, table=True):
    """How many people an opinion of a department's function passes through, from a day on; append only."""

    __tablename__ = "duty"
    __table_args__ = (
        sa.CheckConstraint(f"way IN ({WAYS})", name="duty_way"),
        sa.Index("duty_of", "org", "function", "valid_from"),
    )
    id: UUID = Field(primary_key=True)
    org: str = Field(sa_type=TEXT)
    function: str = Field(sa_type=TEXT)
    way: str = Field(sa_type=TEXT)
    valid_from: date
    reason: str = Field(sa_type=TEXT)
    set_by: str = Field(sa_type=TEXT)
    set_name: str = Field(sa_type=TEXT)
    set_at: datetime = Field(sa_type=MOMENT)
