"""What the API takes and gives. Dates are half-open, heights are metres as decimal text, points WGS 84."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kernel.texts import STORABLE, Day
from services.registry.domain.station import StationFacts
from services.registry.domain.structure import Status, StructureFacts

Facts = TypeVar("Facts", bound=StructureFacts)
Evidence = Annotated[
    int,
    Field(ge=1, le=6, description="1 declared, 2 documented, 3 permitted, 4 built, 5 inspected, 6 corroborated."),
]
Reason = Annotated[str, Field(max_length=1000), STORABLE]
Reference = Annotated[dict[str, Any], Field(max_length=20, description="The paper or file behind it.")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Register(Strict, Generic[Facts]):
    facts: Facts
    valid_from: Day
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


class ChangeGive(Strict, Generic[Facts]):
    """It became so: `patch` holds only the facts that changed."""

    patch: Facts
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="Exclusive; left out when it holds until further notice.")
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


class CorrectionGive(Strict, Generic[Facts]):
    """We had it wrong. With an empty `patch` the change is undone; `despite` then names the later ones it upsets."""

    corrects: UUID
    patch: Facts
    valid_from: Day | None = None
    evidence: Evidence | None = None
    evidence_ref: Reference | None = None
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    despite: list[UUID] = []


class StatusChangeGive(Strict):
    status: Status
    on: Day
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


class StationRegister(Strict):
    structure_id: UUID
    facts: StationFacts
    valid_from: Day
    evidence: Evidence = 1


class StationChangeGive(Strict):
    patch: StationFacts
    valid_from: Day
    valid_to: Day | None = None
    evidence: Evidence = 1
    reason: Reason = ""


class RecordedRead(BaseModel):
    """`version` is the number of the newest change and also the entity tag."""

    id: UUID
    public_no: str | None = None
    version: int
    change_id: UUID


class RowError(BaseModel):
    pointer: str
    code: str
    detail: str


class ImportRead(BaseModel):
    """`rows` read, `errors` of every row, and what was made, in the order of the rows."""

    rows: int
    dry_run: bool
    errors: list[RowError] = []
    import_id: UUID | None = None
    items: list[dict[str, Any]] = []


class StructureRead(BaseModel):
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
    district_name: str | None
    capacity: int | None
    used: int = Field(description="Operators with an active station: the positions in use.")
    evidence: int = Field(description="The weakest of the key facts.")
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    version: int


class StructureDetail(StructureRead):
    """Also the kind's own facts, the change behind each fact, stations, and the unit in every set of boundaries."""

    model_config = ConfigDict(extra="allow")

    application_id: UUID | None
    facts: dict[str, dict[str, Any]]
    stations: list[dict[str, Any]]
    placements: list[dict[str, Any]]
    complete_to: datetime | None


class Listed(BaseModel):
    """`next` is the cursor of the following page; `complete_to` how far the copy of decisions goes."""

    items: list[StructureRead]
    next: str | None
    as_of: date
    known_at: datetime
    complete_to: datetime | None


class HistoryRead(BaseModel):
    """The log, and the rectangles of valid and recorded time that it makes."""

    changes: list[dict[str, Any]]
    versions: list[dict[str, Any]]


class Page(BaseModel):
    items: list[dict[str, Any]]
    next: str | None


class Features(BaseModel):
    """GeoJSON. A feature is a structure, or a cluster with its count and the box to zoom to."""

    type: str
    features: list[dict[str, Any]]
    total: int = 0


class BoundariesRead(BaseModel):
    imported: int
    boundary_sets: dict[str, int]
