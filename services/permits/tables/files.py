"""Parts as bytes: in PostgreSQL first, in the bucket later."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import MOMENT, TEXT, Table


class File(Table, table=True):
    __tablename__ = "file"
    __table_args__ = (
        sa.CheckConstraint("state IN ('staged','stored')", name="file_state"),
        sa.CheckConstraint("size > 0", name="file_size"),
        sa.Index("file_staged", "id", postgresql_where=sa.text("state = 'staged'")),
        sa.Index("file_sha256", "sha256"),
    )
    id: UUID = Field(primary_key=True)
    org: str = Field(sa_type=TEXT)
    sha256: str = Field(sa_type=TEXT)
    size: int = Field(sa_type=sa.BigInteger)
    media_type: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    state: str = Field(sa_type=TEXT)
    created_at: datetime = Field(sa_type=MOMENT)
    created_by: str = Field(sa_type=TEXT)
    stored_at: datetime | None = Field(default=None, sa_type=MOMENT)


class FileChunk(Table, table=True):
    """At most 1 MiB each, numbered from 0; dropped some days after the bucket holds the file."""

    __tablename__ = "file_chunk"
    __table_args__ = (
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], ondelete="CASCADE"),
        sa.CheckConstraint("length(bytes) <= 1048576", name="file_chunk_size"),
    )
    file_id: UUID = Field(primary_key=True)
    no: int = Field(primary_key=True)
    bytes: Any = Field(sa_type=sa.LargeBinary)
