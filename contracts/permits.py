"""What permits tells: the life of a dossier from filing to the standing structure."""

from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from contracts.envelope import Event, Message


class Site(Message):
    """A place of the dossier. `structure_id` is minted at filing and becomes the structure's own id."""

    no: int
    structure_id: UUID
    kind: str
    name: str = ""
    code: tuple[str, str] | None = None
    height_m: Decimal | None = None
    lon: float
    lat: float
    commune: str
    capacity: int | None = None


class ApplicationEvent(Event):
    """`version` grows by one with each change of the dossier: an older one never overwrites a newer one."""

    application_id: UUID
    number: str
    version: int
    applicant: str
    procedure: str


class ApplicationFiled(ApplicationEvent):
    type: ClassVar[str] = "permits.application.filed.v1"
    received_on: date
    lead: str
    sites: list[Site]


class ApplicationAccepted(ApplicationEvent):
    """Found complete, or deemed complete when the authority stayed silent."""

    type: ClassVar[str] = "permits.application.accepted.v1"
    deemed: bool
    functions: list[str]
    due_on: date


class ApplicationSupplementRequested(ApplicationEvent):
    type: ClassVar[str] = "permits.application.supplement_requested.v1"
    round: int
    items: list[str]


class ApplicationSupplemented(ApplicationEvent):
    type: ClassVar[str] = "permits.application.supplemented.v1"
    round: int


class ApplicationWithdrawn(ApplicationEvent):
    type: ClassVar[str] = "permits.application.withdrawn.v1"


class ApplicationDecided(ApplicationEvent):
    """Permit: granted or refused; notice: no_objection or objection. `may_build` is what both mean for the site."""

    type: ClassVar[str] = "permits.application.decided.v1"
    outcome: str
    may_build: bool
    decision_number: str
    decided_on: date
    sites: list[Site]


class OpinionGiven(ApplicationEvent):
    """`outcome` is `silent` when the deadline passed: agreed and responsible."""

    type: ClassVar[str] = "permits.opinion.given.v1"
    function: str
    round: int
    outcome: str
    late: bool


class WorksCommenced(ApplicationEvent):
    type: ClassVar[str] = "permits.works.commenced.v1"
    structure_ids: list[UUID]
    on: date


class WorksCompleted(ApplicationEvent):
    type: ClassVar[str] = "permits.works.completed.v1"
    structure_ids: list[UUID]
    on: date
