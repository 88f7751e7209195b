"""Where the enterprises are reminded of their reports."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.listing import Listing, Order, Rows, Shape, Word, conditions, page
from services.sharing.queries.reports import reach_of


async def addressed(read: AsyncSession, report_ids: Sequence[UUID]) -> Sequence[Any]:
    """Rows (id, org, address, name, locale) of those reports whose enterprise gave an address."""
    rows = await read.execute(
        sa.text(
            "SELECT r.id, r.org, c.address, c.name, c.locale FROM report r JOIN report_contact c ON c.org = r.org"
            " WHERE r.id = ANY(:ids) ORDER BY r.org"
        ),
        {"ids": list(report_ids)},
    )
    return rows.all()


class ContactsAsked(Listing):
    """Where the enterprises are reminded."""

    org: Annotated[Word | None, Field(description="Of this enterprise.")] = None


CONTACT = Shape({name: f"c.{name}" for name in ("org", "address", "name", "locale", "set_at", "set_by")})
_BY_CODE = Order({"c.org": "text"})


async def contacts(
    read: AsyncSession, asked: ContactsAsked, *, actor: Actor, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """The caller's own, or all for auditors. One statement."""
    clauses, values = conditions(asked, {"org": "c.org"})
    source = " AND ".join(["FROM report_contact c WHERE (CAST(:seen AS text) IS NULL OR c.org = :seen)", *clauses])
    values["seen"] = reach_of(actor)
    return await page(
        read, CONTACT.sql(asked.fields), source, _BY_CODE, values, limit=limit, after=after, total=asked.total
    )
