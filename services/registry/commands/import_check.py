"""The rows of an import judged: what is wrong with each, what it means for a structure we have, what stands near."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.errors import N_, Fault
from kernel.texts import fold
from services.registry import data
from services.registry.commands import ledger
from services.registry.commands.records import Subject, subject_of
from services.registry.commands.structures import evidence_faults, settled
from services.registry.domain import checks, importing, policy, structure
from services.registry.domain.checks import References
from services.registry.domain.files.rows import Row, Unread
from services.registry.domain.status import WrongMove, check_move
from services.registry.domain.times import times
from services.registry.queries import imports as queries
from services.registry.queries import logs
from services.registry.queries.logs import STRUCTURES
from services.registry.tables import ImportJob, metadata

IMPORT = "registry:structure:import"
AMBIGUOUS = N_("{name} of this owner stands {times} times in the registry. Name it by its public number.")
UNKNOWN_NUMBER = N_("There is no structure with this number.")
NOT_YOURS = N_("You may only import what belongs to you.")


@dataclass
class Checking:
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


async def ready(tx: AsyncSession, job: ImportJob) -> Checking:
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
    return Checking(actor, job, known, one, communes, data.limits().near_m.get(job.kind, 0.0))


def _without_level(name: str) -> str:
    for level in ("Xã ", "Phường ", "Thị trấn ", "Đặc khu "):
        if name.startswith(level):
            return name.removeprefix(level)
    return name


Batch = list[Row | Unread]


async def stage(tx: AsyncSession, checking: Checking, batch: Batch, now: datetime) -> None:
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
class Judged:
    row: Row
    patch: dict[str, Any]
    plan: str = importing.NEW
    match: queries.Match | None = None
    faults: list[Fault] = field(default_factory=list)
    near: list[dict[str, Any]] = field(default_factory=list)


def _judged(checking: Checking, given: Row | Unread) -> Judged | None:
    """With the faults of reading it; None for a row of which nothing could be read."""
    row = given if isinstance(given, Row) else given.read
    if row is None:
        return None
    faults = [] if isinstance(given, Row) else list(given.faults)
    return Judged(row, checking.named(row.facts.patch(), row.valid_from), faults=faults)


def _key(one: Judged) -> queries.Key:
    return queries.Key(one.row.no, one.row.public_no, one.row.id, one.patch.get("owner"), one.patch.get("name"))


def _judge(checking: Checking, one: Judged, found: Sequence[queries.Match]) -> None:
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


def _compare(checking: Checking, one: Judged, subject: Subject, now: datetime) -> None:
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
        one.faults += statement_faults(checking, one, subject, found, now)
        if one.faults:
            one.plan = importing.REFUSED


def statement_faults(
    checking: Checking, one: Judged, subject: Subject, found: importing.Difference, now: datetime
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


async def _look_around(tx: AsyncSession, checking: Checking, fresh: Sequence[Judged], now: datetime) -> None:
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


def _neighbour(checking: Checking, one: Judged) -> int | None:
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


def _staged(job_id: UUID, one: Judged) -> dict[str, Any]:
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
