"""The shape of the facts that ship as TOML: code lists, limits, organisations, units. Strict: a slip is an error."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shipped(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(Shipped):
    vi: str
    en: str


class CodeSystem(Shipped):
    """The days on which a new structure is classed by it; a structure of another day may still carry it."""

    code: str
    title: Title
    valid_from: date | None = None
    valid_to: date | None = None


class Code(Shipped):
    system: str
    code: str
    kinds: list[str]
    title: Title
    max_height_m: Decimal | None = None
    source: str = ""


class CodeBook(Shipped):
    version: int
    systems: list[CodeSystem]
    codes: list[Code]

    def find(self, kind: str, system: str, code: str) -> Code | None:
        return next((c for c in self.codes if (c.system, c.code) == (system, code) and kind in c.kinds), None)


class Band(Shipped):
    technology: Literal["2G", "3G", "4G", "5G"]
    band: str
    duplex: str
    spec: str
    use: str = ""


class BandBook(Shipped):
    version: int
    bands: list[Band]

    def technologies(self, band: str) -> set[str]:
        """Those that a band stands in; empty for a band that there is not."""
        return {one.technology for one in self.bands if one.band == band}


class Box(Shipped):
    area: str
    south: float
    north: float
    west: float
    east: float
    source: str

    def holds(self, lon: float, lat: float) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north


class HeightLimit(Shipped):
    min_m: Decimal
    max_m: Decimal


class NonBulky(Shipped):
    """On a building, no higher than `height_m` and than this share of the building's height."""

    height_m: Decimal
    share: Decimal
    source: str


class Lapse(Shipped):
    """Permitted and not begun within so many months: the permit has lapsed."""

    permitted_months: int
    source: str


class Limits(Shipped):
    version: int
    box: Box
    height: dict[str, HeightLimit]
    near_m: dict[str, float]
    non_bulky: NonBulky
    lapse: Lapse


class Rule(Shipped):
    """One test of data quality with its values: `fact`, `level` and `months` as the test needs them."""

    code: str
    test: Literal["missing", "unconfirmed", "evidence", "crowded", "lapsed", "near", "old_code"]
    kinds: list[str]
    weight: int
    title: Title
    fact: Annotated[str, Field(pattern=r"^[a-z_]*$")] = ""
    level: int = 0
    months: int = 0


class QualityBook(Shipped):
    version: int
    rules: list[Rule]

    def of(self, kind: str) -> list[Rule]:
        return [rule for rule in self.rules if kind in rule.kinds]


class OrganisationChange(Shipped):
    act: str
    valid_from: date
    patch: dict[str, Any]


class Organisation(Shipped):
    code: str
    changes: list[OrganisationChange]


class Mandate(Shipped):
    organisation: str
    function: str
    area: str
    valid_from: date
    valid_to: date | None = None
    source: str


class Organisations(Shipped):
    version: int
    organisations: list[Organisation]
    mandates: list[Mandate]


class BoundarySet(Shipped):
    code: str
    title: Title
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Shipped):
    id: str
    code: str
    name: str
    name_en: str
    level: Literal["province", "district", "commune"]
    parent: str | None = None
    sets: list[str]
    valid_from: date | None = None
    valid_to: date | None = None
    lat: float | None = None
    lon: float | None = None
    area_km2: float | None = None
    source: str


class Succession(Shipped):
    unit: str
    successor: str
    on: date
    relation: Literal["whole", "part"]
    share: float | None = None
    source: str


class Units(Shipped):
    version: int
    units: list[Unit]
    successions: list[Succession]
    boundary_sets: list[BoundarySet]
