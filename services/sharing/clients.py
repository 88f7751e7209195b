"""What sharing asks of others: the registry's whole stream, when a copy is rebuilt."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from nats.js.errors import NotFoundError
from pydantic import ValidationError

from contracts.envelope import Envelope, Event
from contracts.registry import OrganisationChanged, StationChanged, StructureChanged, UnitChanged
from kernel.bus import Bus

TOLD: Mapping[str, type[Event]] = {
    event.type: event for event in (StructureChanged, StationChanged, OrganisationChanged, UnitChanged)
}
AT_ONCE = 64


async def registry_events(bus: Bus, wanted: type[Event]) -> AsyncIterator[list[Event]]:
    """Every event of one type from the first to the last that the stream holds now, in batches, beside the durable."""
    info = await bus.js.stream_info(bus.stream("registry"))
    last = info.state.last_seq
    for start in range(max(info.state.first_seq, 1), last + 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, last + 1))
        read = await asyncio.gather(*(_event(bus, number) for number in numbers))
        yield [event for event in read if isinstance(event, wanted)]


async def _event(bus: Bus, number: int) -> Event | None:
    try:
        message = await bus.js.get_msg(bus.stream("registry"), number)
    except NotFoundError:
        return None
    try:
        envelope = Envelope.model_validate_json(message.data or b"")
        return TOLD[envelope.type].model_validate(envelope.data) if envelope.type in TOLD else None
    except ValidationError:
        return None
