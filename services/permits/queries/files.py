"""Files and their chunks: who may read them, which wait for the bucket, which nobody names."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.bus import Bus
from kernel.db import Database
from services.permits.clients import Parts
from services.permits.domain import policy
from services.permits.domain.refusals import FileNotFound
from services.permits.queries.visibility import ORG_LINE, visible


@dataclass(frozen=True)
class FileRow:
    id: UUID
    sha256: str
    size: int
    media_type: str
    name: str
    state: str
    created_at: datetime
    org: str


# The files of dossiers: their parts, and what was sent to show that a condition is met.
HELD = (
    "(SELECT application_id, file_id FROM application_part UNION ALL"
    " SELECT application_id, file_id FROM decision_condition WHERE file_id IS NOT NULL)"
)
_COLUMNS = "f.id, f.sha256, f.size, f.media_type, f.name, f.state, f.created_at, f.org"


async def file(read: AsyncSession, file_id: UUID, *, actor: Actor) -> FileRow:
    """Seen by whoever sees a dossier that holds it, and by those who send files for the organisation that sent it.

    Raises FileNotFound (404).
    """
    condition, params = visible(actor)
    sent = f"f.org = ANY({ORG_LINE})" if policy.allowed(actor, "permits:file:store") else "false"
    statement = (
        f"SELECT {_COLUMNS} FROM file f WHERE f.id = :file_id AND ({sent} OR EXISTS (SELECT FROM"
        f" {HELD} t JOIN application a ON a.id = t.application_id JOIN procedure_version p ON"
        f" p.id = a.procedure_version_id WHERE t.file_id = f.id AND {condition}))"
    )
    row = (await read.execute(sa.text(statement), {**params, "file_id": file_id, "org": actor.org})).one_or_none()
    if row is None:
        raise FileNotFound
    return FileRow(*row)


async def own_file(tx: AsyncSession, file_id: UUID, *, org: str) -> bool:
    """Whether it was sent by this organisation or one that it has succeeded."""
    found = await tx.execute(
        sa.text(f"SELECT EXISTS (SELECT FROM file f WHERE f.id = :file_id AND f.org = ANY({ORG_LINE}))"),
        {"file_id": file_id, "org": org},
    )
    return bool(found.scalar_one())


async def chunk(read: AsyncSession, file_id: UUID, no: int) -> bytes | None:
    found = await read.execute(
        sa.text("SELECT bytes FROM file_chunk WHERE file_id = :file_id AND no = :no"), {"file_id": file_id, "no": no}
    )
    return found.scalar_one_or_none()


async def content(database: Database, bus: Bus, row: FileRow) -> AsyncIterator[bytes]:
    """The bytes, piece by piece: from the chunks while they are here, else from the bucket.

    Raises Unavailable (503) when the bucket alone has them and is away.
    """
    given = no = 0
    while given < row.size:
        async with database.read() as read:
            piece = await chunk(read, row.id, no)
        if piece is None:
            break
        yield piece
        given, no = given + len(piece), no + 1
    if given < row.size:
        async for piece in _from(given, Parts(bus).read(row.sha256)):
            yield piece


async def _from(start: int, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Without the first `start` bytes, which came from the chunks before those were dropped."""
    passed = 0
    async for piece in pieces:
        if fresh := piece[max(start - passed, 0) :]:
            yield fresh
        passed += len(piece)


async def next_staged(tx: AsyncSession) -> FileRow | None:
    """One file that is not in the bucket yet, oldest first, locked against other workers."""
    statement = f"SELECT {_COLUMNS} FROM file f WHERE f.state = 'staged' ORDER BY f.id LIMIT 1 FOR UPDATE SKIP LOCKED"
    row = (await tx.execute(sa.text(statement))).one_or_none()
    return None if row is None else FileRow(*row)


async def stale_chunks(tx: AsyncSession, before: datetime, limit: int) -> list[UUID]:
    """Files long enough in the bucket whose chunks are still in the database."""
    rows = await tx.execute(
        sa.text(
            "SELECT f.id FROM file f WHERE f.state = 'stored' AND f.stored_at < :before AND EXISTS (SELECT FROM"
            " file_chunk c WHERE c.file_id = f.id) LIMIT :limit"
        ),
        {"before": before, "limit": limit},
    )
    return list(rows.scalars())


async def expired_files(tx: AsyncSession, before: datetime, limit: int) -> list[UUID]:
    """Files no dossier has come to name."""
    rows = await tx.execute(
        sa.text(
            "SELECT f.id FROM file f WHERE f.created_at < :before AND NOT EXISTS (SELECT FROM"
            f" {HELD} t WHERE t.file_id = f.id) LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"before": before, "limit": limit},
    )
    return list(rows.scalars())


async def stored_names(read: AsyncSession, names: list[str]) -> set[str]:
    """Which of these hashes some file still names."""
    rows = await read.execute(
        sa.text("SELECT DISTINCT sha256 FROM file WHERE sha256 = ANY(CAST(:names AS text[]))"), {"names": names}
    )
    return set(rows.scalars())
