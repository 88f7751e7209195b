"""Organisations as of any day and as known at any time: lists and single ones."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.listing import Dated, Listing, Order, Query, Rows, Shape, Word, Words, conditions, operator, page
from kernel.texts import fold
from services.registry.domain.times import Times
from services.registry.queries.reach import Found, at_times


class OrganisationsAsked(Listing, Dated):
    """Those that had ended by `as_of` are listed too: `active` tells them apart, `successor` who came after."""

    code_in: Words | None = operator("code", "in", "One of these codes.")
    kind: Annotated[Word | None, Field(description="Such as `operator`, `tower_company`, `department`.")] = None
    kind_in: Words | None = operator("kind", "in", "One of these kinds.")
    active: Annotated[bool | None, Field(description="Whether it exists on `as_of`.")] = None
    legal_entity: Annotated[Word | None, Field(description="Brands of one enterprise have the same.")] = None
    function: Annotated[Word | None, Field(description="Held on `as_of`, such as `construction`.")] = None
    q: Annotated[Query | None, Field(description="Part of a name, with or without accents.")] = None


COLUMNS = {
    "code": "v.organisation_code",
    "kind": "v.kind",
    "active": "v.active",
    "legal_entity": "v.legal_entity",
}
_MANDATES = """(SELECT coalesce(json_agg(json_build_object('function', m.function, 'area', m.area,
    'valid_from', m.valid_from, 'valid_to', NULLIF(m.valid_to, 'infinity'), 'source', m.source)
    ORDER BY m.function, m.area), '[]')
  FROM mandate m WHERE m.organisation_code = v.organisation_code AND m.valid_from <= :as_of AND m.valid_to > :as_of)"""
SHAPE = Shape(
    {
        "code": "v.organisation_code",
        "short": "v.short",
        "name_vi": "v.name_vi",
        "name_en": "v.name_en",
        "kind": "v.kind",
        "legal_entity": "v.legal_entity",
        "active": "v.active",
        "successor": "v.successor",
        "valid_from": "v.valid_from",
        "valid_to": "NULLIF(v.valid_to, 'infinity')",
        "recorded_at": "v.recorded_from",
        "version": "g.last_no",
        "mandates": _MANDATES,
    }
)
_BY_NAME = Order({"v.sort_key": "text", "v.organisation_code": "text"})
_FROM = f"FROM organisation_version v JOIN organisation g ON g.code = v.organisation_code WHERE {at_times('v')}"


async def organisations(
    read: AsyncSession, asked: OrganisationsAsked, at: Times, *, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """By the Vietnamese alphabet. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, COLUMNS)
    values |= {"as_of": at.as_of, "known": at.known}
    if asked.function:
        clauses.append(
            "EXISTS (SELECT FROM mandate f WHERE f.organisation_code = v.organisation_code AND f.function = :function"
            " AND f.valid_from <= :as_of AND f.valid_to > :as_of)"
        )
        values["function"] = asked.function
    if asked.q:
        clauses.append("v.name_fold LIKE :like")
        values["like"] = f"%{fold(asked.q)}%"
    source = " AND ".join([_FROM, *clauses])
    return await page(
        read, SHAPE.sql(asked.fields), source, _BY_NAME, values, limit=limit, after=after, total=asked.total
    )


async def organisation(read: AsyncSession, code: str, at: Times) -> Found | None:
    """None when there is no such code, or not yet."""
    statement = f"SELECT {SHAPE.sql()}::text AS item, g.last_no AS no {_FROM} AND v.organisation_code = :code"
    row = await direct.row(read, statement, {"as_of": at.as_of, "known": at.known, "code": code})
    return None if row is None else Found(row["item"], row["no"])
