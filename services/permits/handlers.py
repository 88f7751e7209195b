"""What permits does when the registry tells of units and organisations: it keeps its copies."""

from collections.abc import Sequence
from datetime import datetime

from contracts.registry import OrganisationChanged, UnitChanged
from kernel.inbox import Handlers, Received
from services.permits import commands, queries
from services.permits.queries import Session


async def keep_units(tx: Session, received: Sequence[Received[UnitChanged]], *, now: datetime) -> None:
    await commands.take_units(tx, [item for one in received for item in one.event.items])


async def keep_organisations(tx: Session, received: Sequence[Received[OrganisationChanged]], *, now: datetime) -> None:
    items = [item for one in received for item in one.event.items]
    known = await queries.organisation_numbers(tx, [item.code for item in items])
    await commands.take_organisations(tx, items, known)


HANDLERS: Handlers = {UnitChanged: keep_units, OrganisationChanged: keep_organisations}
