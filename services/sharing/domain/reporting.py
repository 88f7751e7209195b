"""The reports of the enterprises: when a cycle opens, when an answer is late, what may be said of a line."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from kernel.errors import N_, Fault
from services.sharing.domain.definition import Shipped, Words

YearDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-([0-2]\d|3[01])$")]
Days = Annotated[list[int], Field(max_length=20)]


class Rule(Shipped):
    """`late_on`: the first day of the year that is too late; it is never moved for a day off. `remind`: days before the
    last good day; 0 is that day, -1 the first that is late."""

    code: str
    valid_from: date
    valid_to: date | None = None
    opens: YearDay
    late_on: YearDay
    remind: Days
    reporters: list[str]
    title: Words
    source: str

    @model_validator(mode="after")
    def _opens_before_it_is_late(self) -> "Rule":
        if self.opens >= self.late_on:
            raise ValueError(f"{self.code} opens on {self.opens}, when it is late already")
        return self

    def on(self, year: int, which: str) -> date:
        return date.fromisoformat(f"{year}-{which}")

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class AdHoc(Shipped):
    remind: Days
    reporters: list[str]
    source: str


class Bands(Shipped):
    bounds: list[int]
    source: str


class Form(Shipped):
    no: int
    held: bool
    title: Words
    note: Words


class Reporting(Shipped):
    rules: list[Rule]
    ad_hoc: AdHoc
    bands: Bands
    forms: list[Form]


def to_open(rules: Sequence[Rule], today: date) -> list[tuple[Rule, int]]:
    """The yearly cycles that are open on a day: from their opening on, until the year ends."""
    return [(rule, today.year) for rule in rules if rule.holds(today) and rule.on(today.year, rule.opens) <= today]


def stage(late_on: date, remind: Sequence[int], today: date) -> int | None:
    """The reminder that is due on a day: of those whose day has come the latest one. None before the first."""
    left = (late_on - today).days - 1
    return min((days for days in remind if left <= days), default=None)


# What may be said against a line, by what it is about.
STATUSES = ("under_construction", "in_service", "idle", "dismantled")
TECHNOLOGIES = ("2G", "3G", "4G", "5G")
_CODE = re.compile(r"[A-Z0-9_-]{1,40}")


def _word(most: int) -> Any:
    return lambda text: text if 0 < len(text) <= most else None


def _one_of(*words: str) -> Any:
    return lambda text: text if text in words else None


def _height(text: str) -> str | None:
    try:
        height = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return f"{height.normalize():f}" if height.is_finite() and 0 < height <= 1000 else None


def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _technologies(text: str) -> str | None:
    named = sorted({word for word in re.split(r"[,\s]+", text.upper()) if word})
    return ", ".join(named) if named and set(named) <= set(TECHNOLOGIES) else None


_AGREEMENT: Mapping[str, Any] = {"ended_on": _day, "status": _one_of("never")}
CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "structure": {
        "owner": lambda text: text if _CODE.fullmatch(text) else None,
        "status": _one_of(*STATUSES),
        "height_m": _height,
        "commune": _word(40),
        "code": _word(20),
    },
    "tenancy": _AGREEMENT,
    "letting": _AGREEMENT,
    "station": {"status": _one_of("active", "inactive", "removed"), "technologies": _technologies},
    "missing": {
        "thing": _one_of("structure", "agreement", "station"),
        "name": _word(200),
        "commune": _word(40),
        "other": lambda text: text if _CODE.fullmatch(text) else None,
        "lon": _word(20),
        "lat": _word(20),
    },
}
CLAIM_UNKNOWN = N_("This cannot be said of such a line.")
CLAIM_MALFORMED = N_("This is no such value.")
NOTHING_CLAIMED = N_("Say what is right instead, or give the reason in words.")
NAME_MISSING = N_("Say what is missing: its kind and its name or number.")


def read_claims(kind: str, claims: Mapping[str, str], note: str) -> tuple[dict[str, str], list[Fault]]:
    """The claims in one notation, and what is wrong with them (pointer `/claims/<member>`)."""
    known = CLAIMS[kind]
    read: dict[str, str] = {}
    faults: list[Fault] = []
    for name, text in claims.items():
        if name not in known:
            faults.append(Fault(f"/claims/{name}", "unknown", CLAIM_UNKNOWN))
            continue
        value = known[name](text.strip())
        if value is None:
            faults.append(Fault(f"/claims/{name}", "malformed", CLAIM_MALFORMED))
        else:
            read[name] = value
    if not faults and kind == "missing" and not {"thing", "name"} <= read.keys():
        faults.append(Fault("/claims/name", "missing", NAME_MISSING))
    if not faults and not read and not note.strip():
        faults.append(Fault("/claims", "missing", NOTHING_CLAIMED))
    return read, faults


def band(bounds: Sequence[int], number: int | None) -> tuple[int | None, int | None]:
    """Lower and upper bound of the band that PostgreSQL's width_bucket gives this number; no height: no bounds."""
    if number is None:
        return (None, None)
    return (bounds[number - 1] if number > 0 else None, bounds[number] if number < len(bounds) else None)


HEADS: Mapping[str, str] = {
    "unit": N_("Commune"),
    "kind": N_("Kind"),
    "code": N_("Class"),
    "pieces": N_("Pieces"),
    "shared": N_("Shared"),
    "height": N_("Height (m)"),
    "masts": N_("Masts"),
    "technology": N_("Technology"),
    "stations": N_("Stations"),
    "org": N_("Enterprise"),
    "shared_masts": N_("Shared masts"),
    "poles": N_("Poles"),
    "ducts": N_("Ducts and manholes"),
    "let": N_("Agreements as owner"),
    "rented": N_("Agreements as tenant"),
    "confirmed": N_("Confirmed"),
    "disputed": N_("Disputed"),
    "open": N_("Without an answer"),
    "status": N_("Status"),
    "highest": N_("Highest (m)"),
    "shareable": N_("For two users or more"),
}
STRUCTURE_KIND = {
    "mast": N_("antenna mast"),
    "pole": N_("cable pole"),
    "duct": N_("duct"),
    "manhole": N_("manhole"),
}
STRUCTURE_STATUS = {
    "planned": N_("planned"),
    "permitted": N_("permitted"),
    "under_construction": N_("under construction"),
    "in_service": N_("in service"),
    "idle": N_("idle"),
    "dismantled": N_("dismantled"),
}
