"""Agreements: parties see their own, auditors all."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import history
from kernel.auth import Actor
from kernel.db import closed_end
from services.sharing.domain import policy
from services.sharing.domain.agreement import Period
from services.sharing.domain.refusals import AgreementNotFound

READ = "sharing:agreement:read"


def _reach(actor: Actor) -> str | None:
    """The organisation whose agreements the caller sees; None: all. Raises NotAllowed (403)."""
    policy.require_at_all(actor, READ)
    return None if policy.sees_every(actor, READ) else actor.org


_LIST = sa.text(
    """
SELECT coalesce(json_agg(row.content), '[]')::text FROM (
 SELECT json_build_object(
   'id', a.id, 'structure_id', a.structure_id, 'public_no', s.public_no, 'structure_name', s.name, 'owner', a.owner,
   'tenant', a.tenant, 'kind', p.kind, 'number', p.number, 'status', coalesce(v.status, 'not_begun'),
   'valid_from', p.valid_from, 'valid_to', p.valid_to, 'evidence', v.evidence, 'version', a.last_no) AS content
 FROM agreement a JOIN structure s ON s.id = a.structure_id
 LEFT JOIN agreement_version v ON v.agreement_id = a.id AND v.valid_from <= :as_of AND v.valid_to > :as_of
   AND v.recorded_from <= :known_at AND v.recorded_to > :known_at
 CROSS JOIN LATERAL (
   SELECT min(valid_from) AS valid_from, NULLIF(max(valid_to), 'infinity') AS valid_to,
     (array_agg(kind ORDER BY valid_from DESC))[1] AS kind, (array_agg(number ORDER BY valid_from DESC))[1] AS number
   FROM agreement_version f
   WHERE f.agreement_id = a.id AND f.status = 'in_force'
     AND f.recorded_from <= :known_at AND f.recorded_to > :known_at) p
 WHERE a.created_at <= :known_at
   AND (CAST(:org AS text) IS NULL OR a.owner = :org OR a.tenant = :org)
   AND (CAST(:party AS text) IS NULL OR a.owner = :party OR a.tenant = :party)
   AND (CAST(:structure AS uuid) IS NULL OR a.structure_id = :structure)
   AND (CAST(:status AS text) IS NULL OR coalesce(v.status, 'not_begun') = :status)
   AND (CAST(:q AS text) IS NULL OR s.public_no ILIKE :q OR p.number ILIKE :q OR s.name ILIKE :q)
   AND (CAST(:after AS uuid) IS NULL OR a.id < :after)
 ORDER BY a.id DESC LIMIT :size) row
"""
)


async def agreements(
    read: AsyncSession,
    *,
    actor: Actor,
    as_of: date,
    known_at: datetime,
    limit: int,
    structure: UUID | None = None,
    party: str | None = None,
    status: str | None = None,
    q: str | None = None,
    after: UUID | None = None,
) -> str:
    """JSON text of up to `limit` + 1 agreements, newest first, each with its status on `as_of`. One statement."""
    values = {
        "org": _reach(actor),
        "as_of": as_of,
        "known_at": known_at,
        "structure": structure,
        "party": party,
        "status": status,
        "q": f"%{_plain(q)}%" if q else None,
        "after": after,
        "size": limit + 1,
    }
    return str((await read.execute(_LIST, values)).scalar_one())


def _plain(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_ONE = (
    "SELECT a.id, a.structure_id, a.owner, a.tenant, a.last_no, a.created_at, s.public_no, s.kind AS structure_kind,"
    " s.name AS structure_name FROM agreement a JOIN structure s ON s.id = a.structure_id WHERE a.id = :id"
)


async def agreement(read: AsyncSession, agreement_id: UUID, *, actor: Actor) -> Any:
    """The agreement's fixed facts. Raises AgreementNotFound (404), also for whoever is no party to it."""
    row = (await read.execute(sa.text(_ONE), {"id": agreement_id})).first()
    if row is None or not policy.may(actor, READ, row.owner, row.tenant):
        raise AgreementNotFound
    return row


async def lock_agreement(tx: AsyncSession, agreement_id: UUID, *, actor: Actor) -> Any:
    """As `agreement`, with the structure's and its own row locked, in that order. Raises AgreementNotFound (404)."""
    seen = await agreement(tx, agreement_id, actor=actor)
    await tx.execute(sa.text("SELECT FROM structure WHERE id = :id FOR UPDATE"), {"id": seen.structure_id})
    await tx.execute(sa.text("SELECT FROM agreement WHERE id = :id FOR UPDATE"), {"id": agreement_id})
    return await agreement(tx, agreement_id, actor=actor)


async def change_rows(read: AsyncSession, agreement_id: UUID) -> Sequence[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT id, no, act, valid_from, NULLIF(valid_to, 'infinity') AS valid_to, patch, evidence, evidence_ref,"
            " reason, corrects, actor, org, recorded_at FROM agreement_change WHERE agreement_id = :id ORDER BY no"
        ),
        {"id": agreement_id},
    )
    return rows.all()


def as_change(row: Any) -> history.Change:
    return history.Change(
        id=row.id,
        no=row.no,
        act=row.act,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        patch=row.patch,
        evidence=row.evidence,
        corrects=row.corrects,
        recorded_at=row.recorded_at,
    )


async def changes(read: AsyncSession, agreement_id: UUID) -> list[history.Change]:
    return [as_change(row) for row in await change_rows(read, agreement_id)]


async def open_rectangles(read: AsyncSession, agreement_id: UUID) -> list[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT opened_no, valid_from FROM agreement_version WHERE agreement_id = :id AND recorded_to = 'infinity'"
        ),
        {"id": agreement_id},
    )
    return list(rows.all())


async def periods_of_pair(
    read: AsyncSession, structure_id: UUID, owners: Sequence[str], tenants: Sequence[str], *, but: UUID | None = None
) -> list[Period]:
    """The days on which agreements of the same two enterprises on one structure are in force, as believed now."""
    rows = await read.execute(
        sa.text(
            "SELECT a.id, v.valid_from, v.valid_to FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id"
            " WHERE a.structure_id = :structure AND a.owner = ANY(:owners) AND a.tenant = ANY(:tenants)"
            " AND v.recorded_to = 'infinity' AND v.status = 'in_force' AND (CAST(:but AS uuid) IS NULL OR a.id <> :but)"
            " ORDER BY v.valid_from"
        ),
        {"structure": structure_id, "owners": list(owners), "tenants": list(tenants), "but": but},
    )
    return [Period(row.id, row.valid_from, closed_end(row.valid_to)) for row in rows]


async def brands_of(read: AsyncSession, legal_entity: str) -> list[str]:
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT code FROM organisation_copy WHERE legal_entity = :entity AND recorded_to = 'infinity'"
        ),
        {"entity": legal_entity},
    )
    return list(rows.scalars())


async def kind_exists(read: AsyncSession, code: str) -> bool:
    rows = await read.execute(sa.text("SELECT EXISTS (SELECT FROM agreement_kind WHERE code = :code)"), {"code": code})
    return bool(rows.scalar_one())
