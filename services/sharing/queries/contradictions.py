"""Contradictions: what the copies show today, and the work list that is made of it. For auditors only."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.listing import Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from kernel.texts import Day
from services.sharing.domain import policy
from services.sharing.domain.contradiction import Rules, State
from services.sharing.domain.refusals import ContradictionNotFound

READ, ACT = "sharing:audit:read", "sharing:audit:act"

# Enterprises are compared by their legal entities: what two brands of one do on each other's masts is no sharing.
# A station whose agreement has ended is told by that agreement, and only a station that never had one by itself.
_FOUND = """
WITH who AS MATERIALIZED (
  SELECT DISTINCT ON (code) code, legal_entity, kind FROM organisation_copy WHERE recorded_to = 'infinity'
  ORDER BY code, (valid_from <= :d AND valid_to > :d) DESC, valid_from DESC),
standing AS MATERIALIZED (
  SELECT c.id, s.kind, c.owner, c.status, coalesce(w.legal_entity, c.owner) AS entity
  FROM structure_copy c JOIN structure s ON s.id = c.id AND s.kind IS NOT NULL LEFT JOIN who w ON w.code = c.owner
  WHERE c.recorded_to = 'infinity' AND c.valid_from <= :d AND c.valid_to > :d),
aired AS MATERIALIZED (
  SELECT t.id, t.structure_id, t.operator, coalesce(w.legal_entity, t.operator) AS entity
  FROM station_copy t LEFT JOIN who w ON w.code = t.operator
  WHERE t.status = 'active' AND t.recorded_to = 'infinity' AND t.valid_from <= :d AND t.valid_to > :d),
agreed AS MATERIALIZED (
  SELECT a.id, a.structure_id, a.owner, a.tenant, v.in_force, v.ended_on, coalesce(w.kind, 'operator') AS tenant_kind,
    coalesce(o.legal_entity, a.owner) AS owner_entity, coalesce(w.legal_entity, a.tenant) AS tenant_entity
  FROM agreement a JOIN (
    SELECT agreement_id, bool_or(valid_to > :d) AS in_force, max(valid_to) FILTER (WHERE valid_to <= :d) AS ended_on
    FROM agreement_version WHERE status = 'in_force' AND recorded_to = 'infinity' AND valid_from <= :d
    GROUP BY agreement_id) v ON v.agreement_id = a.id
  LEFT JOIN who o ON o.code = a.owner LEFT JOIN who w ON w.code = a.tenant),
found AS MATERIALIZED (
  SELECT 'station_without_agreement' AS rule, t.structure_id, t.id AS thing, t.operator AS org
  FROM aired t JOIN standing s ON s.id = t.structure_id AND s.entity <> t.entity
  WHERE NOT EXISTS (SELECT FROM agreed g WHERE g.structure_id = t.structure_id AND g.tenant_entity = t.entity)
  UNION ALL
  SELECT 'agreement_without_station', g.structure_id, g.id, g.tenant
  FROM agreed g JOIN standing s ON s.id = g.structure_id AND s.kind = 'mast' AND s.status = 'in_service'
  WHERE g.in_force AND g.tenant_kind = 'operator' AND g.tenant_entity <> g.owner_entity
    AND NOT EXISTS (SELECT FROM aired t WHERE t.structure_id = g.structure_id AND t.entity = g.tenant_entity)
  UNION ALL
  SELECT 'agreement_ended', x.structure_id, x.id, x.tenant FROM (
    SELECT DISTINCT ON (g.structure_id, g.tenant_entity) g.structure_id, g.id, g.tenant, g.tenant_entity
    FROM agreed g JOIN standing s ON s.id = g.structure_id AND s.entity <> g.tenant_entity
    WHERE g.ended_on IS NOT NULL AND NOT EXISTS (SELECT FROM agreed o WHERE o.structure_id = g.structure_id
      AND o.tenant_entity = g.tenant_entity AND o.in_force)
    ORDER BY g.structure_id, g.tenant_entity, g.ended_on DESC, g.id) x
  WHERE EXISTS (SELECT FROM aired t WHERE t.structure_id = x.structure_id AND t.entity = x.tenant_entity)
  UNION ALL
  SELECT 'tenant_is_owner', g.structure_id, g.id, g.tenant FROM agreed g
  WHERE g.in_force AND g.owner_entity = g.tenant_entity
  UNION ALL
  SELECT 'structure_not_in_use', g.structure_id, g.id, g.owner
  FROM agreed g JOIN standing s ON s.id = g.structure_id AND s.status IN ('idle', 'dismantled') WHERE g.in_force
  UNION ALL
  SELECT 'owner_changed', g.structure_id, g.id, g.owner
  FROM agreed g JOIN standing s ON s.id = g.structure_id AND s.entity <> g.owner_entity WHERE g.in_force),
