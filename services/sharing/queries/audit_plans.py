"""Audits of the ratio: the frame to draw from, plans, what was drawn and what was found. For auditors only."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from services.sharing.domain import policy, sampling
from services.sharing.domain.refusals import AuditNotFound, ItemNotFound
from services.sharing.queries.ratios import Scope

READ, ACT = "sharing:audit:read", "sharing:audit:act"

# Who shares a structure stands in its span: legal entity, organisation, role, thing.
_FRAME = sa.text("""
SELECT p.structure_id AS id, p.public_no, q.owner_id AS owner, q.unit_id AS unit, p.counted, p.shared, p.reason,
  c.evidence, c.capacity, n.users, n.seen_users, coalesce(o.kind = 'tower_company', false) AS of_tower_company,
  EXISTS (SELECT FROM contradiction x WHERE x.structure_id = p.structure_id AND x.gone_at IS NULL
    AND x.state <> 'dismissed') AS contradicted
FROM ratio_span p JOIN ratio_group q ON q.series_id = p.series_id AND q.g = p.g
JOIN structure_copy c ON c.id = p.structure_id AND c.valid_from <= :d AND c.valid_to > :d AND c.recorded_from <= :k
  AND c.recorded_to > :k
LEFT JOIN unit_copy w ON w.id = q.unit_id
LEFT JOIN organisation_copy o ON o.code = q.owner_id AND o.valid_from <= :d AND o.valid_to > :d
  AND o.recorded_from <= :k AND o.recorded_to > :k
CROSS JOIN LATERAL (SELECT count(DISTINCT e ->> 0) AS users,
    count(DISTINCT e ->> 0) FILTER (WHERE e ->> 2 <> 'tenant') AS seen_users
  FROM jsonb_array_elements(p.sharers) e) n
WHERE p.series_id = :series AND p.valid_from <= :d AND p.valid_to > :d AND p.recorded_from <= :k AND p.recorded_to > :k
  AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
  AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)
  AND (p.counted OR c.status = ANY(:standing))
""")


async def frame(read: AsyncSession, scope: Scope, standing: Sequence[str], *, actor: Actor) -> Sequence[Any]:
    """What an inspection can find otherwise: all that is counted, and what stands without being counted."""
    policy.require(actor, READ)
    return (await read.execute(_FRAME, {**scope.filters, "standing": list(standing)})).all()


class PlansAsked(Listing):
    """Plans, the newest first."""

    kind: Annotated[Word | None, Field(description="Of which kind of structure.")] = None
    closed: Annotated[bool | None, Field(description="Only closed ones, or only those under way.")] = None


_COLUMNS = ("kind", "definition", "boundary_set", "unit", "owner", "as_of", "known_at", "size", "seed")
PLAN = Shape(
    {
        "id": "a.id",
        **{name: f"a.{name}" for name in _COLUMNS},
        "shared": "a.shared",
        "counted": "a.counted",
        "percent": "CASE WHEN a.counted > 0 THEN round(100 * a.shared::numeric / a.counted, 2)::text END",
        "drawn": "n.drawn",
        "inspected": "n.inspected",
        "differing": "n.differing",
        "drawn_at": "a.drawn_at",
        "drawn_by": "a.drawn_by",
        "closed_at": "a.closed_at",
        "closed_by": "a.closed_by",
        "result": "NULLIF(a.result, '{}')",
        "version": "a.no",
    }
)
_DIFFERS = "(i.found_counted, i.found_shared) IS DISTINCT FROM (i.counted, i.shared)"
_PLANS = f"""
 FROM audit_plan a CROSS JOIN LATERAL (
   SELECT count(*) AS drawn, count(i.found_at) AS inspected,
     count(*) FILTER (WHERE i.found_at IS NOT NULL AND {_DIFFERS}) AS differing
   FROM audit_item i WHERE i.plan_id = a.id AND i.place IS NOT NULL) n
 WHERE """  # noqa: S608 -- composed of constants
_NEWEST = Order({"a.drawn_at": "timestamptz", "a.id": "uuid"}, descending=True)


async def plans(
    read: AsyncSession, asked: PlansAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Raises NotAllowed (403). One statement."""
    policy.require(actor, READ)
    clauses, values = conditions(asked, {"kind": "a.kind"})
    if asked.closed is not None:
        clauses.append("(a.closed_at IS NOT NULL) = :closed")
        values["closed"] = asked.closed
    source = _PLANS + " AND ".join(["true", *clauses])
    return await page(
        read, PLAN.sql(asked.fields), source, _NEWEST, values, limit=limit, after=after, total=asked.total
    )


