"""The log of an agreement: one change appended, its projection, the figures of its structure, the audit, the event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.registry import Change as ChangeTold
from contracts.sharing import AgreementChanged, AgreementItem, AgreementVersion
from kernel import audit, history, outbox
from kernel.auth import Actor
from kernel.db import open_end
from services.sharing.commands.recount import recount
from services.sharing.domain.agreement import in_force, status


@dataclass(frozen=True)
class Recorded:
    """`no` is the number of the change, and the version that an ETag names."""

    id: UUID
    no: int


@dataclass(frozen=True)
class Parties:
    structure_id: UUID
    owner: str
    tenant: str


async def append(
    tx: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    parties: Parties,
    before: Sequence[history.Change],
    change: history.Change,
    act: str,
    reason: str,
    evidence_ref: Mapping[str, Any] | None,
) -> Recorded:
    after = [*before, change]
    await tx.execute(_CHANGE, _change_row(actor, agreement_id, change, reason, evidence_ref))
    await _project(tx, agreement_id, before, after)
    await tx.execute(
        sa.text("UPDATE agreement SET last_no = :no WHERE id = :id"), {"no": change.no, "id": agreement_id}
    )
    await recount(tx, [parties.structure_id])
    at = change.recorded_at
    await audit.record(
        tx,
        actor,
        f"sharing:agreement:{act}",
        agreement_id,
        now=at,
        before=_summary(before),
        after={
            "structure": str(parties.structure_id),
            "owner": parties.owner,
            "tenant": parties.tenant,
            **_summary(after),
        },
    )
    await outbox.record(tx, actor, _told(agreement_id, parties, after), subject=agreement_id, now=at)
    return Recorded(agreement_id, change.no)


_CHANGE = sa.text(
    "INSERT INTO agreement_change (id, agreement_id, no, act, valid_from, valid_to, patch, evidence, evidence_ref,"
    " reason, corrects, actor, org, recorded_at) VALUES (:id, :agreement, :no, :act, :valid_from, :valid_to, :patch,"
    " :evidence, :evidence_ref, :reason, :corrects, :actor, :org, :recorded_at)"
).bindparams(sa.bindparam("patch", type_=sa.JSON), sa.bindparam("evidence_ref", type_=sa.JSON(none_as_null=True)))


def _change_row(
    actor: Actor, agreement_id: UUID, change: history.Change, reason: str, evidence_ref: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "id": change.id,
        "agreement": agreement_id,
        "no": change.no,
        "act": change.act,
        "valid_from": change.valid_from,
        "valid_to": open_end(change.valid_to),
        "patch": dict(change.patch),
        "evidence": change.evidence,
        "evidence_ref": dict(evidence_ref) if evidence_ref else None,
        "reason": reason,
        "corrects": change.corrects,
        "actor": actor.id,
        "org": actor.org,
        "recorded_at": change.recorded_at,
    }


async def _project(
    tx: AsyncSession, agreement_id: UUID, before: Sequence[history.Change], after: Sequence[history.Change]
) -> None:
    """The rectangles that the newest change alters; what did not alter stays as it is."""
    standing = [r for r in history.rectangles(before) if r.closed_no is None]
    revision = history.revise(standing, after)
    newest = after[-1]
    if revision.closed:
        await tx.execute(
            sa.text(
                "UPDATE agreement_version SET recorded_to = :at, closed_no = :no WHERE agreement_id = :id"
                " AND recorded_to = 'infinity' AND valid_from = ANY(:days)"
            ),
            {
                "at": newest.recorded_at,
                "no": newest.no,
                "id": agreement_id,
                "days": [r.version.valid_from for r in revision.closed],
            },
        )
    evidence = {change.no: change.evidence for change in after}
    rows = [version_row(agreement_id, version, newest, evidence) for version in revision.opened]
    if rows:
        await tx.execute(_VERSIONS, _columns(rows))


# One statement, so that the trigger sees the chain of versions whole.
_VERSIONS = sa.text(
    "INSERT INTO agreement_version (agreement_id, opened_no, valid_from, valid_to, recorded_from, status, kind, number,"
    " document_sha256, evidence, sources) SELECT * FROM unnest(CAST(:agreement_id AS uuid[]),"
    " CAST(:opened_no AS int[]), CAST(:valid_from AS date[]), CAST(:valid_to AS date[]),"
    " CAST(:recorded_from AS timestamptz[]),"
    " CAST(:status AS text[]), CAST(:kind AS text[]), CAST(:number AS text[]), CAST(:document_sha256 AS text[]),"
    " CAST(:evidence AS smallint[]), CAST(CAST(:sources AS text[]) AS jsonb[]))"
)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def version_row(
    agreement_id: UUID, version: history.Version, opened_by: history.Change, evidence: Mapping[int, int]
) -> dict[str, Any]:
    said = [evidence[no] for no in version.sources.values()]
    return {
        "agreement_id": agreement_id,
        "opened_no": opened_by.no,
        "valid_from": version.valid_from,
        "valid_to": open_end(version.valid_to),
        "recorded_from": opened_by.recorded_at,
        "status": status(version),
        "kind": version.values.get("kind", ""),
        "number": version.values.get("number", ""),
        "document_sha256": version.values.get("document_sha256", ""),
        "evidence": min(said, default=1),
        "sources": audit.canonical(dict(version.sources)).decode(),
    }


def _summary(changes: Sequence[history.Change]) -> dict[str, Any]:
    periods = in_force(history.believe(changes).versions) if changes else []
    return {"in_force": [[start.isoformat(), end.isoformat() if end else None] for start, end in periods]}


def _told(agreement_id: UUID, parties: Parties, changes: Sequence[history.Change]) -> AgreementChanged:
    newest = changes[-1]
    versions = history.believe(changes).versions
    evidence = {change.no: change.evidence for change in changes}
    item = AgreementItem(
        id=agreement_id,
        no=newest.no,
        structure_id=parties.structure_id,
        owner=parties.owner,
        tenant=parties.tenant,
        kind=next((str(v.values["kind"]) for v in versions if "kind" in v.values), ""),
        change=ChangeTold(
            id=newest.id,
            act=newest.act,
            corrects=newest.corrects,
            valid_from=newest.valid_from,
            valid_to=newest.valid_to,
            patch=dict(newest.patch),
            evidence=newest.evidence,
            recorded_at=newest.recorded_at,
        ),
        versions=[
            AgreementVersion(
                valid_from=v.valid_from,
                valid_to=v.valid_to,
                status=status(v),
                evidence=min((evidence[no] for no in v.sources.values()), default=1),
            )
            for v in versions
        ],
    )
    return AgreementChanged(items=[item])
