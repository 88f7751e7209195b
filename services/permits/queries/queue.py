"""The queue of a department: what its functions have to do, the nearest deadline first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Order, Rows, Shape, Word, operator, page
from kernel.texts import Day
from services.permits.queries.listing import NARROWING, Narrowed, narrowed
from services.permits.queries.pieces import HEAD, MARKS, SITES
from services.permits.queries.visibility import ORG_LINE

Tab = Literal["all", "mine", "unassigned", "soon", "overdue", "paused"]
TABS: tuple[str, ...] = get_args(Tab)
_MATCHES = (
    "{d}.state IN ('running','paused') AND {d}.org = ANY(" + ORG_LINE + ")"
    " AND (:unlimited OR {d}.function = ANY(CAST(:functions AS text[])))"
)
# A dossier stands in the queue once, under the nearest deadline that the caller's function answers for.
_QUEUE = (
    "FROM deadline d JOIN application a ON a.id = d.application_id JOIN procedure_version p ON"
    " p.id = a.procedure_version_id LEFT JOIN review r ON r.id = d.review_id WHERE "
    + _MATCHES.format(d="d")
    + " AND NOT EXISTS (SELECT FROM deadline e WHERE e.application_id = d.application_id AND "
    + _MATCHES.format(d="e")
    + " AND (e.sort_on, e.id) < (d.sort_on, d.id))"
)
_ASSIGNEE = "CASE WHEN d.review_id IS NULL THEN a.assigned_to ELSE r.assigned_to END"
_ASSIGNEE_NAME = "CASE WHEN d.review_id IS NULL THEN a.assigned_name ELSE r.assigned_name END"
_TAB = {
    "all": "true",
    "mine": f"{_ASSIGNEE} = :me",
    "unassigned": f"{_ASSIGNEE} IS NULL",
    "soon": "d.state = 'running' AND d.due_on >= :today AND d.due_on <= :soon",
    "overdue": "d.state = 'running' AND d.due_on < :today",
    "paused": "d.state = 'paused'",
}
# How the row says that it has no day: a paused clock.
_LAST = "9999-12-31"
COLUMNS = {**NARROWING, "clock": "d.clock", "asked": "r.function", "assignee": _ASSIGNEE, "due_on": "d.due_on"}
SHAPE = Shape(
    {
        **HEAD,
        "deadline": "json_build_object('clock', d.clock, 'due_on', d.due_on, 'state', d.state, 'remaining',"
        " d.remaining)",
        "sort_on": f"CASE WHEN d.sort_on = 'infinity' THEN '{_LAST}' ELSE CAST(d.sort_on AS text) END",
        "asked": "r.function",
        "assignee": _ASSIGNEE,
        "assignee_name": _ASSIGNEE_NAME,
        "sites": SITES,
        "reviews": MARKS,
    }
)
_NEAREST = Order({"d.sort_on": "date", "d.application_id": "uuid"})
_FURTHEST = Order(_NEAREST.columns, descending=True)


class QueueAsked(Narrowed):
    """The queue of the caller's organisation and functions."""

    tab: Annotated[Tab, Field(description="`soon`: within two working days.")] = "all"
    clock: Annotated[Word | None, Field(description="Of the deadline that puts the dossier here.")] = None
    asked: Annotated[Word | None, Field(description="The function whose opinion is waited for.")] = None
    assignee: Word | None = None
    due_on_lt: Day | None = operator("due_on", "lt", "Due before this day.")
    due_on_lte: Day | None = operator("due_on", "lte", "Due on this day or earlier.")
    due_on_gte: Day | None = operator("due_on", "gte", "Due on this day or later.")


@dataclass(frozen=True)
class Horizon:
    """Today, and the last day that counts as soon."""

    today: date
    soon: date


def _values(actor: Actor, horizon: Horizon) -> dict[str, Any]:
    return {
        "org": actor.org,
        "unlimited": not actor.functions,
        "functions": sorted(actor.functions),
        "me": actor.id,
        "today": horizon.today,
        "soon": horizon.soon,
    }


async def queue(
    read: AsyncSession,
    asked: QueueAsked,
    *,
    actor: Actor,
    horizon: Horizon,
    limit: int,
    after: Sequence[Any] | None = None,
    back: bool = False,
) -> Rows:
    """Dossiers whose deadline the caller's organisation and functions answer for: nearest first, paused last.

    Raises BadCursor, UnknownField (422).
    """
    clauses, values = narrowed(asked, COLUMNS)
    source = f"{_QUEUE} AND {' AND '.join([_TAB[asked.tab], *clauses])}"
    order = _FURTHEST if back else _NEAREST
    given = {**values, **_values(actor, horizon)}
    row = SHAPE.sql(asked.fields)
    return await page(read, row, source, order, given, limit=limit, after=after, total=asked.total)


def queue_key(row: dict[str, Any]) -> list[Any]:
    return ["infinity" if row["sort_on"] == _LAST else row["sort_on"], row["id"]]


async def queue_counts(read: AsyncSession, *, actor: Actor, horizon: Horizon) -> dict[str, int]:
    """Rows of each tab, without filters."""
    counted = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {tab}" for tab, condition in _TAB.items())
    row = await direct.row(read, f"SELECT {counted} {_QUEUE}", _values(actor, horizon))
    assert row is not None
    return dict(row)
