"""Looking at the realm: what other hands changed there becomes a finding, which a person accepts or has undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.gateway import Client, Person
from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Conflict
from services.registry.commands import accounts as commands
from services.registry.commands.accounts import ACCOUNT
from services.registry.domain import access, policy
from services.registry.domain.access import MISSING, UNKNOWN, Difference, Held
from services.registry.queries import access as looks
from services.registry.queries import accounts as queries
from services.registry.queries.accounts import Account, Finding
from services.registry.tables import metadata

FINDING, LOOK = metadata.tables["account_finding"], metadata.tables["account_look"]
MOVED = {"organisation": "organisation_code"}
Beside = dict[tuple[str, str], Client | Person]


class CannotAccept(Conflict):
    detail = N_("This cannot be accepted: the organisation is not registered, or may not hold these rights.")


async def note_look(tx: AsyncSession, now: datetime, error: str | None = None) -> None:
    row = {"realm": looks.REALM, "error": error, **({} if error else {"looked_at": now, "wanted_at": None})}
    statement = insert(LOOK).values(row)
    changed = {name: statement.excluded[name] for name in row if name != "realm"}
    await tx.execute(statement.on_conflict_do_update(index_elements=["realm"], set_=changed))


async def want_look(tx: AsyncSession, actor: Actor, *, now: datetime) -> None:
    """Asks the worker to look at the realm at once."""
    policy.require(actor, "registry:access:settle")
    statement = insert(LOOK).values(realm=looks.REALM, wanted_at=now)
    await tx.execute(statement.on_conflict_do_update(index_elements=["realm"], set_={"wanted_at": now}))


async def compare(
    tx: AsyncSession, actor: Actor, held: Sequence[Held], beside: Beside, *, began: datetime, now: datetime
) -> int:
    """How many findings are open. `began`: when the realm was asked; what changed since then is compared next time.

    The very first look takes over what the realm holds: the accounts that its import made.
    """
    is_first = (await looks.look(tx)).looked_at is None
    recorded = await queries.accounts(tx, actor=actor)
    moving = await queries.lately_changed(tx, began)
    still = [account for account in recorded if (account.kind, account.key) not in moving]
    found = access.compare(still, [one for one in held if (one.kind, one.key) not in moving])
    if is_first:
        known = await looks.organisations_today(tx, local_date(now))
        await _adopt(tx, actor, [one for one in found.unknown if one.organisation in known], now)
        unknown = [one for one in found.unknown if one.organisation not in known]
    else:
        unknown = list(found.unknown)
    await _note_uses(tx, recorded, held, beside)
    return await _write_findings(tx, still, found.differences, unknown, now)


async def _adopt(tx: AsyncSession, actor: Actor, held: Sequence[Held], now: datetime) -> None:
    if not held:
        return
    await tx.execute(ACCOUNT.insert(), [_row(one, now) for one in held])
    names = [f"{one.kind}:{one.key}" for one in held]
    await audit.record(tx, actor, "registry:access:adopt", looks.REALM, now=now, after={"accounts": names})


async def _note_uses(tx: AsyncSession, recorded: Sequence[Account], held: Sequence[Held], beside: Beside) -> None:
    """Last use and ends of secrets are the realm's to tell: no finding, whoever changed them."""
    invited = {(one.kind, one.key): one.invited for one in held}
    rows = [
        {"k": key[0], "n": key[1], "used": one.last_used, "ends": getattr(one, "secret_ends", None),
         "until": getattr(one, "overlap_until", None), "inv": invited.get(key, False)}
        for key, one in beside.items()
    ]  # fmt: skip
    statement = sa.text(
        "UPDATE account SET last_used = greatest(last_used, CAST(:used AS timestamptz)), secret_ends = :ends,"
        " overlap_until = :until, invited = :inv WHERE kind = :k AND key = :n AND kept_at IS NOT NULL"
    )
    if rows:
        await tx.execute(statement, rows)


async def _write_findings(
    tx: AsyncSession,
    recorded: Sequence[Account],
    differences: Any,
    unknown: Sequence[Held],
    now: datetime,
) -> int:
    """Findings that stand are kept with what is held today; those that are no more settle themselves."""
    by_key = {(account.kind, account.key): account for account in recorded}
    rows = [
        *(_finding(by_key[key].organisation, key, one, now) for key, several in differences.items() for one in several),
        *(_finding(o.organisation, (o.kind, o.key), Difference(UNKNOWN, None, _said(o)), now) for o in unknown),
    ]
    if rows:
        statement = insert(FINDING).values(rows)
        same = sa.and_(
            FINDING.c.held.is_not_distinct_from(statement.excluded.held),
            FINDING.c.recorded.is_not_distinct_from(statement.excluded.recorded),
        )
        grown = sa.case((same, FINDING.c.version), else_=FINDING.c.version + 1)
        changed = {"held": statement.excluded.held, "recorded": statement.excluded.recorded, "version": grown}
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "key", "member"], index_where=FINDING.c.settled_at.is_(None), set_=changed
            )
        )
    standing = [f"{row['kind']}/{row['key']}/{row['member']}" for row in rows]
    gone = sa.text(
        "UPDATE account_finding SET settled_at = :now, settled = 'gone' WHERE settled_at IS NULL"
        " AND NOT (kind || '/' || key || '/' || member = ANY(:standing))"
    )
    await tx.execute(gone, {"now": now, "standing": standing})
    return len(rows)


