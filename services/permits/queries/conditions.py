"""Conditions: the lists they are written in, what the opinions say side by side, what became of the decision's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from kernel.texts import Day
from services.permits.domain.application import Condition, ConditionBook, Finding, compare, merged, read_condition
from services.permits.queries.dossier import Dossier
from services.permits.queries.law import entries
from services.permits.tables import DecisionCondition

LISTS = ("condition_kind", "condition_subject")


async def condition_book(read: AsyncSession, dossier: Dossier) -> ConditionBook:
    verifiers = {dossier.lead_function, *(review.function for review in dossier.reviews)}
    return ConditionBook.of(await entries(read, *LISTS), verifiers)


@dataclass(frozen=True)
class SideBySide:
    """The conditions of all opinions in their order, where they meet, and what a decision would take over."""

    conditions: Sequence[Condition]
    findings: Sequence[Finding]
    proposal: Sequence[Condition]


async def side_by_side(read: AsyncSession, dossier: Dossier) -> SideBySide:
    """Of signed opinions only; an objection has no conditions."""
    rows = await read.execute(
        sa.text(
            "SELECT function, conditions FROM (SELECT DISTINCT ON (function) function, position, conditions, signed_by"
            " FROM review WHERE application_id = :id ORDER BY function, round DESC) r WHERE signed_by IS NOT NULL"
            " AND conditions IS NOT NULL ORDER BY position"
        ),
        {"id": dossier.id},
    )
    said = [read_condition({**each, "of": [function]}) for function, listed in rows for each in listed]
    book = await condition_book(read, dossier)
    return SideBySide(said, compare(said, book), merged(said, book))


async def followed(tx: AsyncSession, dossier: Dossier, no: int) -> DecisionCondition | None:
    found = await tx.execute(
        select(DecisionCondition).where(
            col(DecisionCondition.application_id) == dossier.id, col(DecisionCondition.no) == no
        )
    )
    row = found.scalar_one_or_none()
    if row is not None:
        tx.expunge(row)
    return row


class PhrasesAsked(Listing):
    """The library of what opinions and decisions say often."""

    kind: Word | None = None
    code: Word | None = None
    function: Annotated[Word | None, Field(description="Of this function, and those of all functions.")] = None
    valid_on: Annotated[Day | None, Field(description="Only the text that holds on this day.")] = None


PHRASE = Shape(
    {
        "kind": "f.kind",
        "code": "f.code",
        "no": "f.no",
        "function": "f.function",
        "text": "f.text",
        **{name: f"f.body->>'{name}'" for name in ("title", "when", "subject", "value", "evidence", "verifier")},
        "source": "f.source",
        "valid_from": "f.valid_from",
        "valid_to": "NULLIF(f.valid_to, 'infinity')",
        "made_by": "f.made_by",
        "made_at": "f.made_at",
    }
)
_BY_CODE = Order({"f.kind": "text", "f.code": "text", "f.no": "int"})


async def phrases(read: AsyncSession, asked: PhrasesAsked, *, limit: int, after: Sequence[Any] | None = None) -> Rows:
    """Every text of each phrase, by code and number. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"kind": "f.kind", "code": "f.code"})
    if asked.function is not None:
        clauses.append("(f.function IS NULL OR f.function = :function)")
        values["function"] = asked.function
    if asked.valid_on is not None:
        clauses.append(
            "f.valid_from <= :valid_on AND f.valid_to > :valid_on AND f.no = (SELECT max(g.no) FROM phrase g"
            " WHERE g.kind = f.kind AND g.code = f.code AND g.valid_from <= :valid_on)"
        )
        values["valid_on"] = asked.valid_on
    source = f"FROM phrase f WHERE {' AND '.join(['true', *clauses])}"
    row = PHRASE.sql(asked.fields)
    return await page(read, row, source, _BY_CODE, values, limit=limit, after=after, total=asked.total)


async def last_phrase(tx: AsyncSession, kind: str, code: str) -> tuple[int, date | None]:
    """The number of its newest text, 0 when there is none, and since when that holds."""
    row = await tx.execute(
        sa.text("SELECT no, valid_from FROM phrase WHERE kind = :kind AND code = :code ORDER BY no DESC LIMIT 1"),
        {"kind": kind, "code": code},
    )
    found = row.one_or_none()
    return (0, None) if found is None else (found.no, found.valid_from)
