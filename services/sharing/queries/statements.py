"""Sealed statements: which there are, what one says, and the verdicts behind it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.db import MARGIN, WRITING_FOR
from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, operator, page
from kernel.texts import Day
from services.sharing.domain import policy
from services.sharing.domain.definition import Definition
from services.sharing.domain.refusals import StatementNotFound
from services.sharing.domain.statement import Line
from services.sharing.queries.ratios import REGISTRY, Scope

READ, VERIFY = "sharing:statement:read", "sharing:statement:verify"


class StatementsAsked(Listing):
    """Sealed statements, the newest first."""

    year: Annotated[int | None, Field(ge=2000, le=2200, description="In whose series it has its number.")] = None
    kind: Annotated[Word | None, Field(description="Of which kind of structure.")] = None
    definition: Annotated[Word | None, Field(description="Such as `mast.declared.1`.")] = None
    boundary_set: Annotated[Word | None, Field(description="Such as `CM-2023`.")] = None
    as_of_gte: Day | None = operator("as_of", "gte", "Of this day or later.")
    as_of_lt: Day | None = operator("as_of", "lt", "Of a day before this one.")


_COLUMNS = ("kind", "definition", "boundary_set", "unit", "owner", "as_of", "known_at", "shared", "counted", "sha256")
STATEMENT = Shape(
    {
        "id": "s.id",
        "number": "s.no || '/' || s.year",
        **{name: f"s.{name}" for name in _COLUMNS},
        "percent": "CASE WHEN s.counted > 0 THEN round(100 * s.shared::numeric / s.counted, 2)::text END",
        "sealed_at": "s.sealed_at",
        "sealed_by": "s.sealed_by",
    }
)
_NEWEST = Order({"s.year": "int", "s.no": "int"}, descending=True)


async def statements(
    read: AsyncSession, asked: StatementsAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """One statement."""
    policy.require_at_all(actor, READ)
    names = ("year", "kind", "definition", "boundary_set", "as_of")
    clauses, values = conditions(asked, {name: f"s.{name}" for name in names})
    source = f"FROM statement s WHERE {' AND '.join(['true', *clauses])}"
    return await page(
        read, STATEMENT.sql(asked.fields), source, _NEWEST, values, limit=limit, after=after, total=asked.total
    )


_ONE = f"""SELECT {STATEMENT.sql()}::jsonb || jsonb_build_object('content', s.content, 'seal', s.seal) AS told
  FROM statement s WHERE s.id = :id"""  # noqa: S608 -- composed of constants


async def statement(read: AsyncSession, statement_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """With what was signed and the signature. Raises StatementNotFound (404). One statement."""
    policy.require_at_all(actor, READ)
    row = await direct.row(read, _ONE, {"id": statement_id})
    if row is None:
        raise StatementNotFound
    told: dict[str, Any] = row["told"]
    return told


async def paper(read: AsyncSession, statement_id: UUID, *, actor: Actor) -> bytes:
    """The signed PDF. Raises StatementNotFound (404)."""
    policy.require_at_all(actor, READ)
    row = await direct.row(read, "SELECT paper FROM statement WHERE id = :id", {"id": statement_id})
    if row is None:
        raise StatementNotFound
    return bytes(row["paper"])


async def same(read: AsyncSession, scope: Scope, *, actor: Actor) -> str | None:
    """The number under which this very figure is sealed: the same scope, day and knowledge."""
    policy.require_at_all(actor, READ)
    names = ("kind", "definition", "boundary_set", "unit", "owner", "as_of", "known_at")
    wanted = " AND ".join(f"{name} IS NOT DISTINCT FROM :{name}" for name in names)
    rows = await read.execute(
        sa.text(f"SELECT no || '/' || year FROM statement WHERE {wanted}"),  # noqa: S608 -- of constants
        {name: getattr(scope, name) for name in names},
    )
    return rows.scalar()


async def ids(read: AsyncSession) -> list[UUID]:
    return list((await read.execute(sa.text("SELECT id FROM statement ORDER BY year, no"))).scalars())


class LinesAsked(Listing):
    """The structures of a sealed statement."""

    side: Annotated[Word | None, Field(description="numerator, denominator or excluded; all.")] = None
    reason: Annotated[Word | None, Field(description="Only those judged for this reason.")] = None


_SIDES = {"numerator": "l.shared", "denominator": "l.counted", "excluded": "NOT l.counted"}
LINE = Shape(
    {
        "id": "l.structure_id",
        "public_no": "l.public_no",
        "owner": "l.owner",
        "unit": "NULLIF(l.unit, '')",
        "counted": "l.counted",
        "shared": "l.shared",
        "reason": "l.reason",
        "sharers": "(SELECT coalesce(json_agg(json_build_object('legal_entity', e ->> 0, 'org', e ->> 1, 'role',"
        " e ->> 2, 'thing', NULLIF(e ->> 3, ''))), '[]') FROM jsonb_array_elements(l.sharers) e)",
    }
)
_BY_NUMBER = Order({"l.public_no": "text", "l.structure_id": "uuid"})


async def lines(
    read: AsyncSession,
    statement_id: UUID,
    asked: LinesAsked,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """For auditors: plans and private agreements are among them. Raises NotAllowed (403). One statement."""
    policy.require(actor, VERIFY)
    clauses, values = conditions(asked, {"reason": "l.reason"})
    if asked.side is not None:
        clauses.append(_SIDES.get(asked.side, "false"))
    source = " AND ".join(["FROM statement_line l WHERE l.statement_id = :id", *clauses])
    values["id"] = statement_id
    return await page(
        read, LINE.sql(asked.fields), source, _BY_NUMBER, values, limit=limit, after=after, total=asked.total
    )


_LINES = sa.text(
    "SELECT structure_id, public_no, owner, unit, counted, shared, reason, sharers FROM statement_line"
    " WHERE statement_id = :id AND structure_id > :after ORDER BY structure_id LIMIT :size"
)
CHUNK = 5000


async def sealed_lines(read: AsyncSession, statement_id: UUID, *, actor: Actor) -> AsyncIterator[Line]:
    """By the ids of the structures, as they were hashed."""
    policy.require(actor, VERIFY)
    after = UUID(int=0)
    while rows := (await read.execute(_LINES, {"id": statement_id, "after": after, "size": CHUNK})).all():
        for row in rows:
            sharers = tuple((e[0], e[1], e[2], e[3]) for e in row.sharers)
            yield Line(
                str(row.structure_id), row.public_no, row.owner, row.unit, row.counted, row.shared, row.reason, sharers
            )
        after = rows[-1].structure_id


class Basis(NamedTuple):
    """What a sealed series stands on today."""

    series_id: int
    definition: Definition
    content: Mapping[str, Any]
    sha256: str


async def basis(read: AsyncSession, definition: str, boundary_set: str) -> Basis:
    rows = await read.execute(
        sa.text(
            "SELECT s.id, d.content, d.sha256 FROM ratio_series s JOIN definition d"
            " ON (d.code, d.version) = (s.definition_code, s.definition_version)"
            " WHERE d.code || '.' || d.version = :definition AND s.boundary_set = :boundary_set"
        ),
        {"definition": definition, "boundary_set": boundary_set},
    )
    row = rows.one()
    return Basis(row.id, Definition.model_validate(row.content), row.content, row.sha256)


async def settled_to(read: AsyncSession, now: datetime) -> datetime | None:
    """Until when all that was recorded, by the registry and here, is certain to be counted; None before the first word.

    What is later may still be under way, and would make the same figure come out otherwise.
    """
    row = await direct.row(
        read,
        f"SELECT (SELECT until FROM watermark WHERE source = :registry) AS until, ({WRITING_FOR}) AS seconds",  # noqa: S608
        {"registry": REGISTRY},
    )
    assert row is not None
    until: datetime | None = row["until"]
    own = now - MARGIN - timedelta(seconds=row["seconds"])
    return None if until is None else min(until, own)
