"""The rows of an import recorded: new ones like any import, those known already as corrections or changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.db import new_id
from kernel.errors import N_
from services.registry.commands import ledger
from services.registry.commands.import_check import Checking, Judged, ready, statement_faults
from services.registry.commands.ledger import Statement
from services.registry.commands.records import Draft, Subject, record_more, record_new, subject_of
from services.registry.commands.structures import settled
from services.registry.domain import importing, structure
from services.registry.domain.files.rows import Row
from services.registry.domain.importing import DONE
from services.registry.queries import imports as queries
from services.registry.queries import logs
from services.registry.queries.logs import STRUCTURES
from services.registry.tables import ImportJob, ImportPart

WRITTEN_AT_ONCE = 4000
CHANGED_SINCE = N_("This structure was recorded by somebody else since the check.")


async def write(tx: AsyncSession, job: ImportJob, now: datetime) -> int:
    """The next rows, in the transaction that also says how far the import is: a crash repeats none and skips none."""
    rows = await queries.waiting_rows(tx, job.id, job.done_no, WRITTEN_AT_ONCE)
    checking = await ready(tx, job)
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


async def _write_rows(tx: AsyncSession, checking: Checking, rows: Sequence[Any], now: datetime) -> None:
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
    tx: AsyncSession, checking: Checking, rows: Sequence[Any], same: Mapping[int, UUID], now: datetime
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


def _say(checking: Checking, row: Any, subject: Subject, mode: str, now: datetime) -> str:
    """Adds the row's statements to the structure's log; what became of the row."""
    patch = settled(row.facts, row.valid_from, checking.known)
    found = importing.difference(subject.page.versions, patch, row.valid_from)
    if found is None or not found.patch:
        return importing.UNCHANGED
    if mode == importing.SKIP:
        return importing.SKIP
    judged = Judged(Row(row.no, structure.StructureFacts(), row.valid_from), patch, plan=mode)
    if statement_faults(checking, judged, subject, found, now):
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
