"""What every message carries, whatever it says: CloudEvents attribute names."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Readers ignore what they do not know, so that adding a field is never a break."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ActorRef(Message):
    id: str
    org: str
    kind: str


class Event(Message):
    """A fact. `type` is `<service>.<thing>.<what happened>.v<n>` and also the NATS subject."""

    type: ClassVar[str]


class Envelope(Message):
    """`id` is made by the command and never changes, however often the event is offered again."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    actor: ActorRef
    traceparent: str | None = None
    data: dict[str, Any]


class Question(Message):
    """Asked over NATS request/reply when a copy would not be fresh enough; the asker waits `seconds` for the reply."""

    subject: ClassVar[str]
    reply: ClassVar[type[BaseModel]]
    seconds: ClassVar[float] = 2.0


def stream_of(event: type[Event]) -> str:
    """The stream is named after the publisher: `registry.structure.changed.v1` -> `registry`."""
    return event.type.split(".", 1)[0]
