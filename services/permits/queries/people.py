"""People: who is to be told, what stands in somebody's inbox, what was said about a dossier."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from services.permits.domain import policy
from services.permits.domain.notices import Audience
from services.permits.queries.dossier import Dossier
from services.permits.tables import Preference


@dataclass(frozen=True)
class Told:
    """A person with how he wants to be told."""

    id: str
    name: str
    locale: str
    email: str | None
    mail: str


_HEIRS = (
    "WITH RECURSIVE heirs(code) AS (SELECT CAST(:org AS text) UNION SELECT o.successor FROM organisation_copy o"
    " JOIN heirs h ON o.code = h.code WHERE o.successor IS NOT NULL)"
)
_PERSON = "p.id, p.name, p.locale, f.email, coalesce(f.mail, 'off') AS mail"
_FROM = "FROM person p LEFT JOIN preference f ON f.person = p.id"
_LOUD = "(:loud OR f.quiet IS NULL OR NOT jsonb_exists(f.quiet, :kind))"


async def audience(tx: AsyncSession, asked: Audience, kind: str, *, loud: bool) -> list[Told]:
    """Those of an audience who want to hear of this kind."""
    said = {"kind": kind, "loud": loud}
    if asked.people:
        rows = await tx.execute(
            sa.text(f"SELECT {_PERSON} {_FROM} WHERE p.id = ANY(CAST(:people AS text[])) AND {_LOUD}"),
            {**said, "people": list(asked.people)},
        )
        return [Told(*row) for row in rows]
    rows = await tx.execute(
        sa.text(
            f"{_HEIRS} SELECT {_PERSON} {_FROM} WHERE p.org IN (SELECT code FROM heirs)"
            " AND jsonb_exists_any(p.capabilities, CAST(:capabilities AS text[]))"
            " AND (CAST(:function AS text) IS NULL OR p.functions = '[]' OR jsonb_exists(p.functions, :function))"
            f" AND {_LOUD}"
        ),
        {**said, "org": asked.org, "capabilities": list(asked.capabilities), "function": asked.function},
    )
    return [Told(*row) for row in rows]


@dataclass(frozen=True)
class Colleague:
    id: str
    name: str


async def colleagues(read: AsyncSession, *, actor: Actor, functions: Sequence[str]) -> list[Colleague]:
    """The officers of the caller's organisation who act for all of these functions, by name."""
    rows = await read.execute(
        sa.text(
            "SELECT id, name FROM person WHERE org = :org AND jsonb_exists_any(capabilities, CAST(:officers AS text[]))"
            " AND (functions = '[]' OR jsonb_exists_all(functions, CAST(:functions AS text[]))) ORDER BY name, id"
        ),
        {"org": actor.org, "officers": sorted(policy.OFFICERS), "functions": list(functions)},
    )
    return [Colleague(*row) for row in rows]


class NoticesAsked(Listing):
    """The caller's own notices."""

    kind: Word | None = None
    unread: Annotated[bool, Field(description="Only those not read yet.")] = False


NOTICE = Shape(
    {
        "id": "n.id",
        "kind": "n.kind",
        "application": "n.application_id",
        "number": "a.number",
        "params": "n.params",
        "at": "n.at",
        "read_at": "n.read_at",
    }
)
_NEWEST = Order({"n.at": "timestamptz", "n.id": "uuid"}, descending=True)


async def notices_of(
    read: AsyncSession, asked: NoticesAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Newest first. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"kind": "n.kind"})
    if asked.unread:
        clauses.append("n.read_at IS NULL")
    source = (
        "FROM notification n JOIN application a ON a.id = n.application_id"
        f" WHERE {' AND '.join(['n.person = :me', *clauses])}"
    )
    row = NOTICE.sql(asked.fields)
    values["me"] = actor.id
    return await page(read, row, source, _NEWEST, values, limit=limit, after=after, total=asked.total)


async def unread(read: AsyncSession, *, actor: Actor) -> int:
    row = await direct.row(
        read, "SELECT count(*) AS n FROM notification WHERE person = :me AND read_at IS NULL", {"me": actor.id}
    )
    assert row is not None
    return int(row["n"])


