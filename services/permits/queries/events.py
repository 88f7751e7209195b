"""The permanent outbox as a caller may follow it: what happened to the dossiers he sees, from a place on."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.listing import split
from kernel.paging import MAX_LIMIT
from services.permits.queries.visibility import ORG_LINE, visible

# Events that one request looks at, whoever asks: what a caller may not see costs him another request, not us more.
SCANNED = 1000
FURTHEST = 2**63 - 1
EventType = Literal[
    "permits.application.filed.v1",
    "permits.application.accepted.v1",
    "permits.application.supplement_requested.v1",
    "permits.application.supplemented.v1",
    "permits.application.withdrawn.v1",
    "permits.application.decided.v1",
    "permits.opinion.given.v1",
    "permits.works.commenced.v1",
    "permits.works.completed.v1",
]
TYPES: tuple[str, ...] = get_args(EventType)
Types = Annotated[list[EventType], BeforeValidator(split), Field(max_length=50)]


class EventsAsked(BaseModel):
    """Where to go on, and what of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    after: Annotated[int, Field(ge=0, le=FURTHEST, description="`next` of the answer before; 0: from the beginning.")]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Events an answer holds at most.")] = 100
    type_in: Annotated[Types | None, Field(alias="type.in", description="Only these types, comma separated.")] = None


class Told(NamedTuple):
    """`items` is the JSON that PostgreSQL made; `next` the place to go on from, also when nothing was found."""

    items: str
    next: int


_ACTOR = (
    "json_build_object('org', o.envelope->'actor'->>'org', 'kind', o.envelope->'actor'->>'kind', 'id',"
    " CASE WHEN o.envelope->'actor'->>'kind' <> 'person' OR o.envelope->'actor'->>'org' = ANY(:line)"
    " THEN o.envelope->'actor'->>'id' END)"
)
_ITEM = (
    "json_build_object('position', o.position, 'id', o.id, 'source', o.envelope->>'source', 'type', o.subject,"
    " 'subject', o.envelope->>'subject', 'time', o.envelope->>'time',"
    f" 'actor', {_ACTOR}, 'data', o.envelope->'data')"
)


async def events(read: AsyncSession, asked: EventsAsked, *, actor: Actor) -> Told:
    """In the order of their places. One statement over a bounded number of rows, none of them twice or never."""
    condition, values = visible(actor)
    item = _ITEM.replace(":line", ORG_LINE)
    types = " AND o.subject = ANY(:types)" if asked.type_in else ""
    statement = (
        "WITH scanned AS MATERIALIZED (SELECT position, id, subject, envelope FROM outbox WHERE position > :after"
        f" ORDER BY position LIMIT {SCANNED}),"
        f" told AS MATERIALIZED (SELECT o.position, {item} AS item FROM scanned o JOIN application a ON"
        " a.id = CAST(o.envelope->>'subject' AS uuid) JOIN procedure_version p ON p.id = a.procedure_version_id"
        f" WHERE {condition}{types} ORDER BY o.position LIMIT :limit)"
        " SELECT coalesce(json_agg(item ORDER BY position), '[]')::text AS items, CASE WHEN count(*) = :limit"
        " THEN max(position) ELSE coalesce((SELECT max(position) FROM scanned), :after) END AS next FROM told"
    )
    given = {**values, "org": actor.org, "after": asked.after, "limit": asked.limit, "types": asked.type_in}
    row = await direct.row(read, statement, given)
    assert row is not None
    return Told(row["items"], row["next"])
