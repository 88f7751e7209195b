"""The registry's units and organisations as permits knows them."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import TEXT, Table


class UnitCopy(Table, table=True):
    """The registry's units; the newest belief of each."""

    __tablename__ = "unit_copy"
    id: str = Field(sa_type=TEXT, primary_key=True)
    no: int
    code: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    name_fold: str = Field(sa_type=TEXT)
    level: str = Field(sa_type=TEXT)
    parent: str | None = Field(default=None, sa_type=TEXT)
    valid_from: date = Field(sa_column_kwargs={"server_default": sa.text("'-infinity'")})
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})


class OrganisationCopy(Table, table=True):
    """The registry's organisations: all versions believed after change `no`."""

    __tablename__ = "organisation_copy"
    code: str = Field(sa_type=TEXT, primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    no: int
    name_vi: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    short: str = Field(sa_type=TEXT, sa_column_kwargs={"server_default": ""})
    kind: str = Field(sa_type=TEXT)
    legal_entity: str = Field(sa_type=TEXT)
    successor: str | None = Field(default=None, sa_type=TEXT, index=True)


class MandateCopy(Table, table=True):
    """Which organisation holds which function in which area, by date."""

    __tablename__ = "mandate_copy"
    org: str = Field(sa_type=TEXT, primary_key=True)
    function: str = Field(sa_type=TEXT, primary_key=True)
    area: str = Field(sa_type=TEXT, primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date = Field(sa_column_kwargs={"server_default": sa.text("'infinity'")})
    source: str = Field(sa_type=TEXT)
