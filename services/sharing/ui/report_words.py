"""What the codes of reports are called on pages."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from kernel.errors import N_
from kernel.export import XLSX
from kernel.web import formats
from services.sharing.commands.province import PDF
from services.sharing.domain.reporting import STRUCTURE_KIND, STRUCTURE_STATUS
from services.sharing.ui.words import REGISTER as REGISTER
from services.sharing.ui.words import named as named

MEDIA = {"xlsx": XLSX, "pdf": PDF}
STANDING = {
    "open": N_("Not submitted"),
    "submitted": N_("Submitted in time"),
    "late": N_("Submitted late"),
    "overdue": N_("Overdue"),
}
STANDING_TONE = {"open": "", "submitted": "ok", "late": "warn", "overdue": "bad"}
ANSWER = {"open": N_("No answer yet"), "confirmed": N_("Confirmed"), "disputed": N_("Disputed")}
ANSWER_TONE = {"open": "", "confirmed": "ok", "disputed": "warn"}
OUTCOME = {"accepted": N_("Accepted"), "rejected": N_("Rejected")}
OUTCOME_TONE = {"accepted": "ok", "rejected": "bad"}
KIND = {
    "structure": N_("Own structure"),
    "tenancy": N_("Rented from others"),
    "letting": N_("Let to others"),
    "station": N_("Station"),
    "missing": N_("Not in the register"),
}
THING = {"structure": N_("Structure"), "agreement": N_("Agreement"), "station": N_("Station")}
STATION_STATUS = {"active": N_("on air"), "inactive": N_("off air"), "removed": N_("removed")}
# What may be claimed, in the order of the forms, and what its values are called.
FIELD = {
    "owner": N_("Owner"),
    "status": N_("Status"),
    "height_m": N_("Height (m)"),
    "commune": N_("Commune"),
    "code": N_("Class"),
    "ended_on": N_("First day no longer in force"),
    "technologies": N_("Technologies"),
    "thing": N_("What is missing"),
    "name": N_("Name or number"),
    "other": N_("Other party"),
    "lon": N_("Longitude"),
    "lat": N_("Latitude"),
}
STATUS_OF = {
    "structure": {name: STRUCTURE_STATUS[name] for name in ("in_service", "idle", "dismantled", "under_construction")},
    "station": STATION_STATUS,
    "tenancy": {"never": N_("was never in force")},
    "letting": {"never": N_("was never in force")},
}
VALUE: Mapping[str, str] = {
    **STRUCTURE_STATUS,
    **STATION_STATUS,
    "never": N_("was never in force"),
    **THING,
}
Names = Mapping[str, tuple[str, str]]


def title(row: Mapping[str, Any], names: Names, lang: str) -> str:
    """The other party of an agreement, else what the structure is called."""
    told = row["told"]
    if row["kind"] == "missing":
        return str((row["claims"] or {}).get("name", ""))
    if row["kind"] in ("tenancy", "letting"):
        return named(names, told["owner" if row["kind"] == "tenancy" else "tenant"], lang)
    return str(told.get("name") or "")


def facts(told: Mapping[str, Any], names: Names, lang: str) -> list[tuple[str, Any, bool]]:
    """(what it is, its value, whether the value is a word to translate) of what was told, in order."""
    found: list[tuple[str, Any, bool]] = []
    if "owner" in told and "tenant" in told:
        found += [(FIELD["owner"], named(names, told["owner"], lang), False)]
        found += [
            (N_("Tenant"), named(names, told["tenant"], lang), False),
            (N_("Contract"), told.get("number"), False),
        ]
        begins, ends = _day(told.get("valid_from")), _day(told.get("valid_to"))
        found += [(N_("In force from"), formats.day(begins, lang), False)]
        found += [(N_("Last day"), formats.day(ends - timedelta(days=1), lang) if ends else "", False)]
        return found
    if told.get("kind") in STRUCTURE_KIND:
        found.append((N_("Kind of structure"), STRUCTURE_KIND[told["kind"]], True))
    if told.get("status"):
        found.append((FIELD["status"], VALUE.get(told["status"], told["status"]), True))
    if told.get("unit_name"):
        found.append((FIELD["commune"], told["unit_name"], False))
    if told.get("code"):
        found.append((FIELD["code"], told["code"], False))
    if told.get("height_m") is not None:
        found.append((N_("Height"), formats.metres(told["height_m"], lang), False))
    if told.get("technologies"):
        found.append((FIELD["technologies"], told["technologies"], False))
    if "shared" in told:
        found.append((N_("Use"), N_("shared") if told["shared"] else N_("not shared"), True))
    return found


def claimed(claims: Mapping[str, str], names: Names, lang: str) -> list[tuple[str, Any, bool]]:
    """As `facts`, of what is said to be right instead."""
    found: list[tuple[str, Any, bool]] = []
    for name, label in FIELD.items():
        if name not in claims:
            continue
        value = claims[name]
        if name in ("owner", "other"):
            found.append((label, named(names, value, lang), False))
        elif name == "ended_on":
            found.append((label, formats.day(_day(value), lang), False))
        else:
            found.append((label, VALUE.get(value, value), value in VALUE))
    return found


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None
