"""People are told: a row in each one's inbox; the worker writes a letter of it for who wants one."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import audit, mail
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Fault
from kernel.web import formats, i18n
from services.permits import queries
from services.permits.domain import policy
from services.permits.domain.notices import CLOCKS, KINDS, LOUD, WORDS, Notice
from services.permits.domain.refusals import PreferenceFaulty
from services.permits.queries import Told
from services.permits.tables import Deadline, Notification, Person, Preference

LOCALE = Path(__file__).parent.parent / "locale"
EMAIL = N_("This is no address that mail can be sent to.")
EMAIL_MISSING = N_("Give the address that the mail goes to.")
KIND = N_("This kind of notice is not known.")


async def meet(tx: AsyncSession, actor: Actor, *, now: datetime) -> None:
    """Remembers a person as the token tells him: later he can be given work and told of it."""
    said = {
        "name": actor.name or actor.id,
        "org": actor.org,
        "capabilities": sorted(actor.capabilities),
        "functions": sorted(actor.functions),
        "locale": actor.locale if actor.locale in i18n.LOCALES else i18n.DEFAULT,
        "seen_on": local_date(now),
    }
    statement = insert(Person).values(id=actor.id, **said)
    await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=said))


async def tell(tx: AsyncSession, notice: Notice, application_id: UUID, *, now: datetime, but: str = "") -> int:
    """Each person once; `but`: who did it himself. Returns to how many it is news; letters come later."""
    people: dict[str, Told] = {}
    for asked in notice.audiences:
        for person in await queries.audience(tx, asked, notice.kind, loud=notice.kind in LOUD):
            people.setdefault(person.id, person)
    people.pop(but, None)
    if not people:
        return 0
    rows = [
        {
            "id": new_id(),
            "person": person.id,
            "once": notice.once,
            "kind": notice.kind,
            "application_id": application_id,
            "params": dict(notice.params),
            "at": now,
            "mail": person.mail if person.email and person.mail != "off" else "none",
        }
        for person in people.values()
    ]
    statement = insert(Notification).values(rows).on_conflict_do_nothing(index_elements=["person", "once"])
    return len((await tx.execute(statement.returning(col(Notification.id)))).scalars().all())


async def write_letters(tx: AsyncSession, *, site: str, now: datetime, limit: int) -> int:
    """For those who want a mail at once."""
    rows = await queries.letters(tx, limit)
    lists = await queries.entries(tx, "function", "part") if rows else {}
    for row in rows:
        say = Sayer(row.to.locale, lists)
        text = say.notice(row.kind, row.params)
        action = (say._("Open the dossier"), f"{site}/permits/applications/{row.application_id}")
        to = mail.Recipient(row.to.email or "", row.to.name, row.to.locale)
        letter = mail.Letter(text, [text], action=action)
        await mail.record(tx, letter, to, kind=row.kind, thing=str(row.application_id), now=now)
    await _written(tx, [row.id for row in rows])
    return len(rows)


async def _written(tx: AsyncSession, ids: list[UUID]) -> None:
    await tx.execute(sa.update(Notification).where(col(Notification.id).in_(ids)).values(mail="none"))


class Sayer:
    """A notice in the reader's language: its codes in words, its days as they are written."""

    def __init__(self, locale: str, lists: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.locale, self.lists = locale, lists
        self._words = i18n.translations((LOCALE,), locale)

    def _(self, message: str) -> str:
        return str(self._words.gettext(message))

    def notice(self, kind: str, params: Mapping[str, Any]) -> str:
        return self._(WORDS[kind]).format(**{name: self._said(name, value) for name, value in params.items()})

    def _said(self, name: str, value: Any) -> str:
        if name == "function":
            return self._code("function", value)
        if name == "parts":
            return ", ".join(self._code("part", code) for code in value)
        if name == "clock":
            return self._(CLOCKS.get(value, value))
        if name in ("due_on", "was"):
            return formats.day(date.fromisoformat(value), self.locale) if value else "–"
        return str(value)

    def _code(self, listed: str, code: str) -> str:
        entry = self.lists[listed].get(code)
        return str(entry[self.locale]) if entry else code


async def read_notices(tx: AsyncSession, actor: Actor, ids: list[UUID] | None, *, now: datetime) -> int:
    """The caller's own; None: all. Returns how many were unread."""
    policy.demand(actor, "permits:notice:read")
    statement = sa.update(Notification).where(
        col(Notification.person) == actor.id, col(Notification.read_at).is_(None), col(Notification.at) <= now
    )
    if ids is not None:
        statement = statement.where(col(Notification.id).in_(ids))
    done = await tx.execute(statement.values(read_at=now).returning(col(Notification.id)))
    return len(done.scalars().all())


async def prefer(tx: AsyncSession, actor: Actor, *, email: str, mail_when: str, quiet: list[str], now: datetime) -> int:
    """How the caller wants to be told. Raises PreferenceFaulty (422)."""
    policy.demand(actor, "permits:notice:read")
    faults = []
    if email and not mail.is_sendable(email):
        faults.append(Fault("/email", "email", EMAIL))
    if not email and mail_when != "off":
        faults.append(Fault("/email", "missing", EMAIL_MISSING))
    for place, kind in enumerate(quiet):
        if kind not in KINDS or kind in LOUD:
            faults.append(Fault(f"/quiet/{place}", "kind_unknown", KIND))
    if faults:
        raise PreferenceFaulty(errors=faults)
    await meet(tx, actor, now=now)
    held = await queries.preference(tx, actor.id, lock=True)
    version = held.version + 1 if held else 1
    said = {"email": email or None, "mail": mail_when, "quiet": sorted(set(quiet))}
    kept = {**said, "version": version, "changed_at": now}
    statement = insert(Preference).values(person=actor.id, **kept)
    await tx.execute(statement.on_conflict_do_update(index_elements=["person"], set_=kept))
    waiting = sa.update(Notification).where(col(Notification.person) == actor.id, col(Notification.mail) != "none")
    await tx.execute(waiting.values(mail="none" if mail_when == "off" else mail_when))
    after = {"mail": mail_when, "quiet": said["quiet"]}
    await audit.record(tx, actor, "permits:notice:prefer", actor.id, now=now, after=after)
    return version


async def note_reminded(tx: AsyncSession, deadline_ids: list[UUID], column: str) -> None:
    """`column`: reminded_for or escalated_for; a day that moves later is reminded of again."""
    if not deadline_ids:
        return
    await tx.execute(
        sa.update(Deadline).where(col(Deadline.id).in_(deadline_ids)).values({column: col(Deadline.due_on)})
    )


async def send_digest(tx: AsyncSession, person: Told, *, site: str, today: date, now: datetime) -> None:
    """Everything since the last digest in one mail."""
    rows = await queries.digest_rows(tx, person)
    lists = await queries.entries(tx, "function", "part")
    say = Sayer(person.locale, lists)
    subject = say._("{n} notices on {day}").format(n=len(rows), day=formats.day(today, person.locale))
    lines = [say.notice(row.kind, row.params) for row in rows]
    letter = mail.Letter(subject, lines, action=(say._("Open my notices"), f"{site}/permits/notices"))
    if person.email:
        to = mail.Recipient(person.email, person.name, person.locale)
        await mail.record(tx, letter, to, kind="digest", thing=person.id, now=now)
    await _written(tx, [row.id for row in rows])
    await tx.execute(sa.update(Preference).where(col(Preference.person) == person.id).values(digest_on=today))
