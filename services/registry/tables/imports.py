"""Imports as jobs: the file, how it is read, each of its rows with what is to become of it and what became of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.registry.tables.columns import Table, json_column, key_column, moment_column, text_column


class ImportJob(Table, table=True):
    """Locked FOR UPDATE by every command on it and by the worker's every step; `done_no`: the last row seen to."""

    __tablename__ = "import_job"
    __table_args__ = (
        sa.Index("import_job_list", "org", "created_at", "id"),
        sa.Index(
            "import_job_due",
            "created_at",
            postgresql_where=sa.text("state IN ('received', 'checking', 'running')"),
        ),
    )
    id: UUID = Field(primary_key=True)
    org: str = text_column()
    kind: str = text_column()
    file_name: str = text_column()
    form: str = text_column()
    size: int
    sha256: str = text_column()
    state: str = text_column()
    version: int
    actor: dict[str, Any] = json_column()
    created_by: str = text_column()
    created_at: datetime = moment_column()
    changed_at: datetime = moment_column()
    finished_at: datetime | None = moment_column(nullable=True)
    on_duplicate: str = text_column()
    reading: dict[str, Any] = json_column()
    columns: list[dict[str, Any]] = json_column()
    suspected: str | None = text_column(default=None)
    sheets: list[str] = json_column()
    notes: list[dict[str, Any]] = json_column()
    zone: str | None = text_column(default=None)
    defaults: dict[str, str] = json_column()
    rows: int
    done: int
    done_no: int
    error: list[dict[str, Any]] | None = json_column(nullable=True)


class ImportPart(Table, table=True):
    """The file in pieces of at most a MiB."""

    __tablename__ = "import_part"
    __table_args__ = (sa.CheckConstraint("length(bytes) <= 1048576", name="import_part_size"),)
    job_id: UUID = key_column("import_job.id", primary_key=True)
    no: int = Field(primary_key=True)
    bytes: Any = Field(sa_type=sa.LargeBinary)


class ImportRow(Table, table=True):
    """`plan`: what the check found; `outcome`: what was done. `near`: what may be the same; `decision` settles it."""

    __tablename__ = "import_row"
    __table_args__ = (
        sa.Index("import_row_plan", "job_id", "plan", "no"),
        sa.Index("import_row_key", "job_id", "key", postgresql_where=sa.text("key IS NOT NULL")),
    )
    job_id: UUID = key_column("import_job.id", primary_key=True)
    no: int = Field(primary_key=True)
    plan: str = text_column()
    outcome: str | None = text_column(default=None)
    key: str | None = text_column(default=None)
    facts: dict[str, Any] | None = json_column(nullable=True)
    valid_from: date | None = None
    evidence: int | None = Field(default=None, sa_type=sa.SmallInteger)
    reason: str = text_column()
    structure_id: UUID | None = None
    public_no: str | None = text_column(default=None)
    faults: list[dict[str, Any]] | None = json_column(nullable=True)
    near: list[dict[str, Any]] | None = json_column(nullable=True)
    decision: str | None = text_column(default=None)


class ImportMapping(Table, table=True):
    """What an organisation chose for files of these columns: heading -> field, the zone and what stood in no column."""

    __tablename__ = "import_mapping"
    org: str = text_column(primary_key=True)
    kind: str = text_column(primary_key=True)
    signature: str = text_column(primary_key=True)
    fields: dict[str, str] = json_column()
    zone: str | None = text_column(default=None)
    defaults: dict[str, str] = json_column()
    used_at: datetime = moment_column()
