"""Clocks, day by day."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kernel.texts import STORABLE, Day, Moment
from services.permits.domain.simulation import Act, Played


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
    """One clock with the answer to "why this date?": the rule, its events, every day. It `starts` by an act."""

    clock: str
    function: str | None
    state: str
    starts: str
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


class PlayedGive(BaseModel):
    """One act, in the order of time. `function` of an answer, `days` of an extension."""

    model_config = ConfigDict(extra="forbid")
    act: Act
    at: Moment
    function: Annotated[str, Field(max_length=60), STORABLE] | None = None
    days: int | None = Field(default=None, ge=1, le=400)


class ClockSimulate(BaseModel):
    """`functions`: who is asked, else all of the procedure; `until`: silence is played to the end of this day."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "procedure": "mast.new.notice@1",
                    "received_at": "2026-02-09T08:30:00+07:00",
                    "events": [
                        {"act": "supplement_requested", "at": "2026-02-11T16:00:00+07:00"},
                        {"act": "supplemented", "at": "2026-02-21T10:00:00+07:00"},
                    ],
                    "until": "2026-03-31",
                }
            ]
        },
    )
    procedure: Annotated[str, Field(min_length=3, max_length=80), STORABLE]
    received_at: Moment
    events: list[PlayedGive] = Field(default_factory=list, max_length=100)
    functions: list[Annotated[str, Field(max_length=60), STORABLE]] | None = Field(default=None, max_length=20)
    until: Day | None = None

    def acts(self) -> list[Played]:
        return [Played(each.act, each.at, each.function, each.days) for each in self.events]


class HappenedRead(BaseModel):
    """What took effect when; `silent`: nobody acted, the deadline passed."""

    act: str
    at: datetime
    effective_on: date
    function: str | None
    silent: bool


class SimulatedRead(BaseModel):
    """`due_on` of the clock that ends with the decision; null while it is paused or not yet started."""

    procedure: str
    calendar: str
    calendar_ends_on: date
    received_on: date
    effective_on: date
    due_on: date | None
    happened: list[HappenedRead]
    clocks: list[ClockRead]
