"""What permits asks of others: masts around a point, and the bucket that keeps the parts."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import BinaryIO

import nats.errors
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import BucketNotFoundError, NotFoundError, ObjectNotFoundError
from nats.js.errors import Error as JetStreamError
from nats.js.object_store import ObjectStore

from contracts.envelope import Envelope, Event, stream_of
from contracts.registry import MastsNear, NearMasts
from contracts.sharing import MastsToShare, ShareableMast, ShareableMasts
from kernel.bus import Bus
from kernel.errors import Refusal, Unavailable

BUCKET = "PARTS"


async def masts_near(bus: Bus, *, lon: float, lat: float, radius_m: float, as_of: date) -> NearMasts:
    """Raises Unavailable (503) when the registry does not answer."""
    if not bus.connected:
        raise Unavailable
    return await bus.ask(MastsNear(lon=lon, lat=lat, radius_m=radius_m, as_of=as_of), NearMasts)


async def masts_to_share(bus: Bus, *, org: str, lon: float, lat: float, radius_m: float, as_of: date) -> ShareableMasts:
    """Raises Unavailable (503) when sharing does not answer."""
    if not bus.connected:
        raise Unavailable
    question = MastsToShare(org=org, lon=lon, lat=lat, radius_m=radius_m, as_of=as_of)
    return await bus.ask(question, ShareableMasts)


async def shareable(
    bus: Bus, org: str, sites: Sequence[tuple[float, float]], *, radius_m: float, as_of: date
) -> list[tuple[int, ShareableMast]] | None:
    """Around each place, with its number; None when sharing does not answer: nobody waits for it longer than once."""
    found: list[tuple[int, ShareableMast]] = []
    try:
        for no, (lon, lat) in enumerate(sites, 1):
            told = await masts_to_share(bus, org=org, lon=lon, lat=lat, radius_m=radius_m, as_of=as_of)
            found += [(no, mast) for mast in told.items]
    except Refusal:
        return None
    return found


async def history(bus: Bus, events: Sequence[type[Event]]) -> tuple[bool, list[tuple[type[Event], Event]]]:
    """Everything another service's stream holds of these events, in order; first whether nothing is missing from it."""
    stream = bus.stream(stream_of(events[0]))
    info = await bus.js.stream_info(stream)
    whole = info.state.first_seq <= 1 and not info.state.num_deleted
    kinds = {event.type: event for event in events}
    found: list[tuple[type[Event], Event]] = []
    for name, kind in kinds.items():
        told = [Envelope.model_validate_json(message.data).data async for message in _told(bus, stream, name)]
        found += [(kind, kind.model_validate(data)) for data in told]
    return whole, found


async def _told(bus: Bus, stream: str, name: str) -> AsyncIterator[Msg]:
    """Through the one consumer beside the durable that the broker lets us have, with this filter and no other."""
    consumer = f"{bus.name}-rebuild"
    config = ConsumerConfig(
        name=consumer,
        filter_subject=bus.subject(name),
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        inactive_threshold=60,
    )
    left = (await bus.js.add_consumer(stream, config)).num_pending or 0
    subscription = await bus.js.pull_subscribe_bind(consumer, stream)
    try:
        while left > 0:
            for message in await subscription.fetch(min(left, 200), timeout=10):
                left = message.metadata.num_pending
                yield message
    finally:
        await subscription.unsubscribe()
        await bus.js.delete_consumer(stream, consumer)


class Parts:
    """The object bucket; an object's name is the SHA-256 of its content."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"{bus.prefix.replace('.', '_')}{BUCKET}"

    async def put(self, sha256: str, content: BinaryIO) -> None:
        """Stores and reads back; raises OSError when what came back is not what was sent."""
        store = await self._store()
        content.seek(0)
        await store.put(sha256, content)  # type: ignore[arg-type]
        digest = hashlib.sha256()
        async for piece in self.read(sha256):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            raise OSError(f"bucket gave back another {sha256}")

    async def holds(self, sha256: str) -> bool:
        try:
            await (await self._store()).get_info(sha256)
        except ObjectNotFoundError:
            return False
        return True

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The content piece by piece, as it comes. Raises Unavailable (503) when the bucket cannot give it.

        Not `ObjectStore.get`: it joins all pieces into one growing bytes.
        """
        if not self._bus.connected:
            raise Unavailable
        try:
            info = await (await self._store()).get_info(sha256)
            subject = f"$O.{self.name}.C.{info.nuid}"
            subscription = await self._bus.js.subscribe(subject, ordered_consumer=True)
        except (nats.errors.Error, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable from error
        try:
            left = info.chunks or 0
            while left:
                message = await subscription.next_msg(timeout=5)
                left -= 1
                yield message.data
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable from error
        finally:
            await subscription.unsubscribe()

    async def names(self) -> list[tuple[str, str]]:
        """Name and time of last change of every object."""
        store = await self._store()
        try:
            return [(each.name, each.mtime or "") for each in await store.list() if not each.deleted]
        except NotFoundError:
            return []

    async def drop(self, name: str) -> None:
        await (await self._store()).delete(name)

    async def _store(self) -> ObjectStore:
        try:
            return await self._bus.js.object_store(self.name)
        except BucketNotFoundError:
            return await self._bus.js.create_object_store(self.name)
