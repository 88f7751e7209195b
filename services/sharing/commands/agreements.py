"""Agreements recorded, ended and corrected: append a change, project it, count the structure anew, tell others."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import history
from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import require_match
from services.sharing.commands.ledger import Parties, Recorded, append
from services.sharing.domain import policy
from services.sharing.domain.agreement import (
    IN_FORCE,
    TERMINATED,
    Terms,
    correctable,
    in_force,
    overlapping,
    value_on,
)
from services.sharing.domain.refusals import (
    AgreementNotInForce,
    AgreementOverlaps,
    EndsBeforeItBegins,
    KindUnknown,
    StructureNotKnownYet,
    StructureNotStanding,
    TenantIsOwner,
    TenantUnknown,
    WrongCorrection,
)
from services.sharing.queries import agreements as queries
from services.sharing.queries import structures

TICK = timedelta(microseconds=1)


async def agree(
    tx: AsyncSession,
    actor: Actor,
    structure_id: UUID,
    tenant: str,
    terms: Terms,
    *,
    now: datetime,
    agreement_id: UUID | None = None,
    evidence_ref: Mapping[str, Any] | None = None,
) -> Recorded:
    """Records that the owner of a structure lets `tenant` use it. The owner is whoever owns it on `terms.valid_from`.

    Raises StructureNotKnownYet (409), StructureNotStanding (409), NotAllowed (403), TenantUnknown (422),
    TenantIsOwner (422), KindUnknown (422), EndsBeforeItBegins (422), AgreementOverlaps (409).
    """
    if await structures.structure(tx, structure_id, lock=True) is None:
        raise StructureNotKnownYet
    version = await structures.standing(tx, structure_id, terms.valid_from)
    is_own = version is not None and version.owner == actor.org
    if not is_own and await structures.structure_today(tx, structure_id, actor=actor, now=now) is None:
        # To whoever is to know nothing of a competitor's plan it does not exist yet, whatever else is wrong.
        raise StructureNotKnownYet
    if version is None or version.status == "dismantled":
        raise StructureNotStanding(on=terms.valid_from)
    parties = Parties(structure_id, version.owner, tenant)
    policy.require(actor, "sharing:agreement:record", parties.owner, tenant)
    await _check_terms(tx, parties, terms)
    agreement_id = agreement_id or new_id()
    await tx.execute(
        sa.text(
            "INSERT INTO agreement (id, structure_id, owner, tenant, last_no, created_at)"
            " VALUES (:id, :structure, :owner, :tenant, 0, :now)"
        ),
        {"id": agreement_id, "structure": structure_id, "owner": parties.owner, "tenant": tenant, "now": now},
    )
    change = history.Change(
        id=new_id(),
        no=1,
        act=history.REGISTER,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        patch=terms.patch(),
        evidence=terms.evidence,
        recorded_at=now,
    )
    return await append(tx, actor, agreement_id, parties, [], change, "record", "", evidence_ref)


async def terminate(
    tx: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    on: date,
    reason: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> Recorded:
    """Ends an agreement: `on` is the first day on which it no longer holds.

    Raises AgreementNotFound (404), NotAllowed (403), Stale (412), AgreementNotInForce (409).
    """
    row = await queries.lock_agreement(tx, agreement_id, actor=actor)
    policy.require(actor, "sharing:agreement:terminate", row.owner, row.tenant)
    require_match(if_match, row.last_no)
    before = await queries.changes(tx, agreement_id)
    if value_on(history.believe(before).versions, on, "status") != IN_FORCE:
        raise AgreementNotInForce(on=on)
    change = history.Change(
        id=new_id(),
        no=row.last_no + 1,
        act="terminate",
        valid_from=on,
        patch={"status": TERMINATED},
        evidence=before[0].evidence,
        recorded_at=max(now, before[-1].recorded_at + TICK),
    )
    return await append(tx, actor, agreement_id, _parties(row), before, change, "terminate", reason, None)


async def correct(
    tx: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    corrects: UUID,
    terms: Terms | None,
    reason: str,
    *,
    now: datetime,
    if_match: str = "*",
) -> Recorded:
    """Says that a change was wrong: with `terms` what was right instead, without them that it never happened.

    A termination that is corrected with terms ends the agreement on their `valid_from`.
    Raises AgreementNotFound (404), NotAllowed (403), Stale (412), WrongCorrection (409), and what `agree` raises.
    """
    row = await queries.lock_agreement(tx, agreement_id, actor=actor)
    policy.require(actor, "sharing:agreement:correct", row.owner, row.tenant)
    require_match(if_match, row.last_no)
    before = await queries.changes(tx, agreement_id)
    target = next((change for change in correctable(before) if change.id == corrects), None)
    if target is None:
        raise WrongCorrection
    parties = _parties(row)
    ends = target.patch.get("status") == TERMINATED
    if terms is not None and not ends:
        await _check_terms(tx, parties, terms, but=agreement_id)
    said = terms or Terms("", target.valid_from, target.valid_to, evidence=target.evidence)
    change = history.Change(
        id=new_id(),
        no=row.last_no + 1,
        act="correct",
        valid_from=said.valid_from,
        valid_to=None if ends else said.valid_to,
        patch={} if terms is None else {"status": TERMINATED} if ends else said.patch(),
        evidence=said.evidence,
        corrects=corrects,
        recorded_at=max(now, before[-1].recorded_at + TICK),
    )
    await _check_belief(tx, parties, [*before, change], agreement_id)
    return await append(tx, actor, agreement_id, parties, before, change, "correct", reason, None)


def _parties(row: Any) -> Parties:
    return Parties(row.structure_id, row.owner, row.tenant)


async def _check_terms(tx: AsyncSession, parties: Parties, terms: Terms, *, but: UUID | None = None) -> None:
    if terms.valid_to is not None and terms.valid_to <= terms.valid_from:
        raise EndsBeforeItBegins
    if not await queries.kind_exists(tx, terms.kind):
        raise KindUnknown
    entities = await structures.legal_entities(tx, [parties.owner, parties.tenant], terms.valid_from)
    if parties.tenant not in entities:
        raise TenantUnknown
    if entities.get(parties.owner, parties.owner) == entities[parties.tenant]:
        raise TenantIsOwner
    await _check_overlap(tx, parties, entities, [(terms.valid_from, terms.valid_to)], but)


async def _check_belief(tx: AsyncSession, parties: Parties, changes: Sequence[history.Change], own: UUID) -> None:
    """An undone termination revives days that another agreement of the same pair may hold by now."""
    periods = in_force(history.believe(changes).versions)
    if periods:
        entities = await structures.legal_entities(tx, [parties.owner, parties.tenant], periods[0][0])
        await _check_overlap(tx, parties, entities, periods, own)


async def _check_overlap(
    tx: AsyncSession,
    parties: Parties,
    entities: Mapping[str, str],
    periods: Sequence[tuple[date, date | None]],
    but: UUID | None,
) -> None:
    owners = {parties.owner, *await queries.brands_of(tx, entities.get(parties.owner, parties.owner))}
    tenants = {parties.tenant, *await queries.brands_of(tx, entities.get(parties.tenant, parties.tenant))}
    others = await queries.periods_of_pair(tx, parties.structure_id, sorted(owners), sorted(tenants), but=but)
    for valid_from, valid_to in periods:
        other = overlapping(others, valid_from, valid_to)
        if other is not None:
            raise AgreementOverlaps(valid_from=other.valid_from)
