"""What the worker does for an import: looks into the file, checks every row, records them chunk by chunk.

Each step is one transaction with the job's row locked: a crash loses no more than a step, and two workers never do
the same one twice.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import Database, new_id
from kernel.errors import N_, Fault, Refusal
from kernel.texts import fold
from services.registry import data
from services.registry.commands import ledger
from services.registry.commands.ledger import Statement
from services.registry.commands.records import Draft, Subject, record_more, record_new, subject_of
from services.registry.commands.structures import evidence_faults, settled
from services.registry.domain import checks, importing, policy, structure
from services.registry.domain.checks import References
from services.registry.domain.files import encodings, grids, headings
from services.registry.domain.files.grids import Cell, Grid, Reading
from services.registry.domain.files.rows import Reader, Row, Unread, sorted_out
from services.registry.domain.importing import CHECKED, CHECKING, DONE, FAILED, READ, RECEIVED, RUNNING
from services.registry.domain.status import WrongMove, check_move
from services.registry.domain.times import times
from services.registry.queries import imports as queries
from services.registry.queries import logs
from services.registry.queries.logs import STRUCTURES
from services.registry.settings import RegistrySettings
from services.registry.tables import ImportJob, ImportPart, ImportRow, metadata

Clock = Callable[[], datetime]
IMPORT = "registry:structure:import"
ROWS_AT_ONCE = 2000
WRITTEN_AT_ONCE = 4000
DOUBLED = N_("Rows {rows} of this file name the same structure.")
AMBIGUOUS = N_("{name} of this owner stands {times} times in the registry. Name it by its public number.")
UNKNOWN_NUMBER = N_("There is no structure with this number.")
NOT_YOURS = N_("You may only import what belongs to you.")
CHANGED_SINCE = N_("This structure was recorded by somebody else since the check.")


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
            return await _write(tx, job, clock())
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


@dataclass
class _Checking:
    """What a check knows of the registry, read once; and the cells of the map that rows of this file fill."""

    actor: Actor
    job: ImportJob
    known: References
    organisations: Mapping[str, str]
    communes: Mapping[str, list[str]]
    within: float
    filled: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def named(self, patch: dict[str, Any], on: date) -> dict[str, Any]:
        """An owner by any of its names, a commune by its name where only one stands on that day."""
        owner, commune = patch.get("owner"), patch.get("commune")
        if owner and self.known.organisation(owner) is None:
            patch = {**patch, "owner": self.organisations.get(fold(owner), owner)}
        if commune and self.known.unit(commune, on) is None:
            found = {
                unit
                for unit in self.communes.get(fold(commune), ())
                if (u := self.known.unit(unit, on)) and u.stands_on(on)
            }
            patch = {**patch, "commune": found.pop() if len(found) == 1 else commune}
        return patch


async def _check(database: Database, clock: Clock, settings: RegistrySettings, job_id: UUID) -> None:
    """From the first row on: what an interrupted check staged is staged again."""
    async with database.tx() as tx:
        job = await queries.locked_job(tx, job_id)
        if job is None or job.state != CHECKING:
            return
        await tx.execute(sa.delete(ImportRow).where(col(ImportRow.job_id) == job_id))
        job.rows, job.version = 0, job.version + 1
        version = job.version
        checking = await _ready(tx, job)
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
                await _stage(tx, checking, batch, clock())
                seen += len(batch)
                held.rows, held.changed_at = seen, clock()
                await tx.flush()
    async with database.tx() as tx:
        held = await queries.locked_job(tx, job_id)
        if held is not None and held.state == CHECKING and held.version == version:
            await queries.refuse_doubled(tx, job_id, DOUBLED)
            held.state, held.changed_at, held.version, held.error = CHECKED, clock(), version + 1, None
            await tx.flush()


async def _ready(tx: AsyncSession, job: ImportJob) -> _Checking:
    known = await queries.every_reference(tx)
    names = await queries.names_of_organisations(tx)
    folded: dict[str, set[str]] = {}
    for name, codes in names.items():
        folded.setdefault(fold(name), set()).update(codes)
    communes: dict[str, list[str]] = {}
    for unit in known.units:
        if unit.level == "commune":
            name, _, district = unit.name.partition(", ")
            for said in {name, unit.name, f"{name} {district}", _without_level(name)}:
                communes.setdefault(fold(said), []).append(unit.id)
    actor = Actor(
        id=job.actor["id"], org=job.actor["org"], kind=job.actor["kind"],
        capabilities=frozenset(job.actor["capabilities"]),
    )  # fmt: skip
    one = {name: next(iter(codes)) for name, codes in folded.items() if len(codes) == 1}
    return _Checking(actor, job, known, one, communes, data.limits().near_m.get(job.kind, 0.0))


def _without_level(name: str) -> str:
    for level in ("Xã ", "Phường ", "Thị trấn ", "Đặc khu "):
        if name.startswith(level):
            return name.removeprefix(level)
    return name


Batch = list[Row | Unread]


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


async def _stage(tx: AsyncSession, checking: _Checking, batch: Batch, now: datetime) -> None:
    """The rows of a batch with what is to become of them: a few statements, however many rows."""
    job, staged = checking.job, list[dict[str, Any]]()
    judged = [one for row in batch if (one := _judged(checking, row)) is not None]
    found = await queries.matches(tx, job.kind, [_key(one) for one in judged])
    for one in judged:
        _judge(checking, one, found.get(one.row.no, []))
    known_ids = {one.match.id for one in judged if one.match is not None and not one.faults}
    held = await logs.logs(tx, STRUCTURES, known_ids)
    for one in judged:
        if one.match is not None and not one.faults:
            _compare(checking, one, subject_of(held[one.match.id]), now)
    await _look_around(tx, checking, [one for one in judged if one.plan == importing.NEW], now)
    staged = [_staged(job.id, one) for one in judged]
    staged += [_unread(job.id, row) for row in batch if isinstance(row, Unread) and row.read is None]
    await ledger.copy(tx, metadata.tables["import_row"], staged)


@dataclass
class _Judged:
    row: Row
    patch: dict[str, Any]
    plan: str = importing.NEW
    match: queries.Match | None = None
    faults: list[Fault] = field(default_factory=list)
    near: list[dict[str, Any]] = field(default_factory=list)


def _judged(checking: _Checking, given: Row | Unread) -> _Judged | None:
    """With the faults of reading it; None for a row of which nothing could be read."""
    row = given if isinstance(given, Row) else given.read
    if row is None:
        return None
    faults = [] if isinstance(given, Row) else list(given.faults)
    return _Judged(row, checking.named(row.facts.patch(), row.valid_from), faults=faults)


def _key(one: _Judged) -> queries.Key:
    return queries.Key(one.row.no, one.row.public_no, one.row.id, one.patch.get("owner"), one.patch.get("name"))


def _judge(checking: _Checking, one: _Judged, found: Sequence[queries.Match]) -> None:
    """Everything that is wrong with a row, whatever the registry believes of its structure."""
    row, patch, actor = one.row, one.patch, checking.actor
    pointer, kind = f"/rows/{row.no}", checking.job.kind
    mine = [match for match in found if policy.may(actor, IMPORT, match.owner)]
    one.faults += checks.structure_faults(kind, patch, row.valid_from, checking.known, pointer)
    one.faults += evidence_faults(actor, row.evidence, pointer)
    if patch.get("owner") and not policy.may(actor, IMPORT, patch["owner"]):
        one.faults.append(Fault(f"{pointer}/owner", "not_yours", NOT_YOURS))
    elif len(mine) > 1:
        one.faults.append(Fault(f"{pointer}/name", "ambiguous", AMBIGUOUS, name=patch.get("name"), times=len(mine)))
    elif mine:
        one.match = mine[0]
    elif row.public_no or (row.id and found):
        # Of others' structures nothing is told, not even that they are there.
        one.faults.append(Fault(f"{pointer}/public_no", "unknown_number", UNKNOWN_NUMBER))
    if one.match is None and not (row.public_no or (row.id and found)):
        told = {fault.pointer for fault in one.faults}
        told |= {f"{pointer}/point"} if any(f"{pointer}/{n}" in told for n in ("lon", "lat", "northing")) else set()
        one.faults += [fault for fault in checks.missing(kind, patch, pointer) if fault.pointer not in told]
    if one.faults:
        one.plan = importing.REFUSED


def _compare(checking: _Checking, one: _Judged, subject: Subject, now: datetime) -> None:
    """What the row says otherwise than is believed, and whether it may be recorded as the import was set up to."""
    patch = settled(one.patch, one.row.valid_from, checking.known)
    found = importing.difference(subject.page.versions, patch, one.row.valid_from)
    mode = checking.job.on_duplicate
    if found is None or not found.patch:
        one.plan = importing.UNCHANGED
    elif mode == importing.SKIP:
        one.plan = importing.SKIP
    else:
        one.plan = mode
        one.faults += _statement_faults(checking, one, subject, found, now)
        if one.faults:
            one.plan = importing.REFUSED


def _statement_faults(
    checking: _Checking, one: _Judged, subject: Subject, found: importing.Difference, now: datetime
) -> list[Fault]:
    pointer, faults = f"/rows/{one.row.no}", checks.emptied(checking.job.kind, found.patch, f"/rows/{one.row.no}")
    if "owner" in found.patch and not policy.may(checking.actor, "registry:structure:transfer", found.patch["owner"]):
        text = N_("Only the department may record that a structure has another owner.")
        faults.append(Fault(f"{pointer}/owner", "no_transfer", text))
    if "status" in found.patch and one.plan == importing.NEW_VERSION:
        before, after = structure.neighbours(subject.page.versions, found.day)
        try:
            check_move(before, found.patch["status"], after)
        except WrongMove as wrong:
            faults.append(Fault(f"{pointer}/status", "wrong_move", WrongMove.detail, **wrong.params))
        if found.day > local_date(now):
            text = N_("A status cannot have changed on a day to come.")
            faults.append(Fault(f"{pointer}/status", "in_future", text))
    return faults


async def _look_around(tx: AsyncSession, checking: _Checking, fresh: Sequence[_Judged], now: datetime) -> None:
    """New rows that stand so near to a structure, or to a row before them, that they may be the same."""
    if not checking.within:
        return
    points = {one.row.no: tuple(one.patch["point"]) for one in fresh if one.patch.get("point")}
    at = times(None, None, now)
    around = await queries.near(tx, checking.actor, checking.job.kind, points, checking.within, at)
    for one in fresh:
        one.near = list(around.get(one.row.no, ()))
        if other := _neighbour(checking, one):
            one.near.append({"row": other})
        if one.near:
            one.plan = importing.NEAR


def _neighbour(checking: _Checking, one: _Judged) -> int | None:
    """An earlier row of the same owner in the same or a neighbouring cell, the cells as wide as the distance."""
    if not one.patch.get("point"):
        return None
    size = checking.within / queries.METRES_OF_A_DEGREE
    lon, lat = one.patch["point"]
    x, y, owner = int(lon // size), int(lat // size), one.patch["owner"]
    cells = ((owner, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
    other = next((checking.filled[cell] for cell in cells if cell in checking.filled), None)
    checking.filled.setdefault((owner, x, y), one.row.no)
    return other


def _staged(job_id: UUID, one: _Judged) -> dict[str, Any]:
    row = one.row
    return {
        "job_id": job_id,
        "no": row.no,
        "plan": one.plan,
        "key": importing.business_key(row.public_no, one.patch.get("owner"), one.patch.get("name")),
        "facts": one.patch,
        "valid_from": row.valid_from,
        "evidence": row.evidence,
        "reason": row.reason,
        "structure_id": one.match.id if one.match else None,
        "public_no": one.match.public_no if one.match else None,
        "faults": [importing.fault_said(fault) for fault in one.faults] or None,
        "near": one.near or None,
    }


def _unread(job_id: UUID, row: Unread) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "no": row.no,
        "plan": importing.IGNORED if row.ignored else importing.REFUSED,
        "key": None,
        "facts": None,
        "valid_from": None,
        "evidence": None,
        "reason": "",
        "structure_id": None,
        "public_no": None,
        "faults": [importing.fault_said(fault) for fault in row.faults],
        "near": None,
    }


async def _write(tx: AsyncSession, job: ImportJob, now: datetime) -> int:
    """The next rows, in the transaction that also says how far the import is: a crash repeats none and skips none."""
    rows = await queries.waiting_rows(tx, job.id, job.done_no, WRITTEN_AT_ONCE)
    checking = await _ready(tx, job)
    if rows:
        await _write_rows(tx, checking, rows, now)
        job.done += len(rows)
        job.done_no = rows[-1].no
    job.changed_at = now
    if len(rows) < WRITTEN_AT_ONCE:
        job.state, job.finished_at, job.version = DONE, now, job.version + 1
        await tx.execute(sa.delete(ImportPart).where(col(ImportPart.job_id) == job.id))
        summary = {"kind": job.kind, "rows": job.done, "source": job.file_name}
        await audit.record(tx, checking.actor, "registry:structure:import", job.id, now=now, after=summary)
    await tx.flush()
    return max(len(rows), 1)


async def _write_rows(tx: AsyncSession, checking: _Checking, rows: Sequence[Any], now: datetime) -> None:
    """New ones by COPY like any import; those known already as corrections or changes, each under its lock."""
    job = checking.job
    decided = {row.no: row.decision for row in rows if row.plan == importing.NEAR}
    same = {no: UUID(said) for no, said in decided.items() if said not in ("new", None)}
    fresh = [row for row in rows if row.plan in (importing.NEW, importing.NEAR) and row.no not in same]
    keys = [
        queries.Key(row.no, None, None, row.facts.get("owner"), row.facts.get("name"))
        for row in fresh
        if row.plan == importing.NEW
    ]
    taken = await queries.matches(tx, job.kind, keys)
    refused: queries.Outcome = (importing.REFUSED, None, None, CHANGED_SINCE)
    results = dict.fromkeys(taken, refused)
    drafts = {
        row.no: Draft(
            id=new_id(), kind=job.kind, patch=settled(row.facts, row.valid_from, checking.known),
            valid_from=row.valid_from, actor=checking.actor, evidence=row.evidence,
            evidence_ref={"import": str(job.id), "row": row.no, "source": job.file_name}, reason=row.reason,
        )
        for row in fresh if row.no not in taken
    }  # fmt: skip
    made = await record_new(tx, list(drafts.values()), checking.known, now=now, batch=job.id)
    for no, one in zip(drafts, made, strict=True):
        results[no] = (importing.NEW, one.id, one.public_no, None)
    known = [row for row in rows if row.plan in (importing.REPLACE, importing.NEW_VERSION) or row.no in same]
    results |= await _write_known(tx, checking, known, same, now)
    await queries.note_outcomes(tx, job.id, results, "changed_since")


async def _write_known(
    tx: AsyncSession, checking: _Checking, rows: Sequence[Any], same: Mapping[int, UUID], now: datetime
) -> dict[int, queries.Outcome]:
    ids = {row.no: same.get(row.no) or row.structure_id for row in rows}
    held = await logs.logs(tx, STRUCTURES, ids.values(), lock=True)
    subjects = {identifier: subject_of(log) for identifier, log in held.items()}
    results: dict[int, queries.Outcome] = {}
    for row in rows:
        subject = subjects[ids[row.no]]
        mode = checking.job.on_duplicate if row.no in same else row.plan
        outcome = _say(checking, row, subject, mode, now)
        text = CHANGED_SINCE if outcome == importing.REFUSED else None
        results[row.no] = (outcome, subject.page.id, subject.public_no, text)
    grown = [subject for subject in subjects.values() if subject.page.added]
    if grown:
        await record_more(tx, grown, now=now, batch=checking.job.id)
    return results


def _say(checking: _Checking, row: Any, subject: Subject, mode: str, now: datetime) -> str:
    """Adds the row's statements to the structure's log; what became of the row."""
    patch = settled(row.facts, row.valid_from, checking.known)
    found = importing.difference(subject.page.versions, patch, row.valid_from)
    if found is None or not found.patch:
        return importing.UNCHANGED
    if mode == importing.SKIP:
        return importing.SKIP
    judged = _Judged(Row(row.no, structure.StructureFacts(), row.valid_from), patch, plan=mode)
    if _statement_faults(checking, judged, subject, found, now):
        return importing.REFUSED
    replacing = mode == importing.REPLACE
    said = importing.replacing(subject.page.changes, found) if replacing else importing.succeeding(found)
    reference = {"import": str(checking.job.id), "row": row.no, "source": checking.job.file_name}
    for one in said:
        statement = Statement(
            one.act, one.valid_from, one.patch, row.evidence, one.valid_to,
            one.corrects.id if one.corrects else None, reference, row.reason,
        )  # fmt: skip
        ledger.add(subject.page, statement, checking.actor, now)
    return mode
