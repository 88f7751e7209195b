"""What every table of sharing is made of. One metadata, this service's own."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("'infinity'")
SPAN_CHECKS = (sa.CheckConstraint("valid_from < valid_to"), sa.CheckConstraint("recorded_from < recorded_to"))


class Table(SQLModel, registry=registry()):
    """Holds only this service's tables, so that its migrations see no others."""


class Rectangle(Table):
    valid_from: date = Field(primary_key=True)
    valid_to: date
    recorded_from: datetime = Field(sa_type=MOMENT)
    recorded_to: datetime = Field(sa_type=MOMENT, sa_column_kwargs={"server_default": OPEN})
