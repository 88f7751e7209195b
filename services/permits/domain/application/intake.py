"""What a dossier must hold to be received, and what may be asked for afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from kernel.errors import N_, Fault
from services.permits.domain.facts import FactBook
from services.permits.domain.procedure import Procedure, required_parts
from services.permits.domain.refusals import (
    DossierFaulty,
    RoundsUsedUp,
)


@dataclass(frozen=True)
class SiteDraft:
    """A place as the applicant gives it: metres above ground, WGS 84 degrees, `commune` such as `32002@2025`."""

    kind: str
    lon: float
    lat: float
    commune: str
    name: str = ""
    code: tuple[str, str] | None = None
    height_m: Decimal | None = None
    capacity: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartDraft:
    code: str
    file_id: UUID


@dataclass(frozen=True)
class KnownFile:
    id: UUID
    org: str
    size: int
    sha256: str


@dataclass(frozen=True)
class KnownUnit:
    id: str
    level: str
    valid_from: date | None
    valid_to: date | None

    def stands(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Ground:
    """What the check of a dossier stands on: the procedure in force, the copies and the code lists."""

    procedure: Procedure
    received_on: date
    units: Mapping[str, KnownUnit]
    files: Mapping[UUID, KnownFile]
    facts: Mapping[str, Mapping[str, Any]]
    codes: Collection[tuple[str, str]]
    box: tuple[float, float, float, float]
    file_orgs: Collection[str]
    max_bytes: int
    book: FactBook = field(default_factory=FactBook)


def facts_of(sites: Sequence[SiteDraft], book: FactBook) -> list[dict[str, Any]]:
    """The facts of each site, in their order."""
    return [
        book.facts(
            kind=site.kind,
            code=site.code,
            height_m=site.height_m,
            lon=site.lon,
            lat=site.lat,
            commune=site.commune,
            declared=site.facts,
            sites=len(sites),
        )
        for site in sites
    ]


def filing_faults(sites: Sequence[SiteDraft], parts: Sequence[PartDraft], ground: Ground) -> list[Fault]:
    """Everything that stands against the dossier, each with its pointer; none: it can be received."""
    faults = _count_faults(len(sites), ground.procedure)
    for place, site in enumerate(sites):
        faults += _site_faults(f"/sites/{place}", site, ground)
    return [*faults, *part_faults(parts, ground), *_missing_parts(sites, parts, ground)]


def parts_needed(sites: Sequence[SiteDraft], ground: Ground) -> list[str]:
    """The codes of the parts without which this dossier is not received, in the procedure's order."""
    return [part.code for part in required_parts(ground.procedure, facts_of(sites, ground.book))]


SITES_FEW = N_("This procedure is for {least} sites or more in one dossier.")
SITES_MANY = N_("This procedure is for {most} sites at most in one dossier.")
HEIGHT = N_("Give the height above ground in metres, more than 0 and at most 500.")
OUTSIDE = N_("This point lies outside the province. Check the coordinates.")
SWAPPED = N_("This point lies outside the province: longitude and latitude look swapped.")
UNIT_UNKNOWN = N_("This commune is not known.")
UNIT_PAST = N_("This commune did not exist on {day}.")
UNIT_LEVEL = N_("Name a commune, not a larger unit.")
KIND_WRONG = N_("This procedure is not for this kind of structure.")
CODE_UNKNOWN = N_("This class code is not known.")
FACT_UNKNOWN = N_("This fact is not known.")
FACT_WRONG = N_("This value does not fit the fact.")
PART_UNKNOWN = N_("This procedure knows no such part.")
PART_MISSING = N_("The part {part} is required.")
FILE_UNKNOWN = N_("There is no such file of yours. Send it first, then refer to its id.")
TOO_MUCH = N_("The files of a dossier may be {limit_mb} MB together.")


def _count_faults(count: int, procedure: Procedure) -> list[Fault]:
    if count < procedure.sites_min:
        return [Fault("/sites", "too_few", SITES_FEW, least=procedure.sites_min)]
    if procedure.sites_max is not None and count > procedure.sites_max:
        return [Fault("/sites", "too_many", SITES_MANY, most=procedure.sites_max)]
    return []


