"""What sharing tells: agreements and sealed figures. No price ever leaves the service."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from contracts.envelope import Event, Message, Question
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


class ShareableMast(Message):
    """A mast in service that could carry one more. `free` is None where its capacity is not known."""

    id: UUID
    public_no: str
    owner: str
    lon: float
    lat: float
    distance_m: float
    height_m: Decimal | None = None
    capacity: int | None = None
    used: int
    free: int | None = None


class ShareableMasts(Message):
    """`complete_to`: what was recorded before it is in the answer."""

    complete_to: datetime | None = None
    items: list[ShareableMast]


class MastsToShare(Question):
    """The masts in service within `radius_m` of a point on day `as_of` that could carry a station of `org`, nearest
    first: not full, and not already used by it. Nobody's tenants are named.
    """

    subject: ClassVar[str] = "ask.sharing.masts_to_share.v1"
    reply: ClassVar[type[Message]] = ShareableMasts
    org: str
    lon: float
    lat: float
    radius_m: float = 500.0
    as_of: date
    limit: int = 20
