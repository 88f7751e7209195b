"""Clocks, day by day."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel


class ClockDay(BaseModel):
    day: date
    kind: str
    count: int | None
    makeup: bool
    name: dict[str, str] | None
    source: str
    events: list[str]
    due: bool


class ClockEventRead(BaseModel):
    seq: int
    kind: str
    at: datetime | None
    effective_on: date
    days: int | None


class ClockRead(BaseModel):
    """One clock with the answer to "why this date?": the rule, its events, every day."""

    clock: str
    function: str | None
    state: str
    unit: str
    length: int
    used: int
    remaining: int
    due_on: date | None
    source: str
    unverified: bool
    supplement: str
    events: list[ClockEventRead]
    days: list[ClockDay]


class ClocksRead(BaseModel):
    application: UUID
    procedure: str
    calendar: str
    calendar_ends_on: date
    clocks: list[ClockRead]
