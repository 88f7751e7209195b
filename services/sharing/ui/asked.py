"""What the board is asked: both dates as people type them, kind, definition, boundaries, unit and owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import Read
from kernel.errors import N_, Refusal
from kernel.paging import BadCursor, decode_cursor
from kernel.web import formats
from kernel.web.forms import read_day
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of
from services.sharing.domain import targets as rules
from services.sharing.queries import law, ratios
from services.sharing.queries.ratios import Scope, known_instant
from services.sharing.ui import words

# Fields take dates in one form, whatever the language of the page.
TYPED = "vi"
WRONG_DAY = N_("A date is written day/month/year, for example 27/05/2024.")


@dataclass(frozen=True)
class Asked:
    """`trouble` says what could not be answered; the page then shows the present with its defaults. `targets`: of the
    plan in force on the day, for the kind that is asked for."""

    scope: Scope
    trouble: str
    past: bool
    targets: Sequence[Any]

    @property
    def as_of(self) -> str:
        return formats.day(self.scope.as_of, TYPED)

    @property
    def known_at(self) -> str:
        return formats.day(self.scope.known_at, TYPED)

    def dates(self) -> dict[str, str]:
        """The two dates as addresses carry them; none for the present."""
        return {"as_of": self.as_of, "known_at": self.known_at} if self.past else {}


async def asked(request: Request, read: Read, actor: Actor, now: datetime) -> Asked:
    """Where no borders are asked for, those that the plan in force meant."""
    query = request.query_params
    kind = query.get("kind", "")
    names: dict[str, Any] = {"actor": actor, "kind": kind if kind in words.KIND else "mast"}
    today = local_date(now)
    targets = await law.targets(read, names["kind"])
    try:
        day, instant = dates_of(query.get("as_of", ""), query.get("known_at", ""), now)
        scope = await ratios.scope(
            read,
            **names,
            as_of=day,
            known_at=instant,
            now=now,
            definition=query.get("definition") or None,
            boundary_set=query.get("set") or _meant(targets, day),
            unit=query.get("unit") or None,
            owner=query.get("owner") or None,
        )
        trouble = ""
    except Unreadable:
        trouble = gettext_of(request, WRONG_DAY)
    except Refusal as refusal:
        trouble = refusal.say(frame_of(request).translations(locale_of(request)).gettext)
    if trouble:
        scope = await ratios.scope(
            read, **names, as_of=today, known_at=now, now=now, boundary_set=_meant(targets, today)
        )
    past = scope.as_of != today or scope.known_at < now - timedelta(minutes=1)
    return Asked(scope, trouble, past, rules.in_force(targets, scope.as_of))


def _meant(targets: Sequence[Any], day: date) -> str | None:
    """None where there is no plan: then the borders by which the province reports on the day."""
    return next((row.boundary_set for row in rules.in_force(targets, day)), None)


class Unreadable(ValueError):
    """A date as nobody writes it."""


def dates_of(as_of: str, known_at: str, now: datetime) -> tuple[date, datetime]:
    """Both dates as typed, those left empty today and now. Raises Unreadable, and what `known_instant` raises."""
    day, known = read_day(as_of), read_day(known_at)
    if (as_of and day is None) or (known_at and known is None):
        raise Unreadable
    return day or local_date(now), known_instant(known.isoformat() if known else None, now)


def after_number(cursor: str) -> tuple[str, UUID] | None:
    """A mark that is none of ours begins at the first page."""
    try:
        key = decode_cursor(cursor, 2) if cursor else None
        return None if key is None else (str(key[0]), UUID(str(key[1])))
    except (BadCursor, ValueError):
        return None