async def preference(read: AsyncSession, person: str, *, lock: bool = False) -> Preference | None:
    statement = select(Preference).where(col(Preference.person) == person)
    row = (await read.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
    if row is not None:
        read.expunge(row)
    return row


class MessagesAsked(Listing):
    """What was said about a dossier."""

    audience: Word | None = None


MESSAGE = Shape(
    {
        "id": "m.id",
        "audience": "m.audience",
        "org": "m.org",
        "author": "m.author",
        "author_name": "m.author_name",
        "body": "m.body",
        "at": "m.at",
    }
)
_LAST_SAID = Order({"m.at": "timestamptz", "m.id": "uuid"}, descending=True)


async def messages(
    read: AsyncSession,
    dossier: Dossier,
    asked: MessagesAsked,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """What the caller may read of it, newest first: applicants what is said to them, officers more.

    Raises BadCursor, UnknownField (422).
    """
    clauses, values = conditions(asked, {"audience": "m.audience"})
    insider = not actor.capabilities.isdisjoint(policy.OFFICERS | policy.SEES_ALL)
    source = (
        "FROM message m WHERE m.application_id = :id AND (m.audience = 'applicant'"
        " OR (:insider AND (m.audience = 'officers' OR m.org = ANY(:orgs))))"
        f"{''.join(f' AND {clause}' for clause in clauses)}"
    )
    values |= {"id": dossier.id, "insider": insider, "orgs": sorted(dossier.orgs)}
    row = MESSAGE.sql(asked.fields)
    return await page(read, row, source, _LAST_SAID, values, limit=limit, after=after, total=asked.total)


@dataclass(frozen=True)
class Happened:
    """An event of the outbox, for whoever tells people."""

    position: int
    id: UUID
    subject: str
    data: dict[str, Any]


async def happened(tx: AsyncSession, limit: int) -> list[Happened]:
    """The next events nobody was told of, in the order of their places; locks who tells."""
    since = await tx.execute(sa.text("SELECT position FROM told WHERE reader = 'people' FOR UPDATE"))
    rows = await tx.execute(
        sa.text(
            "SELECT position, id, subject, envelope->'data' FROM outbox WHERE position > :since"
            " ORDER BY position LIMIT :limit"
        ),
        {"since": since.scalar_one(), "limit": limit},
    )
    return [Happened(*row) for row in rows]


@dataclass(frozen=True)
class Due:
    """A running clock near or over its end, and who answers for it."""

    id: UUID
    application_id: UUID
    number: str
    clock: str
    function: str
    org: str
    due_on: date
    assignee: str | None


_DUE = (
    "SELECT d.id, d.application_id, a.number, d.clock, d.function, d.org, d.due_on,"
    " CASE WHEN d.review_id IS NULL THEN a.assigned_to ELSE r.assigned_to END FROM deadline d"
    " JOIN application a ON a.id = d.application_id LEFT JOIN review r ON r.id = d.review_id"
    " WHERE d.state = 'running' AND {when} ORDER BY d.due_on, d.id LIMIT :limit FOR UPDATE OF d SKIP LOCKED"
)


async def due_soon(tx: AsyncSession, today: date, soon: date, limit: int) -> list[Due]:
    """Nobody was reminded of this day yet."""
    when = "d.due_on BETWEEN :today AND :soon AND d.reminded_for IS DISTINCT FROM d.due_on"
    rows = await tx.execute(sa.text(_DUE.format(when=when)), {"today": today, "soon": soon, "limit": limit})
    return [Due(*row) for row in rows]


async def overdue(tx: AsyncSession, today: date, limit: int) -> list[Due]:
    """No head was told yet that this day is over."""
    when = "d.due_on < :today AND d.escalated_for IS DISTINCT FROM d.due_on"
    rows = await tx.execute(sa.text(_DUE.format(when=when)), {"today": today, "limit": limit})
    return [Due(*row) for row in rows]


async def digest_readers(tx: AsyncSession, today: date, limit: int) -> list[Told]:
    """Who gets today's digest and has not got it yet."""
    rows = await tx.execute(
        sa.text(
            f"SELECT {_PERSON} {_FROM} WHERE f.mail = 'digest' AND f.digest_on IS DISTINCT FROM :today"
            " AND EXISTS (SELECT FROM notification n WHERE n.person = p.id AND n.mail = 'digest')"
            " ORDER BY p.id LIMIT :limit FOR UPDATE OF f SKIP LOCKED"
        ),
        {"today": today, "limit": limit},
    )
    return [Told(*row) for row in rows]


@dataclass(frozen=True)
class Waiting:
    """A notice of which a letter is still to be written."""

    id: UUID
    kind: str
    application_id: UUID
    params: dict[str, Any]
    to: Told


async def letters(tx: AsyncSession, limit: int) -> list[Waiting]:
    """Those that go out one by one, oldest first."""
    rows = await tx.execute(
        sa.text(
            f"SELECT n.id, n.kind, n.application_id, n.params, {_PERSON} {_FROM} JOIN notification n ON n.person = p.id"
            " WHERE n.mail = 'at_once' ORDER BY n.at, n.id LIMIT :limit FOR UPDATE OF n SKIP LOCKED"
        ),
        {"limit": limit},
    )
    return [Waiting(row[0], row[1], row[2], row[3], Told(*row[4:])) for row in rows]


async def digest_rows(tx: AsyncSession, person: Told) -> list[Waiting]:
    rows = await tx.execute(
        sa.text(
            "SELECT id, kind, application_id, params FROM notification WHERE person = :person"
            " AND mail = 'digest' ORDER BY at, id"
        ),
        {"person": person.id},
    )
    return [Waiting(row[0], row[1], row[2], row[3], person) for row in rows]
