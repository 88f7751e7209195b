"""A report answered line by line, submitted, settled; every step audited."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit, direct
from kernel.audit import canonical
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import require_match
from kernel.errors import Fault
from services.sharing.domain import policy, reporting
from services.sharing.domain.refusals import (
    AnswerRefused,
    CycleClosed,
    LineNotDisputed,
    LineNotFound,
    LinesOpen,
    NothingNew,
    ReasonMissing,
)
from services.sharing.queries import reports as queries


@dataclass(frozen=True)
class Changed:
    """`no` is what the ETag says."""

    id: UUID
    no: int


@dataclass(frozen=True)
class Said:
    """What an enterprise says of one line of its report."""

    line: int
    answer: str
    claims: Mapping[str, str]
    note: str = ""


async def answer(
    tx: AsyncSession, actor: Actor, report_id: UUID, said: Sequence[Said], *, now: datetime, if_match: str = "*"
) -> Changed:
    """Confirms or disputes lines, all or none of them; an answer to a settled line opens it again.

    Raises ReportNotFound (404), NotAllowed (403), Stale (412), CycleClosed (409), AnswerRefused (422).
    """
    row = await _changing(tx, actor, report_id, if_match)
    kinds = await queries.kinds(tx, report_id, [one.line for one in said], actor=actor)
    faults: list[Fault] = []
    rows = []
    for at, one in enumerate(said):
        if one.line not in kinds:
            faults.append(Fault(f"/items/{at}/line", "unknown", LineNotFound.detail))
            continue
        claims: dict[str, str] | None = None
        if one.answer == "disputed":
            claims, wrong = reporting.read_claims(kinds[one.line], one.claims, one.note)
            faults += [Fault(f"/items/{at}{each.pointer}", each.code, each.detail) for each in wrong]
        rows.append({"no": one.line, "answer": one.answer, "claims": claims, "note": one.note.strip()})
    if faults:
        raise AnswerRefused(errors=faults)
    await direct.execute(
        tx,
        "UPDATE report_line l SET answer = g.answer, claims = g.claims, note = g.note, answered_at = $3,"
        " answered_by = $4, outcome = NULL, outcome_note = '', settled_at = NULL, settled_by = NULL"
        " FROM jsonb_to_recordset($2::jsonb) g(no int, answer text, claims jsonb, note text)"
        " WHERE l.report_id = $1 AND l.no = g.no",
        report_id,
        orjson.dumps(rows).decode(),
        now,
        actor.id,
    )
    return await _changed(tx, actor, row, "answer", now, {"lines": rows[:50], "count": len(rows)})


async def confirm_rest(
    tx: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime, if_match: str = "*"
) -> Changed:
    """Confirms every line that has no answer yet. Raises what `answer` raises."""
    row = await _changing(tx, actor, report_id, if_match)
    done = await tx.execute(
        sa.text(
            "UPDATE report_line SET answer = 'confirmed', answered_at = :now, answered_by = :actor"
            " WHERE report_id = :id AND answer = 'open'"
        ),
        {"id": report_id, "now": now, "actor": actor.id},
    )
    return await _changed(tx, actor, row, "confirm_rest", now, {"count": int(getattr(done, "rowcount", 0))})


async def add_missing(
    tx: AsyncSession,
    actor: Actor,
    report_id: UUID,
    claims: Mapping[str, str],
    note: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> tuple[Changed, int]:
    """A thing that the registry does not know, as a disputed line; answers its number. Raises as `answer`."""
    row = await _changing(tx, actor, report_id, if_match)
    read, faults = reporting.read_claims("missing", claims, note)
    if faults:
        raise AnswerRefused(errors=faults)
    made = await tx.execute(
        sa.text(
            "INSERT INTO report_line (report_id, no, kind, public_no, told, answer, claims, note, answered_at,"
            " answered_by) SELECT :id, coalesce(max(no), 0) + 1, 'missing', '', '{}', 'disputed',"
            " CAST(:claims AS jsonb), :note, :now, :actor FROM report_line WHERE report_id = :id RETURNING no"
        ),
        {"id": report_id, "claims": orjson.dumps(read).decode(), "note": note.strip(), "now": now, "actor": actor.id},
    )
    no = int(made.scalar_one())
    return await _changed(tx, actor, row, "add", now, {"line": no, "claims": read}), no


async def submit(tx: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime, if_match: str = "*") -> Changed:
    """Keeps the report as it stands as its next version. Every line needs an answer; a late one is kept and marked.

    Raises ReportNotFound (404), NotAllowed (403), Stale (412), CycleClosed (409), LinesOpen (409), NothingNew (409).
    """
    row = await _changing(tx, actor, report_id, if_match)
    open_lines, lines = await queries.standing_lines(tx, report_id, actor=actor)
    if open_lines:
        raise LinesOpen(count=open_lines)
    content = {"report": str(report_id), "org": row.org, "lines": lines}
    digest = hashlib.sha256(canonical(content)).hexdigest()
    no, late = row.versions + 1, local_date(now) >= row.late_on
    if digest == await queries.digest(tx, report_id, row.versions, actor=actor):
        raise NothingNew
    await tx.execute(
        sa.text(
            "INSERT INTO report_version (report_id, no, submitted_at, submitted_by, late, content, sha256)"
            " VALUES (:id, :no, :now, :actor, :late, CAST(:content AS jsonb), :sha256)"
        ),
        {
            "id": report_id,
            "no": no,
            "now": now,
            "actor": actor.id,
            "late": late,
            "content": orjson.dumps(content).decode(),
            "sha256": digest,
        },
    )
    # What counts as in time is the first submission; a later version mends it and does not make it late.
    await tx.execute(
        sa.text("UPDATE report SET versions = :no, submitted_at = coalesce(submitted_at, :now) WHERE id = :id"),
        {"id": report_id, "no": no, "now": now},
    )
    return await _changed(tx, actor, row, "submit", now, {"version": no, "late": late, "sha256": digest})


async def settle(
    tx: AsyncSession,
    actor: Actor,
    report_id: UUID,
    no: int,
    outcome: str,
    note: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> Changed:
    """The department accepts what a line disputes, or says why not. What was accepted counts in the consolidation;
    the register itself is corrected by whoever keeps that record, and the line shows when it was.

    Raises ReportNotFound (404), LineNotFound (404), NotAllowed (403), Stale (412),
    LineNotDisputed (409), ReasonMissing (422).
    """
    row = await queries.locked(tx, report_id, actor=actor)
    policy.require(actor, "sharing:report:settle")
    require_match(if_match, row.no)
    line = await queries.line(tx, report_id, no, actor=actor)
    if line["answer"] != "disputed":
        raise LineNotDisputed
    if outcome == "rejected" and not note.strip():
        raise ReasonMissing
    await tx.execute(
        sa.text(
            "UPDATE report_line SET outcome = :outcome, outcome_note = :note, settled_at = :now, settled_by = :actor"
            " WHERE report_id = :id AND no = :no"
        ),
        {"id": report_id, "no": no, "outcome": outcome, "note": note.strip(), "now": now, "actor": actor.id},
    )
    return await _changed(tx, actor, row, "settle", now, {"line": no, "outcome": outcome, "note": note.strip()})


async def _changing(tx: AsyncSession, actor: Actor, report_id: UUID, if_match: str) -> Any:
    row = await queries.locked(tx, report_id, actor=actor)
    policy.require(actor, "sharing:report:answer", row.org)
    require_match(if_match, row.no)
    if row.closed_at is not None:
        raise CycleClosed
    return row


async def _changed(
    tx: AsyncSession, actor: Actor, row: Any, act: str, now: datetime, after: Mapping[str, Any]
) -> Changed:
    await tx.execute(sa.text("UPDATE report SET no = no + 1 WHERE id = :id"), {"id": row.id})
    await audit.record(tx, actor, f"sharing:report:{act}", row.id, now=now, after={"org": row.org, **after})
    return Changed(row.id, row.no + 1)
