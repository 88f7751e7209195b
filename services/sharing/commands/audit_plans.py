"""An audit of the ratio: drawn, inspected structure by structure, closed with what it says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import require_match
from kernel.errors import Fault
from services.sharing.commands.recount import copy_rows
from services.sharing.commands.reports import Changed
from services.sharing.commands.statements import FiguresDisagree, require_settled
from services.sharing.domain import policy, sampling
from services.sharing.domain.refusals import (
    AuditClosed,
    DayTooLate,
    FindingRefused,
    ItemsOpen,
    NothingCounted,
    SizeTooLarge,
)
from services.sharing.domain.sampling import Facts, Sampling
from services.sharing.queries import audit_plans as queries
from services.sharing.queries import ratios
from services.sharing.queries import statements as statement_queries
from services.sharing.queries.ratios import Scope

ITEM_COLUMNS = (
    "plan_id", "structure_id", "public_no", "owner", "unit", "counted", "shared", "reason", "signs", "stratum", "place",
)  # fmt: skip


async def draw(
    tx: AsyncSession, actor: Actor, scope: Scope, size: int, seed: str, rules: Sampling, *, now: datetime
) -> UUID:
    """Draws `size` structures by risk. The whole frame is kept, so that the draw can be done again with the seed.

    Raises NotAllowed (403), DayNotOver, SizeTooLarge (422), NotAllKnownYet, NothingCounted (409).
    """
    policy.require(actor, queries.ACT)
    await require_settled(tx, scope, now)
    basis = await statement_queries.basis(tx, scope.definition, scope.boundary_set)
    rows = await queries.frame(tx, scope, rules.frame, actor=actor)
    shared, counted = sum(row.shared for row in rows), sum(row.counted for row in rows)
    figure = orjson.loads(await ratios.ratio(tx, scope))
    if (figure["shared"], figure["counted"]) != (shared, counted):
        raise FiguresDisagree(f"{figure} is counted, {shared} of {counted} can be drawn")
    if not counted:
        raise NothingCounted
    if size > len(rows):
        raise SizeTooLarge(most=len(rows))
    found = {str(row.id): sampling.signs(_facts(row), rules) for row in rows}
    classes: dict[str, list[str]] = {each.code: [] for each in rules.classes}
    for key, signs in found.items():
        classes[sampling.class_of(signs, rules)].append(key)
    sizes = {code: len(ids) for code, ids in classes.items() if ids}
    drawn = sampling.allocate(sizes, {each.code: each.weight for each in rules.classes}, size, rules.least)
    places = {
        key: place
        for code in sizes
        for place, key in enumerate(sampling.draw(seed, classes[code], drawn[code]), start=1)
    }
    of = {key: code for code, ids in classes.items() for key in ids}
    plan_id = new_id()
    strata = [
        {"code": each.code, "weight": each.weight, "size": sizes[each.code], "drawn": drawn[each.code]}
        for each in rules.classes
        if each.code in sizes
    ]
    values = {
        "id": plan_id,
        **{name: getattr(scope, name) for name in ("kind", "definition", "boundary_set", "unit", "owner", "as_of")},
        "known_at": scope.known_at,
        "sha256": basis.sha256,
        "size": size,
        "seed": seed,
        "rules": rules.model_dump(mode="json"),
        "strata": strata,
        "shared": shared,
        "counted": counted,
        "now": now,
        "actor": actor.id,
    }
    await tx.execute(_PLAN, values)
    items = [
        (
            plan_id, row.id, row.public_no, row.owner, row.unit, row.counted, row.shared, row.reason,
            found[str(row.id)], of[str(row.id)], places.get(str(row.id)),
        )
        for row in rows
    ]  # fmt: skip
    await copy_rows(tx, "audit_item", ITEM_COLUMNS, items)
    after = {"definition": scope.definition, "as_of": scope.as_of, "size": size, "seed": seed, "frame": len(rows)}
    await audit.record(tx, actor, "sharing:audit:draw", plan_id, now=now, after=after)
    return plan_id


def _facts(row: Any) -> Facts:
    return Facts(
        row.evidence, row.capacity, row.shared, row.users, row.seen_users, row.of_tower_company, row.contradicted
    )


_PLAN = sa.text(
    "INSERT INTO audit_plan (id, kind, definition, definition_sha256, boundary_set, unit, owner, as_of, known_at,"
    " size, seed, rules, strata, shared, counted, drawn_at, drawn_by) VALUES (:id, :kind, :definition, :sha256,"
    " :boundary_set, :unit, :owner, :as_of, :known_at, :size, :seed, :rules, :strata, :shared, :counted, :now, :actor)"
).bindparams(sa.bindparam("rules", type_=sa.JSON), sa.bindparam("strata", type_=sa.JSON))


@dataclass(frozen=True)
class Finding:
    """What an inspector found on `inspected_on`. `as_recorded`: counted and shared are taken from the record."""

    as_recorded: bool
    inspected_on: date
    counted: bool | None = None
    shared: bool | None = None
    users: str = ""
    note: str = ""
    evidence_sha256: str = ""


async def inspect(
    tx: AsyncSession,
    actor: Actor,
    plan_id: UUID,
    structure_id: UUID,
    finding: Finding,
    *,
    now: datetime,
    if_match: str = "*",
) -> Changed:
    """Records what was found; a later finding takes its place, and the audit keeps both.

    Raises NotAllowed (403), AuditNotFound, ItemNotFound (404), Stale (412), AuditClosed (409), FindingRefused,
    DayTooLate (422).
    """
    plan = await queries.locked_plan(tx, plan_id, actor=actor, shared=True)
    policy.require(actor, queries.ACT)
    row = await queries.locked_item(tx, plan_id, structure_id, actor=actor)
    require_match(if_match, row.no)
    if plan.closed_at is not None:
        raise AuditClosed
    if finding.inspected_on > local_date(now):
        raise DayTooLate("/inspected_on")
    counted, shared = _found(row, finding)
    after = {
        "counted": counted,
        "shared": shared,
        "users": finding.users.strip(),
        "note": finding.note.strip(),
        "evidence_sha256": finding.evidence_sha256,
        "inspected_on": finding.inspected_on,
    }
    await tx.execute(
        sa.text(
            "UPDATE audit_item SET found_counted = :counted, found_shared = :shared, users = :users, note = :note,"
            " evidence_sha256 = :evidence_sha256, inspected_on = :inspected_on, found_at = :now, found_by = :actor,"
            " no = no + 1 WHERE plan_id = :plan AND structure_id = :structure"
        ),
        {**after, "plan": plan_id, "structure": structure_id, "now": now, "actor": actor.id},
    )
    before = {"counted": row.found_counted, "shared": row.found_shared}
    named = {"plan": plan_id, **after}
    await audit.record(tx, actor, "sharing:audit:inspect", structure_id, now=now, before=before, after=named)
    return Changed(structure_id, row.no + 1)


def _found(row: Any, finding: Finding) -> tuple[bool, bool]:
    """Raises FindingRefused (422): what differs says how, and why anybody should believe it."""
    if finding.as_recorded:
        return row.counted, row.shared
    faults = []
    if finding.counted is None:
        faults.append(Fault("/counted", "missing", FindingRefused.say_counted))
    if finding.shared is None or (finding.shared and finding.counted is False):
        faults.append(Fault("/shared", "missing", FindingRefused.say_shared))
    if not faults and (finding.counted, finding.shared) == (row.counted, row.shared):
        faults.append(Fault("/as_recorded", "same", FindingRefused.same))
    if not finding.note.strip():
        faults.append(Fault("/note", "missing", FindingRefused.say_what))
    if faults:
        raise FindingRefused(errors=faults)
    return bool(finding.counted), bool(finding.shared)


async def close(tx: AsyncSession, actor: Actor, plan_id: UUID, *, now: datetime, if_match: str = "*") -> Changed:
    """Keeps what the inspections say of the ratio; nothing of the plan changes any more.

    Raises NotAllowed (403), AuditNotFound (404), Stale (412), AuditClosed, ItemsOpen (409).
    """
    row = await queries.locked_plan(tx, plan_id, actor=actor)
    policy.require(actor, queries.ACT)
    require_match(if_match, row.no)
    if row.closed_at is not None:
        raise AuditClosed
    told = await queries.plan(tx, plan_id, actor=actor)
    if told["inspected"] < told["drawn"]:
        raise ItemsOpen(count=told["drawn"] - told["inspected"])
    await tx.execute(
        sa.text(
            "UPDATE audit_plan SET closed_at = :now, closed_by = :actor, result = CAST(:result AS jsonb), no = no + 1"
            " WHERE id = :id"
        ),
        {"id": plan_id, "now": now, "actor": actor.id, "result": orjson.dumps(told["result"] or {}).decode()},
    )
    await audit.record(tx, actor, "sharing:audit:finish", plan_id, now=now, after=told["result"] or {})
    return Changed(plan_id, row.no + 1)
