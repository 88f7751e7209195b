"""The clock of a dossier that does not exist, with its trace, for whoever wants to know a day beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import local_date
from services.permits.domain.refusals import NoSuchProcedure
from services.permits.domain.simulation import Happened, Played, simulate
from services.permits.queries import law
from services.permits.queries.trace import TracedClock, traced


@dataclass(frozen=True)
class SimulatedClocks:
    """`due_on` of the clock that ends with the decision; null while it is paused or not yet started."""

    procedure: str
    calendar: str
    calendar_ends_on: date
    received_on: date
    effective_on: date
    due_on: date | None
    happened: Sequence[Happened]
    clocks: Sequence[TracedClock]


async def simulated(
    read: AsyncSession,
    label: str,
    received_at: datetime,
    acts: Sequence[Played],
    *,
    area: str,
    functions: Sequence[str] | None = None,
    until: date | None = None,
) -> SimulatedClocks:
    """By the newest calendar of `area`. Raises NoSuchProcedure (404), SimulationFaulty (422), NoCalendar,
    CalendarEnds (409).
    """
    found = {version.label: version for _, version in await law.procedures(read)}
    if label not in found:
        raise NoSuchProcedure
    calendar = await law.newest_calendar(read, area)
    played = simulate(found[label], calendar, received_at, acts, functions=functions, until=until)
    today = until or (local_date(acts[-1].at) if acts else played.received_on)
    clocks = [
        traced(
            played.procedure.clock(key[0]),
            played.entries_of(key),
            reading,
            played.functions[key[1]] if key[1] is not None else None,
            today,
        )
        for key, reading in played.readings.items()
    ]
    name = f"{calendar.area}.{calendar.no}"
    effective_on = played.happened[0].effective_on
    return SimulatedClocks(
        label, name, calendar.ends_on, played.received_on, effective_on, played.due_on, played.happened, clocks
    )
