"""Imports as jobs: a file is received, set up, decided on, started, cancelled. The rest is the worker's."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, Fault, Invalid, TooLarge
from services.registry.domain import importing, policy
from services.registry.domain.entered import ZONES
from services.registry.domain.files import encodings, grids, headings
from services.registry.domain.importing import CANCELLED, CHECKED, CHECKING, RECEIVED, RUNNING, ImportNotFound
from services.registry.domain.structure import NEEDED
from services.registry.queries import imports as queries
from services.registry.tables import ImportJob, ImportMapping, ImportPart, ImportRow

CHUNK = 1024 * 1024
PERMISSION = "registry:structure:import"
ENCODINGS = (encodings.UTF8, encodings.UTF16, encodings.UTF16BE, encodings.CP1258, encodings.BYTES)
Check = Callable[[int], None]


@dataclass(frozen=True)
class Taken:
    """A body on disk (in memory while small)."""

    content: BinaryIO
    name: str
    form: str
    sha256: str
    size: int


@asynccontextmanager
async def take(body: AsyncIterator[bytes], name: str, limit_mb: int, geojson_mb: int) -> AsyncIterator[Taken]:
    """Yields one Taken. Raises TooLarge (413) while it streams, FileUnreadable (422) for what is no table."""
    with tempfile.SpooledTemporaryFile(max_size=CHUNK) as content:
        digest, size, form = hashlib.sha256(), 0, ""
        async for piece in body:
            if piece and not form:
                form = grids.form_of(piece, name)
                limit_mb = min(limit_mb, geojson_mb) if form == grids.GEOJSON else limit_mb
            size += len(piece)
            if size > limit_mb * CHUNK:
                raise TooLarge(limit_mb=limit_mb)
            digest.update(piece)
            content.write(piece)
        if not size:
            raise grids.unreadable("empty", N_("This file has no rows."))
        yield Taken(cast(BinaryIO, content), clean_name(name), form, digest.hexdigest(), size)


def clean_name(name: str) -> str:
    bare = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()).strip()[:150]
    return bare or "import"


async def receive(
    tx: AsyncSession, actor: Actor, kind: str, taken: Taken, *, now: datetime, on_duplicate: str = "skip"
) -> ImportJob:
    """Keeps the file, piece by piece; the worker looks into it next. Raises NotAllowed (403)."""
    policy.require(actor, PERMISSION, actor.org)
    job = ImportJob(
        id=new_id(), org=actor.org, kind=kind, file_name=taken.name, form=taken.form, size=taken.size,
        sha256=taken.sha256, state=RECEIVED, version=1, actor=_rights(actor), created_by=actor.id, created_at=now,
        changed_at=now, on_duplicate=on_duplicate, reading={}, columns=[], sheets=[], notes=[], defaults={}, rows=0,
        done=0, done_no=0,
    )  # fmt: skip
    tx.add(job)
    await tx.flush()
    for no, piece in enumerate(_pieces(taken.content)):
        await tx.execute(sa.insert(ImportPart).values(job_id=job.id, no=no, bytes=piece))
    after = {"kind": kind, "file": taken.name, "sha256": taken.sha256, "size": taken.size}
    await audit.record(tx, actor, "registry:import:receive", job.id, now=now, after=after)
    return job


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(CHUNK):
        yield piece


def _rights(actor: Actor) -> dict[str, Any]:
    """The worker acts for whoever set the import going, with the rights held then."""
    return {"id": actor.id, "org": actor.org, "kind": actor.kind, "capabilities": sorted(actor.capabilities)}


async def _opened(
    tx: AsyncSession, actor: Actor, job_id: UUID, act: str, check: Check, permission: str = PERMISSION
) -> ImportJob:
    """Locked, seen by the actor, allowed, still what the caller read, and in a state that lets it."""
    job = await queries.locked_job(tx, job_id)
    if job is None or not policy.may(actor, queries.READ, job.org):
        raise ImportNotFound
    policy.require(actor, permission, job.org)
    check(job.version)
    importing.check_move(act, job.state)
    return job


async def _moved(tx: AsyncSession, job: ImportJob, state: str, now: datetime) -> ImportJob:
    job.state, job.changed_at, job.version = state, now, job.version + 1
    await tx.flush()
    return job


@dataclass(frozen=True)
class Setup:
    """How the file is to be read: heading -> field, and what no column says."""

    fields: Mapping[str, str]
    on_duplicate: str = "skip"
    zone: str | None = None
    defaults: Mapping[str, str] | None = None
    encoding: str | None = None
    legacy: str | None = None
    sheet: str | None = None
    header_row: int | None = None


async def set_up(
    tx: AsyncSession, actor: Actor, job_id: UUID, setup: Setup, *, now: datetime, check: Check = lambda _: None
) -> ImportJob:
    """The whole file is checked next, nothing recorded. Another sheet, header or encoding: it is looked into again.

    Raises ImportNotFound, WrongImportState, SettingsRefused naming each column that cannot be, Stale.
    """
    job = await _opened(tx, actor, job_id, "set_up", check)
    reading = {
        name: value
        for name in ("encoding", "legacy", "sheet", "header_row")
        if (value := getattr(setup, name)) is not None
    }
    before = job.reading
    again = any(before.get(name) != value for name, value in reading.items())
    faults = _reading_faults(job, setup)
    faults += [] if again else _column_faults(job, setup)
    if faults:
        raise importing.SettingsRefused(errors=faults)
    await tx.execute(sa.delete(ImportRow).where(col(ImportRow.job_id) == job.id))
    job.reading = {**{n: v for n, v in job.reading.items() if n != "legacy"}, **reading}
    job.zone, job.defaults, job.on_duplicate = setup.zone, dict(setup.defaults or {}), setup.on_duplicate
    job.rows = job.done = job.done_no = 0
    job.actor = _rights(actor)
    if again:
        job.columns = []
        return await _moved(tx, job, RECEIVED, now)
    job.columns = [{**column, "field": setup.fields.get(column["heading"])} for column in job.columns]
    await tx.merge(
        ImportMapping(
            org=job.org, kind=job.kind, signature=_signature(job), fields=dict(setup.fields), zone=setup.zone,
            defaults=dict(setup.defaults or {}), used_at=now,
        )
    )  # fmt: skip
    await audit.record(tx, actor, "registry:import:set_up", job.id, now=now, after={"fields": dict(setup.fields)})
    return await _moved(tx, job, CHECKING, now)


def _signature(job: ImportJob) -> str:
    return headings.signature([column["heading"] for column in job.columns])


def _reading_faults(job: ImportJob, setup: Setup) -> list[Fault]:
    faults = []
    for name, known in (("encoding", ENCODINGS), ("legacy", encodings.LEGACY), ("sheet", job.sheets or ())):
        said = getattr(setup, name)
        if said is not None and said not in known:
            faults.append(Fault(f"/{name}", "not_in_list", N_("This value is not in the list of allowed values.")))
    if setup.zone is not None and setup.zone not in ZONES:
        faults.append(Fault("/zone", "unknown_zone", N_("This zone of VN-2000 is not known.")))
    return faults


def _column_faults(job: ImportJob, setup: Setup) -> list[Fault]:
    known = set(headings.fields_of(job.kind))
    own = {column["heading"] for column in job.columns}
    faults = [
        Fault(f"/fields/{heading}", "unknown_column", N_("Column {name} is not in this file."), name=heading)
        for heading in setup.fields
        if heading not in own
    ]
    said = [*setup.fields.values(), *(setup.defaults or {})]
    text = N_("There is no fact {name} of this kind.")
    faults += [Fault("/fields", "unknown_field", text, name=name) for name in sorted(set(said) - known)]
    doubled = {name for name in setup.fields.values() if list(setup.fields.values()).count(name) > 1}
    text = N_("Two columns are read as {name}.")
    faults += [Fault("/fields", "doubled_field", text, name=name) for name in sorted(doubled)]
    missing = _missing(job.kind, set(said))
    text = N_("No column is read as {name}, and no value is set for it.")
    faults += [Fault("/fields", "missing_field", text, name=name) for name in missing]
    if "northing" in said and setup.zone is None:
        faults.append(Fault("/zone", "zone_missing", N_("Metres of VN-2000 need their zone. Choose it for this file.")))
    return faults


def _missing(kind: str, said: set[str]) -> list[str]:
    """A file that names structures by their number may say as little as it likes of them."""
    if said & {"public_no", "id"}:
        return []
    placed = {"lon", "lat"} <= said or {"northing", "easting"} <= said
    needed = [name for name in NEEDED[kind] if name not in said and name != "point"]
    return [*needed, *([] if placed else ["lon"]), *([] if "valid_from" in said else ["valid_from"])]


class NoFile(Invalid):
    detail = N_("Choose a file.")


class DecisionsRefused(Invalid):
    detail = N_("These decisions cannot be taken.")


async def decide(
    tx: AsyncSession,
    actor: Actor,
    job_id: UUID,
    decisions: Mapping[int, str],
    *,
    now: datetime,
    check: Check = lambda _: None,
) -> ImportJob:
    """Row -> `new`, `skip`, or the id of the structure it is. Raises ImportNotFound, DecisionsRefused, Stale."""
    job = await _opened(tx, actor, job_id, "decide", check)
    near = await queries.near_rows(tx, job.id, list(decisions))
    faults = []
    for no, said in decisions.items():
        known = {str(one.get("id")) for one in (near[no].near or ())} if no in near else set()
        if no not in near:
            faults.append(Fault(f"/decisions/{no}", "nothing_to_decide", N_("Nothing is to be decided of this row.")))
        elif said not in ("new", "skip") and said not in known:
            faults.append(
                Fault(f"/decisions/{no}", "not_in_list", N_("This value is not in the list of allowed values."))
            )
    if faults:
        raise DecisionsRefused(errors=faults)
    for no, said in decisions.items():
        near[no].decision = said
    after = {str(no): said for no, said in decisions.items()}
    await audit.record(tx, actor, "registry:import:decide", job.id, now=now, after=after)
    return await _moved(tx, job, CHECKED, now)


async def start(
    tx: AsyncSession,
    actor: Actor,
    job_id: UUID,
    *,
    now: datetime,
    leave_out_faulty: bool = False,
    undecided: str | None = None,
    check: Check = lambda _: None,
) -> ImportJob:
    """The worker records the rows next. `undecided` (`new`, `skip`) holds for every row that nobody decided on.

    Raises ImportNotFound, WrongImportState, ImportHasFaults, NearDuplicatesUndecided, NothingToImport, Stale.
    """
    job = await _opened(tx, actor, job_id, "start", check)
    counted = await queries.import_job(tx, actor, job_id)
    assert counted is not None
    refused = counted.plans.get(importing.REFUSED, 0)
    if refused and not leave_out_faulty:
        raise importing.ImportHasFaults(count=refused)
    if counted.undecided and undecided is None:
        raise importing.NearDuplicatesUndecided(count=counted.undecided)
    if counted.undecided:
        await tx.execute(
            sa.update(ImportRow)
            .where(
                col(ImportRow.job_id) == job.id,
                col(ImportRow.plan) == importing.NEAR,
                col(ImportRow.decision).is_(None),
            )
            .values(decision=undecided)
        )
    job.rows = await queries.rows_to_write(tx, job.id)
    if not job.rows:
        raise importing.NothingToImport
    job.done = job.done_no = 0
    job.actor = _rights(actor)
    after = {"rows": job.rows, "left_out": refused, "on_duplicate": job.on_duplicate}
    await audit.record(tx, actor, "registry:import:start", job.id, now=now, after=after)
    return await _moved(tx, job, RUNNING, now)


async def cancel(
    tx: AsyncSession, actor: Actor, job_id: UUID, *, now: datetime, check: Check = lambda _: None
) -> ImportJob:
    """What was recorded so far stays, and the rows say which; nothing more is. Raises WrongImportState (409)."""
    job = await _opened(tx, actor, job_id, "cancel", check)
    job.finished_at = now
    await tx.execute(sa.delete(ImportPart).where(col(ImportPart.job_id) == job.id))
    await audit.record(tx, actor, "registry:import:cancel", job.id, now=now, after={"done": job.done})
    return await _moved(tx, job, CANCELLED, now)
