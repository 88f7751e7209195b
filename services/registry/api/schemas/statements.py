"""What is said of structures and stations: bodies of requests and what was recorded of them."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kernel.batch import Items
from kernel.texts import STORABLE, Day
from services.registry.domain.station import StationFacts
from services.registry.domain.structure import DuctFacts, Evidence, MastFacts, PoleFacts, Status, StructureFacts

Facts = TypeVar("Facts", bound=StructureFacts)
Reason = Annotated[str, Field(max_length=1000, description="Why, in words for whoever reads the log."), STORABLE]
Reference = Annotated[dict[str, Any], Field(max_length=20, description="The paper or file behind it.")]
_CHANGE_ID = "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"
_MAST = {
    "facts": {
        "owner": "VIETTEL",
        "status": "in_service",
        "code": ["ND163", "A1"],
        "height_m": "42.00",
        "point": [105.1502, 9.1769],
        "commune": "32002@2025-07",
        "capacity": 3,
        "name": "CMU-1207",
        "foundation": "ground",
        "design": "lattice",
    },
    "valid_from": "2026-03-01",
    "evidence": 2,
    "evidence_ref": {"document": "BBNT 12/2026"},
    "reason": "Handed over by the contractor.",
}
_POLE = {
    "facts": {
        "owner": "VNPT",
        "status": "in_service",
        "height_m": "8.50",
        "point": [105.1513, 9.1771],
        "commune": "32002@2025-07",
        "name": "TR-0311",
        "sector": "telecom",
    },
    "valid_from": "2026-03-01",
}
_DUCT = {
    "facts": {
        "owner": "VNPT",
        "status": "in_service",
        "point": [105.1498, 9.1765],
        "commune": "32002@2025-07",
        "name": "CB-0042",
        "sector": "telecom",
        "length_m": "420.00",
    },
    "valid_from": "2026-03-01",
}
_STATION = {
    "structure_id": _CHANGE_ID,
    "facts": {"operator": "VNPT", "status": "active", "technologies": ["4G", "5G"], "antenna_height_m": "38.00"},
    "valid_from": "2026-04-01",
    "evidence": 2,
}


def shown(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Register(Strict, Generic[Facts]):
    facts: Facts
    valid_from: Annotated[Day, Field(description="Since when it is so.")]
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


class MastRegister(Register[MastFacts]):
    """A mast with what must be known of it: owner, status, point, commune, height."""

    model_config = shown(_MAST)


class PoleRegister(Register[PoleFacts]):
    """A cable pole with what must be known of it: owner, status, point, commune."""

    model_config = shown(_POLE)


class DuctRegister(Register[DuctFacts]):
    """A duct with what must be known of it: owner, status, point, commune."""

    model_config = shown(_DUCT)


class MastBatch(Items[MastRegister]):
    model_config = shown({"items": [_MAST]})


class PoleBatch(Items[PoleRegister]):
    model_config = shown({"items": [_POLE]})


class DuctBatch(Items[DuctRegister]):
    model_config = shown({"items": [_DUCT]})


class Change(Strict, Generic[Facts]):
    """It became so: `patch` holds only the facts that changed."""

    patch: Facts
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="Exclusive; left out when it holds until further notice.")
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


_CHANGED = {
    "patch": {"capacity": 4},
    "valid_from": "2026-06-01",
    "evidence": 2,
    "reason": "A fourth mounting frame was added.",
}


class MastChange(Change[MastFacts]):
    """It became so: `patch` holds only the facts that changed."""

    model_config = shown(_CHANGED)


class PoleChange(Change[PoleFacts]):
    """It became so: `patch` holds only the facts that changed."""

    model_config = shown(_CHANGED)


class DuctChange(Change[DuctFacts]):
    """It became so: `patch` holds only the facts that changed."""

    model_config = shown(_CHANGED)


class Correction(Strict, Generic[Facts]):
    """We had it wrong. With an empty `patch` the change is undone; `despite` then names the later ones it upsets."""

    corrects: Annotated[UUID, Field(description="Id of the change that was wrong; the history names it.")]
    patch: Facts
    valid_from: Annotated[Day | None, Field(description="Left out: the day of the corrected change.")] = None
    evidence: Evidence | None = None
    evidence_ref: Reference | None = None
    reason: Annotated[str, Field(min_length=1, max_length=1000), STORABLE]
    despite: Annotated[list[UUID], Field(max_length=500, description="Later changes of the same facts.")] = []


_CORRECTED = {"corrects": _CHANGE_ID, "patch": {"name": "CMU-1208"}, "reason": "A slip of the pen."}


class MastCorrection(Correction[MastFacts]):
    """We had it wrong. With an empty `patch` the change is undone; `despite` then names the later ones it upsets."""

    model_config = shown(_CORRECTED, {"corrects": _CHANGE_ID, "patch": {}, "reason": "It was another mast."})


class PoleCorrection(Correction[PoleFacts]):
    """We had it wrong. With an empty `patch` the change is undone; `despite` then names the later ones it upsets."""

    model_config = shown(_CORRECTED)


class DuctCorrection(Correction[DuctFacts]):
    """We had it wrong. With an empty `patch` the change is undone; `despite` then names the later ones it upsets."""

    model_config = shown(_CORRECTED)


class StatusChange(Strict):
    """`on` is the day of the event itself; it has come."""

    model_config = shown({"status": "idle", "on": "2026-07-01", "reason": "The last station was taken off air."})

    status: Status
    on: Day
    evidence: Evidence = 1
    evidence_ref: Reference | None = None
    reason: Reason = ""


class StationRegister(Strict):
    """`facts` name at least the operator; without a status the station is active."""

    model_config = shown(_STATION)

    structure_id: UUID
    facts: StationFacts
    valid_from: Day
    evidence: Evidence = 1


class StationBatch(Items[StationRegister]):
    model_config = shown({"items": [_STATION]})


class StationChange(Strict):
    """It became so: `patch` holds only the facts that changed."""

    model_config = shown({"patch": {"technologies": ["4G", "5G"]}, "valid_from": "2026-06-01", "reason": "3G is off."})

    patch: StationFacts
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="Exclusive; left out when it holds until further notice.")
    evidence: Evidence = 1
    reason: Reason = ""


class RecordedRead(BaseModel):
    """`version` is the number of the newest change and also the entity tag."""

    id: UUID
    public_no: str | None = None
    version: int
    change_id: UUID


class RowError(BaseModel):
    """`pointer` is `/rows/<line of the file>/<column>`."""

    pointer: str
    code: str
    detail: str


class ImportedRow(BaseModel):
    id: UUID
    public_no: str


class ImportRead(BaseModel):
    """`rows` read, `errors` of every row, and what was made, in the order of the rows."""

    rows: int
    dry_run: bool
    errors: list[RowError] = []
    import_id: UUID | None = None
    items: list[ImportedRow] = []
