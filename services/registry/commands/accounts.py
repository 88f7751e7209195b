"""Accounts: recorded here first, then told to the realm by the worker, step by step; secrets are only passed on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.gateway import Invitation, Secret
from kernel import audit
from kernel.auth import Actor
from kernel.bus import Bus
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Conflict
from services.registry import clients
from services.registry.domain import access, policy
from services.registry.domain.access import CLIENT, PERSON, Held, Wanted
from services.registry.queries import access as organisations
from services.registry.queries import accounts as queries
from services.registry.queries.accounts import Account
from services.registry.tables import metadata

Check = Callable[[int], None]
ACCOUNT, STEP, REVIEW = (metadata.tables[name] for name in ("account", "account_step", "account_review"))
BACKOFF = (2, 5, 15, 60, 300)


class AccountExists(Conflict):
    detail = N_("The registry already has an account of this name.")


class AccountNotReady(Conflict):
    detail = N_("The sign-in service has not confirmed this account yet. Wait until its state is active.")


class AccountSuspended(Conflict):
    detail = N_("This account is suspended. Resume it first.")


class SecretTold(Conflict):
    detail = N_("The secret of this request was shown already, and is shown only once. Issue a new one.")


async def register(tx: AsyncSession, actor: Actor, wanted: Wanted, *, now: datetime) -> Account:
    """Records an account and the step that brings it into the realm.

    Raises NotAllowed (403), AccountRefused (422), AccountExists (409).
    """
    policy.require(actor, "registry:access:keep")
    kind = await organisations.organisation_kind(tx, wanted.organisation, local_date(now))
    access.refuse(access.check(wanted, kind))
    row = _row(wanted, now)
    statement = sa.dialects.postgresql.insert(ACCOUNT).values(row).on_conflict_do_nothing().returning(ACCOUNT.c.key)
    if (await tx.execute(statement)).first() is None:
        raise AccountExists
    await ask_realm(tx, actor, wanted.kind, wanted.key, "register", now=now)
    made = await queries.account(tx, wanted.kind, wanted.key, actor=actor)
    await audit.record(tx, actor, "registry:access:keep", _thing(made), now=now, after=made.rights())
    return made


async def change_rights(
    tx: AsyncSession,
    actor: Actor,
    kind: str,
    key: str,
    *,
    capabilities: Sequence[str],
    functions: Sequence[str],
    now: datetime,
    check: Check,
) -> Account:
    """Exactly these from the next token on. Raises AccountUnknown (404), AccountRefused (422), OwnRights (409)."""
    policy.require(actor, "registry:access:keep")
    account = await _locked(tx, actor, kind, key, check)
    of_kind = await organisations.organisation_kind(tx, account.organisation, local_date(now))
    access.refuse(list(access.rights_faults(kind, capabilities, functions, of_kind or "")))
    access.keep_own_rights(actor.id, kind, key, capabilities, account.enabled)
    values = {"capabilities": sorted(set(capabilities)), "functions": sorted(set(functions))}
    return await change(tx, actor, account, values, "rights", now=now)


async def set_networks(
    tx: AsyncSession, actor: Actor, client_id: str, networks: Sequence[str], *, now: datetime, check: Check
) -> Account:
    """From where the client may come, from the next token on; none: from everywhere.

    Raises AccountUnknown (404), AccountRefused (422).
    """
    policy.require(actor, "registry:access:keep")
    account = await _locked(tx, actor, CLIENT, client_id, check)
    access.refuse(list(access.network_faults(networks)))
    return await change(tx, actor, account, {"networks": access.plain_networks(networks)}, "networks", now=now)


async def set_enabled(
    tx: AsyncSession, actor: Actor, kind: str, key: str, enabled: bool, *, now: datetime, check: Check
) -> Account:
    """Suspends or resumes. Nothing new is signed in from then on; who is signed in is signed out.

    Raises AccountUnknown (404), OwnRights (409).
    """
    policy.require(actor, "registry:access:keep")
    account = await _locked(tx, actor, kind, key, check)
    access.keep_own_rights(actor.id, kind, key, account.capabilities, enabled)
    if account.enabled == enabled:
        return account
    return await change(tx, actor, account, {"enabled": enabled}, "resume" if enabled else "suspend", now=now)


async def change(
    tx: AsyncSession, actor: Actor, account: Account, values: Mapping[str, Any], act: str, *, now: datetime
) -> Account:
    """Writes the new values of a locked account, and the step that tells the realm."""
    await write(tx, account, values)
    await ask_realm(tx, actor, account.kind, account.key, act, now=now)
    changed = await queries.account(tx, account.kind, account.key, actor=actor)
    before, after = account.rights(), changed.rights()
    await audit.record(tx, actor, "registry:access:keep", _thing(account), now=now, before=before, after=after)
    return changed


async def try_again(tx: AsyncSession, actor: Actor, kind: str, key: str, *, now: datetime, check: Check) -> Account:
    """The steps that failed are due at once."""
    policy.require(actor, "registry:access:keep")
    account = await _locked(tx, actor, kind, key, check)
    where = sa.and_(STEP.c.kind == kind, STEP.c.key == key, STEP.c.done_at.is_(None))
    await tx.execute(STEP.update().where(where).values(due_at=now))
    return account


async def issue_secret(
    tx: AsyncSession,
    actor: Actor,
    bus: Bus,
    client_id: str,
    *,
    request: UUID,
    overlap_hours: int,
    now: datetime,
    check: Check,
) -> tuple[Account, Secret]:
    """A new secret, told once and kept by the realm alone; the one before goes on for `overlap_hours`.

    Raises AccountUnknown (404), AccountNotReady, AccountSuspended, SecretTold (409), RealmAway (503).
    """
    policy.require(actor, "registry:access:issue")
    account = _ready(await _locked(tx, actor, CLIENT, client_id, check))
    if account.secret_request == request:
        raise SecretTold
    hours = min(overlap_hours, access.LONGEST_OVERLAP_HOURS)
    secret = await clients.issue_secret(bus, client_id, account.organisation, request=request, overlap_hours=hours)
    values = {
        "secret_at": now,
        "secret_request": request,
        "secret_ends": secret.ends,
        "overlap_until": secret.overlap_until,
    }
    await write(tx, account, values)
    after = {"ends": secret.ends, "overlap_until": secret.overlap_until}
    await audit.record(tx, actor, "registry:access:issue", _thing(account), now=now, after=after)
    return await queries.account(tx, CLIENT, client_id, actor=actor), secret


async def end_overlap(
    tx: AsyncSession, actor: Actor, bus: Bus, client_id: str, *, now: datetime, check: Check
) -> Account:
    """The former secret is good no longer. Raises AccountUnknown (404), RealmAway (503)."""
    policy.require(actor, "registry:access:issue")
    account = await _locked(tx, actor, CLIENT, client_id, check)
    await clients.end_overlap(bus, client_id, account.organisation)
    await write(tx, account, {"overlap_until": None})
    await audit.record(tx, actor, "registry:access:issue", _thing(account), now=now, after={"overlap_until": None})
    return await queries.account(tx, CLIENT, client_id, actor=actor)


async def invite(
    tx: AsyncSession, actor: Actor, bus: Bus, username: str, *, now: datetime, check: Check
) -> tuple[Account, Invitation]:
    """A link with which the person sets a password, once; earlier links lose their force.

    Raises AccountUnknown (404), AccountNotReady, AccountSuspended (409), RealmAway (503).
    """
    policy.require(actor, "registry:access:issue")
    account = _ready(await _locked(tx, actor, PERSON, username, check))
    invitation = await clients.invite(bus, username, account.organisation)
    after = {"invitation_ends": invitation.ends}
    await audit.record(tx, actor, "registry:access:issue", _thing(account), now=now, after=after)
    return account, invitation


async def sign_out(tx: AsyncSession, actor: Actor, bus: Bus, username: str, *, now: datetime, check: Check) -> Account:
    """Ends every session of the person. Raises AccountUnknown (404), RealmAway (503)."""
    policy.require(actor, "registry:access:keep")
    account = await _locked(tx, actor, PERSON, username, check)
    await clients.sign_out(bus, username, account.organisation)
    await audit.record(tx, actor, "registry:access:keep", _thing(account), now=now, after={"signed_out": True})
    return account


async def review(
    tx: AsyncSession, actor: Actor, kind: str, key: str, *, keep: bool, reason: str, now: datetime, check: Check
) -> Account:
    """Confirms that an account is still needed, or revokes it. Raises AccountUnknown (404), OwnRights (409)."""
    policy.require(actor, "registry:access:review")
    account = await _locked(tx, actor, kind, key, check)
    row = {
        "id": new_id(),
        "kind": kind,
        "key": key,
        "organisation_code": account.organisation,
        "verdict": "confirm" if keep else "revoke",
        "reason": reason,
        "held": account.rights(),
        "reviewer": actor.id,
        "reviewed_at": now,
    }
    await tx.execute(REVIEW.insert(), [row])
    await write(tx, account, {"reviewed_at": now, "reviewer": actor.id})
    after = {"verdict": row["verdict"], "reason": reason}
    await audit.record(tx, actor, "registry:access:review", _thing(account), now=now, after=after)
    if not keep and account.enabled:
        return await set_enabled(tx, actor, kind, key, False, now=now, check=lambda _: None)
    return await queries.account(tx, kind, key, actor=actor)


async def ask_realm(tx: AsyncSession, actor: Actor, kind: str, key: str, act: str, *, now: datetime) -> None:
    """A row per step: whatever stops, the worker goes on from what is written here."""
    row = {"id": new_id(), "kind": kind, "key": key, "act": act, "requested_at": now, "requested_by": actor.id}
    await tx.execute(STEP.insert(), [{**row, "due_at": now, "tries": 0}])


async def tell_realm(tx: AsyncSession, bus: Bus, kind: str, key: str, *, actor: Actor, now: datetime) -> bool:
    """Brings the realm to what the account says now; that settles all its open steps. Whether it succeeded.

    A crash after the realm was told leaves the steps open: they are taken again, and change nothing.
    """
    account = await queries.account(tx, kind, key, actor=actor, lock=True)
    if not account.pending:
        return False
    open_ = sa.and_(STEP.c.kind == kind, STEP.c.key == key, STEP.c.done_at.is_(None))
    try:
        await clients.keep(bus, held(account), known=account.kept_at is not None)
    except clients.FINAL as refusal:
        await tx.execute(STEP.update().where(open_).values(error=refusal.code, due_at=None, tries=STEP.c.tries + 1))
        return False
    except clients.RealmAway as refusal:
        tries = max(step.tries for step in await queries.steps(tx, account) if step.done_at is None)
        due = now + timedelta(seconds=BACKOFF[min(tries, len(BACKOFF) - 1)])
        changed = {"error": refusal.code, "tries": STEP.c.tries + 1, "due_at": due}
        await tx.execute(STEP.update().where(open_).values(changed))
        return False
    await tx.execute(STEP.update().where(open_).values(done_at=now, error=None))
    this = sa.and_(ACCOUNT.c.kind == kind, ACCOUNT.c.key == key)
    invited = sa.or_(ACCOUNT.c.invited, sa.and_(ACCOUNT.c.kind == PERSON, ACCOUNT.c.kept_at.is_(None)))
    await tx.execute(ACCOUNT.update().where(this).values(kept_at=now, invited=invited))
    return True


def held(account: Account) -> Held:
    names = (account.kind, account.key, account.organisation, account.name)
    return Held(*names, account.capabilities, account.functions, account.enabled, email=account.email,
                networks=account.networks)  # fmt: skip


async def _locked(tx: AsyncSession, actor: Actor, kind: str, key: str, check: Check) -> Account:
    account = await queries.account(tx, kind, key, actor=actor, lock=True)
    check(account.version)
    return account


def _ready(account: Account) -> Account:
    if account.kept_at is None or account.pending:
        raise AccountNotReady(headers={"Retry-After": "2"})
    if not account.enabled:
        raise AccountSuspended
    return account


async def write(tx: AsyncSession, account: Account, values: Mapping[str, Any]) -> None:
    this = sa.and_(ACCOUNT.c.kind == account.kind, ACCOUNT.c.key == account.key)
    await tx.execute(ACCOUNT.update().where(this).values(**values, version=ACCOUNT.c.version + 1))


def _row(wanted: Wanted, now: datetime) -> dict[str, Any]:
    return {
        "kind": wanted.kind,
        "key": wanted.key,
        "organisation_code": wanted.organisation,
        "name": wanted.name.strip() or wanted.key,
        "email": wanted.email,
        "capabilities": sorted(set(wanted.capabilities)),
        "functions": sorted(set(wanted.functions)),
        "networks": access.plain_networks(wanted.networks),
        "enabled": True,
        "version": 1,
        "created_at": now,
        "invited": False,
    }


def _thing(account: Account) -> str:
    return f"{account.kind}:{account.key}"
