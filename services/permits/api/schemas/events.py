"""The feed."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from services.permits.queries import EventType


class EventActor(BaseModel):
    """Who did it: the organisation always; `id` not of a person of another organisation."""

    org: str
    kind: Literal["person", "client", "system"]
    id: str | None


class EventRead(BaseModel):
    """CloudEvents attribute names. `subject` is the dossier; `id` is the same wherever the event is told."""

    position: int
    id: UUID
    source: str
    type: EventType
    subject: UUID
    time: datetime
    actor: EventActor
    data: dict[str, Any]


class EventsRead(BaseModel):
    """`next` is where to go on: the next question's `after`, whether or not `items` holds anything."""

    items: list[EventRead]
    next: int
