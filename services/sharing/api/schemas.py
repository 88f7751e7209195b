"""What the API takes and gives. `valid_to` is exclusive: the first day on which it no longer holds."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from kernel.batch import Items
from kernel.listing import Page, Sparse
from kernel.texts import Day
from services.sharing.domain.agreement import Terms
from services.sharing.domain.definition import Definition

Kind = Literal["mast", "pole", "duct"]
Side = Literal["numerator", "denominator", "excluded"]
By = Literal["owner", "unit", "district"]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


STRUCTURE, CHANGE = "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c21", "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c22"


def shown(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


AgreementId = Annotated[UUID, Path(description="The agreement.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c20"])]


class AgreementTerms(Strict):
    """`document_sha256` is the hash of the signed paper; with it the agreement counts as documented (evidence 2)."""

    kind: Code
    valid_from: Day
    valid_to: Day | None = None
    number: Annotated[str, Field(max_length=100)] = ""
    document_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    def terms(self) -> Terms:
        return Terms(
            self.kind,
            self.valid_from,
            self.valid_to,
            self.number.strip(),
            self.document_sha256,
            evidence=2 if self.document_sha256 else 1,
        )


class AgreementRecord(AgreementTerms):
    """The owner is whoever owns the structure on `valid_from`."""

    model_config = shown(
        {
            "structure_id": STRUCTURE,
            "tenant": "VNPT",
            "kind": "lease",
            "valid_from": "2026-11-01",
            "valid_to": "2031-11-01",
            "number": "12/2026/HĐ-DCHT",
        }
    )

    structure_id: UUID
    tenant: Code


class AgreementsRecord(Items[AgreementRecord]):
    """Up to 100 agreements, recorded in their order."""

    model_config = shown({"items": AgreementRecord.model_config["json_schema_extra"]["examples"]})  # type: ignore[index]


class TerminationGive(Strict):
    """`on`: the first day on which the agreement no longer holds."""

    model_config = shown({"on": "2026-12-01", "reason": "Chấm dứt theo thoả thuận của hai bên"})

    on: Day
    reason: Reason


class CorrectionGive(Strict):
    """`corrects` is the id of a change; without `terms` it is undone."""

    model_config = shown({"corrects": CHANGE, "reason": "Ghi nhầm số hợp đồng"})

    corrects: UUID
    terms: AgreementTerms | None = None
    reason: Reason


class RecordedRead(BaseModel):
    """`version` is what the ETag says."""

    id: UUID
    version: int


class StructureNow(BaseModel):
    """What is known of the structure on `as_of`."""

    id: UUID
    kind: str | None
    owner: str
    status: str
    commune: str | None


class AgreementRow(Sparse):
    id: UUID
    structure_id: UUID
    public_no: str
    structure_name: str
    owner: str
    tenant: str
    kind: str | None
    number: str | None
    status: str
    valid_from: date | None
    valid_to: date | None
    evidence: int | None
    version: int
    structure: StructureNow | None = None


class AgreementPage(Page):
    items: list[AgreementRow]


class Said(BaseModel):
    """What a statement says of the agreement; of an absent member it says nothing. `status`: in_force, terminated."""

    status: str | None = None
    kind: str | None = None
    number: str | None = None
    document_sha256: str | None = None


class ChangeRead(BaseModel):
    """An empty patch on a correction is an undo."""

    id: UUID
    no: int
    act: str
    valid_from: date
    valid_to: date | None
    patch: Said
    evidence: int
    reason: str
    corrects: UUID | None
    actor: str
    org: str
    recorded_at: datetime


class VersionRead(BaseModel):
    valid_from: date
    valid_to: date | None
    status: str
    kind: str
    number: str
    document_sha256: str


class AgreementRead(BaseModel):
    """The agreement as believed now, and every statement about it."""

    id: UUID
    structure_id: UUID
    public_no: str
    structure_name: str
    owner: str
    tenant: str
    version: int
    versions: list[VersionRead]
    changes: list[ChangeRead]


class Figure(BaseModel):
    """Exact integers; `percent` is for display (two decimals, half up) and null when nothing is counted."""

    shared: int
    counted: int
    percent: str | None


class FigureOf(Figure):
    key: str
    name: str


class ScopeRead(BaseModel):
    """Both dates, and what the figure speaks of. `complete_to`: the registry's facts up to then are all counted."""

    kind: str
    definition: str
    boundary_set: str
    as_of: date
    known_at: datetime
    complete_to: datetime | None
    unit: str | None
    owner: str | None


class RatioRead(ScopeRead, Figure):
    """`groups` by what `by` names, else empty."""

    groups: list[FigureOf]


class SharerRead(BaseModel):
    legal_entity: str
    org: str
    role: str
    agreement_id: UUID | None
    number: str | None
    valid_to: date | None


class StructureRow(Sparse):
    """`sharers` is null for whoever may not know them."""

    id: UUID
    public_no: str
    name: str
    owner: str
    unit: str | None
    unit_name: str | None
    district_name: str | None
    counted: bool
    shared: bool
    reason: str
    sharers: list[SharerRead] | None


class StructurePage(ScopeRead, Page):
    items: list[StructureRow]


class TrendPoint(Figure):
    day: date


class TrendRead(ScopeRead):
    points: list[TrendPoint]


class TargetRead(Sparse):
    """`needed` shared structures for `percent`, `gap` of them missing; null when nothing is counted."""

    plan: str
    source: str
    boundary_set: str
    kind: str
    due_on: date
    is_base: bool
    percent: str
    shared: int
    counted: int
    needed: int | None
    gap: int | None
    met: bool | None


class TargetPage(Page):
    as_of: date
    known_at: datetime
    items: list[TargetRead]


class DefinitionRead(Sparse):
    id: str
    code: str
    version: int
    kind: str
    is_default: bool
    valid_from: date
    valid_to: date | None
    sha256: str
    published_at: datetime
    content: Definition


class DefinitionPage(Page):
    items: list[DefinitionRead]


class BoundarySetRead(Sparse):
    code: str
    title_vi: str
    title_en: str
    valid_from: date | None
    valid_to: date | None
    reported: bool


class BoundarySetPage(Page):
    items: list[BoundarySetRead]
