"""Writing structures to log, projection and outbox: one road for a single one, an import and a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import registry as said
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import Fault
from kernel.history import REGISTER, Change, Version
from services.registry.commands.ledger import Page, Statement, add, page, write
from services.registry.commands.telling import change_said, structure_versions, tell
from services.registry.domain import checks, structure, words
from services.registry.domain.checks import FactsRefused, References
from services.registry.domain.number import public_number
from services.registry.queries.logs import STRUCTURES, Log
from services.registry.queries.references import existing_structures, references


@dataclass(frozen=True)
class Draft:
    """A structure about to be recorded for the first time."""

    id: UUID
    kind: str
    patch: Mapping[str, Any]
    valid_from: date
    actor: Actor
    evidence: int = 1
    evidence_ref: Mapping[str, Any] | None = None
    reason: str = ""
    application_id: UUID | None = None


@dataclass(frozen=True)
class Recorded:
    """What a command answers: the thing, and the number of its newest change, which is also its entity tag."""

    id: UUID
    public_no: str
    no: int
    change_id: UUID


@dataclass
class Subject:
    """A page of the log with what its rows and events also say."""

    page: Page
    kind: str
    public_no: str
    application_id: UUID | None
    before: tuple[Version, ...] = field(default=())


def refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise FactsRefused(errors=faults)


async def record_new(
    tx: AsyncSession, drafts: Sequence[Draft], known: References, *, now: datetime, batch: UUID | None = None
) -> list[Recorded]:
    """Writes structures that are not there yet, each with its first change; an id that exists is left out."""
    taken = await existing_structures(tx, [draft.id for draft in drafts])
    first = {draft.id: draft for draft in drafts if draft.id not in taken}
    if not first:
        return []
    fresh = await _insert(tx, list(first.values()), now)
    subjects = []
    for draft in (first[identifier] for identifier in first if identifier in fresh):
        subject = Subject(page(draft.id), draft.kind, fresh[draft.id], draft.application_id)
        statement = Statement(
            REGISTER, draft.valid_from, draft.patch, draft.evidence, None, None, draft.evidence_ref, draft.reason
        )
        add(subject.page, statement, draft.actor, now)
        subjects.append(subject)
    return await _finish(tx, subjects, known, now=now, batch=batch)


async def _insert(tx: AsyncSession, drafts: Sequence[Draft], now: datetime) -> dict[UUID, str]:
    """The ids that are new with their public numbers; two deliveries of one id meet here, the second finds it taken."""
    numbers: dict[UUID, str] = {}
    for kind in sorted({draft.kind for draft in drafts}):
        of_kind = [draft.id for draft in drafts if draft.kind == kind]
        statement = sa.text("UPDATE number_series SET last = last + :n WHERE series = :kind RETURNING last")
        last = (await tx.execute(statement, {"n": len(of_kind), "kind": kind})).scalar_one()
        numbers |= {id_: public_number(kind, last - len(of_kind) + place + 1) for place, id_ in enumerate(of_kind)}
    statement = sa.text(
        "INSERT INTO structure (id, kind, public_no, application_id, last_no, created_at)"
        " SELECT id, kind, public_no, application_id, 1, :now FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:kinds AS text[]), CAST(:numbers AS text[]), CAST(:applications AS uuid[]))"
        " AS s(id, kind, public_no, application_id) ON CONFLICT (id) DO NOTHING RETURNING id"
    )
    values = {
        "ids": [draft.id for draft in drafts],
        "kinds": [draft.kind for draft in drafts],
        "numbers": [numbers[draft.id] for draft in drafts],
        "applications": [draft.application_id for draft in drafts],
        "now": now,
    }
    return {id_: numbers[id_] for id_ in (await tx.execute(statement, values)).scalars()}


async def _finish(
    tx: AsyncSession, subjects: Sequence[Subject], known: References, *, now: datetime, batch: UUID | None = None
) -> list[Recorded]:
    """Log, projection, placements and events of what was added to these pages."""
    by_id = {subject.page.id: subject for subject in subjects}
    names = known.names()

    said_words: set[str] = set()

    def row_of(of: Page, version: Version) -> dict[str, Any]:
        row = structure.row(by_id[of.id].kind, by_id[of.id].public_no, version, of.evidence(), names)
        said_words.update(row["name_fold"].split())
        return row

    await write(tx, STRUCTURES, [subject.page for subject in subjects], row_of)
    await _learn_words(tx, said_words)
    await _place(tx, subjects)
    spoken = [(actor, _item(s, change)) for s in subjects for change, _, actor in s.page.added]
    await tell(tx, said.StructureChanged, spoken, subject=batch or new_id(), now=now)
    return [Recorded(s.page.id, s.public_no, s.page.changes[-1].no, s.page.changes[-1].id) for s in subjects]


async def _learn_words(tx: AsyncSession, said_words: set[str]) -> None:
    """In one order, so that two who learn the same words at once never wait for each other."""
    fresh = sorted(filter(words.is_searchable, said_words))
    if fresh:
        statement = sa.text(
            "INSERT INTO search_word (word, variants) SELECT w, string_to_array(v, ' ')"
            " FROM unnest(CAST(:words AS text[]), CAST(:variants AS text[])) AS s(w, v)"
            " WHERE NOT EXISTS (SELECT FROM search_word k WHERE k.word = w) ORDER BY w ON CONFLICT DO NOTHING"
        )
        await tx.execute(statement, {"words": fresh, "variants": [" ".join(words.variants(one)) for one in fresh]})


async def _place(tx: AsyncSession, subjects: Sequence[Subject]) -> None:
    declared = {
        (subject.page.id, version.values["commune"])
        for subject in subjects
        for version in (r.version for r in subject.page.opened.values())
        if version.values.get("commune")
    }
    statement = sa.text(
        "INSERT INTO placement (structure_id, declared_id, boundary_set, unit_id, how, provisional)"
        " SELECT s.id, p.declared_id, p.boundary_set, p.unit_id, p.how, p.provisional"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:declared AS text[])) AS s(id, declared_id)"
        " JOIN unit_placement p USING (declared_id) ON CONFLICT DO NOTHING"
    )
    if declared:
        ids, units = zip(*sorted(declared), strict=True)
        await tx.execute(statement, {"ids": list(ids), "declared": list(units)})


def _item(subject: Subject, change: Change) -> said.StructureItem:
    versions = subject.page.beliefs[change.no]
    return said.StructureItem(
        id=subject.page.id,
        no=change.no,
        kind=subject.kind,
        public_no=subject.public_no,
        name=(versions[-1].values.get("name") if versions else None) or "",
        application_id=subject.application_id,
        change=change_said(change),
        versions=structure_versions(subject.page, versions),
    )


def subject_of(log: Log) -> Subject:
    thing = log.thing
    opened = page(thing.id, log)
    return Subject(opened, thing.kind, thing.public_no, thing.application_id, opened.versions)


async def record_more(
    tx: AsyncSession, subjects: Sequence[Subject], *, now: datetime, batch: UUID | None = None
) -> list[Recorded]:
    """Writes what was added to locked structures. Raises FactsRefused when owner or status would go missing."""
    for subject in subjects:
        for version in subject.page.versions:
            gone = dict.fromkeys(structure.NEEDED[subject.kind]) | dict(version.values)
            refuse([f for f in checks.missing(subject.kind, gone) if f.pointer in ("/owner", "/status")])
    known = await references(tx, [change.patch for subject in subjects for change in subject.page.changes])
    return await _finish(tx, subjects, known, now=now, batch=batch)
