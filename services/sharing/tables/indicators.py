"""The indicators of the plans, and the values that were entered."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.sharing.tables.columns import MOMENT, Table


class Indicator(Table, table=True):
    __tablename__ = "indicator"
    plan: str = Field(primary_key=True, foreign_key="plan.code")
    code: str = Field(primary_key=True)
    position: int
    content: Any = Field(sa_type=JSONB)
    sha256: str
    published_at: datetime = Field(sa_type=MOMENT)


class IndicatorValue(Table, table=True):
    """Appended, never changed: of one indicator, enterprise and day the last one recorded counts. `org` "": the
    province's; `value` None: it was taken back."""

    __tablename__ = "indicator_value"
    __table_args__ = (
        sa.ForeignKeyConstraint(["plan", "code"], ["indicator.plan", "indicator.code"]),
        sa.Index("indicator_value_day", "plan", "code", "org", "as_of", "recorded_at"),
    )
    id: UUID = Field(primary_key=True)
    plan: str
    code: str
    org: str
    as_of: date
    value: Any = Field(sa_type=sa.Numeric(14, 4), nullable=True)
    source: str
    reason: str
    recorded_at: datetime = Field(sa_type=MOMENT)
    actor: str
