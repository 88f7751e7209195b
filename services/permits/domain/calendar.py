"""Working days: holidays, swapped days, make-up days, half days and the hour after which a day no longer counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator

from kernel.clock import LOCAL
from services.permits.domain.refusals import CalendarEnds

DayKind = Literal["off", "work", "half"]
ONE = timedelta(days=1)
SATURDAY = 5


class CalendarDay(BaseModel):
    """A day that differs from the ordinary week: off on a weekday, worked on a weekend, or half."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: date
    kind: DayKind
    vi: str
    en: str
    source: str
    cutoff: time | None = None


class CalendarFile(BaseModel):
    """The shipped form. `cutoff` and `half_cutoff` are local hours; what arrives at or after them counts tomorrow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    area: str
    no: int
    starts_on: date
    ends_on: date
    cutoff: time
    half_cutoff: time
    source: str
    days: list[CalendarDay]

    @model_validator(mode="after")
    def _sound(self) -> "CalendarFile":
        named = [each.day for each in self.days]
        if len(set(named)) != len(named):
            raise ValueError("a day is named twice")
        if self.starts_on >= self.ends_on or any(not self.starts_on <= day <= self.ends_on for day in named):
            raise ValueError("a day lies outside the calendar")
        return self


@dataclass(frozen=True)
class Calendar:
    """One published version. A question about a day after `ends_on` is refused, never guessed."""

    id: UUID
    area: str
    no: int
    starts_on: date
    ends_on: date
    cutoff: time
    half_cutoff: time
    days: Sequence[CalendarDay] = field(default=(), repr=False)

    @cached_property
    def _named(self) -> dict[date, CalendarDay]:
        return {each.day: each for each in self.days}

    def named(self, day: date) -> CalendarDay | None:
        return self._named.get(day)

    def is_working(self, day: date) -> bool:
        if not self.starts_on <= day <= self.ends_on:
            raise CalendarEnds(day=f"{day:%d/%m/%Y}", ends_on=f"{self.ends_on:%d/%m/%Y}")
        known = self._named.get(day)
        return known.kind != "off" if known is not None else day.weekday() < SATURDAY

    def is_makeup(self, day: date) -> bool:
        known = self._named.get(day)
        return known is not None and known.kind != "off" and day.weekday() >= SATURDAY

    def working_from(self, day: date) -> date:
        """The day itself if it is worked, else the next that is."""
        while not self.is_working(day):
            day += ONE
        return day

    def working_after(self, day: date) -> date:
        return self.working_from(day + ONE)

    def incoming(self, at: datetime) -> date:
        """Effective day of what reaches the authority: that day if worked and before the cut-off, else the next."""
        local = at.astimezone(LOCAL)
        day = local.date()
        if self.is_working(day) and local.time() < self._cutoff(day):
            return day
        return self.working_after(day)

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` lies before."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working(start + timedelta(days=i)) for i in range(1, (end - start).days + 1))

    def _cutoff(self, day: date) -> time:
        known = self._named.get(day)
        if known is None:
            return self.cutoff
        return known.cutoff or (self.half_cutoff if known.kind == "half" else self.cutoff)
