"""What sharing does when the registry tells something: keep the copy, then count anew what it touches."""

from collections.abc import Sequence
from datetime import datetime

from contracts.registry import OrganisationChanged, StationChanged, StructureChanged, UnitChanged
from kernel.edge import Tx
from kernel.inbox import Handlers, Received
from services.sharing.commands import copies


async def copy_structures(tx: Tx, received: Sequence[Received[StructureChanged]], *, now: datetime) -> None:
    await copies.store_structures(tx, [item for one in received for item in one.event.items])


async def copy_stations(tx: Tx, received: Sequence[Received[StationChanged]], *, now: datetime) -> None:
    await copies.store_stations(tx, [item for one in received for item in one.event.items])


async def copy_organisations(tx: Tx, received: Sequence[Received[OrganisationChanged]], *, now: datetime) -> None:
    await copies.store_organisations(tx, [item for one in received for item in one.event.items])


async def copy_units(tx: Tx, received: Sequence[Received[UnitChanged]], *, now: datetime) -> None:
    await copies.store_units(tx, [item for one in received for item in one.event.items], now)


HANDLERS: Handlers = {
    StructureChanged: copy_structures,
    StationChanged: copy_stations,
    OrganisationChanged: copy_organisations,
    UnitChanged: copy_units,
}
