"""The people who work here as permits knows them, what they are told, and what is said about a dossier."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.permits.tables.columns import JSON, MOMENT, TEXT, Table


class Officer(Table, table=True):
    """A person who has been here: whom work can be given to, and who is told what happens."""

    __tablename__ = "officer"
    __table_args__ = (sa.Index("officer_org", "org"),)
    id: str = Field(sa_type=TEXT, primary_key=True)
    name: str = Field(sa_type=TEXT)
    org: str = Field(sa_type=TEXT)
    capabilities: Any = Field(sa_type=JSON)
    functions: Any = Field(sa_type=JSON)
    locale: str = Field(sa_type=TEXT)
    seen_at: datetime = Field(sa_type=MOMENT)


class Preference(Table, table=True):
    """How somebody wants to be told. `mail`: at_once, digest (once a day) or off; `quiet`: kinds not told at all."""

    __tablename__ = "preference"
    __table_args__ = (sa.CheckConstraint("mail IN ('at_once','digest','off')", name="preference_mail"),)
    person: str = Field(sa_type=TEXT, primary_key=True)
    email: str | None = Field(default=None, sa_type=TEXT)
    mail: str = Field(sa_type=TEXT)
    quiet: Any = Field(sa_type=JSON)
    changed_at: datetime = Field(sa_type=MOMENT)
    version: int = 1


class Deputy(Table, table=True):
    """Who acts for whom, between which days, in which functions; shown in every act done so."""

    __tablename__ = "deputy"
    __table_args__ = (
        sa.CheckConstraint("person <> deputy", name="deputy_other"),
        sa.CheckConstraint("valid_from < valid_to", name="deputy_validity"),
        sa.Index("deputy_of", "deputy", "valid_to"),
    )
    id: UUID = Field(primary_key=True)
    org: str = Field(sa_type=TEXT)
    person: str = Field(sa_type=TEXT)
    person_name: str = Field(sa_type=TEXT)
    deputy: str = Field(sa_type=TEXT)
    deputy_name: str = Field(sa_type=TEXT)
    capabilities: Any = Field(sa_type=JSON)
    functions: Any = Field(sa_type=JSON)
    valid_from: date
    valid_to: date
    reason: str = Field(sa_type=TEXT)
    made_by: str = Field(sa_type=TEXT)
    made_at: datetime = Field(sa_type=MOMENT)
    revoked_at: datetime | None = Field(default=None, sa_type=MOMENT)
    revoked_by: str | None = Field(default=None, sa_type=TEXT)


class Notification(Table, table=True):
    """One thing told to one person. `once` keeps the same thing from being told twice."""

    __tablename__ = "notification"
    __table_args__ = (
        sa.UniqueConstraint("person", "once"),
        sa.CheckConstraint("mail IN ('none','waiting','digest','sent','failed')", name="notification_mail"),
        sa.Index("notification_inbox", "person", sa.text("at DESC"), sa.text("id DESC")),
        sa.Index("notification_mail_queue", "at", postgresql_where=sa.text("mail IN ('waiting','digest')")),
    )
    id: UUID = Field(primary_key=True)
    person: str = Field(sa_type=TEXT)
    once: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    application_id: UUID | None = Field(default=None, foreign_key="application.id")
    params: Any = Field(sa_type=JSON)
    at: datetime = Field(sa_type=MOMENT)
    read_at: datetime | None = Field(default=None, sa_type=MOMENT)
    mail: str = Field(sa_type=TEXT)
    mail_tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    mail_next_at: datetime | None = Field(default=None, sa_type=MOMENT)
    mail_error: str | None = Field(default=None, sa_type=TEXT)
    sent_at: datetime | None = Field(default=None, sa_type=MOMENT)


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
    function: str | None = Field(default=None, sa_type=TEXT)
    author: str = Field(sa_type=TEXT)
    author_name: str = Field(sa_type=TEXT)
    body: str = Field(sa_type=TEXT)
    mentions: Any = Field(sa_type=JSON)
    file_id: UUID | None = Field(default=None, foreign_key="file.id")
    at: datetime = Field(sa_type=MOMENT)