# What was found less what is recorded, of shared (y) and counted (x), summed up by class of risk.
_TALLIES = f"""(SELECT coalesce(jsonb_object_agg(t.stratum, t.sums), '{{}}') FROM (
   SELECT i.stratum, jsonb_build_object('seen', count(*), 'differing', count(*) FILTER (WHERE {_DIFFERS}),
     'y', sum(d.y), 'x', sum(d.x), 'yy', sum(d.y * d.y), 'xx', sum(d.x * d.x), 'xy', sum(d.x * d.y)) AS sums
   FROM audit_item i CROSS JOIN LATERAL (SELECT i.found_shared::int - i.shared::int AS y,
     i.found_counted::int - i.counted::int AS x) d
   WHERE i.plan_id = a.id AND i.found_at IS NOT NULL GROUP BY i.stratum) t)"""  # noqa: S608 -- composed of constants
_ONE = f"""SELECT {PLAN.sql()}::jsonb || jsonb_build_object('strata', a.strata, 'rules', a.rules,
  'definition_sha256', a.definition_sha256, 'tallies', {_TALLIES}) AS told {_PLANS} a.id = :id"""


async def plan(read: AsyncSession, plan_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """With its classes of risk, the bound it can reach at best, and what the inspections make of the ratio so far, or
    made of it when it was closed. Raises NotAllowed (403), AuditNotFound (404). One statement.
    """
    policy.require(actor, READ)
    row = await direct.row(read, _ONE, {"id": plan_id})
    if row is None:
        raise AuditNotFound
    told: dict[str, Any] = row["told"]
    return {**told, **concluded(told.pop("tallies"), told)}


_NONE = {"seen": 0, "differing": 0, "y": 0, "x": 0, "yy": 0, "xx": 0, "xy": 0}


def concluded(tallies: dict[str, dict[str, int]], told: dict[str, Any]) -> dict[str, Any]:
    """`strata` with what was seen of each, `best_bound` and `result`, of which there is none before an inspection."""
    strata = [
        {**each, **{n: tallies.get(each["code"], _NONE)[n] for n in ("seen", "differing")}} for each in told["strata"]
    ]
    sums = [
        sampling.Tally(each["size"], **{n: v for n, v in tallies.get(each["code"], _NONE).items() if n != "differing"})
        for each in strata
    ]
    best = sampling.best_bound(
        {each["code"]: each["size"] for each in strata},
        {each["code"]: each["drawn"] for each in strata},
        told["counted"],
    )
    found = sampling.estimate(sums, told["shared"], told["counted"]) if any(t.seen for t in sums) else None
    return {
        "strata": strata,
        "best_bound": sampling.percent(best),
        "result": told["result"] or sampling.told(found),
    }


class ItemsAsked(Listing):
    """The structures of a plan by class of risk and place in the draw; without `drawn=true` also those not drawn."""

    drawn: Annotated[bool | None, Field(description="Only what was drawn, or only what was not.")] = None
    stratum: Annotated[Word | None, Field(description="Of this class of risk.")] = None
    inspected: Annotated[bool | None, Field(description="Only what was inspected, or only what still is to be.")] = None
    differs: Annotated[bool | None, Field(description="Only what was found otherwise, or only as recorded.")] = None
    mended: Annotated[bool | None, Field(description="Of those: whether the records say by now what was found.")] = None
    q: Annotated[Word | None, Field(description="Part of the structure's number.")] = None


_VERDICT = f"CASE WHEN i.found_at IS NULL THEN NULL WHEN {_DIFFERS} THEN 'differs' ELSE 'as_recorded' END"
# What is known by now of the plan's day, beside what was found.
_MENDED = f"""CASE WHEN i.found_at IS NOT NULL AND {_DIFFERS} THEN coalesce(
   (SELECT (p.counted, p.shared) = (i.found_counted, i.found_shared) FROM ratio_span p JOIN ratio_series s
      ON s.id = p.series_id AND s.definition_code || '.' || s.definition_version = a.definition
      AND s.boundary_set = a.boundary_set
    WHERE p.structure_id = i.structure_id AND p.valid_from <= a.as_of AND p.valid_to > a.as_of
      AND p.recorded_to = 'infinity'), NOT i.found_counted) END"""  # noqa: S608 -- composed of constants
ITEM = Shape(
    {
        "structure_id": "i.structure_id",
        "public_no": "i.public_no",
        "owner": "i.owner",
        "unit": "NULLIF(i.unit, '')",
        "unit_name": "(SELECT w.name FROM unit_copy w WHERE w.id = i.unit)",
        "stratum": "i.stratum",
        "signs": "i.signs",
        "place": "i.place",
        "counted": "i.counted",
        "shared": "i.shared",
        "reason": "i.reason",
        "verdict": _VERDICT,
        "found_counted": "i.found_counted",
        "found_shared": "i.found_shared",
        "users": "i.users",
        "note": "i.note",
        "evidence_sha256": "NULLIF(i.evidence_sha256, '')",
        "inspected_on": "i.inspected_on",
        "found_at": "i.found_at",
        "found_by": "i.found_by",
        "mended": _MENDED,
        "version": "i.no",
    }
)
_ITEMS = " FROM audit_item i JOIN audit_plan a ON a.id = i.plan_id WHERE i.plan_id = :plan"
_BY_PLACE = Order({"i.stratum": "text", "coalesce(i.place, 2147483647)": "int", "i.structure_id": "uuid"})


async def items(
    read: AsyncSession,
    plan_id: UUID,
    asked: ItemsAsked,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Raises NotAllowed (403). One statement."""
    policy.require(actor, READ)
    clauses, values = conditions(asked, {"stratum": "i.stratum"})
    for name, column in (
        ("drawn", "i.place IS NOT NULL"),
        ("inspected", "i.found_at IS NOT NULL"),
        ("differs", f"i.found_at IS NOT NULL AND {_DIFFERS}"),
        ("mended", _MENDED),
    ):
        if (wanted := getattr(asked, name)) is not None:
            clauses.append(f"({column}) = :{name}")
            values[name] = wanted
    if asked.q:
        clauses.append("i.public_no ILIKE :q")
        values["q"] = "%" + asked.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    values["plan"] = plan_id
    source = _ITEMS + "".join(f" AND {clause}" for clause in clauses)
    return await page(
        read, ITEM.sql(asked.fields), source, _BY_PLACE, values, limit=limit, after=after, total=asked.total
    )


async def item(read: AsyncSession, plan_id: UUID, structure_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """Raises NotAllowed (403), ItemNotFound (404). One statement."""
    policy.require(actor, READ)
    statement = f"SELECT {ITEM.sql()} AS told {_ITEMS} AND i.structure_id = :structure AND i.place IS NOT NULL"
    row = await direct.row(read, statement, {"plan": plan_id, "structure": structure_id})
    if row is None:
        raise ItemNotFound
    told: dict[str, Any] = row["told"]
    return told


async def locked_plan(tx: AsyncSession, plan_id: UUID, *, actor: Actor, shared: bool = False) -> Any:
    """Row (no, closed_at, as_of), locked against a change, or `shared` only against its closing.

    Raises AuditNotFound (404).
    """
    policy.require(actor, READ)
    lock = "SHARE" if shared else "UPDATE"
    found = await tx.execute(
        sa.text(f"SELECT no, closed_at, as_of FROM audit_plan WHERE id = :id FOR {lock}"),  # noqa: S608
        {"id": plan_id},
    )
    row = found.first()
    if row is None:
        raise AuditNotFound
    return row


async def locked_item(tx: AsyncSession, plan_id: UUID, structure_id: UUID, *, actor: Actor) -> Any:
    """Row (no, counted, shared, found_counted, found_shared), locked for a change. Raises ItemNotFound (404)."""
    policy.require(actor, READ)
    found = await tx.execute(
        sa.text(
            "SELECT no, counted, shared, found_counted, found_shared FROM audit_item"
            " WHERE plan_id = :plan AND structure_id = :structure AND place IS NOT NULL FOR UPDATE"
        ),
        {"plan": plan_id, "structure": structure_id},
    )
    row = found.first()
    if row is None:
        raise ItemNotFound
    return row
