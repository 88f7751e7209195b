"""Who may sign in for an organisation: what the registry recorded, the steps on the way to the realm, and reviews."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from services.registry.tables.columns import (
    Table,
    json_column,
    moment_column,
    named_column,
    text_column,
    texts_column,
)


class Account(Table, table=True):
    """A service client (`key` is its client id) or a person (the sign-in name). Locked FOR UPDATE by every command.

    No secret and no digest of one is here: the realm alone keeps them. `networks`: from where a client may come; none:
    from everywhere.
    """

    __tablename__ = "account"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('client', 'person')", name="account_kind"),
        sa.Index("account_organisation", "organisation_code", "kind", "key"),
    )
    kind: str = text_column(primary_key=True)
    key: str = text_column(primary_key=True)
    organisation_code: str = named_column("organisation.code")
    name: str = text_column()
    email: str = text_column(default="")
    capabilities: list[str] = texts_column()
    functions: list[str] = texts_column()
    networks: list[str] = texts_column()
    enabled: bool
    version: int
    created_at: datetime = moment_column()
    kept_at: datetime | None = moment_column(nullable=True)
    invited: bool = False
    secret_at: datetime | None = moment_column(nullable=True)
    secret_request: UUID | None = None
    secret_ends: datetime | None = moment_column(nullable=True)
    overlap_until: datetime | None = moment_column(nullable=True)
    last_used: datetime | None = moment_column(nullable=True)
    reviewed_at: datetime | None = moment_column(nullable=True)
    reviewer: str | None = text_column(default=None)


class AccountStep(Table, table=True):
    """One thing the realm has still to be told, or was told. `error` without `done_at`: tried in vain so far."""

    __tablename__ = "account_step"
    __table_args__ = (
        sa.ForeignKeyConstraint(["kind", "key"], ["account.kind", "account.key"], name="account_step_account"),
        sa.Index("account_step_due", "due_at", postgresql_where=sa.text("done_at IS NULL AND due_at IS NOT NULL")),
        sa.Index("account_step_account", "kind", "key", "id"),
    )
    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    key: str = text_column()
    act: str = text_column()
    requested_at: datetime = moment_column()
    requested_by: str = text_column()
    due_at: datetime | None = moment_column(nullable=True)
    tries: int = 0
    done_at: datetime | None = moment_column(nullable=True)
    error: str | None = text_column(default=None)


class AccountFinding(Table, table=True):
    """Where the realm differs from the record: changed by other hands. `settled` is accepted, restored or gone."""

    __tablename__ = "account_finding"
    __table_args__ = (
        sa.Index(
            "account_finding_open",
            "kind",
            "key",
            "member",
            unique=True,
            postgresql_where=sa.text("settled_at IS NULL"),
        ),
    )
    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    key: str = text_column()
    organisation_code: str = text_column()
    member: str = text_column()
    recorded: Any = json_column(nullable=True)
    held: Any = json_column(nullable=True)
    version: int
    found_at: datetime = moment_column()
    settled_at: datetime | None = moment_column(nullable=True)
    settled: str | None = text_column(default=None)
    settled_by: str | None = text_column(default=None)


class AccountReview(Table, table=True):
    """What a reviewer said of an account, and what it held when he said so. Append only."""

    __tablename__ = "account_review"
    __table_args__ = (sa.Index("account_review_account", "kind", "key", "reviewed_at"),)
    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    key: str = text_column()
    organisation_code: str = text_column()
    verdict: str = text_column()
    reason: str = text_column()
    held: dict[str, Any] = json_column()
    reviewer: str = text_column()
    reviewed_at: datetime = moment_column()


class AccountLook(Table, table=True):
    """When the realm was last looked at; `wanted_at` asks for a look before it is due."""

    __tablename__ = "account_look"
    realm: str = text_column(primary_key=True)
    looked_at: datetime | None = moment_column(nullable=True)
    wanted_at: datetime | None = moment_column(nullable=True)
    error: str | None = text_column(default=None)
