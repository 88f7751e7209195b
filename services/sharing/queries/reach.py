"""What the caller may see of the structures, as SQL: no list of them leaves this out."""

from datetime import datetime
from typing import Any, NamedTuple

from kernel.auth import Actor
from kernel.clock import local_date
from services.sharing.domain import policy
from services.sharing.domain.status import OPEN_TO_ALL

PLANS = "sharing:plan:read"


class Reach(NamedTuple):
    """A condition on a `structure_copy` by its alias, and the values it binds."""

    structure: str
    values: dict[str, Any]


def reach(actor: Actor, known_at: datetime, *, alias: str = "c") -> Reach:
    """Officers: every structure. Others: their own, and what is built.

    What begins after the day of the knowledge is a plan, whatever its status then is called.
    """
    if policy.sees_every(actor, PLANS):
        return Reach("true", {})
    condition = (
        f"({alias}.owner = :reach_org OR ({alias}.status = ANY(:reach_open) AND {alias}.valid_from <= :reach_day))"
    )
    values = {"reach_org": actor.org, "reach_open": list(OPEN_TO_ALL), "reach_day": local_date(known_at)}
    return Reach(condition, values)
