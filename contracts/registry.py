"""What the registry tells: structures, stations, organisations and units, each with its whole belief.

Events of two-time things carry the change and *all* versions believed after it. Belief `no` is true for
known-times `[recorded_at(no), recorded_at(no + 1))`, so a consumer may take them doubled, late or shuffled
and end with the same rectangles.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Message, Question

Kind = Literal["mast", "pole", "duct"]
Status = Literal["planned", "permitted", "under_construction", "in_service", "idle", "dismantled"]


class Change(Message):
    """One recorded statement: `act` says what kind, `patch` what it sets, `corrects` which change it replaces."""

    id: UUID
    act: str
    corrects: UUID | None = None
    valid_from: date
    valid_to: date | None = None
    patch: dict[str, Any]
    evidence: int
    recorded_at: datetime


class StructureVersion(Message):
    """Metres above ground; WGS 84 degrees; `code` is (system, code); `commune` a unit id such as `32002@2023`."""

    valid_from: date
    valid_to: date | None = None
    owner: str
    status: str
    code: tuple[str, str] | None = None
    height_m: Decimal | None = None
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    capacity: int | None = None
    evidence: int = 1


class StructureItem(Message):
    id: UUID
    no: int
    kind: str
    public_no: str
    name: str = ""
    application_id: UUID | None = None
    change: Change
    versions: list[StructureVersion]


class StructureChanged(Event):
    """One item for a single command, up to 100 for an import."""

    type: ClassVar[str] = "registry.structure.changed.v1"
    items: list[StructureItem]


class StationVersion(Message):
    valid_from: date
    valid_to: date | None = None
    operator: str
    status: str
    technologies: list[str] = []
    evidence: int = 1


class StationItem(Message):
    id: UUID
    no: int
    structure_id: UUID
    change: Change
    versions: list[StationVersion]


class StationChanged(Event):
    type: ClassVar[str] = "registry.station.changed.v1"
    items: list[StationItem]


class OrganisationVersion(Message):
    """`legal_entity` is the enterprise behind a brand: brands of one entity share nothing. `short` is for tables."""

    valid_from: date
    valid_to: date | None = None
    name_vi: str
    name_en: str
    kind: str
    legal_entity: str
    short: str = ""
    successor: str | None = None


class Mandate(Message):
    """The function an organisation holds by date, such as `construction`; `area` is a province code."""

    function: str
    area: str
    valid_from: date
    valid_to: date | None = None
    source: str


class OrganisationItem(Message):
    code: str
    no: int
    change: Change
    versions: list[OrganisationVersion]
    mandates: list[Mandate] = []


class OrganisationChanged(Event):
    type: ClassVar[str] = "registry.organisation.changed.v1"
    items: list[OrganisationItem]


class UnitSuccessor(Message):
    """`relation` is `whole` or `part`; a part needs a coordinate or a person to decide."""

    unit: str
    relation: str


class UnitItem(Message):
    """An administrative unit of one vintage: a GSO code alone is not a stable identity."""

    id: str
    no: int
    code: str
    name: str
    level: str
    parent: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    boundary_sets: list[str] = []
    successors: list[UnitSuccessor] = []
    source: str = ""


class UnitChanged(Event):
    type: ClassVar[str] = "registry.unit.changed.v1"
    items: list[UnitItem]


class NearMast(Message):
    id: UUID
    public_no: str
    owner: str
    status: str
    height_m: Decimal | None = None
    capacity: int | None = None
    lon: float
    lat: float
    distance_m: float


class NearMasts(Message):
    items: list[NearMast]


class MastsNear(Question):
    """The masts standing within `radius_m` of a point at the end of day `as_of`, nearest first."""

    subject: ClassVar[str] = "ask.registry.masts_near.v1"
    reply: ClassVar[type[Message]] = NearMasts
    lon: float
    lat: float
    radius_m: float = 1000.0
    as_of: date
    limit: int = 50
