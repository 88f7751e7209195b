"""The ledger of days and its projection."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import MOMENT, TEXT, Table

KINDS = "'start','pause','resume','restart','extend','stop','void'"


class ClockEvent(Table, table=True):
    """The ledger of days; append only. `cause` is the id of what was done, such as the supplement request."""

    __tablename__ = "clock_event"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "seq"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="clock_event_kind"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    review_id: UUID | None = Field(default=None, foreign_key="review.id")
    seq: int
    clock: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    at: datetime = Field(sa_type=MOMENT)
    effective_on: date
    days: int | None = None
    cause: UUID
    reason: str | None = Field(default=None, sa_type=TEXT)
    corrects: UUID | None = Field(default=None, foreign_key="clock_event.id")
    actor: str = Field(sa_type=TEXT)
    recorded_at: datetime = Field(sa_type=MOMENT)


class Deadline(Table, table=True):
    """Projection of the ledger and the worker's query: what each clock says now, and who answers for it.

    `reminded_for`, `escalated_for`: the due day that people were reminded of, and whose end the head was told.
    `moved_from`: the day before a new calendar moved it, until people are told.
    """

    __tablename__ = "deadline"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "review_id", "clock", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("state IN ('running','paused','stopped')", name="deadline_state"),
        sa.Index(
            "deadline_queue",
            "function",
            "org",
            "sort_on",
            "application_id",
            postgresql_where=sa.text("state IN ('running','paused')"),
        ),
        sa.Index("deadline_moved", "id", postgresql_where=sa.text("moved_from IS NOT NULL")),
        sa.Index("deadline_due", "due_on", postgresql_where=sa.text("state = 'running'")),
        sa.Index(
            "deadline_expiry",
            "due_on",
            postgresql_where=sa.text("state = 'running' AND on_expiry <> 'overdue'"),
        ),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    review_id: UUID | None = Field(default=None, foreign_key="review.id")
    clock: str = Field(sa_type=TEXT)
    org: str = Field(sa_type=TEXT)
    function: str = Field(sa_type=TEXT)
    due_on: date | None = None
    sort_on: date
    state: str = Field(sa_type=TEXT)
    length: int
    remaining: int | None = None
    on_expiry: str = Field(sa_type=TEXT)
    reminded_for: date | None = None
    escalated_for: date | None = None
    moved_from: date | None = None
    procedure_version: UUID = Field(foreign_key="procedure_version.id")
    calendar_version: UUID = Field(foreign_key="calendar_version.id")
