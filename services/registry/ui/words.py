"""What codes are called on pages: the words are translated where they are shown."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from kernel.errors import N_
from kernel.web import formats
from services.registry import data

OWNER_KINDS = ("operator", "tower_company", "power_company")
Translate = Callable[[str], str]

PLURAL = {"mast": "masts", "pole": "poles", "duct": "ducts"}
KINDS = {plural: kind for kind, plural in PLURAL.items()}
COLLECTION = {"mast": N_("Antenna masts"), "pole": N_("Cable poles"), "duct": N_("Ducts and manholes")}
ONE = {"mast": N_("Mast"), "pole": N_("Cable pole"), "duct": N_("Duct or manhole")}
NOTHING_FITS = {
    "mast": N_("No mast fits these filters"),
    "pole": N_("No cable pole fits these filters"),
    "duct": N_("No duct fits these filters"),
}
NOTHING_THEN = {
    "mast": N_("No mast was recorded for that day"),
    "pole": N_("No cable pole was recorded for that day"),
    "duct": N_("No duct was recorded for that day"),
}
NOTHING_YET = {
    "mast": N_("No mast is in the registry yet"),
    "pole": N_("No cable pole is in the registry yet"),
    "duct": N_("No duct is in the registry yet"),
}
SECTOR = {
    "telecom": N_("Telecommunications only"),
    "power": N_("Shared with power"),
    "lighting": N_("Shared with street lights"),
    "water": N_("Shared with water"),
    "mixed": N_("Shared with several"),
}
ELEMENT = {"duct": N_("Duct"), "manhole": N_("Manhole")}
STATUS = {
    "planned": N_("Planned"),
    "permitted": N_("Permitted"),
    "under_construction": N_("Under construction"),
    "in_service": N_("In service"),
    "idle": N_("Idle"),
    "dismantled": N_("Dismantled"),
}
STATUS_TONE = {
    "planned": "info",
    "permitted": "info",
    "under_construction": "info",
    "in_service": "ok",
    "idle": "pause",
    "dismantled": "",
}
EVIDENCE = {
    1: N_("Declared"),
    2: N_("Documented"),
    3: N_("By decision"),
    4: N_("Built"),
    5: N_("Inspected"),
    6: N_("Corroborated"),
}
STATION_STATUS = {
    "planned": N_("Planned"),
    "active": N_("On air"),
    "inactive": N_("Off air"),
    "removed": N_("Removed"),
}
FOUNDATION = {"ground": N_("On the ground"), "roof": N_("On a building")}
DESIGN = {
    "lattice": N_("Lattice"),
    "guyed": N_("Guyed"),
    "monopole": N_("Monopole"),
    "camouflaged": N_("Camouflaged"),
}
ACT = {
    "register": N_("Registered"),
    "change": N_("Change"),
    "change_status": N_("Status change"),
    "correct": N_("Correction"),
    "undo": N_("Undone"),
}
FACT = {
    "status": N_("Status"),
    "owner": N_("Owner"),
    "height_m": N_("Height"),
    "code": N_("Class code"),
    "point": N_("Coordinates"),
    "commune": N_("Commune"),
    "capacity": N_("Capacity"),
    "foundation": N_("Foundation"),
    "building_height_m": N_("Height of the building"),
    "design": N_("Design"),
    "address": N_("Address"),
    "solid": N_("Solid mast"),
    "name": N_("Designation"),
    "sector": N_("Sector"),
    "length_m": N_("Length"),
    "entered": N_("Coordinates as entered"),
    "synthetic": N_("Sample data"),
    "element": N_("Element"),
    "occupants": N_("Occupants"),
    "line": N_("Line"),
    "height_above_sea_m": N_("Height above the sea"),
    "wind_zone": N_("Wind zone"),
    "load_limit_kg": N_("Load it bears"),
    "load_used_kg": N_("Load used"),
    "positions": N_("Mounting positions"),
    "external_ids": N_("Ids of the operators"),
}
HEIGHTS = {
    "0-45": N_("up to 45 m"),
    "45-75": N_("45 to under 75 m"),
    "75-150": N_("75 to under 150 m"),
    "150-": N_("150 m and more"),
}


def day_of(iso: str) -> date:
    return date.fromisoformat(iso)


def short_unit(name: str | None) -> str:
    """As tables have room for it; the full name stands in the title."""
    for long, short in (("Thị trấn ", "TT. "), ("Phường ", "P. ")):
        if name and name.startswith(long):
            return short + name.removeprefix(long)
    return name or formats.NOTHING


def evidence_tone(level: int) -> str:
    return "ok" if level >= 5 else "info" if level >= 2 else ""


def system_name(code: str, lang: str) -> str:
    return next((getattr(s.title, lang) for s in data.codes().systems if s.code == code), code)


def value_text(fact: str, value: Any, lang: str, say: Translate, names: Mapping[str, str]) -> str:
    """One value of a fact in a line, with its unit or system: never a bare code."""
    if value is None:
        return formats.NOTHING
    if fact in ("height_m", "building_height_m", "length_m", "height_above_sea_m"):
        return formats.metres(float(value), lang)
    if fact == "entered":
        return f"x {value['north']}, y {value['east']} ({value['crs']})"
    if fact == "point":
        return formats.coordinates(value[1], value[0], lang)
    if fact == "code":
        return f"{value[1]} ({system_name(value[0], lang)})"
    if fact in ("load_limit_kg", "load_used_kg"):
        return f"{formats.number(float(value), lang)}\u00a0kg"
    if fact == "occupants":
        return ", ".join(names.get(code, code) for code in value) or formats.NOTHING
    if fact == "external_ids":
        return "; ".join(f"{names.get(code, code)}: {said}" for code, said in value.items())
    if fact == "line":
        return say(N_("{n} points")).format(n=len(value))
    if fact == "positions":
        return "; ".join(_position(one, lang) for one in value)
    for known, table in (
        ("status", STATUS), ("foundation", FOUNDATION), ("design", DESIGN), ("sector", SECTOR), ("element", ELEMENT),
    ):  # fmt: skip
        if fact == known:
            return say(table.get(value, value))
    if isinstance(value, bool):
        return say(N_("Yes") if value else N_("No"))
    return names.get(str(value), str(value))


def _position(one: Mapping[str, Any], lang: str) -> str:
    height = f" {formats.metres(float(one['height_m']), lang)}" if one.get("height_m") else ""
    margin = f" (+{formats.number(float(one['margin_kg']), lang)}\u00a0kg)" if one.get("margin_kg") else ""
    return f"{one['no']}:{height}{margin}"


def ground(reference: Mapping[str, Any] | None, say: Translate) -> str:
    """What a change rests on, in a few words."""
    if not reference:
        return ""
    if reference.get("decision"):
        return say(N_("Decision {number}")).format(number=reference["decision"])
    if reference.get("notice"):
        return say(N_("Notice of the owner"))
    if reference.get("import"):
        return say(N_("Import, row {row}")).format(row=reference.get("row", "?"))
    return str(reference.get("title") or reference.get("number") or "")[:80]
