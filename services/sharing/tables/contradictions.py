"""What the copies contradict each other in."""

from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


class Contradiction(Table, table=True):
    """One case: `thing` is the station or agreement, `org` the enterprise it concerns. What no longer holds has
    `gone_at`; should it hold again, that is another case. `no` counts every change."""

    __tablename__ = "contradiction"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'settled', 'dismissed')"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)"),
        sa.Index(
            "contradiction_standing",
            "rule",
            "structure_id",
            "thing",
            unique=True,
            postgresql_where=sa.text("gone_at IS NULL"),
        ),
        sa.Index("contradiction_structure", "structure_id"),
    )
    id: UUID = Field(primary_key=True)
    rule: str
    structure_id: UUID = Field(foreign_key="structure.id")
    thing: UUID
    org: str
    first_seen_at: datetime = Field(sa_type=MOMENT)
    gone_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    assignee: str = Field(default="", sa_column_kwargs={"server_default": ""})
    due_on: date
    state: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    note: str = Field(default="", sa_column_kwargs={"server_default": ""})
    closed_at: datetime | None = Field(default=None, sa_type=MOMENT, nullable=True)
    closed_by: str | None = None
    no: int = Field(default=1, sa_column_kwargs={"server_default": sa.text("1")})


class ContradictionLook(Table, table=True):
    """One row: when the worker last looked, and how long that took."""

    __tablename__ = "contradiction_look"
    __table_args__ = (sa.CheckConstraint("one"),)
    one: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": sa.text("true")})
    looked_at: datetime = Field(sa_type=MOMENT)
    took: timedelta