def _site_faults(at: str, site: SiteDraft, ground: Ground) -> list[Fault]:
    faults = []
    if site.kind not in ground.procedure.kinds:
        faults.append(Fault(f"{at}/kind", "kind_wrong", KIND_WRONG))
    if site.height_m is None or not 0 < site.height_m <= 500:
        faults.append(Fault(f"{at}/height_m", "height", HEIGHT))
    if site.code is not None and site.code not in ground.codes:
        faults.append(Fault(f"{at}/code", "code_unknown", CODE_UNKNOWN))
    faults += _point_faults(at, site, ground.box)
    faults += _commune_faults(f"{at}/commune", ground.units.get(site.commune), ground.received_on)
    for name, value in site.facts.items():
        if name not in ground.facts:
            faults.append(Fault(f"{at}/facts/{name}", "fact_unknown", FACT_UNKNOWN))
        elif not _fits(value, ground.facts[name]):
            faults.append(Fault(f"{at}/facts/{name}", "fact_wrong", FACT_WRONG))
    return faults


def _point_faults(at: str, site: SiteDraft, box: tuple[float, float, float, float]) -> list[Fault]:
    if _inside(site.lon, site.lat, box):
        return []
    swapped = _inside(site.lat, site.lon, box)
    return [Fault(f"{at}/{axis}", "outside", SWAPPED if swapped else OUTSIDE) for axis in ("lon", "lat")]


def _inside(lon: float, lat: float, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    return west <= lon <= east and south <= lat <= north


def _commune_faults(at: str, unit: KnownUnit | None, day: date) -> list[Fault]:
    if unit is None:
        return [Fault(at, "unit_unknown", UNIT_UNKNOWN)]
    if unit.level != "commune":
        return [Fault(at, "unit_level", UNIT_LEVEL)]
    return [] if unit.stands(day) else [Fault(at, "unit_past", UNIT_PAST, day=f"{day:%d/%m/%Y}")]


def _fits(value: Any, fact: Mapping[str, Any]) -> bool:
    if fact["type"] == "choice":
        return value in fact["choices"]
    if fact["type"] == "yes_no":
        return isinstance(value, bool)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def part_faults(parts: Sequence[PartDraft], ground: Ground) -> list[Fault]:
    """Unknown codes, files that are not there or not the applicant's, too much together."""
    known = {part.code for part in ground.procedure.parts}
    faults, total = [], 0
    for place, part in enumerate(parts):
        if part.code not in known:
            faults.append(Fault(f"/parts/{place}/code", "part_unknown", PART_UNKNOWN))
        found = ground.files.get(part.file_id)
        if found is None or found.org not in ground.file_orgs:
            faults.append(Fault(f"/parts/{place}/file", "file_unknown", FILE_UNKNOWN))
        else:
            total += found.size
    if total > ground.max_bytes:
        faults.append(Fault("/parts", "too_much", TOO_MUCH, limit_mb=ground.max_bytes // 1_000_000))
    return faults


def _missing_parts(sites: Sequence[SiteDraft], parts: Sequence[PartDraft], ground: Ground) -> list[Fault]:
    given = {part.code for part in parts}
    missing = [code for code in parts_needed(sites, ground) if code not in given]
    return [Fault(f"/parts/{code}", "part_missing", PART_MISSING, part=code) for code in missing]


ITEM_UNKNOWN = N_("This procedure knows no such part.")
ITEM_TWICE = N_("This part is named twice.")
ITEM_NEW = N_("A later request may only repeat what the first one asked for.")
ITEM_NONE = N_("Name at least one part that is missing or wrong.")
ITEM_UNANSWERED = N_("The request asked for the part {part}.")


@dataclass(frozen=True)
class SupplementItem:
    """What is missing or wrong: the part's code and, in words, why."""

    code: str
    reason: str = ""


def check_request(items: Sequence[SupplementItem], earlier: Sequence[Sequence[str]], procedure: Procedure) -> None:
    """Raises RoundsUsedUp (409), or DossierFaulty (422) with a pointer per item."""
    if len(earlier) >= procedure.supplements.rounds:
        raise RoundsUsedUp(rounds=procedure.supplements.rounds)
    faults = [] if items else [Fault("/items", "none", ITEM_NONE)]
    known = {part.code for part in procedure.parts}
    asked = {code for codes in earlier for code in codes}
    for place, item in enumerate(items):
        if item.code not in known:
            faults.append(Fault(f"/items/{place}/code", "part_unknown", ITEM_UNKNOWN))
        elif item.code in [before.code for before in items[:place]]:
            faults.append(Fault(f"/items/{place}/code", "item_twice", ITEM_TWICE))
        elif earlier and not procedure.supplements.new_items and item.code not in asked:
            faults.append(Fault(f"/items/{place}/code", "item_new", ITEM_NEW))
    if faults:
        raise DossierFaulty(errors=faults)


def unanswered(asked: Sequence[str], parts: Sequence[PartDraft]) -> list[Fault]:
    given = {part.code for part in parts}
    return [Fault(f"/parts/{code}", "part_missing", ITEM_UNANSWERED, part=code) for code in asked if code not in given]
