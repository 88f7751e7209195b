"""The kinds of columns that the registry's tables are made of."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import registry
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel


class Point(UserDefinedType[tuple[float, float]]):
    """PostgreSQL's own point: (longitude, latitude), indexed by GiST without any extension."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "point"


ischema_names["point"] = Point

OPEN_DAY = sa.text("'infinity'")
SPAN = ["valid_from", "valid_to", "recorded_from", "recorded_to"]


class Table(SQLModel, registry=registry()):
    pass


metadata = Table.metadata


def bytewise_column(*, primary_key: bool = False) -> Any:
    """Compared byte by byte: the order is made in Python and must not depend on the server's collation."""
    return Field(sa_column=sa.Column(sa.Text(collation="C"), nullable=False, primary_key=primary_key))


def moment_column(nullable: bool = False, **more: Any) -> Any:
    return Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=nullable, **more))


def json_column(nullable: bool = False) -> Any:
    return Field(sa_column=sa.Column(JSONB, nullable=nullable))


def texts_column() -> Any:
    return Field(sa_column=sa.Column(ARRAY(sa.Text), nullable=False))


def open_day_column() -> Any:
    return Field(sa_column=sa.Column(sa.Date, nullable=False, server_default=OPEN_DAY))


def open_moment_column() -> Any:
    return moment_column(server_default=OPEN_DAY)


def key_column(target: str, **more: Any) -> Any:
    return Field(foreign_key=target, **more)


def named_column(target: str, **more: Any) -> Any:
    return Field(foreign_key=target, sa_type=sa.Text, **more)


def text_column(**more: Any) -> Any:
    return Field(sa_type=sa.Text, **more)
