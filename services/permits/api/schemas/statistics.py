"""Statistics."""

from datetime import date

from pydantic import BaseModel


class StepRead(BaseModel):
    """Clocks that ended in the time asked of. `on_time`: by an act on or before the due day; `silent`: by silence.

    Median calendar days; `net` without pauses; `gross_9`: nine in ten took less. `function` applicant: his own time.
    """

    clock: str
    function: str
    org: str
    ended: int
    on_time: int
    silent: int
    gross: float
    net: float
    gross_9: float


class MonthRead(BaseModel):
    """Dossiers decided in the month that begins on this day. `net` without waiting for supplements."""

    month: date
    decided: int
    on_time: int
    gross: float
    net: float


class StatisticsRead(BaseModel):
    steps: list[StepRead]
    months: list[MonthRead]
