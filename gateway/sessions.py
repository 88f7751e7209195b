"""Who is signed in: tokens encrypted in a NATS bucket, found by the hash of a random cookie, by every gateway."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from weakref import WeakValueDictionary

import nats.errors
import nats.js.errors
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from gateway.errors import IdentityAway, SessionsAway
from gateway.identity import Identity, SessionEnded
from gateway.session_cache import Cache, Held, Session
from gateway.vault import Vault
from kernel import logging
from kernel.bus import Bus

BUCKET = "sessions"
IDLE_SECONDS = 60 * 60
ABSOLUTE_SECONDS = 10 * 60 * 60
_TOUCH_SECONDS = 60
_CLAIM_SECONDS = 10
_BROKER_SECONDS = 2
_LISTING_SECONDS = 10
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{22}")
_AWAY = (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError)
_log = logging.get("gateway.sessions")


class Sessions:
    """Raises SessionsAway when the broker is needed and away; a cached session goes on until its token ends."""

    def __init__(self, bus: Bus, identity: Identity, vault: Vault) -> None:
        self._bus, self._identity, self._vault = bus, identity, vault
        self._cache = Cache(bus, self._open)
        self._kv: KeyValue | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._touching: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        self._cache.start()

    async def close(self) -> None:
        for touch in list(self._touching.values()):
            touch.cancel()
        await self._cache.close()

    @property
    def is_reachable(self) -> bool:
        return self._bus.connected

    @property
    def held_count(self) -> int:
        return len(self._cache)

    async def begin(self, session: Session) -> str:
        """Stores a new session; returns the value of its cookie: 256 random bits and the tag of its person."""
        value = f"{secrets.token_urlsafe(32)}.{self._vault.tag(session.sub)}"
        key = key_of(value)
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                revision = await (await self._open()).create(key, self._seal(key, session))
        except _AWAY as error:
            raise self._away(error) from error
        self._cache.put(key, Held(session, revision))
        return value

    async def find(self, value: str | None) -> Session | None:
        """The session of a cookie, with an access token that is good for now; None when there is none any more."""
        if value is None or not _COOKIE.fullmatch(value):
            return None
        key = key_of(value)
        held = await self._held(key)
        if held is None or not self._may_go_on(held.session):
            return None
        if _is_fresh(held.session):
            self._touch_when_due(key, held)
            return held.session
        return await self._renewed(key)

    async def end(self, value: str | None) -> Session | None:
        """Ends the session everywhere and returns what it was."""
        if value is None or not _COOKIE.fullmatch(value):
            return None
        key = key_of(value)
        held = await self._held(key)
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                await (await self._open()).delete(key)
        except _AWAY as error:
            raise self._away(error) from error
        self._cache.drop(key)
        return held.session if held else None

    async def of_person(self, sub: str | None) -> dict[str, Session]:
        """The sessions of one person by their keys; of everybody without a `sub`."""
        found: dict[str, Session] = {}
        try:
            async with asyncio.timeout(_LISTING_SECONDS):
                # The client leaves its consumer behind: the broker removes it when it has been silent for this long.
                watcher = await (await self._open()).watch(
                    f"{self._vault.tag(sub)}.*" if sub else ">",
                    ignore_deletes=True,
                    inactive_threshold=_LISTING_SECONDS,
                )
                try:
                    async for entry in watcher:
                        if entry is None:
                            break
                        plain = self._vault.open(entry.value or b"", entry.key)
                        if plain is not None:
                            found[entry.key] = Session.unpack(plain)
                finally:
                    await watcher.stop()  # type: ignore[no-untyped-call]
        except _AWAY as error:
            raise self._away(error) from error
        return {key: session for key, session in found.items() if self._may_go_on(session)}

    async def end_person(self, sub: str) -> None:
        await self.end_keys(await self.of_person(sub))

    async def end_keys(self, keys: Iterable[str]) -> None:
        """Ends sessions at every gateway: each drops its copy when the bucket tells it of the change."""
        try:
            async with asyncio.timeout(_LISTING_SECONDS):
                bucket = await self._open()
                for key in keys:
                    await bucket.delete(key)
                    self._cache.drop(key)
        except _AWAY as error:
            raise self._away(error) from error

    async def is_first(self, notice: str) -> bool:
        """Whether no gateway has seen this notice before; remembered for as long as an idle session."""
        key = f"notice.{hashlib.sha256(notice.encode()).hexdigest()}"
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                await (await self._open()).create(key, b"seen")
        except KeyWrongLastSequenceError:
            return False
        except _AWAY as error:
            raise self._away(error) from error
        return True

    async def _held(self, key: str) -> Held | None:
        held = self._cache.get(key)
        if held is not None and held.is_recent:
            return held
        async with self._lock(key):
            held = self._cache.get(key)
            if held is not None and held.is_recent:
                return held
            try:
                return await self._read(key)
            except SessionsAway:
                if held is not None and held.session.access_ends > time.time():
                    return held
                raise

    async def _read(self, key: str) -> Held | None:
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                entry = await (await self._open()).get(key)
        except KeyNotFoundError:
            self._cache.drop(key)
            return None
        except _AWAY as error:
            raise self._away(error) from error
        plain = self._vault.open(entry.value or b"", key)
        if plain is None or entry.revision is None:
            return None
        held = Held(Session.unpack(plain), entry.revision)
        self._cache.put(key, held)
        return held

    async def _renewed(self, key: str) -> Session | None:
        """Exactly one gateway refreshes: the one whose claim is the next revision. The others wait for the result."""
        held = self._cache.get(key)
        lock = self._lock(key)
        if held is not None and lock.locked() and held.session.access_ends > time.time() + 1:
            return held.session
        try:
            async with lock, asyncio.timeout(_CLAIM_SECONDS):
                return await self._renew_or_wait(key)
        except (SessionsAway, IdentityAway):
            if held is not None and held.session.access_ends > time.time():
                return held.session
            raise
        except TimeoutError as error:
            raise SessionsAway(headers={"Retry-After": "2"}) from error

    async def _renew_or_wait(self, key: str) -> Session | None:
        while True:
            held = await self._read(key)
            if held is None or _is_fresh(held.session):
                return held.session if held else None
            if held.session.claimed_until > time.time():
                if held.session.access_ends > time.time() + 1:
                    return held.session
                await asyncio.sleep(0.05)
                continue
            claim = replace(held.session, claimed_until=time.time() + _CLAIM_SECONDS)
            revision = await self._write(key, claim, held.revision)
            if revision is not None:
                return await self._refresh(key, Held(claim, revision))

    async def _refresh(self, key: str, claim: Held) -> Session | None:
        unclaimed = replace(claim.session, claimed_until=0.0)
        try:
            tokens = await self._identity.refresh(claim.session.tokens)
        except SessionEnded:
            await self._forget(key)
            return None
        except IdentityAway:
            await self._write(key, unclaimed, claim.revision)
            raise
        renewed = replace(unclaimed, tokens=tokens, seen=time.time())
        if await self._write(key, renewed, claim.revision) is None:
            # Signed out while the provider was asked: the new tokens are not used by anybody.
            held = await self._read(key)
            return held.session if held else None
        return renewed

    async def _forget(self, key: str) -> None:
        self._cache.drop(key)
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                await (await self._open()).delete(key)
        except _AWAY as error:
            _log.warning("session left to expire", error=repr(error))

    async def _write(self, key: str, session: Session, revision: int) -> int | None:
        """The new revision, or None when somebody else wrote first."""
        try:
            async with asyncio.timeout(_BROKER_SECONDS):
                written = await (await self._open()).update(key, self._seal(key, session), last=revision)
        except KeyWrongLastSequenceError:
            self._cache.drop(key)
            return None
        except _AWAY as error:
            raise self._away(error) from error
        self._cache.put(key, Held(session, written))
        return written

    def _touch_when_due(self, key: str, held: Held) -> None:
        """A write renews the bucket's idle time; at most once a minute, and nobody waits for it."""
        is_due = time.time() - held.session.seen > _TOUCH_SECONDS
        if not is_due or key in self._touching or not self._bus.connected:
            return
        if held.session.claimed_until > time.time():
            return
        touch = asyncio.get_running_loop().create_task(self._touch(key, held))
        self._touching[key] = touch
        touch.add_done_callback(lambda _: self._touching.pop(key, None))

    async def _touch(self, key: str, held: Held) -> None:
        try:
            async with self._lock(key):
                await self._write(key, replace(held.session, seen=time.time()), held.revision)
        except SessionsAway:
            _log.info("touch left out")

    def _may_go_on(self, session: Session) -> bool:
        return time.time() < session.began + ABSOLUTE_SECONDS

    def _seal(self, key: str, session: Session) -> bytes:
        return self._vault.seal(session.pack(), key)

    def _lock(self, key: str) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    async def _open(self) -> KeyValue:
        if not self._bus.connected:
            raise OSError("not connected to the broker")
        if self._kv is None:
            self._kv = await self._bus.bucket(BUCKET, ttl=IDLE_SECONDS)
        return self._kv

    def _away(self, error: Exception) -> SessionsAway:
        # A broker that came back empty has no bucket: the next call makes it anew.
        self._kv = None
        _log.warning("broker away", error=repr(error))
        return SessionsAway(headers={"Retry-After": "2"})


def key_of(value: str) -> str:
    """The person's tag first, so that the sessions of one person are found without reading all."""
    return f"{value.rpartition('.')[2]}.{hashlib.sha256(value.encode()).hexdigest()}"


def _is_fresh(session: Session) -> bool:
    return time.time() < session.tokens.refresh_from
