"""Accounts as the registry recorded them, with the steps under way, findings and reviews."""

# ruff: noqa: S608 -- composed of constants of this module; every value is bound

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.errors import N_, NotFound
from services.registry.domain import policy


class AccountUnknown(NotFound):
    detail = N_("The registry has no such account.")


class FindingUnknown(NotFound):
    detail = N_("There is no such finding, or it was settled.")


# Errors of the realm that trying again alone does not mend.
REFUSED = ("NameTaken", "RealmRefused")


@dataclass(frozen=True)
class Account:
    """`pending`: acts that the realm has not confirmed yet; `error`: why the newest of them failed so far."""

    kind: str
    key: str
    organisation: str
    name: str
    email: str
    capabilities: list[str]
    functions: list[str]
    enabled: bool
    version: int
    created_at: datetime
    kept_at: datetime | None
    invited: bool
    secret_at: datetime | None
    secret_request: UUID | None
    secret_ends: datetime | None
    overlap_until: datetime | None
    last_used: datetime | None
    reviewed_at: datetime | None
    reviewer: str | None
    pending: list[str]
    error: str | None
    findings: int
    networks: list[str]

    @property
    def state(self) -> str:
        """requested, failed, active or suspended."""
        if self.pending:
            return "failed" if self.error in REFUSED else "requested"
        return "active" if self.enabled else "suspended"

    def rights(self) -> dict[str, Any]:
        """What audit and reviews keep of it."""
        return {
            "organisation": self.organisation,
            "capabilities": sorted(self.capabilities),
            "functions": sorted(self.functions),
            "enabled": self.enabled,
            **({"networks": self.networks} if self.networks else {}),
        }


COLUMNS = {
    "kind": "a.kind", "key": "a.key", "organisation": "a.organisation_code", "name": "a.name", "email": "a.email",
    "capabilities": "a.capabilities", "functions": "a.functions", "enabled": "a.enabled", "version": "a.version",
    "created_at": "a.created_at", "kept_at": "a.kept_at", "invited": "a.invited", "secret_at": "a.secret_at",
    "secret_request": "a.secret_request",
    "secret_ends": "a.secret_ends", "overlap_until": "a.overlap_until", "last_used": "a.last_used",
    "reviewed_at": "a.reviewed_at", "reviewer": "a.reviewer",
    "pending": "ARRAY(SELECT s.act FROM account_step s WHERE s.kind = a.kind AND s.key = a.key AND s.done_at IS NULL"
    " ORDER BY s.id)",
    "error": "(SELECT s.error FROM account_step s WHERE s.kind = a.kind AND s.key = a.key AND s.done_at IS NULL"
    " ORDER BY s.id DESC LIMIT 1)",
    "findings": "(SELECT count(*) FROM account_finding f WHERE f.kind = a.kind AND f.key = a.key"
    " AND f.settled_at IS NULL)",
    "networks": "a.networks",
}  # fmt: skip
assert list(COLUMNS) == [field.name for field in fields(Account)]
_ACCOUNT = f"SELECT {', '.join(f'{column} AS {name}' for name, column in COLUMNS.items())} FROM account a"


async def account(read: AsyncSession, kind: str, key: str, *, actor: Actor, lock: bool = False) -> Account:
    """Raises AccountUnknown (404), also for whoever may not see accounts."""
    statement = f"{_ACCOUNT} WHERE a.kind = :kind AND a.key = :key{' FOR UPDATE OF a' if lock else ''}"
    row = (await read.execute(sa.text(statement), {"kind": kind, "key": key})).mappings().first()
    if row is None or not sees(actor, row["organisation"]):
        raise AccountUnknown
    return Account(**row)


async def accounts(
    read: AsyncSession, *, actor: Actor, organisation: str | None = None, kind: str | None = None
) -> list[Account]:
    """Clients before people, by name; of an enterprise its own."""
    statement = (
        f"{_ACCOUNT} WHERE (CAST(:organisation AS text) IS NULL OR a.organisation_code = :organisation)"
        f" AND (CAST(:kind AS text) IS NULL OR a.kind = :kind) AND {seen('a')} ORDER BY a.kind, a.key"
    )
    rows = await read.execute(sa.text(statement), {"organisation": organisation, "kind": kind, **reach(actor)})
    return [Account(**row) for row in rows.mappings()]


READ = "registry:access:read"


def sees(actor: Actor, organisation: str) -> bool:
    return actor.kind == "system" or policy.may(actor, READ, organisation)


def reach(actor: Actor) -> dict[str, Any]:
    """The values of `seen`. Raises NotAllowed (403) when no account could be within the caller's reach."""
    if actor.kind != "system":
        policy.require(actor, READ, actor.org)
    return {"sees_all": actor.kind == "system" or policy.sees_all(actor, READ), "own": actor.org}