wanted AS (SELECT * FROM found WHERE rule = ANY(:rules))
SELECT (SELECT coalesce(json_agg(json_build_array(f.rule, f.structure_id, f.thing, f.org)
    ORDER BY f.rule, f.structure_id, f.thing), '[]') FROM wanted f WHERE NOT EXISTS (SELECT FROM contradiction c
    WHERE c.gone_at IS NULL AND (c.rule, c.structure_id, c.thing) = (f.rule, f.structure_id, f.thing)))::text AS new,
  (SELECT coalesce(json_agg(c.id), '[]') FROM contradiction c WHERE c.gone_at IS NULL AND NOT EXISTS (
    SELECT FROM wanted f WHERE (c.rule, c.structure_id, c.thing) = (f.rule, f.structure_id, f.thing)))::text AS gone
"""


class Seen(NamedTuple):
    """`new`: (rule, structure, thing, organisation) of what is not on the list; `gone`: cases that hold no more."""

    new: list[tuple[str, UUID, UUID, str]]
    gone: list[UUID]


async def differences(read: AsyncSession, rules: Sequence[str], day: date) -> Seen:
    """What today's copies say otherwise than the work list. One statement for all rules."""
    row = await direct.row(read, _FOUND, {"rules": list(rules), "d": day})
    assert row is not None
    new = [(rule, UUID(structure), UUID(thing), org) for rule, structure, thing, org in orjson.loads(row["new"])]
    return Seen(new, [UUID(each) for each in orjson.loads(row["gone"])])


async def last_look(read: AsyncSession) -> Any:
    """Row (looked_at, took), None before the first."""
    return (await read.execute(sa.text("SELECT looked_at, took FROM contradiction_look"))).first()


class ContradictionsAsked(Listing):
    """Cases, those due first. `holds`: whether the copies still contradict each other."""

    rule: Annotated[Word | None, Field(description="Such as `agreement_ended`.")] = None
    rule_in: Words | None = operator("rule", "in", "One of these rules.")
    state: Annotated[State | None, Field(description="open, settled or dismissed.")] = None
    holds: Annotated[bool | None, Field(description="Only what still holds, or only what is gone.")] = None
    overdue: Annotated[bool | None, Field(description="Only open ones past their day, or only the others.")] = None
    org: Annotated[Word | None, Field(description="Of this enterprise.")] = None
    assignee: Annotated[Word | None, Field(description="Whose it is to settle.")] = None
    structure_id: Annotated[UUID | None, Field(description="On this structure.")] = None
    due_on_lt: Day | None = operator("due_on", "lt", "Due before this day.")
    q: Annotated[Word | None, Field(description="Part of the structure's number.")] = None


