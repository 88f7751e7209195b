"""Messages that could not be applied: kept, shown to a person, mended, offered again, or dropped with a reason.

A person decides, the worker applies: `ask_redrive` marks, `redrive` (a visit of the worker, which has the handlers)
applies through the inbox, so that a message whose effect is there already has none a second time.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import Envelope
from kernel import audit
from kernel.auth import Actor
from kernel.db import parked_table
from kernel.errors import N_, Conflict, Fault, Invalid, NotFound

State = Literal["waiting", "asked", "redriven", "dropped"]
STATES: tuple[State, ...] = ("waiting", "asked", "redriven", "dropped")
REASON_LIMIT = 1000


class NoSuchParkedMessage(NotFound):
    detail = N_("There is no such parked message.")


class ParkedMessageSettled(Conflict):
    detail = N_("This message was redriven or dropped already.")


class MessageUnreadable(Invalid):
    detail = N_("This is not a message: an envelope with the same id is needed, in JSON.")


class DropReasonMissing(Invalid):
    detail = N_("Say why, in 1 to 1000 characters.")


@dataclass(frozen=True)
class Parked:
    """`payload` is what would be applied: the mended text where there is one. `original` is what arrived."""

    stream: str
    stream_seq: int
    subject: str
    original: bytes
    mended: bytes | None
    error: str
    parked_at: datetime
    asked_at: datetime | None
    redriven_at: datetime | None
    dropped_at: datetime | None
    tries: int

    @property
    def id(self) -> str:
        return f"{self.stream}-{self.stream_seq}"

    @property
    def payload(self) -> bytes:
        return self.original if self.mended is None else self.mended

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8", "replace")

    @property
    def state(self) -> State:
        if self.redriven_at:
            return "redriven"
        if self.dropped_at:
            return "dropped"
        return "asked" if self.asked_at else "waiting"


_c = parked_table.c
_COLUMNS = (
    _c.stream, _c.stream_seq, _c.subject, _c.payload.label("original"), _c.mended, _c.error, _c.parked_at, _c.asked_at,
    _c.redriven_at, _c.dropped_at, _c.tries,
)  # fmt: skip
OPEN = sa.and_(_c.redriven_at.is_(None), _c.dropped_at.is_(None))
_WHERE: dict[State, sa.ColumnElement[bool]] = {
    "waiting": sa.and_(OPEN, _c.asked_at.is_(None)),
    "asked": sa.and_(OPEN, _c.asked_at.is_not(None)),
    "redriven": _c.redriven_at.is_not(None),
    "dropped": _c.dropped_at.is_not(None),
}


async def park(
    tx: AsyncSession, stream: str, stream_seq: int, subject: str, payload: bytes, error: str, *, now: datetime
) -> None:
    """Keeps the message. A stream made anew gives old numbers again: a settled row makes room, an open one does not.

    Raises RuntimeError when an open row of that number holds another message; the message then comes again.
    """
    row = {
        "stream": stream, "stream_seq": stream_seq, "subject": subject, "payload": payload, "error": error[:2000],
        "parked_at": now, "tries": 0, "mended": None, "asked_at": None, "redriven_at": None, "dropped_at": None,
    }  # fmt: skip
    statement = insert(parked_table).values(row)
    free = sa.or_(sa.not_(OPEN), parked_table.c.payload == statement.excluded.payload)
    done = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["stream", "stream_seq"],
            set_={name: statement.excluded[name] for name in row if name not in ("stream", "stream_seq")},
            where=free,
        ).returning(_c.stream_seq)
    )
    if done.first() is None:
        raise RuntimeError(f"another message is parked as {stream}-{stream_seq}")


def _where_id(identifier: str) -> sa.ColumnElement[bool]:
    stream, _, number = identifier.rpartition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise NoSuchParkedMessage
    return sa.and_(_c.stream == stream, _c.stream_seq == int(number))


async def message(read: AsyncSession, identifier: str, *, lock: bool = False) -> Parked:
    """Raises NoSuchParkedMessage (404)."""
    statement = sa.select(*_COLUMNS).where(_where_id(identifier))
    row = (await read.execute(statement.with_for_update() if lock else statement)).first()
    if row is None:
        raise NoSuchParkedMessage
    return Parked(**row._mapping)


async def messages(
    read: AsyncSession, *, state: State | None = None, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Parked]:
    """The newest first; `after` is (parked_at, id) of the last one seen."""
    identifier = _c.stream + "-" + sa.cast(_c.stream_seq, sa.Text)
    statement = sa.select(*_COLUMNS).order_by(_c.parked_at.desc(), identifier.desc()).limit(limit)
    if state is not None:
        statement = statement.where(_WHERE[state])
    if after is not None:
        statement = statement.where(sa.tuple_(_c.parked_at, identifier) < sa.tuple_(*map(sa.literal, after)))
    return [Parked(**row._mapping) for row in await read.execute(statement)]


async def counted(read: AsyncSession, state: State | None) -> int:
    where = _WHERE[state] if state else sa.true()
    return int((await read.execute(sa.select(sa.func.count()).select_from(parked_table).where(where))).scalar_one())


def digest(*marks: object) -> bytes:
    return hashlib.sha256(repr(marks).encode()).digest()


async def waiting(read: AsyncSession) -> int:
    """How many wait for a person or for the worker."""
    return int((await read.execute(sa.select(sa.func.count()).select_from(parked_table).where(OPEN))).scalar_one())


async def _open(tx: AsyncSession, identifier: str) -> Parked:
    found = await message(tx, identifier, lock=True)
    if found.redriven_at or found.dropped_at:
        raise ParkedMessageSettled
    return found


async def _set(tx: AsyncSession, found: Parked, **values: Any) -> Parked:
    await tx.execute(parked_table.update().where(_where_id(found.id)).values(**values))
    return await message(tx, found.id)


async def mend(tx: AsyncSession, actor: Actor, service: str, identifier: str, text: str, *, now: datetime) -> Parked:
    """Replaces what would be applied; what arrived is kept. Raises MessageUnreadable (422), ParkedMessageSettled (409).

    The id stays: it is what the inbox knows the message by.
    """
    found = await _open(tx, identifier)
    known = _event_id(found.original)
    given = _event_id(text.encode())
    if given is None or (known is not None and given != known):
        raise MessageUnreadable(errors=[Fault("/payload", "unreadable", MessageUnreadable.detail)])
    mended = await _set(tx, found, mended=text.encode(), asked_at=None)
    said = {"before": {"payload": found.text}, "after": {"payload": text}}
    await audit.record(tx, actor, f"{service}:parked:mend", identifier, now=now, **said)
    return mended


def _event_id(payload: bytes) -> UUID | None:
    try:
        return Envelope.model_validate_json(payload).id
    except ValidationError:
        return None


async def ask_redrive(tx: AsyncSession, actor: Actor, service: str, identifier: str, *, now: datetime) -> Parked:
    """The worker takes it within seconds. Raises ParkedMessageSettled (409)."""
    found = await _open(tx, identifier)
    asked = await _set(tx, found, asked_at=now)
    await audit.record(tx, actor, f"{service}:parked:redrive", identifier, now=now, after={"subject": found.subject})
    return asked


async def drop(tx: AsyncSession, actor: Actor, service: str, identifier: str, reason: str, *, now: datetime) -> Parked:
    """Never applied, and why. Raises DropReasonMissing (422), ParkedMessageSettled (409)."""
    if not 0 < len(reason.strip()) <= REASON_LIMIT:
        raise DropReasonMissing(errors=[Fault("/reason", "missing", DropReasonMissing.detail)])
    found = await _open(tx, identifier)
    dropped = await _set(tx, found, dropped_at=now)
    after = {"subject": found.subject, "reason": reason.strip()}
    await audit.record(tx, actor, f"{service}:parked:drop", identifier, now=now, after=after)
    return dropped


Apply = Callable[[AsyncSession, Parked, datetime], Awaitable[None]]


async def asked(read: AsyncSession) -> Sequence[Parked]:
    """What the worker is to take now, in the order in which it first arrived."""
    statement = sa.select(*_COLUMNS).where(_WHERE["asked"]).order_by(_c.stream, _c.stream_seq).limit(200)
    return [Parked(**row._mapping) for row in await read.execute(statement)]


async def settle(tx: AsyncSession, found: Parked, apply: Apply, *, now: datetime) -> None:
    """Effect and mark in one transaction; whatever `apply` raises goes to the caller, who notes it with `note`."""
    current = await message(tx, found.id, lock=True)
    if current.state != "asked":
        return
    await apply(tx, current, now)
    await _set(tx, current, redriven_at=now, tries=current.tries + 1)


async def note(tx: AsyncSession, found: Parked, error: str) -> None:
    """A redrive that failed waits for a person again, with the newest reason."""
    current = await message(tx, found.id, lock=True)
    await _set(tx, current, asked_at=None, error=error[:2000], tries=current.tries + 1)
