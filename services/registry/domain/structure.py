"""What can be said of a structure, per kind; and how a belief becomes the row that lists and maps read."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kernel.history import Version
from kernel.texts import fold
from services.registry.domain import words
from services.registry.domain.entered import Entered, length_of, point_of

Kind = Literal["mast", "pole", "duct"]
Status = Literal["planned", "permitted", "under_construction", "in_service", "idle", "dismantled"]
Metres = Annotated[Decimal, Field(max_digits=6, decimal_places=2, ge=0)]
Text = Annotated[str, Field(max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Evidence = Annotated[
    int,
    Field(ge=1, le=6, description="1 declared, 2 documented, 3 permitted, 4 built, 5 inspected, 6 corroborated."),
]
# Latitude too may be up to 180 here, so that a swapped pair can be named as such.
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]

Occupants = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=40)]],
    Field(max_length=30, description="Organisations whose cables hang or lie in it."),
]

NEEDED = {"mast": ("owner", "status", "point", "commune", "height_m"), "pole": ("owner", "status", "point", "commune")}
NEEDED["duct"] = NEEDED["pole"]
KEY_FACTS = ("owner", "status", "code", "height_m", "point", "commune")
COLUMNS = ("owner", "status", "code", "height_m", "point", "commune", "capacity", "name")


class StructureFacts(BaseModel):
    """What a change may set: only the fields given. Metres above ground; `point` is [longitude, latitude], WGS 84."""

    model_config = ConfigDict(extra="forbid")

    owner: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    status: Status | None = None
    code: tuple[str, str] | None = Field(default=None, description="(system, code), such as [`ND163`, `A1`].")
    height_m: Metres | None = None
    point: tuple[Degrees, Degrees] | None = None
    commune: str | None = Field(default=None, description="A unit id such as `32002@2023`, or a code valid that day.")
    capacity: Annotated[int, Field(ge=0, le=50)] | None = Field(default=None, description="Mounting positions.")
    name: Text | None = Field(default=None, description="The owner's own designation; one of a kind per owner.")
    address: Text | None = None
    entered: Entered | None = Field(
        default=None, description="Metres of VN-2000 with their zone; without `point` they give it."
    )
    external_ids: Annotated[dict[Code, Text], Field(max_length=10)] | None = Field(
        default=None, description="What each operator calls it: organisation code -> its own id."
    )
    synthetic: bool | None = Field(default=None, description="Made up for a demonstration.")

    @model_validator(mode="after")
    def _placed(self) -> Self:
        """What was entered on the national grid gives the point."""
        if self.entered is not None and self.point is None:
            self.point = point_of(self.entered)
            if self.point is None:
                raise ValueError(f"{self.entered.crs} is no zone that is known")
        return self

    def patch(self) -> dict[str, Any]:
        """Plain JSON of the fields given, as the log keeps them: decimals as text with two places."""
        return {name: plain(getattr(self, name)) for name in sorted(self.model_fields_set)}


class Position(BaseModel):
    """One mounting position: its height above ground and what it still bears."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    no: Annotated[int, Field(ge=1, le=50)]
    height_m: Metres | None = None
    margin_kg: Annotated[Decimal, Field(ge=0, max_digits=7, decimal_places=1)] | None = None


class MastFacts(StructureFacts):
    foundation: Literal["ground", "roof"] | None = None
    building_height_m: Metres | None = None
    design: Literal["lattice", "guyed", "monopole", "camouflaged"] | None = None
    solid: bool | None = Field(default=None, description="Cột kiên cố: bears disaster risk of level 4.")
    height_above_sea_m: Annotated[Decimal, Field(max_digits=6, decimal_places=2, ge=-10, le=1000)] | None = Field(
        default=None, description="Of the top, above the sea: what the height consent speaks of."
    )
    wind_zone: Literal["I", "II", "III", "IV", "V"] | None = Field(default=None, description="QCVN 02:2022/BXD.")
    load_limit_kg: Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=1)] | None = None
    load_used_kg: Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=1)] | None = None
    positions: Annotated[list[Position], Field(max_length=50)] | None = Field(
        default=None, description="Each mounting position with its load margin; `capacity` says how many there are."
    )


class PoleFacts(StructureFacts):
    sector: Literal["telecom", "power", "lighting"] | None = Field(
        default=None, description="`telecom`: for telecommunications alone; else shared with that sector."
    )
    occupants: Occupants | None = None


class DuctFacts(StructureFacts):
    element: Literal["duct", "manhole"] | None = Field(default=None, description="Cống (a line) or bể (a chamber).")
    sector: Literal["telecom", "power", "water", "mixed"] | None = None
    occupants: Occupants | None = None
    line: Annotated[list[tuple[Degrees, Degrees]], Field(min_length=2, max_length=500)] | None = Field(
        default=None, description="Of a duct, from end to end; without `point` and `length_m` it gives both."
    )
    length_m: Annotated[Decimal, Field(max_digits=9, decimal_places=2, gt=0)] | None = None

    @model_validator(mode="after")
    def _along(self) -> Self:
        if self.line is not None and self.point is None:
            self.point = self.line[0]
        if self.line is not None and self.length_m is None and (length := length_of(self.line)) > 0:
            self.length_m = Decimal(str(length)).quantize(Decimal("0.01"))
        return self


FACTS: dict[str, type[StructureFacts]] = {"mast": MastFacts, "pole": PoleFacts, "duct": DuctFacts}


def plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.01")))
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value


# Owners and communes are named again and again.
_fold = lru_cache(20_000)(fold)


def search_text(public_no: str, values: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """`names` holds what the codes of owner and commune are called, so that people find a mast by either."""
    said = [public_no, values.get("name"), values.get("address"), values.get("owner")]
    said += [names.get(str(values.get("owner")), ""), names.get(str(values.get("commune")), "")]
    return " ".join(folded for part in said if part and (folded := _fold(part)))


def row(
    kind: str, public_no: str, version: Version, evidence: Mapping[int, int], names: Mapping[str, str]
) -> dict[str, Any]:
    """The columns of `structure_version`; `evidence` gives the level of each change number."""
    values = version.values
    system, code = values.get("code") or (None, None)
    height = values.get("height_m")
    known = [evidence[version.sources[fact]] for fact in KEY_FACTS if fact in version.sources]
    return {
        "kind": kind,
        "owner_id": values["owner"],
        "status": values["status"],
        "code_system": system,
        "code": code,
        "height_m": Decimal(height) if height is not None else None,
        "point": tuple(values["point"]) if values.get("point") else None,
        "commune_id": values.get("commune"),
        "capacity": values.get("capacity"),
        "name": values.get("name"),
        "name_fold": search_text(public_no, values, names),
        "sort_key": words.sort_key(values.get("name") or public_no),
        "attributes": {key: value for key, value in values.items() if key not in COLUMNS},
        "sources": dict(version.sources),
        "evidence": min(known, default=1),
    }


def state_on(versions: tuple[Version, ...], day: date) -> Version | None:
    """The version that holds on that day."""
    for version in versions:
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return version
    return None


def neighbours(versions: tuple[Version, ...], day: date) -> tuple[str | None, str | None]:
    """The status that holds on `day`, and the next other one that begins after it."""
    today = state_on(versions, day)
    current = today.values["status"] if today else None
    later = (v.values["status"] for v in versions if v.valid_from > day)
    return current, next((status for status in later if status != current), None)
