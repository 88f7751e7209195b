"""What filing a dossier now would mean; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import Conflict, Fault
from services.permits.commands.complete import Routed, routed
from services.permits.commands.file import Filing, Prepared, first_due, prepare
from services.permits.domain.application import parts_needed
from services.permits.domain.movement import Movement
from services.permits.domain.procedure import ClockRule, Procedure
from services.permits.domain.refusals import CalendarEnds, DossierFaulty, NoCalendar, NoMandate, NoProcedure
from services.permits.settings import PermitsSettings


class PartOutlook(NamedTuple):
    code: str
    required: bool
    given: bool
    source: str


class ClockOutlook(NamedTuple):
    rule: ClockRule
    due_on: date | None


@dataclass(frozen=True)
class Outlook:
    """Without `faults` the dossier would be received. Without a procedure nothing more can be said."""

    faults: Sequence[Fault]
    procedure: Procedure | None = None
    lead: str | None = None
    received_on: date | None = None
    effective_on: date | None = None
    due_on: date | None = None
    parts: Sequence[PartOutlook] = ()
    agencies: Sequence[Routed] = ()
    clocks: Sequence[ClockOutlook] = ()


async def check(tx: AsyncSession, actor: Actor, filing: Filing, *, settings: PermitsSettings, now: datetime) -> Outlook:
    """By the same preparation as the filing. Raises Forbidden, RegistrarOnly (403)."""
    try:
        prepared = await prepare(tx, actor, filing, settings=settings, now=now)
    except DossierFaulty as refusal:
        return Outlook(refusal.errors)
    except (NoProcedure, NoCalendar, NoMandate) as refusal:
        return Outlook([_fault("/work", refusal)])
    faults, effective_on, movement = list(prepared.faults), None, None
    try:
        deed = prepared.received(new_id())
        effective_on, movement = deed.effective_on, prepared.moved(deed)
    except CalendarEnds as refusal:
        faults.append(_fault("/received_at", refusal))
    return Outlook(
        faults,
        prepared.ground.procedure,
        prepared.ground.lead_org,
        local_date(prepared.received_at),
        effective_on,
        first_due(movement) if movement else None,
        _parts(prepared),
        await routed(tx, prepared.ground.procedure, filing.sites, settings.area, local_date(now)),
        _clocks(prepared, movement),
    )


def _fault(pointer: str, refusal: Conflict) -> Fault:
    return Fault(pointer, refusal.code, refusal.detail, **refusal.params)


def _parts(prepared: Prepared) -> list[PartOutlook]:
    needed = parts_needed(prepared.filing.sites, prepared.ground.rules)
    given = {part.code for part in prepared.filing.parts}
    return [
        PartOutlook(part.code, part.code in needed, part.code in given, part.source)
        for part in prepared.ground.procedure.parts
    ]


def _clocks(prepared: Prepared, movement: Movement | None) -> list[ClockOutlook]:
    after = movement.after if movement else {}
    rules = prepared.ground.procedure.clocks
    return [ClockOutlook(rule, after[rule.name, None].due_on if (rule.name, None) in after else None) for rule in rules]
