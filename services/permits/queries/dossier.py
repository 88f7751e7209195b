"""One dossier as the commands need it: locked, with its procedure, its reviews and what the caller is to it."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from contracts.permits import Site
from kernel.auth import Actor
from services.permits.domain import policy
from services.permits.domain.application import ReviewState, SiteDraft
from services.permits.domain.clock import Entry
from services.permits.domain.policy import Standing
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import ApplicationNotFound
from services.permits.queries import law
from services.permits.queries.visibility import ORG_LINE
from services.permits.tables import (
    Application,
    ApplicationPart,
    ApplicationSite,
    ClockEvent,
    Decision,
    Notice,
    SupplementRequest,
)


@dataclass(frozen=True)
class Dossier:
    id: UUID
    number: str
    version: int
    state: str
    applicant_org: str
    lead_org: str
    lead_function: str
    received_at: datetime
    received_on: date
    effective_on: date
    touched_at: datetime
    assigned_to: str | None
    procedure_version_id: UUID
    procedure: Procedure
    reviews: tuple[ReviewState, ...]
    orgs: frozenset[str]

    @property
    def current(self) -> tuple[ReviewState, ...]:
        """The last round of each function: an opinion asked again takes the place of the one before."""
        last: dict[str, ReviewState] = {}
        for review in self.reviews:
            last[review.function] = review
        return tuple(last.values())

    @property
    def standing(self) -> Standing:
        asked = tuple((review.function, review.org) for review in self.reviews)
        return Standing(self.orgs, self.applicant_org, self.lead_org, self.lead_function, asked)


_REVIEWS = sa.text(
    f"SELECT {ORG_LINE} AS orgs, (SELECT coalesce(json_agg(json_build_array(r.id, r.function, r.org, r.round,"
    " r.outcome, r.signed_by, r.version, r.stage, r.checked_by, (SELECT d.way FROM duty d WHERE d.org = r.org"
    " AND d.function = r.function AND d.valid_from <= r.asked_on ORDER BY d.valid_from DESC, d.set_at DESC LIMIT 1),"
    " (SELECT coalesce(json_agg(DISTINCT t.person), '[]') FROM review_step t WHERE t.review_id = r.id AND t.act ="
    " 'draft')) ORDER BY r.round, r.position), '[]') FROM review r WHERE r.application_id = :id) AS reviews"
)


async def application(tx: AsyncSession, application_id: UUID, *, actor: Actor, lock: bool = False) -> Dossier:
    """Raises ApplicationNotFound (404), also when the caller may not see it."""
    statement = select(Application).where(col(Application.id) == application_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
    if row is None:
        raise ApplicationNotFound
    tx.expunge(row)
    around = (await tx.execute(_REVIEWS, {"id": application_id, "org": actor.org})).one()
    dossier = _dossier(row, await law.procedure(tx, row.procedure_version_id), around)
    if actor.kind != "system" and not policy.allowed(actor, "permits:application:read", dossier.standing):
        raise ApplicationNotFound
    return dossier


def _dossier(row: Application, procedure: Procedure, around: Any) -> Dossier:
    return Dossier(
        id=row.id,
        number=row.number or "",
        version=row.version,
        state=row.state,
        applicant_org=row.applicant_org,
        lead_org=row.lead_org,
        lead_function=row.lead_function,
        received_at=row.received_at,
        received_on=row.received_on,
        effective_on=row.effective_on,
        touched_at=row.touched_at,
        assigned_to=row.assigned_to,
        procedure_version_id=row.procedure_version_id,
        procedure=procedure,
        reviews=tuple(ReviewState(UUID(each[0]), *each[1:]) for each in around.reviews),
        orgs=frozenset(around.orgs),
    )


async def ledger(read: AsyncSession, application_id: UUID) -> list[Entry]:
    """All clock events of the dossier and its reviews, in the order of recording."""
    rows = await read.execute(
        select(ClockEvent).where(col(ClockEvent.application_id) == application_id).order_by(col(ClockEvent.seq))
    )
    return [
        Entry(e.seq, e.clock, e.kind, e.effective_on, e.at, e.days, e.id, e.corrects, e.review_id)  # type: ignore[arg-type]
        for e in rows.scalars()
    ]


async def sites(read: AsyncSession, application_id: UUID) -> list[Site]:
    """The places as events tell them."""
    rows = await read.execute(
        select(ApplicationSite)
        .where(col(ApplicationSite.application_id) == application_id)
        .order_by(col(ApplicationSite.no))
    )
    return [
        Site(
            no=s.no,
            structure_id=s.structure_id,
            kind=s.kind,
            name=s.name,
            code=(s.code_system, s.code) if s.code_system and s.code else None,
            height_m=s.height_m,
            lon=s.lon,
            lat=s.lat,
            commune=s.unit_id,
            capacity=s.capacity,
        )
        for s in rows.scalars()
    ]


async def site_drafts(read: AsyncSession, application_id: UUID) -> list[SiteDraft]:
    """The places as the rules look at them, with their facts."""
    rows = await read.execute(
        select(ApplicationSite)
        .where(col(ApplicationSite.application_id) == application_id)
        .order_by(col(ApplicationSite.no))
    )
    return [
        SiteDraft(
            kind=s.kind,
            lon=s.lon,
            lat=s.lat,
            commune=s.unit_id,
            name=s.name,
            code=(s.code_system, s.code) if s.code_system and s.code else None,
            height_m=s.height_m if s.height_m is None else Decimal(s.height_m),
            capacity=s.capacity,
            facts=s.facts,
        )
        for s in rows.scalars()
    ]


async def supplement_requests(read: AsyncSession, application_id: UUID) -> list[SupplementRequest]:
    rows = await read.execute(
        select(SupplementRequest)
        .where(col(SupplementRequest.application_id) == application_id)
        .order_by(col(SupplementRequest.round))
    )
    return list(rows.scalars())


def open_requests(requests: Sequence[SupplementRequest]) -> SupplementRequest | None:
    return next((request for request in requests if request.answered_at is None), None)


async def live_parts(read: AsyncSession, application_id: UUID) -> dict[str, list[int]]:
    """Part code -> the numbers used so far; the next copy of a part takes the next one."""
    rows = await read.execute(
        select(col(ApplicationPart.code), col(ApplicationPart.no)).where(
            col(ApplicationPart.application_id) == application_id
        )
    )
    used: dict[str, list[int]] = {}
    for code, no in rows:
        used.setdefault(code, []).append(no)
    return used


async def decision(read: AsyncSession, application_id: UUID) -> Decision | None:
    found = await read.execute(select(Decision).where(col(Decision.application_id) == application_id))
    return found.scalar_one_or_none()


async def notices(read: AsyncSession, application_id: UUID) -> dict[str, date]:
    """Kind -> the day it tells of."""
    rows = await read.execute(
        select(col(Notice.kind), col(Notice.happened_on)).where(col(Notice.application_id) == application_id)
    )
    return {row[0]: row[1] for row in rows}


async def running(read: AsyncSession, application_id: UUID) -> dict[tuple[str, UUID | None], date | None]:
    """(clock, review) -> due date of every clock that has not ended."""
    rows = await read.execute(
        sa.text(
            "SELECT clock, review_id, due_on FROM deadline WHERE application_id = :id AND state IN ('running','paused')"
        ),
        {"id": application_id},
    )
    return {(clock, review_id): due_on for clock, review_id, due_on in rows}
