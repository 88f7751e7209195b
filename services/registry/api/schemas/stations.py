"""Stations as they are told."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from kernel.listing import Page, Sparse
from services.registry.api.schemas.structures import LogEntry, Rectangle


class StructureOf(BaseModel):
    """What the station stands on, on `as_of`."""

    id: UUID
    public_no: str
    kind: str
    name: str | None
    owner: str
    status: str
    lon: float | None
    lat: float | None
    commune: str | None


class StationRow(Sparse):
    """Antenna height in metres. `structure` when it was asked for and may be seen."""

    id: UUID
    structure_id: UUID
    public_no: str
    operator: str
    status: str
    technologies: list[str]
    evidence: int
    antenna_height_m: str | None
    name: str | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int
    structure: StructureOf | None = None


class StationPage(Page):
    items: list[StationRow]
    as_of: date
    known_at: datetime


class StationRead(BaseModel):
    id: UUID
    structure_id: UUID
    public_no: str
    operator: str
    status: str
    technologies: list[str]
    evidence: int
    antenna_height_m: str | None
    name: str | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int
    structure: StructureOf | None


class StationVersion(Rectangle):
    operator: str
    technologies: list[str]


class StationHistory(BaseModel):
    """The log, and the rectangles of valid and recorded time that it makes."""

    changes: list[LogEntry]
    versions: list[StationVersion]


class TechnologyCounts(BaseModel):
    """`counts` in the order of the days."""

    operator: str
    operator_name: str
    technology: str
    counts: list[int]


class TechnologyProgress(BaseModel):
    days: list[date]
    known_at: datetime
    operators: list[TechnologyCounts]
