"""Two figures side by side, and which structures make the difference."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import orjson
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Order, Rows, Shape, page
from services.sharing.queries.ratios import Scope
from services.sharing.queries.reach import Reach, reach

Change = Literal["entered", "left", "became_shared", "ceased_shared", "changed_owner", "changed_unit"]
CHANGES: tuple[Change, ...] = get_args(Change)
ChangeAsked = Annotated[Change | None, Field(description="Only structures that changed like this.")]

_HALF = """(SELECT p.structure_id, p.public_no, p.reason, q.owner_id, nullif(q.unit_id, '') AS unit_id,
    w.name AS unit_name, p.counted AND fits AS counted, p.shared AND fits AS shared
  FROM ratio_span p JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g
  LEFT JOIN unit_copy w ON w.id = q.unit_id
  CROSS JOIN LATERAL (SELECT (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
    AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR coalesce(w.parent = :unit, false)) AS fits) f
  WHERE p.series_id = :series_{n} AND p.valid_from <= :d_{n} AND p.valid_to > :d_{n}
    AND p.recorded_from <= :k_{n} AND p.recorded_to > :k_{n})"""
# A structure that is counted on both sides can still lie elsewhere, or belong to somebody else.
_KIND = """CASE WHEN coalesce(a.counted, false) AND NOT coalesce(b.counted, false) THEN 'entered'
  WHEN coalesce(b.counted, false) AND NOT coalesce(a.counted, false) THEN 'left'
  WHEN NOT coalesce(a.counted, false) THEN NULL
  WHEN a.shared AND NOT b.shared THEN 'became_shared' WHEN b.shared AND NOT a.shared THEN 'ceased_shared'
  WHEN a.owner_id IS DISTINCT FROM b.owner_id THEN 'changed_owner'
  WHEN :same_borders AND a.unit_id IS DISTINCT FROM b.unit_id THEN 'changed_unit' END"""
_BOTH = f"""(SELECT coalesce(a.structure_id, b.structure_id) AS id, coalesce(a.public_no, b.public_no) AS public_no,
    b.reason AS b_reason, a.reason AS a_reason, b.owner_id AS b_owner, a.owner_id AS a_owner, b.unit_id AS b_unit,
    a.unit_id AS a_unit, b.unit_name AS b_name, a.unit_name AS a_name, {_KIND} AS change
  FROM {_HALF.format(n="b")} b FULL JOIN {_HALF.format(n="a")} a ON a.structure_id = b.structure_id)"""  # noqa: S608


def _side(letter: str) -> str:
    told = f"'reason', {letter}_reason, 'owner', {letter}_owner, 'unit', {letter}_unit, 'unit_name', {letter}_name"
    return f"CASE WHEN x.{letter}_reason IS NOT NULL THEN json_build_object({told}) END"


SHAPE = Shape(
    {
        "id": "x.id",
        "public_no": "x.public_no",
        "name": "s.name",
        "change": "x.change",
        "before": _side("b"),
        "after": _side("a"),
    }
)
_BY_NUMBER = Order({"x.public_no": "text", "x.id": "uuid"})


def _values(before: Scope, after: Scope, seen: Reach) -> dict[str, Any]:
    return {
        "series_b": before.series_id,
        "d_b": before.as_of,
        "k_b": before.known_at,
        "series_a": after.series_id,
        "d_a": after.as_of,
        "k_a": after.known_at,
        "owner": after.owner,
        "unit": after.unit,
        "same_borders": before.boundary_set == after.boundary_set,
        **seen.values,
    }


def _source(seen: Reach) -> str:
    """What changed; a structure that is only planned today is told to whom plans are told."""
    now = "c.id = x.id AND c.recorded_to = 'infinity'"
    standing = f" AND EXISTS (SELECT FROM structure_copy c WHERE {now} AND {seen.structure})" if seen.values else ""
    return f" FROM {_BOTH} x JOIN structure s ON s.id = x.id WHERE x.change IS NOT NULL{standing}"


async def changes(
    read: AsyncSession,
    before: Scope,
    after: Scope,
    *,
    actor: Actor,
    limit: int,
    at: Sequence[Any] | None = None,
    fields: Sequence[str] | None = None,
    change: str | None = None,
    total: bool = False,
) -> Rows:
    """Each structure that is counted, shared, owned or placed otherwise, by number, with the reasons. One statement.

    `owner` and `unit` of `after` narrow both sides.
    """
    seen = reach(actor, max(before.known_at, after.known_at))
    source = _source(seen) + (" AND x.change = :change" if change else "")
    values = {**_values(before, after, seen), "change": change}
    return await page(read, SHAPE.sql(fields), source, _BY_NUMBER, values, limit=limit, after=at, total=total)


async def counts(read: AsyncSession, before: Scope, after: Scope, *, actor: Actor) -> dict[str, int]:
    """How many structures changed in each way; all ways are named. One statement."""
    seen = reach(actor, max(before.known_at, after.known_at))
    statement = (
        f"SELECT json_object_agg(change, n) AS told FROM (SELECT x.change, count(*) AS n{_source(seen)} GROUP BY 1) y"  # noqa: S608
    )
    row = await direct.row(read, statement, _values(before, after, seen))
    assert row is not None
    told = row["told"] or {}
    found = orjson.loads(told) if isinstance(told, str) else told
    return {name: found.get(name, 0) for name in CHANGES}
