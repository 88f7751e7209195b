"""What the pages of masts are asked with: filters and the two dates, as people type them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from kernel.clock import local_date
from kernel.edge import Now
from kernel.errors import Refusal
from kernel.web import formats
from kernel.web.forms import read_day
from kernel.web.render import gettext_of
from services.registry.domain import space
from services.registry.domain.box import box
from services.registry.domain.status import STATUSES
from services.registry.domain.structure import Status
from services.registry.domain.times import LATEST, Times, times
from services.registry.queries.asked import Filter

# Fields take dates in one form, whatever the language of the page.
TYPED = "vi"
LONGEST = 100
HEIGHTS: dict[str, tuple[Decimal | None, Decimal | None]] = {
    "0-45": (None, Decimal("45.01")),
    "45-75": (Decimal("45.01"), Decimal(75)),
    "75-150": (Decimal(75), Decimal(150)),
    "150-": (Decimal(150), None),
}


@dataclass(frozen=True)
class Asked:
    """`trouble` says what could not be read of the dates; the page then shows the present."""

    at: Times
    as_of: str
    known_at: str
    trouble: str
    now: datetime

    @property
    def slider(self) -> dict[str, int]:
        """Where the slider stands, and how far it goes: a month beyond this one, which is today."""
        most = months_until(local_date(self.now)) + 1
        return {"value": months_until(self.at.as_of) if self.at.as_of != local_date(self.now) else most, "most": most}

    def query(self) -> dict[str, str]:
        """The dates as addresses carry them; empty for the present."""
        if not self.at.past:
            return {}
        known = "" if self.at.known == LATEST else self.known_at
        return {"as_of": self.as_of, **({"known_at": known} if known else {})}


SLIDE_FROM = date(2010, 1, 1)


def slid(months: int) -> date:
    """The first day of a month, counted from where the slider begins."""
    return date(SLIDE_FROM.year + months // 12, months % 12 + 1, 1)


def months_until(day: date) -> int:
    return (day.year - SLIDE_FROM.year) * 12 + day.month - 1


async def asked(request: Request, now: Now, as_of: str = "", known_at: str = "", slide: str = "") -> Asked:
    trouble = ""
    at = times(None, None, now)
    try:
        day, known = read_day(as_of), read_day(known_at)
        if slide.isdigit() and len(slide) < 4:
            # At the end of its way the slider says today.
            day = slid(int(slide)) if int(slide) <= months_until(at.as_of) else None
            as_of = ""
        if (as_of and day is None) or (known_at and known is None):
            trouble = gettext_of(request, "A date is written day/month/year, for example 27/05/2024.")
        else:
            at = times(day, known.isoformat() if known else None, now)
    except Refusal as refusal:
        trouble = gettext_of(request, refusal.detail)
    return Asked(at, formats.day(at.as_of, TYPED), formats.day(at.known_at, TYPED), trouble, now)


AskedTimes = Annotated[Asked, Depends(asked)]


def filter_of(query: Mapping[str, str]) -> Filter:
    """Values that are not in a list are left out: an address is edited by hand more easily than an error is read."""
    low, high = HEIGHTS.get(query.get("height", ""), (None, None))
    status, evidence = query.get("status", ""), query.get("evidence", "")
    return Filter(
        owner=_word(query.get("owner")),
        status=cast(Status, status) if status in STATUSES else None,
        commune=_word(query.get("commune")),
        district=_word(query.get("district")),
        q=_word((query.get("q") or "")[:LONGEST]),
        bbox=_box(query.get("bbox")),
        height_m_gte=low,
        height_m_lt=high,
        evidence_gte=int(evidence) if evidence in "123456" and evidence else None,
        free=query.get("free") == "1",
        lapsed=query.get("lapsed") == "1",
        **_circle(query.get("near"), query.get("within_m")),
        sector=_word(query.get("sector")),
        fault=_word(query.get("fault")),
    )


def _word(said: str | None) -> str | None:
    return said if said and len(said) <= LONGEST and "\0" not in said else None


def _box(said: str | None) -> str | None:
    try:
        return said if box(_word(said)) else None
    except Refusal:
        return None


def _circle(near: str | None, within_m: str | None) -> dict[str, Any]:
    try:
        found = space.circle(_word(near), float(within_m)) if near and within_m else None
    except (Refusal, ValueError):
        return {}
    return {"near": near, "within_m": found.radius_m} if found else {}


FILTERS = (
    "q",
    "owner",
    "status",
    "commune",
    "district",
    "height",
    "evidence",
    "free",
    "lapsed",
    "sector",
    "fault",
    "bbox",
    "near",
    "within_m",
)


def chosen(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: query[name] for name in FILTERS if query.get(name)}
