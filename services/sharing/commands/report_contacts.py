"""Where an enterprise is reminded of its reports, and the mails that do so."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit, mail
from kernel.auth import Actor
from kernel.errors import N_
from kernel.web import formats
from kernel.web.i18n import translations
from services.sharing.domain import policy
from services.sharing.domain.refusals import AddressUnsendable

LOCALE = Path(__file__).parents[1] / "locale"
SET = "sharing:report:answer"


async def set_contact(
    tx: AsyncSession, actor: Actor, address: str | None, name: str, locale: str, *, now: datetime
) -> None:
    """The enterprise's own address; None: it is reminded on its pages only.

    Raises NotAllowed (403), AddressUnsendable (422).
    """
    policy.require(actor, SET, actor.org)
    if address is None:
        await tx.execute(sa.text("DELETE FROM report_contact WHERE org = :org"), {"org": actor.org})
    elif not mail.is_sendable(address):
        raise AddressUnsendable
    else:
        await tx.execute(
            sa.text(
                "INSERT INTO report_contact (org, address, name, locale, set_at, set_by)"
                " VALUES (:org, :address, :name, :locale, :now, :actor) ON CONFLICT (org) DO UPDATE SET"
                " address = excluded.address, name = excluded.name, locale = excluded.locale,"
                " set_at = excluded.set_at, set_by = excluded.set_by"
            ),
            {"org": actor.org, "address": address, "name": name, "locale": locale, "now": now, "actor": actor.id},
        )
    await audit.record(tx, actor, "sharing:report:contact", actor.org, now=now, after={"set": address is not None})


SUBJECT = N_("{round}: the report of {org} is due by {day}")
LATE_SUBJECT = N_("{round}: the report of {org} is late")
WHAT = N_("The report is filled in from the register and the agreements. Each line is confirmed or disputed.")
LAST = N_("The last day in time is {day}.")


async def write_letters(
    tx: AsyncSession, reports: Sequence[Any], cycle: Any, last_day: date, *, site: str, now: datetime
) -> None:
    """To whom of these reports (id, org, address, name, locale) has an address; sent once this commits."""
    for row in reports:
        say = translations((LOCALE,), row.locale).gettext
        day, late = formats.day(last_day, row.locale), formats.local_day(now) > last_day
        title = cycle.title_vi if row.locale == "vi" else cycle.title_en
        letter = mail.Letter(
            subject=say(LATE_SUBJECT if late else SUBJECT).format(round=title, org=row.org, day=day),
            lines=[say(WHAT), say(LAST).format(day=day)],
            facts=[],
            action=(say(N_("Open the report")), f"{site}/sharing/reports/{row.id}"),
        )
        to = mail.Recipient(row.address, row.name, row.locale)
        await mail.record(tx, letter, to, kind="report_reminder", thing=_thing(row.id), now=now)


def _thing(report_id: UUID) -> str:
    return str(report_id)
