"""Many structures at once: every fault of every row, then all of them or none. The same road as a single one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, Fault, Invalid
from services.registry.commands.records import Draft, record_new
from services.registry.commands.structures import evidence_faults, settled
from services.registry.domain import checks, policy
from services.registry.domain.checks import References
from services.registry.domain.structure import StructureFacts
from services.registry.queries.references import references, registered


class ImportRefused(Invalid):
    detail = N_("{faults} faults in {rows} rows; nothing was imported.")


@dataclass(frozen=True)
class ImportRow:
    """One row: `no` is its number as the sender counts, for the pointers `/rows/<no>/<column>`."""

    no: int
    facts: StructureFacts
    valid_from: date
    evidence: int = 1
    reason: str = ""
    id: UUID | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did, or with a dry run would do; `ids` in the order of the rows."""

    rows: int
    errors: tuple[Fault, ...] = ()
    ids: tuple[UUID, ...] = ()
    public_nos: tuple[str, ...] = ()
    import_id: UUID | None = None


async def import_structures(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    rows: Sequence[ImportRow],
    *,
    now: datetime,
    dry_run: bool = False,
    unreadable: Sequence[Fault] = (),
    source: str = "",
) -> Imported:
    """`unreadable` are the faults of rows that never became one. Raises ImportRefused (422) naming every fault."""
    patches = [row.facts.patch() for row in rows]
    known = await references(tx, patches)
    faults = [*unreadable, *await _faults(tx, actor, kind, rows, patches, known)]
    total = len(rows) + len({fault.pointer.split("/")[2] for fault in unreadable})
    if dry_run:
        return Imported(total, tuple(faults))
    if faults:
        raise ImportRefused(errors=faults, faults=len(faults), rows=total)
    import_id = new_id()
    drafts = [
        Draft(
            id=row.id or new_id(),
            kind=kind,
            patch=settled(patch, row.valid_from, known),
            valid_from=row.valid_from,
            actor=actor,
            evidence=row.evidence,
            evidence_ref={"import": str(import_id), "row": row.no, "source": source},
            reason=row.reason,
        )
        for row, patch in zip(rows, patches, strict=True)
    ]
    recorded = await record_new(tx, drafts, known, now=now, batch=import_id)
    summary = {"kind": kind, "rows": len(recorded), "source": source}
    await audit.record(tx, actor, "registry:structure:import", import_id, now=now, after=summary)
    return Imported(total, (), tuple(one.id for one in recorded), tuple(one.public_no for one in recorded), import_id)


async def _faults(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    rows: Sequence[ImportRow],
    patches: Sequence[dict[str, Any]],
    known: References,
) -> list[Fault]:
    faults = [
        fault for row, patch in zip(rows, patches, strict=True) for fault in _row_faults(actor, kind, row, patch, known)
    ]
    return faults + await _doubled(tx, actor, kind, rows, patches)


def _row_faults(actor: Actor, kind: str, row: ImportRow, patch: dict[str, Any], known: References) -> list[Fault]:
    pointer = f"/rows/{row.no}"
    faults = checks.missing(kind, patch, pointer)
    faults += checks.structure_faults(kind, patch, row.valid_from, known, pointer)
    faults += evidence_faults(actor, row.evidence, pointer)
    if patch.get("owner") and not policy.may(actor, "registry:structure:import", patch["owner"]):
        faults.append(Fault(f"{pointer}/owner", "not_yours", N_("You may only import what belongs to you.")))
    return faults


async def _doubled(
    tx: AsyncSession, actor: Actor, kind: str, rows: Sequence[ImportRow], patches: Sequence[dict[str, Any]]
) -> list[Fault]:
    """The same owner, name and point: twice in the file, or in the registry already.

    Only of owners that the actor may import for: nobody finds out what others have by trying.
    """
    owners = {o for o in {p.get("owner") for p in patches} if policy.may(actor, "registry:structure:import", o)}
    keys = [_key(patch) if patch.get("owner") in owners else None for patch in patches]
    times = Counter(key for key in keys if key is not None)
    taken = await registered(tx, kind, times.keys())
    faults = []
    for row, key in zip(rows, keys, strict=True):
        if key is not None and key in taken:
            text = N_("{name} of this owner stands in the registry already.")
            faults.append(Fault(f"/rows/{row.no}/name", "already_registered", text, name=key[1]))
        elif key is not None and times[key] > 1:
            text = N_("{name} of this owner stands {times} times in this file.")
            faults.append(Fault(f"/rows/{row.no}/name", "doubled", text, name=key[1], times=times[key]))
    return faults


def _key(patch: dict[str, Any]) -> tuple[str, str, float, float] | None:
    if not (patch.get("owner") and patch.get("name") and patch.get("point")):
        return None
    return patch["owner"], patch["name"], *patch["point"]
