"""What a filing answers with, and what asking beforehand does."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.sharing import ShareableMast
from services.permits.commands import Outlook

Shareable = Sequence[tuple[int, ShareableMast]]


class FileRead(BaseModel):
    """`id` is named in a dossier's parts; `media_type` is what the bytes are, whatever the name says."""

    id: UUID
    sha256: str
    media_type: str
    size: int
    name: str


class NewSite(BaseModel):
    """`structure_id` becomes the id of the structure itself."""

    no: int
    structure_id: UUID


class ReceiptRead(BaseModel):
    """The receipt: number, when it counts as received, under which law, until when the first step is due."""

    id: UUID
    number: str
    state: str
    version: int
    procedure: str
    received_at: datetime
    received_on: date
    effective_on: date
    due_on: date | None
    sites: list[NewSite]


class FaultRead(BaseModel):
    """What stands against the dossier and where: a JSON pointer into the body, a stable code, words."""

    pointer: str
    code: str
    detail: str


class CheckedPart(BaseModel):
    code: str
    required: bool
    given: bool
    source: str


class ReasonRead(BaseModel):
    """One leaf of a rule: what it asks of which fact, what the dossier says, whether that holds."""

    fact: str
    op: str
    value: Any
    given: Any
    holds: bool


class CheckedAgency(BaseModel):
    """`org` holds the function today; null when nobody does. Without `reasons` it is always asked."""

    function: str
    asked: bool
    org: str | None
    source: str
    reasons: list[ReasonRead]


class CheckedClock(BaseModel):
    """`due_on` of a clock that starts with the receipt; null of one that waits for `starts`."""

    clock: str
    starts: str
    length: int
    unit: str
    due_on: date | None
    source: str
    unverified: bool


class ShareableRead(BaseModel):
    """A mast in service near `site` that could carry the station; `free` null where its capacity is not known."""

    site: int
    id: UUID
    public_no: str
    owner: str
    lon: float
    lat: float
    distance_m: float
    height_m: Decimal | None
    capacity: int | None
    free: int | None


class CheckRead(BaseModel):
    """What filing this now would mean. Without `faults` it would be received as it is.

    `shareable`: the masts of which the filing says under `sharing` why they are not used; null when sharing is away,
    which holds up no filing: the question then follows with the dossier.

    `procedure`, `lead` and the days are null when no procedure, mandate or calendar governs such a dossier.
    """

    acceptable: bool
    faults: list[FaultRead]
    procedure: str | None
    lead: str | None
    received_on: date | None
    effective_on: date | None
    due_on: date | None
    parts: list[CheckedPart]
    agencies: list[CheckedAgency]
    clocks: list[CheckedClock]
    shareable: list[ShareableRead] | None

    @classmethod
    def of(cls, outlook: Outlook, shareable: Shareable | None, translate: Callable[[str], str]) -> "CheckRead":
        return cls(
            acceptable=not outlook.faults,
            faults=[
                FaultRead(pointer=each.pointer, code=each.code, detail=translate(each.detail).format(**each.params))
                for each in outlook.faults
            ],
            procedure=outlook.procedure.label if outlook.procedure else None,
            lead=outlook.lead,
            received_on=outlook.received_on,
            effective_on=outlook.effective_on,
            due_on=outlook.due_on,
            parts=[CheckedPart(**part._asdict()) for part in outlook.parts],
            agencies=[CheckedAgency.model_validate(agency, from_attributes=True) for agency in outlook.agencies],
            clocks=[
                CheckedClock(
                    clock=rule.name,
                    starts=rule.starts,
                    length=rule.length,
                    unit=rule.unit,
                    due_on=due_on,
                    source=rule.source,
                    unverified=rule.unverified,
                )
                for rule, due_on in outlook.clocks
            ],
            shareable=None
            if shareable is None
            else [ShareableRead(site=no, **mast.model_dump(exclude={"used"})) for no, mast in shareable],
        )


class ChangedRead(BaseModel):
    """The dossier after the act; `version` is also its ETag."""

    id: UUID
    number: str
    state: str
    version: int
    due_on: date | None = None
    decision_number: str | None = None
