"""Law written, tried and published here: a draft may change until then, what is published never does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import Fault
from services.permits import queries
from services.permits.commands.publish import insert_procedure, publish_calendar
from services.permits.domain import policy
from services.permits.domain.calendar import Calendar, CalendarFile
from services.permits.domain.drafts import calendar_faults, procedure_faults, shape_faults
from services.permits.domain.procedure import Procedure, digest
from services.permits.domain.refusals import CalendarEnds, DraftBroken, DraftPublished
from services.permits.settings import PermitsSettings
from services.permits.tables import LawDraft


@dataclass(frozen=True)
class Trial:
    """What publishing a draft would mean. Without `faults` it can be published."""

    faults: list[Fault]
    preview: queries.Preview | None = None


async def draft_law(
    tx: AsyncSession, actor: Actor, draft_id: UUID, kind: str, body: Mapping[str, Any], *, now: datetime
) -> UUID:
    """It may be wrong until it is published."""
    policy.demand(actor, "permits:law:draft")
    who = {"drafted_by": actor.id, "drafted_name": actor.name or actor.id, "changed_at": now}
    await tx.execute(
        sa.insert(LawDraft).values(id=draft_id, kind=kind, name=_name(kind, body), body=dict(body), version=1, **who)
    )
    after = {"kind": kind, "name": _name(kind, body)}
    await audit.record(tx, actor, "permits:law:draft", draft_id, now=now, after=after)
    return draft_id


async def change_draft(
    tx: AsyncSession, actor: Actor, draft: LawDraft, body: Mapping[str, Any], *, now: datetime
) -> int:
    """Raises DraftPublished (409)."""
    policy.demand(actor, "permits:law:draft")
    if draft.published_at is not None:
        raise DraftPublished
    name, version = _name(draft.kind, body), draft.version + 1
    who = {"drafted_by": actor.id, "drafted_name": actor.name or actor.id, "changed_at": now}
    changed = sa.update(LawDraft).where(col(LawDraft.id) == draft.id)
    await tx.execute(changed.values(body=dict(body), name=name, version=version, **who))
    await audit.record(tx, actor, "permits:law:draft", draft.id, now=now, after={"name": name, "version": version})
    return version


def _name(kind: str, body: Mapping[str, Any]) -> str:
    parts = (body.get("code"), body.get("version")) if kind == "procedure" else (body.get("area"), body.get("no"))
    return ("@" if kind == "procedure" else ".").join(str(part)[:60] for part in parts)


async def try_draft(
    tx: AsyncSession, actor: Actor, draft: LawDraft, *, settings: PermitsSettings, now: datetime
) -> Trial:
    """Every fault, and for a calendar each running dossier whose day would move. Nothing is changed."""
    policy.demand(actor, "permits:law:draft")
    faults = shape_faults(draft.kind, draft.body)
    if faults:
        return Trial(faults)
    if draft.kind == "procedure":
        return Trial(await _procedure_faults(tx, Procedure.model_validate(draft.body)))
    written = CalendarFile.model_validate(draft.body)
    current = await queries.newest_calendar(tx, settings.area)
    faults = calendar_faults(written, current, settings.area, local_date(now))
    try:
        return Trial(faults, await queries.preview(tx, _calendar(written)))
    except CalendarEnds as refusal:
        return Trial([*faults, Fault("/body/ends_on", refusal.code, refusal.detail, **refusal.params)])


async def _procedure_faults(tx: AsyncSession, written: Procedure) -> list[Fault]:
    lists = await queries.entries(tx, "fact", "function", "part", "work")
    published = [each for _, each in await queries.procedures(tx)]
    return procedure_faults(
        written,
        published,
        facts=lists["fact"],
        functions=lists["function"],
        parts=lists["part"],
        works=lists["work"],
    )


def _calendar(written: CalendarFile) -> Calendar:
    return Calendar(
        new_id(),
        written.area,
        written.no,
        written.starts_on,
        written.ends_on,
        written.cutoff,
        written.half_cutoff,
        tuple(written.days),
    )


async def publish_draft(
    tx: AsyncSession, actor: Actor, draft: LawDraft, *, settings: PermitsSettings, now: datetime
) -> UUID:
    """From then on it never changes. A calendar reads the running clocks anew; whose day moves is told.

    Raises DraftPublished (409), DraftBroken (422).
    """
    policy.demand(actor, "permits:law:publish")
    if draft.published_at is not None:
        raise DraftPublished
    # One at a time: two that are each sound could together leave a hole or an overlap.
    await queries.lock_publication(tx)
    trial = await try_draft(tx, actor, draft, settings=settings, now=now)
    if trial.faults:
        raise DraftBroken(errors=trial.faults)
    if draft.kind == "procedure":
        published = await insert_procedure(tx, Procedure.model_validate(draft.body), now, actor=actor)
    else:
        written = CalendarFile.model_validate(draft.body)
        published = await publish_calendar(tx, written, digest(written), now, actor=actor)
    done = {"published_id": published, "published_by": actor.id, "published_at": now}
    await tx.execute(sa.update(LawDraft).where(col(LawDraft.id) == draft.id).values(**done, version=draft.version + 1))
    return published
