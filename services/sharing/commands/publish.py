"""Shipped law becomes rows: the same code, version and content is nothing new, other content is an error."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.audit import canonical
from kernel.auth import Actor
from kernel.clock import Clock, local_date
from kernel.db import Database, open_end
from services.sharing import data
from services.sharing.commands.copies import add_series
from services.sharing.domain import policy
from services.sharing.domain.definition import DefaultsCollide, Definition, Plan, check_defaults
from services.sharing.domain.indicators import Indicators, read_value
from services.sharing.domain.refusals import (
    BoundarySetUnknown,
    DayTooEarly,
    DefaultsOverlap,
    KindUncounted,
    PercentMalformed,
    PublishedAlready,
    TargetsDoubled,
)
from services.sharing.queries import law

PUBLISH = "sharing:law:publish"
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('sharing:law:publish', 0))")


class PublishedOtherwise(Exception):
    """Published rows never change: give the file a new version instead."""


async def publish(database: Database, clock: Clock) -> None:
    async with database.tx() as tx:
        await publish_shipped(tx, data.definitions(), data.plans(), now=clock())
        await publish_indicators(tx, data.indicators(), now=clock())


async def publish_shipped(
    tx: AsyncSession, definitions: Iterable[Definition], plans: Iterable[Plan], *, now: datetime
) -> None:
    """Raises PublishedOtherwise, DefaultsCollide."""
    known = await law.published_hashes(tx)
    definitions = list(definitions)
    published = [Definition.model_validate(row.content) for row in await law.definitions(tx)]
    check_defaults({one.id: one for one in (*published, *definitions)}.values())
    for definition in definitions:
        if _is_new(known, definition.id, definition):
            await tx.execute(_DEFINITION, _definition_row(definition, now))
    for plan in plans:
        if _is_new(known, plan.code, plan):
            await _publish_plan(tx, plan, now)
    await _publish_lists(tx)
    await add_series(tx)


async def publish_definition(tx: AsyncSession, actor: Actor, definition: Definition, *, now: datetime) -> None:
    """A new version, or a definition of a new name; every structure is counted by it before anybody sees a figure.

    Raises NotAllowed (403), PublishedAlready, DefaultsOverlap (409), DayTooEarly (422): a default never changes figures
    of days that are over.
    """
    policy.require(actor, PUBLISH)
    await tx.execute(_ONE_AT_A_TIME)
    if definition.id in await law.published_hashes(tx):
        raise PublishedAlready(code=definition.id)
    if definition.default and definition.valid_from <= local_date(now):
        raise DayTooEarly("/valid_from")
    published = [Definition.model_validate(row.content) for row in await law.definitions(tx)]
    try:
        check_defaults([*published, definition])
    except DefaultsCollide:
        raise DefaultsOverlap from None
    await tx.execute(_DEFINITION, _definition_row(definition, now))
    await add_series(tx)
    after = {"sha256": digest(definition), "default": definition.default, "valid_from": definition.valid_from}
    await audit.record(tx, actor, PUBLISH, definition.id, now=now, after=after)


async def publish_plan(tx: AsyncSession, actor: Actor, plan: Plan, *, now: datetime) -> None:
    """Raises NotAllowed (403), PublishedAlready (409), BoundarySetUnknown, KindUncounted, TargetsDoubled,
    PercentMalformed (422)."""
    policy.require(actor, PUBLISH)
    await tx.execute(_ONE_AT_A_TIME)
    if plan.code in await law.published_hashes(tx):
        raise PublishedAlready(code=plan.code)
    if plan.boundary_set not in {row.code for row in await law.boundary_sets(tx)}:
        raise BoundarySetUnknown
    if {target.kind for target in plan.targets} - {row.kind for row in await law.definitions(tx)}:
        raise KindUncounted
    if len({(target.kind, target.due_on, target.is_base) for target in plan.targets}) < len(plan.targets):
        raise TargetsDoubled
    if any(read_value("percent", target.percent) is None for target in plan.targets):
        raise PercentMalformed
    await _publish_plan(tx, plan, now)
    await audit.record(tx, actor, PUBLISH, plan.code, now=now, after={"sha256": digest(plan)})


async def publish_indicators(tx: AsyncSession, shipped: Indicators, *, now: datetime) -> None:
    """Raises PublishedOtherwise."""
    known = await law.indicator_hashes(tx, shipped.plan)
    rows = [
        {
            "plan": shipped.plan,
            "code": one.code,
            "position": position,
            "content": content_of(one),
            "sha256": digest(one),
            "now": now,
        }
        for position, one in enumerate(shipped.indicators)
        if _is_new(known, one.code, one)
    ]
    if rows:
        await tx.execute(_INDICATOR, rows)


_INDICATOR = sa.text(
    "INSERT INTO indicator (plan, code, position, content, sha256, published_at)"
    " VALUES (:plan, :code, :position, :content, :sha256, :now)"
).bindparams(sa.bindparam("content", type_=sa.JSON))


def content_of(shipped: BaseModel) -> dict[str, Any]:
    return shipped.model_dump(mode="json", by_alias=True, exclude_none=True)


def digest(shipped: BaseModel) -> str:
    return hashlib.sha256(canonical(content_of(shipped))).hexdigest()


def _is_new(known: dict[str, str], key: str, shipped: BaseModel) -> bool:
    if key not in known:
        return True
    if known[key] != digest(shipped):
        raise PublishedOtherwise(f"{key} was published with other content: a change needs a new version")
    return False


_DEFINITION = sa.text(
    "INSERT INTO definition (code, version, kind, content, sha256, is_default, valid_from, valid_to, published_at)"
    " VALUES (:code, :version, :kind, :content, :sha256, :is_default, :valid_from, :valid_to, :now)"
).bindparams(sa.bindparam("content", type_=sa.JSON))


def _definition_row(definition: Definition, now: datetime) -> dict[str, Any]:
    return {
        "code": definition.code,
        "version": definition.version,
        "kind": definition.kind,
        "content": content_of(definition),
        "sha256": digest(definition),
        "is_default": definition.default,
        "valid_from": definition.valid_from,
        "valid_to": open_end(definition.valid_to),
        "now": now,
    }


async def _publish_plan(tx: AsyncSession, plan: Plan, now: datetime) -> None:
    await tx.execute(
        sa.text(
            "INSERT INTO plan (code, title_vi, title_en, source, boundary_set, sha256, published_at)"
            " VALUES (:code, :title_vi, :title_en, :source, :boundary_set, :sha256, :now)"
        ),
        {
            "code": plan.code,
            "title_vi": plan.title.vi,
            "title_en": plan.title.en,
            "source": plan.source,
            "boundary_set": plan.boundary_set,
            "sha256": digest(plan),
            "now": now,
        },
    )
    await tx.execute(
        sa.text(
            "INSERT INTO target (plan, kind, due_on, is_base, percent)"
            " VALUES (:plan, :kind, :due_on, :is_base, CAST(CAST(:percent AS text) AS numeric))"
        ),
        [{"plan": plan.code, **target.model_dump()} for target in plan.targets],
    )


async def _publish_lists(tx: AsyncSession) -> None:
    """Titles of code lists may be worded better from one release to the next."""
    await tx.execute(
        sa.text(
            "INSERT INTO agreement_kind (code, title_vi, title_en, source) VALUES (:code, :vi, :en, :source)"
            " ON CONFLICT (code) DO UPDATE SET title_vi = excluded.title_vi, title_en = excluded.title_en,"
            " source = excluded.source"
        ),
        [
            {"code": kind.code, "source": kind.source, **kind.title.model_dump()}
            for kind in data.agreement_kinds().kinds
        ],
    )
    await tx.execute(
        sa.text(
            "INSERT INTO boundary_set (code, title_vi, title_en, valid_from, valid_to, reported)"
            " VALUES (:code, :vi, :en, :valid_from, :valid_to, :reported) ON CONFLICT (code) DO UPDATE SET"
            " title_vi = excluded.title_vi, title_en = excluded.title_en, valid_from = excluded.valid_from,"
            " valid_to = excluded.valid_to, reported = excluded.reported"
        ),
        [
            {**each.model_dump(exclude={"title"}), **each.title.model_dump()}
            for each in data.boundary_sets().boundary_sets
        ],
    )