def seen(alias: str) -> str:
    """The condition that what an organisation has is the caller's to see."""
    return f"(CAST(:sees_all AS boolean) OR {alias}.organisation_code = :own)"


@dataclass(frozen=True)
class Step:
    id: UUID
    kind: str
    key: str
    act: str
    requested_at: datetime
    requested_by: str
    due_at: datetime | None
    tries: int
    done_at: datetime | None
    error: str | None


_STEP = "SELECT id, kind, key, act, requested_at, requested_by, due_at, tries, done_at, error FROM account_step"


async def steps(read: AsyncSession, account: Account, limit: int = 20) -> list[Step]:
    """Newest first."""
    statement = sa.text(f"{_STEP} WHERE kind = :kind AND key = :key ORDER BY id DESC LIMIT :limit")
    rows = await read.execute(statement, {"kind": account.kind, "key": account.key, "limit": limit})
    return [Step(**row) for row in rows.mappings()]


async def due_steps(read: AsyncSession, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Accounts of which the realm has something to be told, those waiting longest first."""
    statement = sa.text(
        "SELECT kind, key FROM account_step WHERE done_at IS NULL AND due_at <= :now"
        " GROUP BY kind, key ORDER BY min(due_at), kind, key LIMIT :limit"
    )
    rows = await read.execute(statement, {"now": now, "limit": limit})
    return [(row.kind, row.key) for row in rows]


async def lately_changed(read: AsyncSession, since: datetime) -> set[tuple[str, str]]:
    """Accounts the realm may not yet, or not at the time of a look, have held as recorded."""
    statement = sa.text("SELECT kind, key FROM account_step WHERE done_at IS NULL OR done_at >= :since")
    return {(row.kind, row.key) for row in await read.execute(statement, {"since": since})}


@dataclass(frozen=True)
class Finding:
    id: UUID
    kind: str
    key: str
    organisation: str
    member: str
    recorded: Any
    held: Any
    version: int
    found_at: datetime
    settled_at: datetime | None
    settled: str | None
    settled_by: str | None


_FINDING = (
    "SELECT id, kind, key, organisation_code AS organisation, member, recorded, held, version, found_at, settled_at,"
    " settled, settled_by FROM account_finding"
)


async def findings(
    read: AsyncSession, *, actor: Actor, organisation: str | None = None, key: tuple[str, str] | None = None
) -> list[Finding]:
    """The open ones, oldest first."""
    statement = (
        f"{_FINDING} f WHERE settled_at IS NULL AND {seen('f')}"
        " AND (CAST(:organisation AS text) IS NULL OR organisation_code = :organisation)"
        " AND (CAST(:kind AS text) IS NULL OR (kind = :kind AND key = :key)) ORDER BY found_at, id"
    )
    kind, name = key or (None, None)
    rows = await read.execute(
        sa.text(statement), {"organisation": organisation, "kind": kind, "key": name, **reach(actor)}
    )
    return [Finding(**row) for row in rows.mappings()]


async def finding(read: AsyncSession, id_: UUID, *, actor: Actor) -> Finding:
    """An open one, locked. Raises FindingUnknown (404)."""
    statement = sa.text(f"{_FINDING} WHERE id = :id AND settled_at IS NULL FOR UPDATE")
    row = (await read.execute(statement, {"id": id_})).mappings().first()
    if row is None or not sees(actor, row["organisation"]):
        raise FindingUnknown
    return Finding(**row)


@dataclass(frozen=True)
class Review:
    id: UUID
    kind: str
    key: str
    organisation: str
    verdict: str
    reason: str
    held: dict[str, Any]
    reviewer: str
    reviewed_at: datetime


async def reviews(
    read: AsyncSession, *, actor: Actor, organisation: str | None = None, key: tuple[str, str] | None = None
) -> list[Review]:
    """Newest first, the last hundred."""
    statement = (
        "SELECT id, kind, key, organisation_code AS organisation, verdict, reason, held, reviewer, reviewed_at"
        f" FROM account_review r WHERE {seen('r')}"
        " AND (CAST(:organisation AS text) IS NULL OR organisation_code = :organisation)"
        " AND (CAST(:kind AS text) IS NULL OR (kind = :kind AND key = :key))"
        " ORDER BY reviewed_at DESC, id DESC LIMIT 100"
    )
    kind, name = key or (None, None)
    rows = await read.execute(
        sa.text(statement), {"organisation": organisation, "kind": kind, "key": name, **reach(actor)}
    )
    return [Review(**row) for row in rows.mappings()]
