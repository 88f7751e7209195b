"""What follows in the registry from what permits decided; no policy is asked, the decision was the permission."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, NotFound
from kernel.history import Change, live
from services.registry.commands.ledger import Statement, add
from services.registry.commands.records import Draft, Subject, record_more, record_new, subject_of
from services.registry.commands.structures import settled
from services.registry.domain import structure
from services.registry.queries import logs
from services.registry.queries.logs import STRUCTURES
from services.registry.queries.references import references

PERMITTED, BUILT = 3, 4
ORDER = {"permitted": 0, "under_construction": 1, "in_service": 2, "idle": 2, "dismantled": 3}


class StructureNotKnownYet(NotFound):
    """A notice overtook its decision: it comes again, and by then the structure is there."""

    detail = N_("This structure is not in the registry yet.")


@dataclass(frozen=True)
class Site:
    structure_id: UUID
    kind: str
    patch: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """One dossier that may be built, with the places it is about."""

    application_id: UUID
    number: str
    decision_number: str
    decided_on: date
    actor: Actor
    sites: Sequence[Site]


@dataclass(frozen=True)
class Notice:
    """The owner's word that works began (`under_construction`) or ended (`in_service`)."""

    application_id: UUID
    structure_ids: Sequence[UUID]
    status: str
    on: date
    actor: Actor


async def mark_permitted(tx: AsyncSession, decisions: Sequence[Decision], *, now: datetime) -> None:
    """Each structure is born once: an id that exists already is left as it is."""
    known = await references(tx, [site.patch for decision in decisions for site in decision.sites])
    drafts = [
        Draft(
            id=site.structure_id,
            kind=site.kind,
            patch=settled({**site.patch, "status": "permitted"}, decision.decided_on, known),
            valid_from=decision.decided_on,
            actor=decision.actor,
            evidence=PERMITTED,
            evidence_ref={
                "application_id": str(decision.application_id),
                "application": decision.number,
                "decision": decision.decision_number,
            },
            application_id=decision.application_id,
        )
        for decision in decisions
        for site in decision.sites
    ]
    recorded = await record_new(tx, drafts, known, now=now)
    by_id = {draft.id: draft for draft in drafts}
    for one in recorded:
        draft = by_id[one.id]
        await audit.record(tx, draft.actor, "registry:structure:mark_permitted", one.id, now=now, after=draft.patch)


async def follow_works(tx: AsyncSession, notices: Sequence[Notice], *, now: datetime) -> None:
    """Commencement and completion, in whatever order they arrive. Raises StructureNotKnownYet."""
    wanted = {identifier for notice in notices for identifier in notice.structure_ids}
    found = await logs.logs(tx, STRUCTURES, wanted, lock=True)
    if wanted - found.keys():
        raise StructureNotKnownYet
    subjects = {identifier: subject_of(log) for identifier, log in found.items()}
    for notice in notices:
        for identifier in notice.structure_ids:
            subject = subjects[identifier]
            if _says_nothing_new(subject.page.changes, notice):
                continue
            await _follow(tx, subject, notice, now)
    grown = [subject for subject in subjects.values() if subject.page.added]
    if grown:
        await record_more(tx, grown, now=now, batch=new_id())


async def _follow(tx: AsyncSession, subject: Subject, notice: Notice, now: datetime) -> None:
    reference = {"application_id": str(notice.application_id), "notice": notice.status}
    patch = {"status": notice.status}
    before = structure.state_on(subject.page.versions, notice.on)
    statement = Statement("change_status", notice.on, patch, BUILT, evidence_ref=reference)
    add(subject.page, statement, notice.actor, now)
    await audit.record(
        tx,
        notice.actor,
        f"registry:structure:{notice.status}",
        subject.page.id,
        now=now,
        before={"status": before.values["status"]} if before else None,
        after={**patch, "valid_from": notice.on},
    )


def _says_nothing_new(changes: Sequence[Change], notice: Notice) -> bool:
    """Already recorded, or overtaken: a later stage that began by that day keeps the last word."""
    said = [(c.valid_from, c.patch["status"]) for c in live(changes) if "status" in c.patch]
    return any(
        status == notice.status or (day <= notice.on and ORDER.get(status, 0) > ORDER[notice.status])
        for day, status in said
    )
