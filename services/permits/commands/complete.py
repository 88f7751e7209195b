"""Completeness: found complete, deemed complete, asked for more, answered; and the reviews that then begin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.permits import ApplicationAccepted, ApplicationSupplemented, ApplicationSupplementRequested
from kernel import audit, outbox
from kernel.auth import Actor, system
from kernel.clock import end_of_day, local_date
from kernel.db import new_id
from kernel.errors import N_, Fault
from services.permits import queries
from services.permits.commands.ledger import Bearer, bearer, tick
from services.permits.commands.notify import tell
from services.permits.commands.touch import Changed, moment, told, touch
from services.permits.domain import policy
from services.permits.domain.application import (
    PartDraft,
    SiteDraft,
    SupplementItem,
    check_request,
    facts_of,
    next_state,
    part_faults,
    unanswered,
)
from services.permits.domain.calendar import Calendar
from services.permits.domain.clock import Readings
from services.permits.domain.facts import FactBook
from services.permits.domain.movement import Deed
from services.permits.domain.notices import Audience, Notice
from services.permits.domain.predicate import Reason
from services.permits.domain.procedure import Procedure, route
from services.permits.domain.refusals import (
    DossierFaulty,
    FunctionUnknown,
    NoMandate,
    ReasonMissing,
    StillAsked,
    SupplementTooLate,
)
from services.permits.queries import Dossier
from services.permits.settings import PermitsSettings
from services.permits.tables import ApplicationPart, Review, SupplementRequest

ASK_REASON = N_("Say why this function is asked.")


async def accept(
    tx: AsyncSession, actor: Actor, dossier: Dossier, *, settings: PermitsSettings, now: datetime
) -> Changed:
    """Found complete: the decision clock may start, the reviews do. `dossier` is locked. Raises WrongMove (409)."""
    policy.demand(actor, "permits:completeness:check", dossier.standing)
    now = moment(dossier, now)
    return await _accept(tx, actor, dossier, now, local_date(now), settings, now, deemed=False)


async def deem_complete(
    tx: AsyncSession, dossier: Dossier, *, due_on: date, settings: PermitsSettings, now: datetime
) -> Changed:
    """The authority stayed silent: complete with the end of the due day. The worker calls it."""
    now = moment(dossier, now)
    at = end_of_day(due_on) - timedelta(microseconds=1)
    return await _accept(tx, system("deadlines"), dossier, at, due_on, settings, now, deemed=True)


async def _accept(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    at: datetime,
    effective_on: date,
    settings: PermitsSettings,
    now: datetime,
    *,
    deemed: bool,
) -> Changed:
    state = next_state(dossier.state, "accept")
    calendar = await queries.newest_calendar(tx, settings.area)
    cause = new_id()
    clocks = await tick(
        tx, actor, bearer(dossier), Deed("complete", at, effective_on, cause), calendar=calendar, now=now
    )
    functions = await _start_reviews(tx, actor, dossier, calendar, cause, settings, now)
    changed = await touch(tx, dossier, state, now)
    due_on = _decision_due(clocks)
    act = "permits:completeness:deem" if deemed else "permits:completeness:check"
    after = {"state": state, "outcome": "complete", "asked": functions, "due_on": due_on}
    await audit.record(tx, actor, act, dossier.id, now=now, before={"state": dossier.state}, after=after)
    event = ApplicationAccepted(
        **told(dossier, changed), deemed=deemed, functions=functions, due_on=due_on or effective_on
    )
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return Changed(changed.id, changed.number, changed.state, changed.version, due_on)


def _decision_due(clocks: Readings) -> date | None:
    running = [r.due_on for (_, review), r in clocks.items() if review is None and r.state == "running" and r.due_on]
    return max(running, default=None)


@dataclass(frozen=True)
class Routed:
    """An agency of the procedure: asked or not and why, and who holds its function on the day."""

    function: str
    asked: bool
    org: str | None
    source: str
    reasons: Sequence[Reason]


async def routed(
    tx: AsyncSession, procedure: Procedure, sites: Sequence[SiteDraft], area: str, today: date
) -> list[Routed]:
    book = FactBook.of(await queries.entries(tx, "fact", "grade", "airport"))
    agencies = route(procedure, facts_of(sites, book))
    holders = await queries.holders(tx, area, sites, today)
    return [Routed(a.function, a.asked, holders.org(a.function, sites), a.source, a.reasons) for a in agencies]


async def ask_function(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    function: str,
    reason: str,
    *,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """Asks a function again, or one that no rule names: its own time begins anew, that of the decision runs on.

    Raises WrongMove, StillAsked, NoMandate (409), FunctionUnknown, ReasonMissing (422).
    """
    policy.demand(actor, "permits:opinion:ask", dossier.standing)
    state = next_state(dossier.state, "ask")
    if not reason.strip():
        raise ReasonMissing(errors=[Fault("/reason", "missing", ASK_REASON)])
    if function not in (await queries.entries(tx, "function"))["function"]:
        raise FunctionUnknown(errors=[Fault("/function", "function_unknown", FunctionUnknown.detail)])
    before = next((review for review in dossier.current if review.function == function), None)
    if before is not None and not before.answered:
        raise StillAsked
    now = moment(dossier, now)
    today = local_date(now)
    sites = await queries.site_drafts(tx, dossier.id)
    org = (await queries.holders(tx, settings.area, sites, today)).org(function, sites)
    if org is None:
        raise NoMandate(function=function, day=f"{today:%d/%m/%Y}")
    review_id = new_id()
    row = {
        "id": review_id,
        "application_id": dossier.id,
        "function": function,
        "position": len(dossier.reviews),
        "round": before.round + 1 if before else 1,
        "org": org,
        "asked_on": today,
        "ask_reason": reason.strip(),
        "late": False,
        "version": 1,
    }
    await tx.execute(sa.insert(Review).values(row))
    owner = replace(bearer(dossier), reviews={**bearer(dossier).reviews, review_id: (org, function)})
    calendar = await queries.newest_calendar(tx, settings.area)
    deed = Deed("consulted", now, today, review_id, reason.strip())
    await tick(tx, actor, owner, deed, calendar=calendar, now=now, review_ids=[review_id])
    changed = await touch(tx, dossier, state, now)
    after = {"function": function, "round": row["round"], "reason": reason.strip()}
    before_ = {"state": dossier.state}
    await audit.record(tx, actor, "permits:opinion:ask", dossier.id, now=now, before=before_, after=after)
    params = {"number": dossier.number, "function": function}
    notice = Notice("asked", str(review_id), params, (Audience(org, ("reviewer", "head"), function),))
    await tell(tx, notice, dossier.id, now=now, but=actor.id)
    return changed


async def _start_reviews(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    calendar: Calendar,
    cause: UUID,
    settings: PermitsSettings,
    now: datetime,
) -> list[str]:
    """Asks every agency that a predicate names, by who holds its function today. Raises NoMandate (409)."""
    today = local_date(now)
    sites = await queries.site_drafts(tx, dossier.id)
    asked = [agency for agency in await routed(tx, dossier.procedure, sites, settings.area, today) if agency.asked]
    functions = [agency.function for agency in asked]
    for agency in asked:
        if agency.org is None:
            raise NoMandate(function=agency.function, day=f"{today:%d/%m/%Y}")
    rows = [
        {
            "id": new_id(),
            "application_id": dossier.id,
            "function": agency.function,
            "position": position,
            "round": 1,
            "org": agency.org,
            "asked_on": today,
            "late": False,
            "version": 1,
        }
        for position, agency in enumerate(asked)
    ]
    await tx.execute(sa.insert(Review), rows)
    owner = Bearer(
        dossier.id,
        dossier.procedure_version_id,
        dossier.procedure,
        dossier.applicant_org,
        dossier.lead_org,
        dossier.lead_function,
        {row["id"]: (row["org"], row["function"]) for row in rows},  # type: ignore[misc]
    )
    deed = Deed("consulted", now, today, cause)
    ids = [row["id"] for row in rows]
    await tick(tx, actor, owner, deed, calendar=calendar, now=now, review_ids=ids)  # type: ignore[arg-type]
    return functions


async def request_supplement(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    items: Sequence[SupplementItem],
    *,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """Found incomplete: one itemised notice. Raises WrongMove, RoundsUsedUp (409), DossierFaulty (422)."""
    policy.demand(actor, "permits:completeness:check", dossier.standing)
    state = next_state(dossier.state, "request_supplement")
    now = moment(dossier, now)
    earlier = await queries.supplement_requests(tx, dossier.id)
    check_request(items, [[item["code"] for item in request.items] for request in earlier], dossier.procedure)
    request = {
        "id": new_id(),
        "application_id": dossier.id,
        "round": len(earlier) + 1,
        "items": [{"code": item.code, "reason": item.reason} for item in items],
        "sent_at": now,
        "sent_by": actor.id,
    }
    await tx.execute(sa.insert(SupplementRequest).values(request))
    calendar = await queries.newest_calendar(tx, settings.area)
    deed = Deed("supplement_requested", now, local_date(now), request["id"])  # type: ignore[arg-type]
    await tick(tx, actor, bearer(dossier), deed, calendar=calendar, now=now)
    changed = await touch(tx, dossier, state, now)
    codes = [item.code for item in items]
    await audit.record(
        tx,
        actor,
        "permits:completeness:check",
        dossier.id,
        now=now,
        before={"state": dossier.state},
        after={"state": state, "outcome": "incomplete", "items": request["items"]},
    )
    event = ApplicationSupplementRequested(**told(dossier, changed), round=len(earlier) + 1, items=codes)
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return changed


async def supplement(
    tx: AsyncSession,
    actor: Actor,
    dossier: Dossier,
    parts: Sequence[PartDraft],
    *,
    settings: PermitsSettings,
    now: datetime,
) -> Changed:
    """The applicant answers the open request with new copies.

    Raises WrongMove, SupplementTooLate (409), DossierFaulty (422).
    """
    policy.demand(actor, "permits:supplement:give", dossier.standing)
    state = next_state(dossier.state, "supplement")
    now = moment(dossier, now)
    request = queries.open_requests(await queries.supplement_requests(tx, dossier.id))
    assert request is not None, "an incomplete dossier has an open request"
    if request.lapsed_on is not None:
        raise SupplementTooLate(day=f"{request.lapsed_on:%d/%m/%Y}")
    ground = await queries.part_ground(
        tx,
        dossier.procedure,
        org=dossier.applicant_org,
        uploader=actor.org,
        area=settings.area,
        files=[part.file_id for part in parts],
        max_bytes=settings.max_dossier_mb * 1_000_000,
    )
    faults = [*part_faults(parts, ground), *unanswered([item["code"] for item in request.items], parts)]
    if faults:
        raise DossierFaulty(errors=faults)
    await _replace_parts(tx, dossier, parts, now)
    await tx.execute(
        sa.update(SupplementRequest).where(col(SupplementRequest.id) == request.id).values(answered_at=now)
    )
    calendar = await queries.newest_calendar(tx, settings.area)
    deed = Deed("supplemented", now, calendar.incoming(now), request.id)
    await tick(tx, actor, bearer(dossier), deed, calendar=calendar, now=now)
    changed = await touch(tx, dossier, state, now)
    await audit.record(
        tx,
        actor,
        "permits:supplement:give",
        dossier.id,
        now=now,
        before={"state": dossier.state},
        after={"state": state, "parts": [part.code for part in parts]},
    )
    event = ApplicationSupplemented(**told(dossier, changed), round=request.round)
    await outbox.record(tx, actor, event, subject=dossier.id, now=now)
    return changed


async def lapse(
    tx: AsyncSession, dossier: Dossier, *, due_on: date, settings: PermitsSettings, now: datetime
) -> Changed:
    """The applicant's time to answer is over: nothing is taken any more, the refusal is due. The worker calls it."""
    actor = system("deadlines")
    now = moment(dossier, now)
    request = queries.open_requests(await queries.supplement_requests(tx, dossier.id))
    assert request is not None, "an applicant's clock runs for an open request"
    await tx.execute(
        sa.update(SupplementRequest).where(col(SupplementRequest.id) == request.id).values(lapsed_on=due_on)
    )
    at = end_of_day(due_on) - timedelta(microseconds=1)
    calendar = await queries.newest_calendar(tx, settings.area)
    await tick(tx, actor, bearer(dossier), Deed("lapsed", at, due_on, request.id), calendar=calendar, now=now)
    changed = await touch(tx, dossier, dossier.state, now)
    after = {"round": request.round, "lapsed_on": due_on}
    await audit.record(tx, actor, "permits:supplement:lapse", dossier.id, now=now, after=after)
    return changed


async def _replace_parts(tx: AsyncSession, dossier: Dossier, parts: Sequence[PartDraft], now: datetime) -> None:
    """The old copies stay readable; the new ones take the next numbers."""
    used = await queries.live_parts(tx, dossier.id)
    codes = {part.code for part in parts}
    await tx.execute(
        sa.update(ApplicationPart)
        .where(
            col(ApplicationPart.application_id) == dossier.id,
            col(ApplicationPart.code).in_(codes),
            col(ApplicationPart.replaced_at).is_(None),
        )
        .values(replaced_at=now)
    )
    rows = []
    for part in parts:
        numbers = used.setdefault(part.code, [])
        numbers.append(max(numbers, default=0) + 1)
        rows.append(
            {
                "application_id": dossier.id,
                "code": part.code,
                "no": numbers[-1],
                "file_id": part.file_id,
                "added_at": now,
            }
        )
    await tx.execute(sa.insert(ApplicationPart), rows)
