"""Dossiers: the list, and one as a whole; one statement each, encoded by PostgreSQL."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import Listing, Order, Query, Rows, Shape, Word, Words, conditions, operator, page, split
from kernel.texts import Day, fold
from services.permits.domain.application import State
from services.permits.domain.refusals import ApplicationNotFound
from services.permits.queries.pieces import (
    CLOCKS,
    DECIDED,
    DECISION,
    DUE,
    FIRST_SITE,
    HEAD,
    MARKS,
    NEAREST,
    NOTICES,
    PARTS,
    REQUESTS,
    REVIEWS,
    SHARING,
    SITES,
    WORKS,
)
from services.permits.queries.visibility import visible

States = Annotated[list[State], BeforeValidator(split), Field(max_length=50)]
_FROM = "FROM application a JOIN procedure_version p ON p.id = a.procedure_version_id"


class Narrowed(Listing):
    """What any list of dossiers may be narrowed by."""

    state: State | None = None
    state_in: States | None = operator("state", "in", "One of these states.")
    state_ne: State | None = operator("state", "ne", "Not this state.")
    applicant: Word | None = None
    applicant_in: Words | None = operator("applicant", "in", "One of these organisations.")
    work: Word | None = None
    procedure: Annotated[Word | None, Field(description="Such as `mast.new.notice@1`.")] = None
    number: Word | None = None
    received_on: Day | None = None
    received_on_gte: Day | None = operator("received_on", "gte", "Received on this day or later.")
    received_on_gt: Day | None = operator("received_on", "gt", "Received after this day.")
    received_on_lte: Day | None = operator("received_on", "lte", "Received on this day or earlier.")
    received_on_lt: Day | None = operator("received_on", "lt", "Received before this day.")
    commune: Annotated[Word | None, Field(description="Of one of the sites, such as `32002@2025-07`.")] = None
    q: Annotated[Query | None, Field(description="Part of the number or of a site's name.")] = None


class ApplicationsAsked(Narrowed):
    """The list of dossiers."""

    lead: Word | None = None
    outcome: Annotated[Word | None, Field(description="Of the decision.")] = None
    outcome_in: Words | None = operator("outcome", "in", "One of these outcomes.")
    due_on_lt: Day | None = operator("due_on", "lt", "The nearest deadline of the lead lies before this day.")
    due_on_lte: Day | None = operator("due_on", "lte", "The nearest deadline of the lead is this day or earlier.")
    due_on_gte: Day | None = operator("due_on", "gte", "The nearest deadline of the lead is this day or later.")
    expand: Annotated[
        Words | None, Field(description="Of `parts`, `clocks`, `supplement_requests`, `notices`, `lon`, `lat`.")
    ] = None


NARROWING = {
    "state": "a.state",
    "applicant": "a.applicant_org",
    "work": "p.work",
    "procedure": "concat(p.code, '@', p.version)",
    "number": "a.number",
    "received_on": "a.received_on",
}
COLUMNS = {
    **NARROWING,
    "lead": "a.lead_org",
    "outcome": "(SELECT x.outcome FROM decision x WHERE x.application_id = a.id)",
    "due_on": "n.due_on",
}
SHAPE = Shape(
    {**HEAD, "deadline": DUE, "sites": SITES, "reviews": MARKS, "decision": DECIDED, "works": WORKS},
    {
        "parts": PARTS,
        "clocks": CLOCKS,
        "supplement_requests": REQUESTS,
        "notices": NOTICES,
        **{axis: FIRST_SITE.format(axis=axis) for axis in ("lon", "lat")},
    },
)
POINT = ("lon", "lat")
_NEWEST = Order({"a.received_at": "timestamptz", "a.id": "uuid"}, descending=True)
_OLDEST = Order(_NEWEST.columns)


def narrowed(asked: Narrowed, columns: dict[str, str]) -> tuple[list[str], dict[str, Any]]:
    """The conditions of `asked` with their values: by the columns, by the sites, by words."""
    clauses, values = conditions(asked, columns)
    site = "EXISTS (SELECT FROM application_site s WHERE s.application_id = a.id AND {})"
    if asked.commune:
        clauses.append(site.format("s.unit_id = :commune"))
        values["commune"] = asked.commune
    if asked.q and asked.q.strip():
        clauses.append(f"(a.number ILIKE :q OR {site.format('s.name_fold LIKE :fold')})")
        values |= {"q": f"%{_literal(asked.q.strip())}%", "fold": f"%{_literal(fold(asked.q) or asked.q.strip())}%"}
    return clauses, values


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def applications(
    read: AsyncSession,
    asked: ApplicationsAsked,
    *,
    actor: Actor,
    limit: int,
    after: Sequence[Any] | None = None,
    back: bool = False,
    more: Collection[str] = (),
) -> Rows:
    """Those the caller may see, newest first. `back`: those before the keyset, the nearest first.

    Raises BadCursor, UnknownField (422).
    """
    condition, params = visible(actor)
    clauses, values = narrowed(asked, COLUMNS)
    row = SHAPE.sql(asked.fields, [*(asked.expand or ()), *more])
    source = f"{_FROM} {NEAREST} WHERE {' AND '.join([condition, *clauses])}"
    order = _OLDEST if back else _NEWEST
    return await page(read, row, source, order, {**params, **values}, limit=limit, after=after, total=asked.total)


def list_key(row: dict[str, Any]) -> list[Any]:
    return [row["received_at"], row["id"]]


class Document(NamedTuple):
    """A dossier as JSON, and the version that its ETag tells."""

    json: str
    version: int


_WHOLE = Shape(
    {
        **HEAD,
        "received_reason": "a.received_reason",
        "filed_by": "a.filed_by",
        "sites": SITES,
        "parts": PARTS,
        "reviews": REVIEWS,
        "supplement_requests": REQUESTS,
        "clocks": CLOCKS,
        "decision": DECISION,
        "notices": NOTICES,
        "sharing": SHARING,
    }
)


async def document(read: AsyncSession, application_id: UUID, *, actor: Actor) -> Document:
    """The dossier with everything it holds but the trace. Raises ApplicationNotFound (404)."""
    condition, params = visible(actor)
    statement = f"SELECT {_WHOLE.sql()}::text AS dossier, a.version {_FROM} WHERE a.id = :id AND {condition}"
    row = await direct.row(read, statement, {**params, "id": application_id})
    if row is None:
        raise ApplicationNotFound
    return Document(row["dossier"], row["version"])


async def detail(read: AsyncSession, application_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """The same for whoever reads it here. Raises ApplicationNotFound (404)."""
    found = await document(read, application_id, actor=actor)
    read_: dict[str, Any] = orjson.loads(found.json)
    return read_
