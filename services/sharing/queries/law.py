"""Published definitions, plans with their targets, kinds of agreement, boundary sets."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.listing import Dated, Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from kernel.texts import Day
from services.sharing.domain import targets as rules
from services.sharing.domain.refusals import DefinitionUnknown

Kind = Literal["mast", "pole", "duct"]


class DefinitionsAsked(Listing):
    """What counts as shared, by which version of the definition."""

    kind: Annotated[Kind | None, Field(description="Of which kind of structure.")] = None
    code: Annotated[Word | None, Field(description="Every version of one definition, such as `mast.declared`.")] = None
    is_default: Annotated[bool | None, Field(description="The one that figures follow unless told otherwise.")] = None


class BoundarySetsAsked(Listing):
    """The borders by which figures can be cut."""

    reported: Annotated[bool | None, Field(description="Whether the province reports by them.")] = None


class TargetsAsked(Listing, Dated):
    """Targets beside the figure of a day. Without `boundary_set` each is held against the borders its plan meant."""

    kind: Annotated[Kind | None, Field(description="Of which kind of structure; all.")] = None
    plan: Annotated[Word | None, Field(description="Such as `CM-KH250`.")] = None
    plan_in: Words | None = operator("plan", "in", "One of these plans.")
    due_on_gte: Day | None = operator("due_on", "gte", "Due on this day or later.")
    due_on_lt: Day | None = operator("due_on", "lt", "Due before this day.")
    definition: Annotated[Word | None, Field(description="Such as `mast.declared.1`; only targets of its kind.")] = None
    boundary_set: Annotated[Word | None, Field(description="Such as `CM-2023`; the plan's own borders.")] = None


DEFINITION = Shape(
    {
        "id": "d.code || '.' || d.version",
        "code": "d.code",
        "version": "d.version",
        "kind": "d.kind",
        "is_default": "d.is_default",
        "valid_from": "d.valid_from",
        "valid_to": "NULLIF(d.valid_to, 'infinity')",
        "sha256": "d.sha256",
        "published_at": "d.published_at",
        "content": "d.content",
    }
)
_BORDERS = ("code", "title_vi", "title_en", "valid_from", "valid_to", "reported")
BOUNDARY_SET = Shape({name: f"b.{name}" for name in _BORDERS})
TARGET = Shape(
    {
        "plan": "t.plan",
        "source": "p.source",
        "boundary_set": "p.boundary_set",
        "kind": "t.kind",
        "due_on": "t.due_on",
        "is_base": "t.is_base",
        "percent": "trim_scale(t.percent)::text",
        # Beside the plan's own words; filled in by whoever has the figures.
        **dict.fromkeys(("shared", "counted", "needed", "gap", "met"), "NULL"),
    }
)


async def definition_list(
    read: AsyncSession, asked: DefinitionsAsked, *, limit: int, after: Sequence[Any] | None
) -> Rows:
    clauses, values = conditions(asked, {"kind": "d.kind", "code": "d.code", "is_default": "d.is_default"})
    source = f"FROM definition d WHERE {' AND '.join(['true', *clauses])}"
    order = Order({"d.kind": "text", "d.code": "text", "d.version": "int"})
    row = DEFINITION.sql(asked.fields)
    return await page(read, row, source, order, values, limit=limit, after=after, total=asked.total)


async def boundary_set_list(
    read: AsyncSession, asked: BoundarySetsAsked, *, limit: int, after: Sequence[Any] | None
) -> Rows:
    clauses, values = conditions(asked, {"reported": "b.reported"})
    source = f"FROM boundary_set b WHERE {' AND '.join(['true', *clauses])}"
    row, order = BOUNDARY_SET.sql(asked.fields), Order({"b.code": "text"})
    return await page(read, row, source, order, values, limit=limit, after=after, total=asked.total)


async def kind_of(read: AsyncSession, definition: str) -> str:
    """Of which kind of structure a definition speaks. Raises DefinitionUnknown (422)."""
    statement = sa.text("SELECT kind FROM definition WHERE code || '.' || version = :id")
    kind = (await read.execute(statement, {"id": definition})).scalar()
    if kind is None:
        raise DefinitionUnknown
    return str(kind)


async def target_list(read: AsyncSession, asked: TargetsAsked, *, limit: int, after: Sequence[Any] | None) -> Rows:
    """The plan's own words; the figures beside them are the caller's to add.

    Raises UnknownField (422), DefinitionUnknown (422).
    """
    if asked.definition is not None and asked.kind is None:
        asked = asked.model_copy(update={"kind": await kind_of(read, asked.definition)})
    clauses, values = conditions(asked, {"kind": "t.kind", "plan": "t.plan", "due_on": "t.due_on"})
    where = " AND ".join(["true", *clauses])
    source = f"FROM target t JOIN plan p ON p.code = t.plan WHERE {where}"
    order = Order({"t.kind": "text", "t.due_on": "date", "t.plan": "text", "t.is_base": "boolean"})
    TARGET.sql(asked.fields)
    return await page(read, TARGET.sql(), source, order, values, limit=limit, after=after, total=asked.total)


async def published_hashes(read: AsyncSession) -> dict[str, str]:
    """What is published already: definition id or plan code -> hash of its content."""
    rows = await read.execute(
        sa.text("SELECT code || '.' || version AS key, sha256 FROM definition UNION ALL SELECT code, sha256 FROM plan")
    )
    return {row.key: row.sha256 for row in rows}


async def indicator_hashes(read: AsyncSession, plan: str) -> dict[str, str]:
    rows = await read.execute(sa.text("SELECT code, sha256 FROM indicator WHERE plan = :plan"), {"plan": plan})
    return {row.code: row.sha256 for row in rows}


async def definitions(read: AsyncSession) -> Sequence[Any]:
    """Rows (id, kind, is_default, valid_from, valid_to, content, sha256), the newest version of a code first."""
    rows = await read.execute(
        sa.text(
            "SELECT code || '.' || version AS id, code, version, kind, is_default, valid_from,"
            " NULLIF(valid_to, 'infinity') AS valid_to, content, sha256, published_at"
            " FROM definition ORDER BY kind, is_default DESC, code, version DESC"
        )
    )
    return rows.all()


async def targets(read: AsyncSession, kind: str | None = None) -> Sequence[Any]:
    """Rows (plan, title_vi, title_en, source, boundary_set, kind, due_on, is_base, percent text), by kind and day."""
    rows = await read.execute(
        sa.text(
            "SELECT t.plan, p.title_vi, p.title_en, p.source, p.boundary_set, t.kind, t.due_on, t.is_base,"
            " trim_scale(t.percent)::text AS percent FROM target t JOIN plan p ON p.code = t.plan"
            " WHERE CAST(:kind AS text) IS NULL OR t.kind = :kind ORDER BY t.kind, t.due_on, t.is_base DESC"
        ),
        {"kind": kind},
    )
    return rows.all()


async def targets_on(read: AsyncSession, day: date, kind: str | None = None) -> Sequence[Any]:
    """As `targets`, of the plan that is in force on the day."""
    return rules.in_force(await targets(read, kind), day)


def borders_of(targets: Iterable[Any]) -> dict[str, str]:
    """Of each kind the borders that its plan meant."""
    return {row.kind: row.boundary_set for row in targets}


async def plan_borders(read: AsyncSession) -> dict[str, str]:
    """Of each plan, by its code, the borders that it meant."""
    return {row.code: row.boundary_set for row in await read.execute(sa.text("SELECT code, boundary_set FROM plan"))}


async def agreement_kinds(read: AsyncSession) -> Sequence[Any]:
    return (await read.execute(sa.text("SELECT code, title_vi, title_en FROM agreement_kind ORDER BY code"))).all()


async def boundary_sets(read: AsyncSession) -> Sequence[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT code, title_vi, title_en, valid_from, valid_to, reported FROM boundary_set"
            " ORDER BY reported DESC, valid_from NULLS FIRST, code"
        )
    )
    return rows.all()


def valid_on(row: Any, day: date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day < row.valid_to)
