"""What cannot be right about a structure or a station; every fault is found at once, with its pointer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from kernel.errors import N_, Fault, Invalid
from services.registry.domain.shipped import BandBook, CodeBook, Limits
from services.registry.domain.structure import NEEDED

OWNER_KINDS = frozenset({"operator", "tower_company", "power_company", "department", "committee"})
EARLIEST = date(1954, 1, 1)


class FactsRefused(Invalid):
    detail = N_("Some values cannot be right.")


@dataclass(frozen=True)
class UnitRef:
    id: str
    code: str
    level: str
    name: str
    valid_from: date | None = None
    valid_to: date | None = None

    def stands_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class OrganisationRef:
    code: str
    kind: str
    name: str


@dataclass(frozen=True)
class References:
    """What a command looked up before it judges: only the units and organisations that are spoken of."""

    codes: CodeBook
    limits: Limits
    bands: BandBook = field(default_factory=lambda: BandBook(version=0, bands=[]))
    units: Sequence[UnitRef] = ()
    organisations: Sequence[OrganisationRef] = ()
    _by_id: dict[str, UnitRef] = field(default_factory=dict, compare=False)
    _by_code: dict[str, list[UnitRef]] = field(default_factory=dict, compare=False)
    _organisations: dict[str, OrganisationRef] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update({unit.id: unit for unit in self.units})
        self._organisations.update({one.code: one for one in self.organisations})
        for unit in self.units:
            self._by_code.setdefault(unit.code, []).append(unit)

    def unit(self, said: str, on: date) -> UnitRef | None:
        """By id, or by a bare code that a unit carries on that day."""
        found = self._by_id.get(said)
        return found or next((u for u in self._by_code.get(said, ()) if u.stands_on(on)), None)

    def organisation(self, code: str) -> OrganisationRef | None:
        return self._organisations.get(code)

    def names(self) -> dict[str, str]:
        return {u.id: u.name for u in self.units} | {o.code: o.name for o in self.organisations}


def missing(kind: str, patch: Mapping[str, Any], pointer: str = "") -> list[Fault]:
    """What a new structure cannot be without."""
    return [
        Fault(f"{pointer}/{name}", "missing", N_("This value is required."))
        for name in NEEDED[kind]
        if patch.get(name) is None
    ]


def emptied(kind: str, patch: Mapping[str, Any], pointer: str = "") -> list[Fault]:
    """A structure cannot lose what it cannot be without."""
    return missing(kind, {**dict.fromkeys(NEEDED[kind], True), **patch}, pointer)


def structure_faults(
    kind: str, patch: Mapping[str, Any], valid_from: date, known: References, pointer: str = ""
) -> list[Fault]:
    """Everything that cannot be right in what is said, whatever else is known of the structure."""
    checks = (_code, _height, _place, _line, _commune, _owner, _others, _load)
    faults = [fault for check in checks for fault in check(kind, patch, valid_from, known, pointer)]
    if valid_from < EARLIEST:
        faults.append(
            Fault(f"{pointer}/valid_from", "too_early", N_("No structure is older than {day}."), day=EARLIEST)
        )
    return faults


def _code(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    if patch.get("code") is None:
        return
    system, code = patch["code"]
    if not any(s.code == system for s in known.codes.systems):
        yield Fault(f"{pointer}/code", "unknown_system", N_("There is no code system {system}."), system=system)
        return
    found = known.codes.find(kind, system, code)
    if found is None:
        yield Fault(
            f"{pointer}/code", "unknown_code", N_("Class {name} does not exist in {system}."), name=code, system=system
        )
    elif found.max_height_m is not None and Decimal(patch.get("height_m") or 0) > found.max_height_m:
        yield Fault(
            f"{pointer}/height_m",
            "too_high_for_code",
            N_("Class {name} ends at {limit} m."),
            name=code,
            limit=found.max_height_m,
        )


def _height(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    limit = known.limits.height.get(kind)
    if limit is None or patch.get("height_m") is None:
        return
    if not limit.min_m <= Decimal(patch["height_m"]) <= limit.max_m:
        yield Fault(
            f"{pointer}/height_m",
            "impossible_height",
            N_("A height of {height} m is impossible; it lies between {low} and {high} m."),
            height=patch["height_m"],
            low=limit.min_m,
            high=limit.max_m,
        )


def _place(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    if patch.get("point") is None:
        return
    lon, lat = patch["point"]
    box = known.limits.box
    if box.holds(lon, lat):
        return
    if box.holds(lat, lon):
        yield Fault(f"{pointer}/point", "swapped", N_("Longitude and latitude are swapped."))
    else:
        yield Fault(f"{pointer}/point", "outside_province", N_("This point lies outside the province."))


def _commune(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    said = patch.get("commune")
    if said is None:
        return
    unit = known.unit(said, on)
    if unit is None:
        yield Fault(
            f"{pointer}/commune", "unknown_unit", N_("There is no unit {unit} on {day}."), unit=said, day=on.isoformat()
        )
    elif unit.level != "commune":
        yield Fault(f"{pointer}/commune", "not_a_commune", N_("{unit} is not a commune."), unit=unit.name)


def _line(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    box = known.limits.box
    if any(not box.holds(lon, lat) for lon, lat in patch.get("line") or ()):
        yield Fault(f"{pointer}/line", "outside_province", N_("A point of this line lies outside the province."))


def _others(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    for member in ("occupants", "external_ids"):
        for code in patch.get(member) or ():
            if known.organisation(code) is None:
                yield Fault(
                    f"{pointer}/{member}", "unknown_organisation", N_("There is no organisation {name}."), name=code
                )


def _load(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    limit, used = patch.get("load_limit_kg"), patch.get("load_used_kg")
    if limit is not None and used is not None and Decimal(used) > Decimal(limit):
        yield Fault(f"{pointer}/load_used_kg", "overloaded", N_("More load is used than the mast bears."))
    numbers = [position["no"] for position in patch.get("positions") or ()]
    if len(set(numbers)) < len(numbers):
        yield Fault(f"{pointer}/positions", "doubled", N_("Two positions have the same number."))


def _owner(kind: str, patch: Mapping[str, Any], on: date, known: References, pointer: str) -> Iterator[Fault]:
    if patch.get("owner") is not None:
        yield from organisation_faults(patch["owner"], OWNER_KINDS, known, f"{pointer}/owner")


def organisation_faults(code: str, kinds: frozenset[str], known: References, pointer: str) -> Iterator[Fault]:
    found = known.organisation(code)
    if found is None:
        yield Fault(pointer, "unknown_organisation", N_("There is no organisation {name}."), name=code)
    elif found.kind not in kinds:
        yield Fault(pointer, "wrong_organisation", N_("{name} cannot have this part."), name=found.name)


def station_faults(patch: Mapping[str, Any], known: References, pointer: str = "") -> list[Fault]:
    faults = list(_bands(patch, known, pointer))
    if patch.get("operator") is not None:
        faults += organisation_faults(patch["operator"], frozenset({"operator"}), known, f"{pointer}/operator")
    return faults


def _bands(patch: Mapping[str, Any], known: References, pointer: str) -> Iterator[Fault]:
    """A band that there is; and, where the technologies are said with it, one of theirs."""
    said = set(patch.get("technologies") or ())
    for band in patch.get("bands") or ():
        technologies = known.bands.technologies(band)
        if not technologies:
            yield Fault(
                f"{pointer}/bands", "unknown_band", N_("There is no band {band} in the 3GPP tables."), band=band
            )
        elif said and not technologies & said:
            text = N_("Band {band} is not one of {technologies}.")
            told = ", ".join(sorted(said))
            yield Fault(f"{pointer}/bands", "band_of_other_technology", text, band=band, technologies=told)
