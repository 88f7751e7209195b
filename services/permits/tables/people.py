"""The people as permits knows them, what they are told, and what is said about a dossier."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table


class Person(Table, table=True):
    """Who has been here, with what the token said last: whom work can be given to, and who is told what happens."""

    __tablename__ = "person"
    __table_args__ = (sa.Index("person_org", "org"),)
    id: str = Field(sa_type=TEXT, primary_key=True)
    name: str = Field(sa_type=TEXT)
    org: str = Field(sa_type=TEXT)
    capabilities: Any = Field(sa_type=JSON)
    functions: Any = Field(sa_type=JSON)
    locale: str = Field(sa_type=TEXT)
    seen_on: date


class Preference(Table, table=True):
    """How somebody wants to be told. `mail`: at_once, digest (once a day) or off; `quiet`: kinds not told at all."""

    __tablename__ = "preference"
    __table_args__ = (sa.CheckConstraint("mail IN ('at_once','digest','off')", name="preference_mail"),)
    person: str = Field(sa_type=TEXT, primary_key=True)
    email: str | None = Field(default=None, sa_type=TEXT)
    mail: str = Field(sa_type=TEXT)
    quiet: Any = Field(sa_type=JSON)
    digest_on: date | None = None
    version: int = 1
    changed_at: datetime = Field(sa_type=MOMENT)


class Notification(Table, table=True):
    """One thing told to one person. `once` keeps the same thing from being told twice.

    `mail`: the letter that is still to be written of it.
    """

    __tablename__ = "notification"
    __table_args__ = (
        sa.UniqueConstraint("person", "once"),
        sa.Index("notification_inbox", "person", sa.text("at DESC"), sa.text("id DESC")),
        sa.Index("notification_unread", "person", postgresql_where=sa.text("read_at IS NULL")),
        sa.Index("notification_mail", "mail", "person", postgresql_where=sa.text("mail <> 'none'")),
        sa.CheckConstraint("mail IN ('none','at_once','digest')", name="notification_mail_when"),
    )
    id: UUID = Field(primary_key=True)
    person: str = Field(sa_type=TEXT)
    once: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    application_id: UUID = Field(foreign_key="application.id")
    params: Any = Field(sa_type=JSON)
    at: datetime = Field(sa_type=MOMENT)
    read_at: datetime | None = Field(default=None, sa_type=MOMENT)
    mail: str = Field(sa_type=TEXT)


class Message(Table, table=True):
    """Said about a dossier: to the applicant and back, among all officers, or inside one department. Never changed."""

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint("audience IN ('applicant','officers','department')", name="message_audience"),
        sa.Index("message_thread", "application_id", "at", "id"),
    )
    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    audience: str = Field(sa_type=TEXT)
    org: str = Field(sa_type=TEXT)
    author: str = Field(sa_type=TEXT)
    author_name: str = Field(sa_type=TEXT)
    body: str = Field(sa_type=TEXT)
    at: datetime = Field(sa_type=MOMENT)


class Told(Table, table=True):
    """Up to which place of the outbox people have been told."""

    __tablename__ = "told"
    reader: str = Field(sa_type=TEXT, primary_key=True)
    position: int = Field(sa_type=sa.BigInteger)
