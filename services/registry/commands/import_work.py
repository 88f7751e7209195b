"""What the worker does for an import: looks into the file, checks every row, records them chunk by chunk.

Each step is one transaction with the job's row locked: a crash loses no more than a step, and two workers never do
the same one twice.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.db import Database
from kernel.errors import N_, Fault, Refusal
from services.registry import data
from services.registry.commands.import_check import Batch, ready, stage
from services.registry.commands.import_write import write
from services.registry.domain import importing
from services.registry.domain.files import encodings, grids, headings
from services.registry.domain.files.grids import Cell, Grid, Reading
from services.registry.domain.files.rows import Reader, Unread, sorted_out
from services.registry.domain.importing import CHECKED, CHECKING, FAILED, READ, RECEIVED, RUNNING
from services.registry.queries import imports as queries
from services.registry.settings import RegistrySettings
from services.registry.tables import ImportJob, ImportRow

ROWS_AT_ONCE = 2000
DOUBLED = N_("Rows {rows} of this file name the same structure.")

Clock = Callable[[], datetime]


async def step(database: Database, clock: Clock, settings: RegistrySettings) -> int:
    """The next step of the oldest import that waits: how many rows it saw to, 0 when none waits."""
    async with database.read() as read:
        job_id = await queries.due_job(read)
    if job_id is None:
        return 0
    try:
        return await _step(database, clock, settings, job_id)
    except Refusal as refusal:
        async with database.tx() as tx:
            await _fail(tx, job_id, refusal, clock())
        return 1


async def _step(database: Database, clock: Clock, settings: RegistrySettings, job_id: UUID) -> int:
    async with database.tx() as tx:
        job = await queries.locked_job(tx, job_id)
        state = job.state if job else ""
        if job is not None and state == RUNNING:
            return await write(tx, job, clock())
    if state == RECEIVED:
        await _look(database, clock, settings, job_id)
    elif state == CHECKING:
        await _check(database, clock, settings, job_id)
    return 1 if state in importing.WORKING else 0


async def _fail(tx: AsyncSession, job_id: UUID, refusal: Refusal, now: datetime) -> None:
    job = await queries.locked_job(tx, job_id)
    if job is not None and job.state in importing.WORKING:
        faults = refusal.errors or (Fault("/file", refusal.code, refusal.detail, **refusal.params),)
        job.error = [importing.fault_said(fault) for fault in faults]
        # A file that was read once may be read otherwise; one that cannot be read at all ends here.
        job.state = READ if job.state == CHECKING else FAILED
        job.finished_at = now if job.state == FAILED else None
        job.changed_at, job.version = now, job.version + 1
        await tx.flush()


@asynccontextmanager
async def _file(database: Database, job_id: UUID) -> AsyncIterator[BinaryIO]:
    """The file on disk, piece by piece: memory never holds it."""
    with tempfile.TemporaryFile() as file:
        no = 0
        while True:
            async with database.read() as read:
                piece = await queries.part(read, job_id, no)
            if piece is None:
                break
            file.write(piece)
            no += 1
        yield file


def _open(file: BinaryIO, job: ImportJob, settings: RegistrySettings) -> Grid:
    reading = Reading.model_validate(job.reading)
    return grids.opened(file, job.form, reading, data.headings().knows, settings.import_unpacked_mb)


async def _look(database: Database, clock: Clock, settings: RegistrySettings, job_id: UUID) -> None:
    """The header with some rows, and what each column may be."""
    async with database.read() as read:
        job = await read.get_one(ImportJob, job_id)
    async with _file(database, job_id) as file:
        grid, samples = await asyncio.to_thread(_looked, file, job, settings)
    async with database.tx() as tx:
        held = await queries.locked_job(tx, job_id)
        if held is None or held.state != RECEIVED:
            return
        known = await queries.mapping(tx, held.org, held.kind, headings.signature(grid.header))
        fields = headings.guess(grid.header, samples, held.kind, data.headings(), known.fields if known else None)
        held.columns = [
            {
                "heading": heading,
                "field": fields.get(heading),
                "repeats": data.headings().repeats(heading),
                "samples": [str(row[place]) for row in samples if place < len(row) and row[place] not in (None, "")],
            }
            for place, heading in enumerate(grid.header)
            if heading
        ]
        held.reading = grid.reading.model_dump(exclude_none=True)
        held.suspected, held.sheets = grid.suspected, grid.sheets
        held.notes = [importing.fault_said(note) for note in grid.notes]
        if known is not None:
            held.zone, held.defaults = held.zone or known.zone, held.defaults or known.defaults
        held.state, held.changed_at, held.version, held.error = READ, clock(), held.version + 1, None
        await tx.flush()


def _looked(file: BinaryIO, job: ImportJob, settings: RegistrySettings) -> tuple[Grid, list[list[Cell]]]:
    grid = _open(file, job, settings)
    samples = [list(cells) for _, cells in islice(grid.rows, grids.SAMPLES)]
    if grid.reading.legacy:
        samples = [
            [encodings.relieved(cell, grid.reading.legacy) if isinstance(cell, str) else cell for cell in cells]
            for cells in samples
        ]
    return grid, samples


async def _check(database: Database, clock: Clock, settings: RegistrySettings, job_id: UUID) -> None:
    """From the first row on: what an interrupted check staged is staged again."""
    async with database.tx() as tx:
        job = await queries.locked_job(tx, job_id)
        if job is None or job.state != CHECKING:
            return
        await tx.execute(sa.delete(ImportRow).where(col(ImportRow.job_id) == job_id))
        job.rows, job.version = 0, job.version + 1
        version = job.version
        checking = await ready(tx, job)
        await tx.flush()
    async with _file(database, job_id) as file:
        batches = await asyncio.to_thread(_batches, file, job, settings)
        seen = 0
        while batch := await asyncio.to_thread(_next, batches):
            async with database.tx() as tx:
                held = await queries.locked_job(tx, job_id)
                # Cancelled, set up anew, or taken over by another worker.
                if held is None or held.state != CHECKING or held.version != version:
                    return
                await stage(tx, checking, batch, clock())
                seen += len(batch)
                held.rows, held.changed_at = seen, clock()
                await tx.flush()
    async with database.tx() as tx:
        held = await queries.locked_job(tx, job_id)
        if held is not None and held.state == CHECKING and held.version == version:
            await queries.refuse_doubled(tx, job_id, DOUBLED)
            held.state, held.changed_at, held.version, held.error = CHECKED, clock(), version + 1, None
            await tx.flush()


def _batches(file: BinaryIO, job: ImportJob, settings: RegistrySettings) -> Iterator[Batch]:
    grid = _open(file, job, settings)
    fields = {column["heading"]: column["field"] for column in job.columns}
    columns = [fields.get(heading) for heading in grid.header]
    reader = Reader(
        job.kind,
        columns,
        data.headings(),
        formulas=grid.form == grids.CSV,
        legacy=job.reading.get("legacy"),
        zone=job.zone,
        defaults=job.defaults,
    )
    lines = sorted_out(grid.rows, grid.header, data.headings(), strict_width=grid.form == grids.CSV)
    read = (one if isinstance(one, Unread) else reader.read(*one) for one in lines)

    def batches() -> Iterator[Batch]:
        count = 0
        while batch := list(islice(read, ROWS_AT_ONCE)):
            count += len(batch)
            if count > settings.import_job_rows:
                most = settings.import_job_rows
                raise grids.unreadable("too_many", N_("A file holds at most {most} rows."), most=most)
            yield batch

    return batches()


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
