"""Files: kept in PostgreSQL first, moved to the bucket by the worker, dropped when nobody names them."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit, logging, scan
from kernel.auth import Actor, system
from kernel.errors import Fault, TooLarge, Unavailable
from services.permits.domain import policy
from services.permits.domain.files import EXTENSIONS, examine
from services.permits.domain.refusals import InfectedFile
from services.permits.queries import FileRow
from services.permits.settings import PermitsSettings
from services.permits.tables import File, FileChunk

CHUNK = 1024 * 1024
log = logging.get(__name__)


def chunks_of(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(CHUNK):
        yield piece


@dataclass(frozen=True)
class Taken:
    """A body on disk (in memory while small), examined; `close` when it is stored."""

    content: BinaryIO
    name: str
    media_type: str
    sha256: str
    size: int


@asynccontextmanager
async def take(body: AsyncIterator[bytes], name: str, settings: PermitsSettings) -> AsyncIterator[Taken]:
    """Yields one Taken and cleans up after it. Raises TooLarge, FileRefused, InfectedFile, Unavailable."""
    limit = settings.max_file_mb * 1_000_000
    with tempfile.SpooledTemporaryFile(max_size=CHUNK) as content:
        digest, size = hashlib.sha256(), 0
        async for piece in body:
            size += len(piece)
            if size > limit:
                raise TooLarge(limit_mb=settings.max_file_mb)
            digest.update(piece)
            content.write(piece)
        binary = cast(BinaryIO, content)
        media_type = await asyncio.to_thread(examine, binary, size, settings.max_pixels)
        await _scan(binary, settings)
        yield Taken(binary, clean_name(name, media_type), media_type, digest.hexdigest(), size)


async def _scan(content: BinaryIO, settings: PermitsSettings) -> None:
    if not settings.clamd:
        return
    try:
        found = await scan.malware_in(content, settings.clamd)
    except (OSError, TimeoutError) as error:
        if settings.clamd_needed:
            raise Unavailable(headers={"Retry-After": "30"}) from error
        log.warning("file.unscanned", error=repr(error)[:200])
        return
    if found is not None:
        raise InfectedFile(errors=[Fault("/", "infected", InfectedFile.detail, name=found)], name=found)


def clean_name(name: str, media_type: str) -> str:
    """The last part of the path, without control characters, with the ending its content asks for."""
    bare = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()).strip(" .")[:150]
    stem = bare.rsplit(".", 1)[0] if "." in bare else bare
    return f"{stem or 'file'}.{EXTENSIONS[media_type]}"


async def store_file(
    tx: AsyncSession,
    actor: Actor,
    taken: Taken,
    *,
    file_id: UUID,
    now: datetime,
) -> FileRow:
    """Chunk by chunk, so that memory holds one. Raises Forbidden (403)."""
    policy.demand(actor, "permits:file:store")
    row = FileRow(file_id, taken.sha256, taken.size, taken.media_type, taken.name, "staged", now, actor.org)
    await tx.execute(
        sa.insert(File).values(
            id=row.id,
            org=actor.org,
            sha256=row.sha256,
            size=row.size,
            media_type=row.media_type,
            name=row.name,
            state=row.state,
            created_at=now,
            created_by=actor.id,
        )
    )
    for no, piece in enumerate(chunks_of(taken.content)):
        await tx.execute(sa.insert(FileChunk).values(file_id=file_id, no=no, bytes=piece))
    after = {"sha256": row.sha256, "size": row.size, "media_type": row.media_type}
    await audit.record(tx, actor, "permits:file:store", file_id, now=now, after=after)
    return row


async def mark_stored(tx: AsyncSession, file_id: UUID, *, now: datetime) -> None:
    """The bucket holds it and gave back the same bytes."""
    await tx.execute(sa.update(File).where(col(File.id) == file_id).values(state="stored", stored_at=now))


async def drop_chunks(tx: AsyncSession, file_ids: Sequence[UUID]) -> int:
    await tx.execute(sa.delete(FileChunk).where(col(FileChunk.file_id).in_(file_ids)))
    return len(file_ids)


async def drop_files(tx: AsyncSession, file_ids: Sequence[UUID], *, now: datetime) -> int:
    """Files no dossier came to name within the time given."""
    if file_ids:
        await tx.execute(sa.delete(File).where(col(File.id).in_(file_ids)))
        for file_id in file_ids:
            await audit.record(tx, system("files"), "permits:file:expire", file_id, now=now)
    return len(file_ids)
