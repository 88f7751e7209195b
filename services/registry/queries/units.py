"""Administrative units of every vintage, with what became of them: lists and single ones."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.listing import Listing, Order, Query, Rows, Shape, Word, Words, conditions, operator, page
from kernel.texts import Day, fold
from services.registry.queries.reach import Found


class UnitsAsked(Listing):
    """A code is no identity over time: the same code stands for other land after a merger; `id` names the vintage."""

    id_in: Words | None = operator("id", "in", "One of these unit ids.")
    code: Annotated[Word | None, Field(description="The official code, in whichever vintage.")] = None
    code_in: Words | None = operator("code", "in", "One of these codes.")
    level: Annotated[Word | None, Field(description="`commune`, `district` or `province`.")] = None
    level_in: Words | None = operator("level", "in", "One of these levels.")
    parent: Annotated[Word | None, Field(description="Unit id of the district or province.")] = None
    parent_in: Words | None = operator("parent", "in", "In one of these units.")
    boundary_set: Annotated[Word | None, Field(description="Stands in this set, such as `CM-2023`.")] = None
    as_of: Annotated[Day | None, Field(description="Exists on this day; left out: every vintage.")] = None
    q: Annotated[Query | None, Field(description="Part of a name, with or without accents.")] = None


COLUMNS = {"id": "u.id", "code": "u.code", "level": "u.level", "parent": "u.parent_id"}
_SUCCESSORS = """(SELECT coalesce(json_agg(json_build_object('unit', s.successor_id, 'relation', s.relation,
    'share', s.share, 'on', s.on) ORDER BY s.share DESC NULLS FIRST, s.successor_id), '[]')
  FROM unit_succession s WHERE s.unit_id = u.id)"""
SHAPE = Shape(
    {
        "id": "u.id",
        "code": "u.code",
        "name": "u.name",
        "name_en": "u.name_en",
        "level": "u.level",
        "parent": "u.parent_id",
        "parent_name": "p.name",
        "boundary_sets": "u.boundary_sets",
        "valid_from": "u.valid_from",
        "valid_to": "u.valid_to",
        "lat": "u.lat",
        "lon": "u.lon",
        "area_km2": "u.area_km2",
        "successors": _SUCCESSORS,
        "source": "u.source",
        "version": "u.no",
    }
)
_BY_NAME = Order({"u.sort_key": "text", "u.id": "text"})
_FROM = "FROM unit u LEFT JOIN unit p ON p.id = u.parent_id WHERE true"


async def units(
    read: AsyncSession, asked: UnitsAsked, *, limit: int, after: Sequence[Any] | None = None, placed: bool = False
) -> Rows:
    """By the Vietnamese alphabet; `placed` always tells the point, too. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, COLUMNS)
    for clause, name, value in (
        ("u.boundary_sets @> ARRAY[CAST(:boundary_set AS text)]", "boundary_set", asked.boundary_set),
        ("coalesce(u.valid_from <= :as_of, true) AND coalesce(u.valid_to > :as_of, true)", "as_of", asked.as_of),
        ("u.name_fold LIKE :like", "like", f"%{fold(asked.q)}%" if asked.q else None),
    ):
        if value is not None:
            clauses.append(clause)
            values[name] = value
    source = " AND ".join([_FROM, *clauses])
    told = {*asked.fields, "id", "lon", "lat"} if asked.fields and placed else asked.fields
    return await page(read, SHAPE.sql(told), source, _BY_NAME, values, limit=limit, after=after, total=asked.total)


async def unit(read: AsyncSession, unit_id: str) -> Found | None:
    row = await direct.row(read, f"SELECT {SHAPE.sql()}::text AS item, u.no {_FROM} AND u.id = :id", {"id": unit_id})
    return None if row is None else Found(row["item"], row["no"])
