"""What the caller may see of structures and stations, as SQL: no read of them leaves this out."""

from typing import Any, NamedTuple

from kernel.clock import local_date
from services.registry.domain import policy
from services.registry.domain.policy import Caller
from services.registry.domain.status import OPEN_TO_ALL
from services.registry.domain.times import Times

# What begins after the day of the knowledge is a plan, whatever its status then is called.
_STRUCTURE = "({0}.owner_id = :org OR ({0}.status = ANY(:open) AND {0}.valid_from <= :known_day))"
_AT = "{0}.valid_from <= :as_of AND {0}.valid_to > :as_of AND {0}.recorded_from <= :known AND {0}.recorded_to > :known"


class Found(NamedTuple):
    """One thing as JSON made by PostgreSQL, and the number of its newest change: its entity tag."""

    item: str
    no: int


class Reach(NamedTuple):
    """Conditions on a `structure_version` and a `station_version` at `Times`, and the values they bind."""

    structure: str
    station: str
    values: dict[str, Any]


def at_times(alias: str) -> str:
    """The condition that a version is believed at (:as_of, :known)."""
    return _AT.format(alias)


def reach(actor: Caller, at: Times, *, structure: str = "v", station: str = "s") -> Reach:
    """`structure` and `station` are the aliases. Stations: the caller's own, and on what he sees the others' on air."""
    if policy.sees_all(actor):
        return Reach("true", "true", {})
    on = (
        f"EXISTS (SELECT FROM structure_version o WHERE o.structure_id = {station}.structure_id"
        f" AND {at_times('o')} AND (o.owner_id = :org OR"
        f" ({station}.status <> 'planned' AND {station}.valid_from <= :known_day AND {_STRUCTURE.format('o')})))"
    )
    values = {"org": actor.org, "open": list(OPEN_TO_ALL), "known_day": local_date(at.known_at)}
    return Reach(_STRUCTURE.format(structure), f"({station}.operator_id = :org OR {on})", values)