async def settle(
    tx: AsyncSession, actor: Actor, id_: UUID, *, accept: bool, now: datetime, check: commands.Check
) -> Finding:
    """Accepts what the realm holds into the record, or has the realm brought back to the record.

    Raises FindingUnknown (404), CannotAccept (409), OwnRights (409).
    """
    policy.require(actor, "registry:access:settle")
    finding = await queries.finding(tx, id_, actor=actor)
    check(finding.version)
    await (_accept if accept else _restore)(tx, actor, finding, now)
    settled = "accepted" if accept else "restored"
    values = {"settled_at": now, "settled": settled, "settled_by": actor.id, "version": finding.version + 1}
    await tx.execute(FINDING.update().where(FINDING.c.id == id_).values(values))
    before, after = {"recorded": finding.recorded}, {"held": finding.held, "settled": settled, "member": finding.member}
    thing = f"{finding.kind}:{finding.key}"
    await audit.record(tx, actor, "registry:access:settle", thing, now=now, before=before, after=after)
    return finding


async def _accept(tx: AsyncSession, actor: Actor, finding: Finding, now: datetime) -> None:
    if finding.member == UNKNOWN:
        held = Held(finding.kind, finding.key, **finding.held)
        await _require_offered(tx, held.organisation, held.kind, held.capabilities, now)
        await tx.execute(insert(ACCOUNT).values(_row(held, now)).on_conflict_do_nothing())
        return
    account = await queries.account(tx, finding.kind, finding.key, actor=actor, lock=True)
    if finding.member == MISSING:
        access.keep_own_rights(actor.id, account.kind, account.key, account.capabilities, enabled=False)
        await commands.write(tx, account, {"enabled": False})
        return
    values: dict[str, Any] = {finding.member: finding.held}
    if "capabilities" in values:
        await _require_offered(tx, account.organisation, account.kind, values["capabilities"], now)
    if "organisation" in values:
        await _require_offered(tx, values["organisation"], account.kind, account.capabilities, now)
    rights = {**account.rights(), **values}
    access.keep_own_rights(actor.id, account.kind, account.key, rights["capabilities"], rights["enabled"])
    await commands.change(
        tx, actor, account, {MOVED.get(name, name): value for name, value in values.items()}, "accept", now=now
    )


async def _restore(tx: AsyncSession, actor: Actor, finding: Finding, now: datetime) -> None:
    """Somebody unknown is recorded as suspended, and so becomes it in the realm; everybody else is told again."""
    if finding.member == UNKNOWN:
        held = Held(finding.kind, finding.key, **{**finding.held, "enabled": False})
        known = await looks.organisations_today(tx, local_date(now))
        if held.organisation not in known:
            raise CannotAccept
        await tx.execute(insert(ACCOUNT).values(_row(held, now)).on_conflict_do_nothing())
    await commands.ask_realm(tx, actor, finding.kind, finding.key, "restore", now=now)


async def _require_offered(tx: AsyncSession, organisation: str, kind: str, capabilities: Any, now: datetime) -> None:
    of_kind = await looks.organisation_kind(tx, organisation, local_date(now))
    if of_kind is None or not set(capabilities) <= set(access.offered(of_kind, kind)):
        raise CannotAccept


def _finding(organisation: str, key: tuple[str, str], said: Difference, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": key[0],
        "key": key[1],
        "organisation_code": organisation,
        "member": said.member,
        "recorded": said.recorded,
        "held": said.held,
        "version": 1,
        "found_at": now,
    }


def _said(held: Held) -> dict[str, Any]:
    return {
        "organisation": held.organisation,
        "name": held.name,
        "email": held.email,
        "capabilities": sorted(held.capabilities),
        "functions": sorted(held.functions),
        "enabled": held.enabled,
        "invited": held.invited,
        "networks": access.plain_networks(held.networks),
    }


def _row(held: Held, now: datetime) -> dict[str, Any]:
    content = {name: value for name, value in _said(held).items() if name != "organisation"}
    return {
        "kind": held.kind,
        "key": held.key,
        "organisation_code": held.organisation,
        **content,
        "version": 1,
        "created_at": now,
        "kept_at": now,
    }
