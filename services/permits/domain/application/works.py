"""The notices of the works: after a decision that allows them, in order, each once."""

from collections.abc import Mapping
from datetime import date, datetime

from kernel.clock import local_date
from kernel.errors import N_, Fault
from services.permits.domain.refusals import (
    DossierFaulty,
    NothingBuilt,
    NoticeGivenAlready,
    WrongMove,
)

NOT_BEFORE_DECISION = N_("The day must not lie before the decision of {day}.")
NOT_BEFORE_START = N_("The day must not lie before the commencement of {day}.")
NOT_AHEAD = N_("The day must not lie ahead.")
TOO_FAR = N_("Works must start within 12 months of the decision.")
COMMENCE_FIRST = N_("Notify the commencement first.")
START_WITHIN_DAYS = 365


def check_notice(
    kind: str,
    on: date,
    *,
    state: str,
    may_build: bool,
    decided_on: date | None,
    given: Mapping[str, date],
    now: datetime,
) -> None:
    """Commencement may be told beforehand, completion not; each once, in this order, after a decision that allows it.

    Raises NothingBuilt, NoticeGivenAlready, WrongMove (409), DossierFaulty (422).
    """
    if decided_on is None:
        raise WrongMove(state=state)
    if not may_build:
        raise NothingBuilt
    if kind in given:
        raise NoticeGivenAlready
    if kind == "completion" and "commencement" not in given:
        raise DossierFaulty(errors=[Fault("/kind", "order", COMMENCE_FIRST)])
    fault = _day_fault(kind, on, decided_on, given, local_date(now))
    if fault is not None:
        raise DossierFaulty(errors=[fault])


def _day_fault(kind: str, on: date, decided_on: date, given: Mapping[str, date], today: date) -> Fault | None:
    if on < decided_on:
        return Fault("/on", "before_decision", NOT_BEFORE_DECISION, day=f"{decided_on:%d/%m/%Y}")
    if kind == "commencement":
        return Fault("/on", "too_far", TOO_FAR) if (on - decided_on).days > START_WITHIN_DAYS else None
    if on < given["commencement"]:
        return Fault("/on", "before_start", NOT_BEFORE_START, day=f"{given['commencement']:%d/%m/%Y}")
    return Fault("/on", "ahead", NOT_AHEAD) if on > today else None
