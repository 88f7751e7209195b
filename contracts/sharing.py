"""What sharing tells: agreements and sealed figures. No price ever leaves the service."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from contracts.envelope import Event, Message
from contracts.registry import Change


class AgreementVersion(Message):
    valid_from: date
    valid_to: date | None = None
    status: str
    evidence: int = 1


class AgreementItem(Message):
    id: UUID
    no: int
    structure_id: UUID
    owner: str
    tenant: str
    kind: str
    change: Change
    versions: list[AgreementVersion]


class AgreementChanged(Event):
    type: ClassVar[str] = "sharing.agreement.changed.v1"
    items: list[AgreementItem]


class StatementSealed(Event):
    """Integers only: a percentage is for display."""

    type: ClassVar[str] = "sharing.statement.sealed.v1"
    statement_id: UUID
    definition: str
    boundary_set: str
    as_of: date
    known_at: datetime
    shared: int
    counted: int
    digest: str
