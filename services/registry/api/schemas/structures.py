"""Structures as they are told: rows of lists, single ones, maps and histories."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from kernel.listing import Page, Sparse
from services.registry.domain.structure import Status


class StationOn(BaseModel):
    """A station as its structure tells it; antenna height in metres."""

    id: UUID
    operator: str
    operator_name: str
    status: str
    technologies: list[str]
    evidence: int
    antenna_height_m: str | None
    name: str | None
    valid_from: date
    valid_to: date | None


class PlacementRead(BaseModel):
    """Its unit in one set of boundaries: declared, by crosswalk or by polygon; `provisional` awaits a decision."""

    boundary_set: str
    unit: str
    name: str
    how: str
    provisional: bool


class OwnerRead(BaseModel):
    """The owner as it was on `as_of`."""

    code: str
    short: str
    name_vi: str
    name_en: str
    kind: str
    legal_entity: str
    active: bool
    successor: str | None


class StructureRow(Sparse):
    """`used`: operators with an active station; `evidence`: the weakest of the key facts. Expanded: the last three."""

    id: UUID
    public_no: str
    kind: str
    name: str | None
    owner: str
    owner_name: str | None
    status: Status
    code: tuple[str, str] | None
    height_m: str | None
    lon: float | None
    lat: float | None
    commune: str | None
    commune_name: str | None
    district: str | None
    district_name: str | None
    capacity: int | None
    used: int
    evidence: int
    lapses_on: date | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int
    stations: list[StationOn] | None = None
    placements: list[PlacementRead] | None = None
    owner_organisation: OwnerRead | None = None
    line: list[tuple[float, float]] | None = None


class StructurePage(Page):
    """`complete_to`: how far the copy of decisions goes, on which what is permitted rests."""

    items: list[StructureRow]
    as_of: date
    known_at: datetime
    complete_to: datetime | None


class FactSource(BaseModel):
    """The change behind a fact."""

    no: int
    change: UUID
    evidence: int
    evidence_ref: dict[str, Any] | None
    valid_from: date
    recorded_at: datetime


class StructureRead(BaseModel):
    """With the change behind each fact, its stations, and its unit in every set of boundaries."""

    id: UUID
    public_no: str
    kind: str
    name: str | None
    owner: str
    owner_name: str | None
    status: Status
    code: tuple[str, str] | None
    height_m: str | None
    lon: float | None
    lat: float | None
    commune: str | None
    commune_name: str | None
    district: str | None
    district_name: str | None
    capacity: int | None
    used: int = Field(description="Operators with an active station: the positions in use.")
    evidence: int = Field(description="The weakest of the key facts.")
    lapses_on: date | None = Field(description="Of what is permitted: when the permit lapses if nothing is begun.")
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int
    address: str | None = None
    synthetic: bool = False
    entered: dict[str, Any] | None = Field(default=None, description="Coordinates as somebody entered them.")
    external_ids: dict[str, str] | None = None
    application_id: UUID | None
    facts: dict[str, FactSource]
    stations: list[StationOn]
    placements: list[PlacementRead]
    complete_to: datetime | None


class MastRead(StructureRead):
    foundation: Literal["ground", "roof"] | None = None
    building_height_m: str | None = None
    design: str | None = None
    solid: bool | None = None
    non_bulky: bool = Field(description="By the rule of TTLT 15/2016, from height, foundation and building.")
    height_above_sea_m: str | None = None
    wind_zone: str | None = None
    load_limit_kg: str | None = None
    load_used_kg: str | None = None
    positions: list[dict[str, Any]] | None = None


class PoleRead(StructureRead):
    sector: str | None = None
    occupants: list[str] | None = None


class DuctRead(StructureRead):
    element: str | None = None
    sector: str | None = None
    occupants: list[str] | None = None
    length_m: str | None = None
    line: list[tuple[float, float]] | None = None


class LogEntry(BaseModel):
    """What one change said; an empty patch on a correction is an undo."""

    id: UUID
    no: int
    act: str
    valid_from: date
    valid_to: date | None
    patch: dict[str, Any]
    evidence: int
    evidence_ref: dict[str, Any] | None
    reason: str
    corrects: UUID | None
    actor: str
    org: str
    recorded_at: datetime


class Rectangle(BaseModel):
    """What was believed of the days `valid_from` to `valid_to`, from `recorded_from` until `recorded_to`."""

    opened_no: int
    closed_no: int | None
    valid_from: date
    valid_to: date | None
    recorded_from: datetime
    recorded_to: datetime | None
    status: str
    attributes: dict[str, Any]
    evidence: int


class StructureVersion(Rectangle):
    owner: str
    code: tuple[str, str] | None
    height_m: str | None
    lon: float | None
    lat: float | None
    commune: str | None
    capacity: int | None
    name: str | None


class StructureHistory(BaseModel):
    """The log, and the rectangles of valid and recorded time that it makes."""

    changes: list[LogEntry]
    versions: list[StructureVersion]


class MarkRead(BaseModel):
    """A GeoJSON feature: a structure, or a cluster with its count and the box to zoom to."""

    type: Literal["Feature"]
    id: UUID | None = None
    geometry: dict[str, Any]
    properties: dict[str, Any]


class MapRead(BaseModel):
    """`total`: how many the filters find, whatever the features show."""

    type: Literal["FeatureCollection"]
    features: list[MarkRead]
    total: int


class NearestRead(BaseModel):
    """Features with `distance_m`, the nearest first."""

    type: Literal["FeatureCollection"]
    features: list[MarkRead]


class QualityRule(BaseModel):
    """A rule with its weight in the score."""

    code: str
    weight: int
    title: dict[str, str]


class OwnerQuality(BaseModel):
    """`faults`: by rule, how many records break it; `score` from 0 to 100."""

    owner: str
    owner_name: str
    structures: int
    faults: dict[str, int]
    score: float | None


class QualityRead(BaseModel):
    as_of: date
    known_at: datetime
    rules: list[QualityRule]
    owners: list[OwnerQuality]