_WAITS = "(c.state = 'open' AND c.gone_at IS NULL)"
_OVERDUE = f"({_WAITS} AND c.due_on < :today)"
CONTRADICTION = Shape(
    {
        "id": "c.id",
        "rule": "c.rule",
        "title_vi": "CAST(:titles AS jsonb) -> c.rule ->> 'vi'",
        "title_en": "CAST(:titles AS jsonb) -> c.rule ->> 'en'",
        "structure_id": "c.structure_id",
        "structure_kind": "s.kind",
        "public_no": "s.public_no",
        "structure_name": "s.name",
        "thing": "c.thing",
        "thing_kind": "CASE WHEN a.id IS NULL THEN 'station' ELSE 'agreement' END",
        "number": "(SELECT v.number FROM agreement_version v WHERE v.agreement_id = a.id AND v.status = 'in_force'"
        " AND v.recorded_to = 'infinity' ORDER BY v.valid_from DESC LIMIT 1)",
        "org": "c.org",
        "first_seen_at": "c.first_seen_at",
        "gone_at": "c.gone_at",
        "assignee": "NULLIF(c.assignee, '')",
        "due_on": "c.due_on",
        "overdue": _OVERDUE,
        "state": "c.state",
        "note": "c.note",
        "closed_at": "c.closed_at",
        "closed_by": "c.closed_by",
        "version": "c.no",
    }
)
_CASES = """
 FROM contradiction c JOIN structure s ON s.id = c.structure_id LEFT JOIN agreement a ON a.id = c.thing
 WHERE """
_BY_DAY = Order({"c.due_on": "date", "c.id": "uuid"})


async def contradictions(
    read: AsyncSession,
    asked: ContradictionsAsked,
    rules: Rules,
    *,
    actor: Actor,
    now: datetime,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:
    """Raises NotAllowed (403). One statement."""
    policy.require(actor, READ)
    names = ("rule", "state", "org", "assignee", "structure_id", "due_on")
    clauses, values = conditions(asked, {name: f"c.{name}" for name in names})
    if asked.holds is not None:
        clauses.append("(c.gone_at IS NULL) = :holds")
        values["holds"] = asked.holds
    if asked.overdue is not None:
        clauses.append(f"{_OVERDUE} = :overdue")
        values["overdue"] = asked.overdue
    if asked.q:
        clauses.append("s.public_no ILIKE :q")
        values["q"] = "%" + asked.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    values |= {"today": local_date(now), "titles": _titles(rules)}
    source = _CASES + " AND ".join(["true", *clauses])
    return await page(
        read, CONTRADICTION.sql(asked.fields), source, _BY_DAY, values, limit=limit, after=after, total=asked.total
    )


def _titles(rules: Rules) -> str:
    return orjson.dumps({rule.code: rule.title.model_dump() for rule in rules.rules}).decode()


async def contradiction(
    read: AsyncSession, contradiction_id: UUID, rules: Rules, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Raises NotAllowed (403), ContradictionNotFound (404). One statement."""
    policy.require(actor, READ)
    values = {"id": contradiction_id, "today": local_date(now), "titles": _titles(rules)}
    row = await direct.row(read, f"SELECT {CONTRADICTION.sql()} AS told {_CASES} c.id = :id", values)
    if row is None:
        raise ContradictionNotFound
    told: dict[str, Any] = row["told"]
    return told


async def locked(tx: AsyncSession, contradiction_id: UUID, *, actor: Actor) -> Any:
    """Row (no, state, gone_at, assignee, due_on), locked for a change. Raises ContradictionNotFound (404)."""
    policy.require(actor, READ)
    found = await tx.execute(
        sa.text("SELECT no, state, gone_at, assignee, due_on FROM contradiction WHERE id = :id FOR UPDATE"),
        {"id": contradiction_id},
    )
    row = found.first()
    if row is None:
        raise ContradictionNotFound
    return row


_WAITING = f"""SELECT c.rule, count(*) FILTER (WHERE {_WAITS}) AS waiting, count(*) FILTER (WHERE {_OVERDUE}) AS overdue
 FROM contradiction c GROUP BY c.rule"""  # noqa: S608 -- composed of constants


async def waiting(read: AsyncSession, *, actor: Actor, now: datetime) -> dict[str, tuple[int, int]]:
    """By rule how many cases wait, and how many of them are overdue; a rule that found nothing yet is left out."""
    policy.require(actor, READ)
    rows = await read.execute(sa.text(_WAITING), {"today": local_date(now)})
    return {row.rule: (row.waiting, row.overdue) for row in rows}
