"""Organisations, units and outlines as they are told."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from kernel.listing import Page, Sparse


class MandateRead(BaseModel):
    """A function that the organisation holds on `as_of`, with its legal source."""

    function: str
    area: str
    valid_from: date
    valid_to: date | None
    source: str


class OrganisationRead(BaseModel):
    """As it was on `as_of`. After its end it goes on as one that is not active and names its successor."""

    code: str
    short: str
    name_vi: str
    name_en: str
    kind: str
    legal_entity: str
    active: bool
    successor: str | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int
    mandates: list[MandateRead]


class OrganisationRow(Sparse, OrganisationRead):
    """As it was on `as_of`; with `fields` only these members."""


class OrganisationPage(Page):
    items: list[OrganisationRow]
    as_of: date
    known_at: datetime


class SuccessionRead(BaseModel):
    """What became of a unit: `share` of its area where it was divided and measured."""

    unit: str
    relation: str
    share: float | None
    on: date


class UnitRead(BaseModel):
    """A unit is its code and the vintage in which it first stands."""

    id: str
    code: str
    name: str
    name_en: str
    level: str
    parent: str | None
    parent_name: str | None
    boundary_sets: list[str]
    valid_from: date | None
    valid_to: date | None
    lat: float | None
    lon: float | None
    area_km2: float | None
    successors: list[SuccessionRead]
    source: str
    version: int


class UnitRow(Sparse, UnitRead):
    """With `fields` only these members."""


class UnitPage(Page):
    items: list[UnitRow]


class OutlineProperties(BaseModel):
    unit: str
    code: str
    name: str
    level: str
    parent: str | None
    source: str


class OutlineRead(BaseModel):
    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    bbox: list[float]
    properties: OutlineProperties


class OutlinesRead(BaseModel):
    """GeoJSON; empty where no outlines were imported yet."""

    type: Literal["FeatureCollection"]
    boundary_set: str
    features: list[OutlineRead]


class BoundariesRead(BaseModel):
    imported: int
    boundary_sets: dict[str, int]
