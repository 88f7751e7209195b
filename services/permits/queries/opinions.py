"""What is being written inside a department, and how many people it passes through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from kernel.texts import Day

NOTHING: Mapping[str, Any] = {"outcome": None, "grounds": None, "conditions": []}


@dataclass(frozen=True)
class Step:
    act: str
    person: str
    name: str
    at: datetime
    remark: str | None


@dataclass(frozen=True)
class Draft:
    """What stands in a review that is not signed, and what happened to it so far."""

    written: Mapping[str, Any]
    steps: Sequence[Step]


async def draft(read: AsyncSession, review_id: UUID) -> Draft:
    """For its own department only."""
    rows = await read.execute(
        sa.text(
            "SELECT r.draft, t.act, t.person, t.name, t.at, t.remark FROM review r LEFT JOIN review_step t"
            " ON t.review_id = r.id WHERE r.id = :id ORDER BY t.no"
        ),
        {"id": review_id},
    )
    found = rows.all()
    return Draft(found[0].draft or NOTHING, [Step(*row[1:]) for row in found if row.act])


async def next_step(tx: AsyncSession, review_id: UUID) -> int:
    row = await tx.execute(
        sa.text("SELECT coalesce(max(no), 0) + 1 FROM review_step WHERE review_id = :id"), {"id": review_id}
    )
    return int(row.scalar_one())


class DutiesAsked(Listing):
    """How the departments divide the work on an opinion."""

    org: Word | None = None
    function: Word | None = None
    valid_on: Annotated[Day | None, Field(description="Only what holds for functions asked on this day.")] = None


DUTY = Shape(
    {
        "id": "d.id",
        "org": "d.org",
        "function": "d.function",
        "way": "d.way",
        "valid_from": "d.valid_from",
        "reason": "d.reason",
        "set_by": "d.set_by",
        "set_name": "d.set_name",
        "set_at": "d.set_at",
    }
)
_NEWEST = Order({"d.org": "text", "d.function": "text", "d.valid_from": "date", "d.set_at": "timestamptz"})


async def duties(read: AsyncSession, asked: DutiesAsked, *, limit: int, after: Sequence[Any] | None = None) -> Rows:
    """Every row ever set, by department and day. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"org": "d.org", "function": "d.function"})
    if asked.valid_on is not None:
        clauses.append(
            "d.id = (SELECT e.id FROM duty e WHERE e.org = d.org AND e.function = d.function"
            " AND e.valid_from <= :valid_on ORDER BY e.valid_from DESC, e.set_at DESC LIMIT 1)"
        )
        values["valid_on"] = asked.valid_on
    source = f"FROM duty d WHERE {' AND '.join(['true', *clauses])}"
    return await page(
        read, DUTY.sql(asked.fields), source, _NEWEST, values, limit=limit, after=after, total=asked.total
    )
