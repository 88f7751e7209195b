"""How good the records are: the rules of data/quality.toml as conditions, counted by owner in one statement."""

# ruff: noqa: S608 -- composed of constants of this module and of our own data; every value is bound

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry import data
from services.registry.domain import policy
from services.registry.domain.policy import Caller
from services.registry.domain.shipped import Rule
from services.registry.domain.times import Times
from services.registry.queries.asked import Filter, where
from services.registry.queries.quality_rules import condition


class OwnerQuality(NamedTuple):
    """`faults` by the code of the rule; `score` from 0 to 100, None without any structure."""

    owner: str
    owner_name: str
    structures: int
    faults: dict[str, int]
    score: float | None


async def quality(read: AsyncSession, actor: Caller, kind: str, at: Times) -> list[OwnerQuality]:
    """By owner: of an enterprise its own alone. Dismantled structures are nobody's work."""
    rules = data.quality().of(kind)
    asked = Filter(status_ne="dismantled", owner=None if policy.sees_all(actor) else actor.org)
    clause, values, _ = where(actor, kind, asked, at)
    counted = "".join(f", count(*) FILTER (WHERE {condition(rule)}) AS r{no}" for no, rule in enumerate(rules))
    statement = sa.text(
        f"SELECT v.owner_id AS owner, coalesce((SELECT o.short FROM organisation_version o"
        " WHERE o.organisation_code = v.owner_id AND o.recorded_to = 'infinity' AND o.valid_from <= :as_of"
        f" AND o.valid_to > :as_of), v.owner_id) AS owner_name, count(*) AS structures{counted}"
        f" FROM structure_version v WHERE {clause} GROUP BY v.owner_id ORDER BY count(*) DESC, v.owner_id"
    )
    return [_owner(row._mapping, rules) for row in await read.execute(statement, values)]


def _owner(row: Any, rules: list[Rule]) -> OwnerQuality:
    faults = {rule.code: row[f"r{no}"] for no, rule in enumerate(rules)}
    possible = sum(rule.weight for rule in rules) * row["structures"]
    wrong = sum(rule.weight * faults[rule.code] for rule in rules)
    score = round(100 * (1 - wrong / possible), 1) if possible else None
    return OwnerQuality(row["owner"], row["owner_name"], row["structures"], faults, score)
