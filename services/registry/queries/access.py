"""Access as a whole: organisations with their accounts in figures, and the last look at the realm."""

# ruff: noqa: S608 -- composed of constants; every value is bound

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from services.registry.queries.accounts import REFUSED, reach, seen

REALM = "hatang"
SECRET_ENDS_SOON = timedelta(days=14)
REVIEWED_EVERY = timedelta(days=365)


@dataclass(frozen=True)
class Look:
    looked_at: datetime | None
    wanted_at: datetime | None
    error: str | None


async def look(read: AsyncSession) -> Look:
    """When the realm was last compared with the record."""
    statement = sa.text("SELECT looked_at, wanted_at, error FROM account_look WHERE realm = :realm")
    row = (await read.execute(statement, {"realm": REALM})).mappings().first()
    return Look(**row) if row is not None else Look(None, None, None)


@dataclass(frozen=True)
class Summary:
    """An organisation of today with its accounts in figures."""

    code: str
    short: str
    name_vi: str
    name_en: str
    kind: str
    clients: int
    people: int
    pending: int
    findings: int
    last_used: datetime | None
    reviewed_at: datetime | None


async def summaries(read: AsyncSession, day: Any, *, actor: Actor, code: str | None = None) -> Sequence[Summary]:
    """Organisations that exist on `day`: those with accounts first, then by the Vietnamese alphabet."""
    statement = sa.text(
        "SELECT v.organisation_code AS code, v.short, v.name_vi, v.name_en, v.kind,"
        " count(*) FILTER (WHERE a.kind = 'client' AND a.enabled) AS clients,"
        " count(*) FILTER (WHERE a.kind = 'person' AND a.enabled) AS people,"
        " (SELECT count(*) FROM account_step s JOIN account b USING (kind, key)"
        "   WHERE b.organisation_code = v.organisation_code AND s.done_at IS NULL) AS pending,"
        " (SELECT count(*) FROM account_finding f"
        "   WHERE f.organisation_code = v.organisation_code AND f.settled_at IS NULL) AS findings,"
        " max(a.last_used) AS last_used, min(coalesce(a.reviewed_at, '-infinity')) FILTER (WHERE a.enabled)"
        "   AS reviewed_at"
        " FROM organisation_version v LEFT JOIN account a ON a.organisation_code = v.organisation_code"
        " WHERE v.recorded_to = 'infinity' AND v.valid_from <= :day AND v.valid_to > :day AND v.active"
        f" AND (CAST(:code AS text) IS NULL OR v.organisation_code = :code) AND {seen('v')}"
        " GROUP BY v.organisation_code, v.short, v.name_vi, v.name_en, v.kind, v.sort_key"
        " ORDER BY count(a.key) = 0, v.sort_key, v.organisation_code"
    )
    rows = (await read.execute(statement, {"day": day, "code": code, **reach(actor)})).mappings()
    return [Summary(**{**row, "reviewed_at": _finite(row["reviewed_at"])}) for row in rows]


@dataclass(frozen=True)
class Chores:
    """What waits for whoever keeps access: accounts in figures."""

    findings: int
    failed: int
    ending: int
    unreviewed: int


async def chores(read: AsyncSession, *, actor: Actor, now: datetime) -> Chores:
    """`ending`: clients whose secret ends soon; `unreviewed`: never, or not for a year."""
    statement = sa.text(
        "SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM account_finding f"
        "   WHERE (f.kind, f.key) = (a.kind, a.key) AND f.settled_at IS NULL)) AS findings,"
        " count(*) FILTER (WHERE EXISTS (SELECT FROM account_step s"
        "   WHERE (s.kind, s.key) = (a.kind, a.key) AND s.done_at IS NULL AND s.error = ANY(:refused))) AS failed,"
        " count(*) FILTER (WHERE a.enabled AND a.secret_ends BETWEEN :now AND :soon) AS ending,"
        " count(*) FILTER (WHERE a.enabled AND coalesce(a.reviewed_at, '-infinity') < :year_ago) AS unreviewed"
        f" FROM account a WHERE {seen('a')}"
    )
    values = {
        "refused": [*REFUSED],
        "now": now,
        "soon": now + SECRET_ENDS_SOON,
        "year_ago": now - REVIEWED_EVERY,
        **reach(actor),
    }
    return Chores(**(await read.execute(statement, values)).mappings().one())


def _finite(moment: datetime | None) -> datetime | None:
    """One account that was never reviewed leaves the organisation without a review."""
    return None if moment is None or moment.year == 1 else moment


async def organisation_kind(read: AsyncSession, code: str, day: Any) -> str | None:
    """None for a code that is no organisation on that day."""
    statement = sa.text(
        "SELECT kind FROM organisation_version WHERE organisation_code = :code AND recorded_to = 'infinity'"
        " AND valid_from <= :day AND valid_to > :day AND active"
    )
    return (await read.execute(statement, {"code": code, "day": day})).scalar_one_or_none()


async def organisations_today(read: AsyncSession, day: Any) -> dict[str, str]:
    """Code -> kind, of all that exist on that day."""
    statement = sa.text(
        "SELECT organisation_code AS code, kind FROM organisation_version WHERE recorded_to = 'infinity'"
        " AND valid_from <= :day AND valid_to > :day AND active"
    )
    return {row.code: row.kind for row in await read.execute(statement, {"day": day})}
