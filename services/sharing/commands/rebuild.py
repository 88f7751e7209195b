"""A copy filled again from the registry's stream, in one transaction: readers see the old one until it commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import Event
from contracts.registry import OrganisationChanged, StationChanged, StructureChanged, UnitChanged
from services.sharing.commands import copies
from services.sharing.commands.recount import recount_all
from services.sharing.queries import beliefs

Keep = Callable[[AsyncSession, Sequence[Any]], Awaitable[object]]
TELLING: dict[str, type[Event]] = {
    "structures": StructureChanged,
    "stations": StationChanged,
    "organisations": OrganisationChanged,
    "units": UnitChanged,
}
_TABLES: dict[str, tuple[str, str, Keep | None]] = {
    "structures": ("structure", "structure_copy", copies.keep_structures),
    "stations": ("station", "station_copy", copies.keep_stations),
    "organisations": ("organisation", "organisation_copy", copies.keep_organisations),
    "units": ("unit", "unit_copy", None),
}


class StreamIncomplete(Exception):
    """The stream no longer holds what the copy held: `python -m services.registry republish` offers it again."""


async def rebuild(tx: AsyncSession, copy: str, events: AsyncIterator[list[Event]], *, now: datetime) -> int:
    """Answers how many beliefs the copy holds now. Raises StreamIncomplete and changes nothing."""
    thing, table, keep = _TABLES[copy]
    # The worker's own writes wait here, so that nothing arrives between emptying and filling.
    await tx.execute(sa.text("LOCK TABLE belief IN SHARE ROW EXCLUSIVE MODE"))
    before = await beliefs.keys(tx, thing)
    await tx.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
    await tx.execute(sa.text("DELETE FROM belief WHERE thing = :thing"), {"thing": thing})
    async for batch in events:
        items = [item for event in batch for item in event.items]  # type: ignore[attr-defined]
        if not items:
            continue
        if keep is None:
            await copies.keep_units(tx, items, now)
        else:
            await keep(tx, items)
    after = await beliefs.keys(tx, thing)
    lost = before - after
    if lost:
        raise StreamIncomplete(f"{len(lost)} beliefs of {copy} are not in the stream, such as {min(lost)}")
    await copies.add_series(tx)
    await recount_all(tx)
    return len(after)
