"""What the registry does when others' events arrive."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.permits import ApplicationDecided, Site, WorksCommenced, WorksCompleted
from kernel.auth import Actor
from kernel.edge import Tx
from kernel.inbox import Handlers, Received
from services.registry.commands import permits


async def mark_permitted(tx: Tx, received: Sequence[Received[ApplicationDecided]], *, now: datetime) -> None:
    decisions = [_decision(one) for one in received if one.event.may_build]
    if decisions:
        await permits.mark_permitted(tx, decisions, now=now)


async def commence(tx: Tx, received: Sequence[Received[WorksCommenced]], *, now: datetime) -> None:
    await permits.follow_works(tx, [_notice(one, "under_construction") for one in received], now=now)


async def complete(tx: Tx, received: Sequence[Received[WorksCompleted]], *, now: datetime) -> None:
    await permits.follow_works(tx, [_notice(one, "in_service") for one in received], now=now)


HANDLERS: Handlers = {ApplicationDecided: mark_permitted, WorksCommenced: commence, WorksCompleted: complete}


def _actor(received: Received[Any]) -> Actor:
    """Who decided or gave notice stands in the log, not the worker that carried it over."""
    by = received.envelope.actor
    return Actor(id=by.id, org=by.org, kind=by.kind)


def _decision(received: Received[ApplicationDecided]) -> permits.Decision:
    event = received.event
    return permits.Decision(
        application_id=event.application_id,
        number=event.number,
        decision_number=event.decision_number,
        decided_on=event.decided_on,
        actor=_actor(received),
        sites=[permits.Site(site.structure_id, site.kind, _patch(site, event.applicant)) for site in event.sites],
    )


def _patch(site: Site, owner: str) -> dict[str, Any]:
    said = {
        "owner": owner,
        "code": list(site.code) if site.code else None,
        "height_m": f"{site.height_m:.2f}" if site.height_m is not None else None,
        "point": [site.lon, site.lat],
        "commune": site.commune,
        "capacity": site.capacity,
        "name": site.name or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _notice(received: Received[Any], status: str) -> permits.Notice:
    event = received.event
    return permits.Notice(event.application_id, event.structure_ids, status, event.on, _actor(received))
