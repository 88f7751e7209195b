"""Structures: registered, changed, corrected, undone, moved on in their life."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Conflict, Fault, NotFound
from kernel.history import Change, undo_conflicts
from services.registry.commands.ledger import Statement, add
from services.registry.commands.records import Draft, Recorded, Subject, record_more, record_new, refuse, subject_of
from services.registry.domain import checks, policy, structure
from services.registry.domain.checks import References
from services.registry.domain.status import check_move
from services.registry.domain.structure import StructureFacts
from services.registry.queries import logs
from services.registry.queries.logs import STRUCTURES
from services.registry.queries.references import references

Check = Callable[[int], None]


class StructureNotFound(NotFound):
    detail = N_("There is no such structure, or you may not see it.")


class LaterChangesDepend(Conflict):
    detail = N_("Later changes set the same facts. Name them to undo all the same.")


class AlreadyCorrected(Conflict):
    detail = N_("This change was already corrected. Correct its correction instead.")


async def register(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    facts: StructureFacts,
    *,
    valid_from: date,
    now: datetime,
    evidence: int = 1,
    evidence_ref: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Recorded:
    """Raises NotAllowed (403), FactsRefused (422) naming everything that cannot be right."""
    patch = facts.patch()
    policy.require(actor, "registry:structure:register", patch.get("owner"))
    known = await references(tx, [patch])
    faults = checks.missing(kind, patch) + checks.structure_faults(kind, patch, valid_from, known)
    refuse([*faults, *evidence_faults(actor, evidence)])
    draft = Draft(new_id(), kind, settled(patch, valid_from, known), valid_from, actor, evidence, evidence_ref, reason)
    (recorded,) = await record_new(tx, [draft], known, now=now)
    await audit.record(tx, actor, "registry:structure:register", recorded.id, now=now, after=draft.patch)
    return recorded


def evidence_faults(actor: Actor, evidence: int, pointer: str = "") -> list[Fault]:
    highest = policy.highest_evidence(actor)
    if evidence <= highest:
        return []
    return [
        Fault(f"{pointer}/evidence", "evidence_too_high", N_("You may vouch up to level {highest}."), highest=highest)
    ]


def settled(patch: Mapping[str, Any], on: date, known: References) -> dict[str, Any]:
    """The patch as the log keeps it: a commune said by its bare code becomes the unit it was on that day."""
    said_unit = known.unit(patch["commune"], on) if patch.get("commune") else None
    return {**patch, "commune": said_unit.id} if said_unit else dict(patch)


async def _opened(
    tx: AsyncSession, actor: Actor, kind: str, structure_id: UUID, permission: str, check: Check, now: datetime
) -> Subject:
    """Locked, seen by the actor, allowed, and still what the caller read."""
    found = await logs.logs(tx, STRUCTURES, [structure_id], lock=True)
    log = found.get(structure_id)
    if log is None or log.thing.kind != kind:
        raise StructureNotFound
    subject = subject_of(log)
    owner = subject.page.versions[-1].values["owner"] if subject.page.versions else None
    if not policy.may(actor, permission, owner) and not _seen(actor, subject, owner, local_date(now)):
        raise StructureNotFound
    policy.require(actor, permission, owner)
    check(subject.page.changes[-1].no)
    return subject


def _seen(actor: Actor, subject: Subject, owner: str | None, today: date) -> bool:
    states = {version.values["status"] for version in subject.page.versions if version.valid_from <= today}
    return policy.sees(actor, owner, states)


async def _record(
    tx: AsyncSession, actor: Actor, subject: Subject, statement: Statement, permission: str, now: datetime
) -> Recorded:
    before = structure.state_on(subject.before, statement.valid_from)
    add(subject.page, statement, actor, now)
    (recorded,) = await record_more(tx, [subject], now=now)
    shown = {name: before.values.get(name) for name in statement.patch} if before else None
    after = {**statement.patch, "valid_from": statement.valid_from, "reason": statement.reason}
    await audit.record(tx, actor, permission, subject.page.id, now=now, before=shown, after=after)
    return recorded


class StatusMovesApart(checks.FactsRefused):
    detail = N_("A status is moved by a status change, not by a change of facts.")


async def change(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    structure_id: UUID,
    facts: StructureFacts,
    *,
    valid_from: date,
    now: datetime,
    valid_to: date | None = None,
    evidence: int = 1,
    evidence_ref: Mapping[str, Any] | None = None,
    reason: str = "",
    check: Check = lambda _: None,
) -> Recorded:
    """It became so from `valid_from` on. Raises NotAllowed, StructureNotFound, Stale, FactsRefused."""
    patch = facts.patch()
    subject = await _opened(tx, actor, kind, structure_id, "registry:structure:change", check, now)
    if "status" in patch:
        raise StatusMovesApart(errors=[Fault("/status", "moves_apart", StatusMovesApart.detail)])
    if patch.get("owner"):
        policy.require(actor, "registry:structure:transfer", patch["owner"])
    known = await references(tx, [patch])
    refuse(_change_faults(kind, patch, valid_from, valid_to, known) + evidence_faults(actor, evidence))
    statement = Statement(
        "change", valid_from, settled(patch, valid_from, known), evidence, valid_to, None, evidence_ref, reason
    )
    return await _record(tx, actor, subject, statement, "registry:structure:change", now)


def _change_faults(
    kind: str, patch: Mapping[str, Any], valid_from: date, valid_to: date | None, known: References
) -> list[Fault]:
    faults = checks.emptied(kind, patch) + checks.structure_faults(kind, patch, valid_from, known)
    if not patch:
        faults.append(Fault("/facts", "empty", N_("Say at least one fact.")))
    if valid_to is not None and valid_to <= valid_from:
        faults.append(Fault("/valid_to", "before_start", N_("The end lies before the beginning.")))
    return faults


async def correct(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    structure_id: UUID,
    corrects: UUID,
    facts: StructureFacts,
    *,
    now: datetime,
    reason: str,
    valid_from: date | None = None,
    evidence: int | None = None,
    evidence_ref: Mapping[str, Any] | None = None,
    check: Check = lambda _: None,
) -> Recorded:
    """We had it wrong: what the corrected change said and this does not name again is taken over unaltered."""
    subject = await _opened(tx, actor, kind, structure_id, "registry:structure:correct", check, now)
    target = _correctable(subject, corrects)
    patch = {**target.patch, **facts.patch()}
    if patch.get("owner") != target.patch.get("owner"):
        policy.require(actor, "registry:structure:transfer", patch["owner"])
    day = valid_from or target.valid_from
    known = await references(tx, [patch])
    level = target.evidence if evidence is None else evidence
    refuse(_change_faults(kind, patch, day, target.valid_to, known) + evidence_faults(actor, evidence or 1))
    statement = Statement(
        "correct", day, settled(patch, day, known), level, target.valid_to, corrects, evidence_ref, reason
    )
    return await _record(tx, actor, subject, statement, "registry:structure:correct", now)


def _correctable(subject: Subject, corrects: UUID) -> Change:
    target = next((change for change in subject.page.changes if change.id == corrects), None)
    if target is None:
        refuse([Fault("/corrects", "unknown_change", N_("This structure has no such change."))])
        raise AssertionError
    if any(change.corrects == corrects for change in subject.page.changes):
        raise AlreadyCorrected
    return target


async def undo(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    structure_id: UUID,
    undone: UUID,
    *,
    now: datetime,
    reason: str,
    despite: Sequence[UUID] = (),
    check: Check = lambda _: None,
) -> Recorded:
    """A correction that says nothing. Raises LaterChangesDepend (409) unless `despite` names all that build on it."""
    subject = await _opened(tx, actor, kind, structure_id, "registry:structure:correct", check, now)
    target = _correctable(subject, undone)
    unnamed = [c for c in undo_conflicts(subject.page.changes, undone) if c.id not in despite]
    if unnamed:
        raise LaterChangesDepend(
            errors=[
                Fault("/despite", "later_change", N_("Change {no} ({id}) sets the same facts."), no=c.no, id=c.id)
                for c in unnamed
            ]
        )
    statement = Statement("undo", target.valid_from, {}, target.evidence, None, undone, None, reason)
    return await _record(tx, actor, subject, statement, "registry:structure:correct", now)


async def change_status(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    structure_id: UUID,
    to: str,
    *,
    on: date,
    now: datetime,
    evidence: int = 1,
    evidence_ref: Mapping[str, Any] | None = None,
    reason: str = "",
    check: Check = lambda _: None,
) -> Recorded:
    """The structure moves on in its life. Raises WrongMove (409) when the states before and after do not fit."""
    subject = await _opened(tx, actor, kind, structure_id, "registry:structure:change_status", check, now)
    refuse(evidence_faults(actor, evidence) + _not_yet(on, now))
    check_move(*_around(subject, on, to))
    statement = Statement("change_status", on, {"status": to}, evidence, None, None, evidence_ref, reason)
    return await _record(tx, actor, subject, statement, "registry:structure:change_status", now)


def _not_yet(on: date, now: datetime) -> list[Fault]:
    if on <= local_date(now):
        return []
    return [Fault("/on", "in_future", N_("A status cannot have changed on a day to come."))]


def _around(subject: Subject, on: date, to: str) -> tuple[str | None, str, str | None]:
    before, after = structure.neighbours(subject.page.versions, on)
    return before, to, after
