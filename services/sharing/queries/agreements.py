"""Agreements: parties see their own, auditors all."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import history
from kernel.auth import Actor
from kernel.db import closed_end
from kernel.listing import Dated, Listing, Order, Query, Rows, Shape, Word, Words, conditions, operator, page
from kernel.texts import Day, fold
from services.sharing.domain import policy
from services.sharing.domain.agreement import Period
from services.sharing.domain.refusals import AgreementNotFound

READ = "sharing:agreement:read"


def _reach(actor: Actor) -> str | None:
    """The organisation whose agreements the caller sees; None: all. Raises NotAllowed (403)."""
    policy.require_at_all(actor, READ)
    return None if policy.sees_every(actor, READ) else actor.org


class AgreementsAsked(Listing, Dated):
    """`party` is owner or tenant; `status` that of `as_of`."""

    structure_id: Annotated[UUID | None, Field(description="Agreements on this structure.")] = None
    owner: Annotated[Word | None, Field(description="Organisation code of the owner.")] = None
    owner_in: Words | None = operator("owner", "in", "One of these owners.")
    tenant: Annotated[Word | None, Field(description="Organisation code of the tenant.")] = None
    tenant_in: Words | None = operator("tenant", "in", "One of these tenants.")
    party: Annotated[Word | None, Field(description="Owner or tenant.")] = None
    kind: Annotated[Word | None, Field(description="Of agreement, such as `lease`.")] = None
    status: Annotated[Word | None, Field(description="On `as_of`: not_begun, in_force, ended or terminated.")] = None
    status_in: Words | None = operator("status", "in", "One of these states.")
    evidence_gte: int | None = operator("evidence", "gte", "1 declared to 6 corroborated.")
    valid_from_gte: Day | None = operator("valid_from", "gte", "Begins on this day or later.")
    valid_from_lt: Day | None = operator("valid_from", "lt", "Begins before this day.")
    valid_to_gte: Day | None = operator("valid_to", "gte", "Ends on this day or later; an open end never matches.")
    valid_to_lt: Day | None = operator("valid_to", "lt", "Ends before this day.")
    q: Annotated[Query | None, Field(description="Part of a number or of the structure's name.")] = None
    expand: Annotated[Words | None, Field(description="`structure`: what is known of it on `as_of`.")] = None


COLUMNS = {
    "structure_id": "a.structure_id",
    "owner": "a.owner",
    "tenant": "a.tenant",
    "kind": "p.kind",
    "status": "coalesce(v.status, 'not_begun')",
    "evidence": "v.evidence",
    "valid_from": "p.valid_from",
    "valid_to": "p.valid_to",
}
SHAPE = Shape(
    {
        "id": "a.id",
        "structure_id": "a.structure_id",
        "public_no": "s.public_no",
        "structure_name": "s.name",
        "owner": "a.owner",
        "tenant": "a.tenant",
        "kind": "p.kind",
        "number": "p.number",
        "status": "coalesce(v.status, 'not_begun')",
        "valid_from": "p.valid_from",
        "valid_to": "p.valid_to",
        "evidence": "v.evidence",
        "version": "a.last_no",
    },
    {
        "structure": "(SELECT json_build_object('id', c.id, 'kind', s.kind, 'status', c.status,"
        " 'owner', c.owner, 'commune', c.commune) FROM structure_copy c WHERE c.id = a.structure_id"
        " AND c.valid_from <= :as_of AND c.valid_to > :as_of AND c.recorded_from <= :known_at"
        " AND c.recorded_to > :known_at)"
    },
)
_NEWEST = Order({"a.id": "uuid"}, descending=True)
_FROM = """
 FROM agreement a JOIN structure s ON s.id = a.structure_id
 LEFT JOIN agreement_version v ON v.agreement_id = a.id AND v.valid_from <= :as_of AND v.valid_to > :as_of
   AND v.recorded_from <= :known_at AND v.recorded_to > :known_at
 CROSS JOIN LATERAL (
   SELECT min(valid_from) AS valid_from, NULLIF(max(valid_to), 'infinity') AS valid_to,
     (array_agg(kind ORDER BY valid_from DESC))[1] AS kind, (array_agg(number ORDER BY valid_from DESC))[1] AS number
   FROM agreement_version f
   WHERE f.agreement_id = a.id AND f.status = 'in_force'
     AND f.recorded_from <= :known_at AND f.recorded_to > :known_at) p
 WHERE """


async def agreements(
    read: AsyncSession,
    asked: AgreementsAsked,
    *,
    actor: Actor,
    as_of: date,
    known_at: datetime,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Newest first, each with its status on `as_of`. One statement."""
    clauses, values = conditions(asked, COLUMNS)
    clauses.append("a.created_at <= :known_at")
    reach = _reach(actor)
    if reach is not None:
        clauses.append("(a.owner = :org OR a.tenant = :org)")
    if asked.party is not None:
        clauses.append("(a.owner = :party OR a.tenant = :party)")
    if asked.q:
        clauses.append("(s.public_no ILIKE :q OR p.number ILIKE :q OR s.name_fold LIKE :fold)")
    values |= {
        "as_of": as_of,
        "known_at": known_at,
        "org": reach,
        "party": asked.party,
        "q": f"%{_plain(asked.q or '')}%",
        "fold": f"%{fold(asked.q or '') or _plain(asked.q or '')}%",
    }
    row = SHAPE.sql(asked.fields, asked.expand)
    source = f"{_FROM}{' AND '.join(clauses)}"
    return await page(read, row, source, _NEWEST, values, limit=limit, after=after, total=asked.total)


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
