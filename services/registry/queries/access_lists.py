"""The lists of access for the API: accounts, findings and reviews by pages."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.listing import Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from services.registry.domain.access import CLIENT, PERSON
from services.registry.queries.accounts import COLUMNS, reach, seen

_STATE = (
    f"CASE WHEN {COLUMNS['pending']} <> '{{}}' THEN CASE WHEN {COLUMNS['error']} IN ('NameTaken', 'RealmRefused')"
    " THEN 'failed' ELSE 'requested' END WHEN a.enabled THEN 'active' ELSE 'suspended' END"
)
_OWN = {CLIENT: ("networks", "secret_at", "secret_ends", "overlap_until"), PERSON: ("email", "functions", "invited")}
_NAMES = {CLIENT: "client_id", PERSON: "username"}
_SHARED = ("organisation", "name", "capabilities", "pending", "error", "created_at", "last_used", "reviewed_at",
           "reviewer", "findings", "version")  # fmt: skip
ACCOUNTS = {
    kind: Shape({_NAMES[kind]: "a.key", "state": _STATE, **{name: COLUMNS[name] for name in (*_SHARED, *_OWN[kind])}})
    for kind in (CLIENT, PERSON)
}
_BY_KEY = Order({"a.key": "text"})


class AccountsAsked(Listing):
    organisation: Word | None = None
    organisation_in: Words | None = operator("organisation", "in", "One of these organisations.")
    state: Word | None = None
    last_used_lt: datetime | None = operator("last_used", "lt", "Not used since.")


async def accounts(
    read: AsyncSession, asked: AccountsAsked, kind: str, *, actor: Actor, limit: int, after: list[Any] | None
) -> Rows:
    """Raises BadCursor, UnknownField (422)."""
    columns = {"organisation": "a.organisation_code", "state": _STATE, "last_used": "a.last_used"}
    clauses, values = conditions(asked, columns)
    clauses = ["a.kind = :kind", seen("a"), *clauses]
    source = f"FROM account a WHERE {' AND '.join(clauses)}"
    row, values = ACCOUNTS[kind].sql(asked.fields), {**values, "kind": kind, **reach(actor)}
    return await page(read, row, source, _BY_KEY, values, limit=limit, after=after, total=asked.total)


FINDINGS = Shape(
    {
        "id": "f.id", "kind": "f.kind", "key": "f.key", "organisation": "f.organisation_code", "member": "f.member",
        "recorded": "f.recorded", "held": "f.held", "found_at": "f.found_at", "version": "f.version",
    }
)  # fmt: skip
_BY_FINDING = Order({"f.id": "uuid"})


class FindingsAsked(Listing):
    organisation: Word | None = None
    kind: Word | None = None
    member: Word | None = None


async def findings(
    read: AsyncSession, asked: FindingsAsked, *, actor: Actor, limit: int, after: list[Any] | None
) -> Rows:
    """The open ones, oldest first. Raises BadCursor, UnknownField (422)."""
    columns = {"organisation": "f.organisation_code", "kind": "f.kind", "member": "f.member"}
    clauses, values = conditions(asked, columns)
    clauses = ["f.settled_at IS NULL", seen("f"), *clauses]
    source = f"FROM account_finding f WHERE {' AND '.join(clauses)}"
    row, values = FINDINGS.sql(asked.fields), {**values, **reach(actor)}
    return await page(read, row, source, _BY_FINDING, values, limit=limit, after=after, total=asked.total)


REVIEWS = Shape(
    {
        "id": "r.id", "kind": "r.kind", "key": "r.key", "organisation": "r.organisation_code", "verdict": "r.verdict",
        "reason": "r.reason", "held": "r.held", "reviewer": "r.reviewer", "reviewed_at": "r.reviewed_at",
    }
)  # fmt: skip
_NEWEST = Order({"r.id": "uuid"}, descending=True)


class ReviewsAsked(Listing):
    organisation: Word | None = None
    kind: Word | None = None
    key: Word | None = None
    verdict: Word | None = None


async def reviews(
    read: AsyncSession, asked: ReviewsAsked, *, actor: Actor, limit: int, after: list[Any] | None
) -> Rows:
    """Newest first. Raises BadCursor, UnknownField (422)."""
    columns = {"organisation": "r.organisation_code", "kind": "r.kind", "key": "r.key", "verdict": "r.verdict"}
    clauses, values = conditions(asked, columns)
    source = f"FROM account_review r WHERE {' AND '.join([seen('r'), *clauses])}"
    row, values = REVIEWS.sql(asked.fields), {**values, **reach(actor)}
    return await page(read, row, source, _NEWEST, values, limit=limit, after=after, total=asked.total)
