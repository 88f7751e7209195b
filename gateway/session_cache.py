"""This process's copy of sessions lately used, emptied by a watch on the bucket."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

import nats.errors
import nats.js.errors
import orjson
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.kv import KeyValue

from gateway.identity import Tokens
from kernel import logging
from kernel.bus import Bus

REREAD_SECONDS = 30
_LIMIT = 10_000
_LOOK_SECONDS = 0.5
_FIRST_LOOK_SECONDS = 0.05
_log = logging.get("gateway.sessions")


@dataclass(frozen=True, slots=True)
class Session:
    """Times are seconds since 1970. `claimed_until`: a gateway is refreshing the tokens and nobody else should.

    `user` is the person's name to sign in with; `sub` and `sid` are what the provider calls person and session;
    `agent` is the browser as it named itself.
    """

    tokens: Tokens
    began: float
    seen: float
    claimed_until: float = 0.0
    user: str = ""
    sub: str = ""
    sid: str = ""
    agent: str = ""

    @property
    def access_ends(self) -> float:
        return self.tokens.access_ends

    def pack(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def unpack(cls, packed: bytes) -> "Session":
        fields = orjson.loads(packed)
        return cls(**{**fields, "tokens": Tokens(**fields["tokens"])})


@dataclass(frozen=True, slots=True)
class Held:
    session: Session
    revision: int
    read_at: float = field(default_factory=time.monotonic)

    @property
    def is_recent(self) -> bool:
        return time.monotonic() - self.read_at < REREAD_SECONDS


class Cache:
    def __init__(self, bus: Bus, bucket: Callable[[], Awaitable[KeyValue]]) -> None:
        self._bus, self._bucket = bus, bucket
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._watch: JetStreamContext.PushSubscription | None = None
        self._reconnects = -1
        self._closing = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_watching())

    async def close(self) -> None:
        """The flag beside the cancellation: Python 3.11's wait_for, inside the client, may swallow one."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str) -> Held | None:
        return self._held.get(key)

    def put(self, key: str, held: Held) -> None:
        """Keeps the newest revision: an answer that was under way must not undo what the watch brought."""
        known = self._held.get(key)
        newest = max(known.revision if known else 0, self._changed.get(key, 0))
        if newest > held.revision:
            return
        self._held[key] = held
        self._held.move_to_end(key)
        while len(self._held) > _LIMIT:
            self._held.popitem(last=False)

    def drop(self, key: str) -> None:
        self._held.pop(key, None)

    async def _keep_watching(self) -> None:
        """A new watch after each reconnection, since changes in between were missed: everything is read again."""
        while not self._closing:
            reconnects = self._bus.client.stats["reconnects"]
            if self._bus.connected and (self._watch is None or reconnects != self._reconnects):
                try:
                    await self._subscribe()
                    self._reconnects = reconnects
                except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
                    _log.warning("no watch on sessions", error=repr(error))
            await asyncio.sleep(_LOOK_SECONDS if self._watch is not None else _FIRST_LOOK_SECONDS)

    async def _subscribe(self) -> None:
        if self._watch is not None:
            old, self._watch = self._watch, None
            await old.unsubscribe()
        bucket = await self._bucket()
        prefix = f"$KV.{bucket._name}."

        async def changed(message: Msg) -> None:
            key = message.subject.removeprefix(prefix)
            self._note_change(key, message.metadata.sequence.stream)

        self._watch = await self._bus.js.subscribe(
            f"{prefix}>",
            stream=f"KV_{bucket._name}",
            cb=changed,
            ordered_consumer=True,
            deliver_policy=DeliverPolicy.NEW,
            headers_only=True,
            inactive_threshold=60,
        )
        self._age_all()

    def _note_change(self, key: str, revision: int) -> None:
        self._changed[key] = revision
        self._changed.move_to_end(key)
        while len(self._changed) > _LIMIT:
            self._changed.popitem(last=False)
        known = self._held.get(key)
        if known is not None and known.revision < revision:
            self.drop(key)

    def _age_all(self) -> None:
        for key, held in self._held.items():
            self._held[key] = Held(held.session, held.revision, read_at=held.read_at - REREAD_SECONDS)
