"""What leaves goes through here: recorded with the change, relayed after it, kept for ever as the event log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import ActorRef, Envelope, Event, stream_of
from kernel import direct, feed, trace
from kernel.auth import Actor
from kernel.db import TOLD, new_id, outbox_table

# Events that travel to PostgreSQL in one document: those of an import hold a hundred things each.
BATCH = 100


async def record(tx: AsyncSession, actor: Actor, event: Event, *, subject: object, now: datetime) -> UUID:
    """Writes the event beside the change it tells of; `subject` is the id of the thing."""
    (event_id,) = await record_many(tx, actor, [(event, subject)], now=now)
    return event_id


async def record_many(
    tx: AsyncSession, actor: Actor, events: Sequence[tuple[Event, object]], *, now: datetime
) -> list[UUID]:
    rows = [row(tx, actor, event, subject=subject, now=now) for event, subject in events]
    for at in range(0, len(rows), BATCH):
        await direct.insert(tx, {"outbox": rows[at : at + BATCH]})
    return [one["id"] for one in rows]


def row(tx: AsyncSession, actor: Actor, event: Event, *, subject: object, now: datetime) -> dict[str, Any]:
    """For a command that writes all its rows in one statement; the session is marked, so that the relay is woken."""
    tx.info[TOLD] = True
    event_id = new_id()
    envelope = Envelope(
        id=event_id,
        source=stream_of(type(event)),
        type=event.type,
        subject=str(subject),
        time=now,
        actor=ActorRef(id=actor.id, org=actor.org, kind=actor.kind),
        traceparent=trace.current.get() or None,
        data=event.model_dump(mode="json"),
    )
    return {
        "id": event_id,
        "subject": event.type,
        "envelope": orjson.loads(envelope.model_dump_json()),
        "recorded_at": now,
    }


async def reoffer(tx: AsyncSession) -> int:
    """Marks everything as not yet sent: the relay offers it again under the same ids, which inboxes know.

    Whoever gives places waits meanwhile: two who change many rows could each wait for the other.
    """
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(feed.LOCK)))
    result = await tx.execute(outbox_table.update().where(outbox_table.c.sent_at.is_not(None)).values(sent_at=None))
    tx.info[TOLD] = True
    return int(result.rowcount)  # type: ignore[attr-defined]
