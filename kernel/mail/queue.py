"""The mails a service has to send: rows beside the change they tell of, taken one by one, with growing delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, NotFound
from kernel.mail.addresses import LONGEST, Recipient, is_sendable
from kernel.mail.letters import Letter, one_line, written

State = Literal["waiting", "sent", "given_up"]
# For how long it is tried, and how long a mail that is done with is kept: it holds personal data.
TRIED_FOR = timedelta(days=3)
KEPT = timedelta(days=90)
ERROR_LIMIT = 300
LISTED = 200
UNSENDABLE = "no mail is sent to this address"

_moment = sa.DateTime(timezone=True)
_metadata = sa.MetaData()
mail_table = sa.Table(
    "mail",
    _metadata,
    sa.Column("id", PG_UUID(as_uuid=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("thing", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("recorded_at", _moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_try_at", _moment, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", _moment),
    sa.Column("given_up_at", _moment),
    sa.CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="mail_one_end"),
    sa.Index("mail_due", "next_try_at", postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL")),
    sa.Index("mail_thing", "thing", "recorded_at"),
)
_c = mail_table.c
_OPEN = sa.and_(_c.sent_at.is_(None), _c.given_up_at.is_(None))


class NoSuchMail(NotFound):
    detail = N_("There is no such mail that was given up and could be sent.")


@dataclass(frozen=True)
class Mail:
    id: UUID
    kind: str
    thing: str
    address: str
    name: str
    subject: str
    text: str
    html: str
    recorded_at: datetime
    tries: int
    next_try_at: datetime
    error: str
    sent_at: datetime | None
    given_up_at: datetime | None

    @property
    def state(self) -> State:
        if self.sent_at:
            return "sent"
        return "given_up" if self.given_up_at else "waiting"


def own_table(metadata: sa.MetaData) -> None:
    """Puts the table into the metadata of a service that sends mail."""
    mail_table.to_metadata(metadata)


def _postponed(now: datetime) -> dict[str, Any]:
    """By half a minute, a minute, ... six hours. The first is longer than one sending may take: nobody else takes the
    mail meanwhile, and when the one who did has died over it, it is tried again."""
    doubled = sa.text("interval '30 seconds'") * sa.func.power(2, sa.func.least(_c.tries, 12))
    delay = sa.func.least(doubled, sa.text("interval '6 hours'"), type_=sa.Interval)
    return {"tries": _c.tries + 1, "next_try_at": sa.literal(now, _moment) + delay}


async def record(tx: AsyncSession, letter: Letter, to: Recipient, *, kind: str, thing: str, now: datetime) -> UUID:
    """In the transaction of the change. An address no mail is sent to fails nothing: the mail is given up at once."""
    content, mail_id, sendable = written(letter, to.locale), new_id(), is_sendable(to.address)
    await tx.execute(
        mail_table.insert().values(
            id=mail_id,
            kind=kind,
            thing=thing,
            address=one_line(to.address, LONGEST),
            name=one_line(to.name, LONGEST),
            subject=content.subject,
            text=content.text,
            html=content.html,
            recorded_at=now,
            next_try_at=now,
            error="" if sendable else UNSENDABLE,
            given_up_at=None if sendable else now,
        )
    )
    return mail_id


async def of(read: AsyncSession, thing: str) -> Sequence[Mail]:
    """What was written about the thing, the newest first."""
    return await _mails(read, _c.thing == thing)


async def undelivered(read: AsyncSession) -> Sequence[Mail]:
    """What waits and what was given up, the newest first."""
    return await _mails(read, _c.sent_at.is_(None))


async def _mails(read: AsyncSession, which: sa.ColumnElement[bool]) -> Sequence[Mail]:
    statement = sa.select(mail_table).where(which).order_by(_c.recorded_at.desc(), _c.id.desc()).limit(LISTED)
    return [Mail(**row._mapping) for row in await read.execute(statement)]


async def try_again(tx: AsyncSession, actor: Actor, service: str, mail_id: UUID, *, now: datetime) -> None:
    """A given-up mail waits as if it were new. Raises NoSuchMail (404) for one that is not given up, or unsendable."""
    again = mail_table.update().where(_c.id == mail_id, _c.given_up_at.is_not(None), _c.error != UNSENDABLE)
    values = {"given_up_at": None, "tries": 0, "next_try_at": now, "recorded_at": now}
    row = (await tx.execute(again.values(values).returning(_c.kind, _c.thing))).first()
    if row is None:
        raise NoSuchMail
    after = {"kind": row.kind, "thing": row.thing}
    await audit.record(tx, actor, f"{service}:mail:again", str(mail_id), now=now, after=after)


async def is_due(read: AsyncSession, *, now: datetime) -> bool:
    return (await read.execute(sa.select(_c.id).where(_OPEN, _c.next_try_at <= now).limit(1))).first() is not None


async def take(tx: AsyncSession, *, now: datetime) -> Mail | None:
    """The next one, which is nobody else's until its next try."""
    due = sa.select(_c.id).where(_OPEN, _c.next_try_at <= now).order_by(_c.next_try_at, _c.id)
    one = due.limit(1).with_for_update(skip_locked=True).scalar_subquery()
    statement = mail_table.update().where(_c.id == one).values(_postponed(now)).returning(mail_table)
    row = (await tx.execute(statement)).first()
    return None if row is None else Mail(**row._mapping)


async def postpone(tx: AsyncSession, error: str, *, now: datetime) -> None:
    """All that are due: the mail server is away."""
    values = {**_postponed(now), "error": error[:ERROR_LIMIT]}
    await tx.execute(mail_table.update().where(_OPEN, _c.next_try_at <= now).values(values))


async def note_sent(tx: AsyncSession, mail: Mail, *, now: datetime) -> None:
    await tx.execute(mail_table.update().where(_c.id == mail.id).values(sent_at=now, given_up_at=None, error=""))


async def note_failed(tx: AsyncSession, mail: Mail, error: str, *, is_final: bool, now: datetime) -> None:
    given_up = now if is_final else None
    await tx.execute(
        mail_table.update().where(_c.id == mail.id, _OPEN).values(error=error[:ERROR_LIMIT], given_up_at=given_up)
    )


async def give_up(tx: AsyncSession, *, now: datetime) -> int:
    """Those tried for days; returns how many."""
    late = mail_table.update().where(_OPEN, _c.recorded_at < now - TRIED_FOR)
    return int((await tx.execute(late.values(given_up_at=now))).rowcount)  # type: ignore[attr-defined]


async def forget(tx: AsyncSession, *, now: datetime) -> int:
    """Those done with long ago; returns how many."""
    old = mail_table.delete().where(sa.not_(_OPEN), _c.recorded_at < now - KEPT)
    return int((await tx.execute(old)).rowcount)  # type: ignore[attr-defined]


async def unsent(read: AsyncSession) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    row = (await read.execute(sa.select(sa.func.count(), sa.func.min(_c.recorded_at)).where(_OPEN))).one()
    return int(row[0]), row[1]
