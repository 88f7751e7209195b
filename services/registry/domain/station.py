"""What can be said of a station: who operates it, with which technologies, whether it is on air."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.history import Version
from services.registry.domain.structure import Metres, plain

StationStatus = Literal["planned", "active", "inactive", "removed"]
Technology = Literal["2G", "3G", "4G", "5G"]
Band = Annotated[str, Field(pattern=r"^(B\d{1,3}|n\d{1,3}|GSM\d{3,4})$")]
COLUMNS = ("operator", "status", "technologies")


class StationFacts(BaseModel):
    """What a change may set: only the fields given."""

    model_config = ConfigDict(extra="forbid")

    operator: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    status: StationStatus | None = None
    technologies: Annotated[list[Technology], Field(max_length=4)] | None = None
    antenna_height_m: Metres | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    bands: (
        Annotated[list[Annotated[str, Field(pattern=r"^(B\d{1,3}|n\d{1,3}|GSM\d{3,4})$")]], Field(max_length=30)] | None
    ) = Field(default=None, description="3GPP bands such as `B3`, `n78`, `GSM900`.")
    azimuths: Annotated[list[Annotated[int, Field(ge=0, lt=360)]], Field(max_length=12)] | None = None
    power_w: Annotated[Decimal, Field(ge=0, max_digits=7, decimal_places=2)] | None = None

    def patch(self) -> dict[str, Any]:
        patch = {name: plain(getattr(self, name)) for name in sorted(self.model_fields_set)}
        if self.technologies is not None:
            patch["technologies"] = sorted(set(self.technologies))
        if self.bands is not None:
            patch["bands"] = sorted(set(self.bands))
        return patch


class StationRow(StationFacts):
    """One station of an import: what it is, on which structure, since when, and how well that is known."""

    structure_id: str
    valid_from: date
    evidence: Annotated[int, Field(ge=1, le=6)] = 1


def row(structure_id: object, version: Version, evidence: Mapping[int, int]) -> dict[str, Any]:
    """The columns of `station_version`."""
    values = version.values
    known = [evidence[version.sources[fact]] for fact in COLUMNS if fact in version.sources]
    return {
        "structure_id": structure_id,
        "operator_id": values["operator"],
        "status": values["status"],
        "technologies": list(values.get("technologies") or []),
        "attributes": {key: value for key, value in values.items() if key not in COLUMNS},
        "sources": dict(version.sources),
        "evidence": min(known, default=1),
    }
