"""The two dates that every read may name: how it was on `as_of`, as known at `known_at`."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from kernel.clock import end_of_day, local_date
from kernel.errors import N_, Fault, Invalid

# Later than anything recorded and earlier than PostgreSQL's infinity: what is believed now.
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class KnownAtInFuture(Invalid):
    detail = N_("What will be known later is not known yet.")


class KnownAtUnreadable(Invalid):
    detail = N_("Give an instant such as 2026-03-02T09:00:00+07:00, or a date.")


class Times(NamedTuple):
    """`known` is what the tables are asked with; `known_at` what is told to people; `past` when either was chosen."""

    as_of: date
    known: datetime
    known_at: datetime
    past: bool


def times(as_of: date | None, known_at: str | None, now: datetime) -> Times:
    """A date stands for its whole local day. Raises KnownAtInFuture, KnownAtUnreadable (422)."""
    day = as_of or local_date(now)
    if not known_at:
        return Times(day, LATEST, now, as_of is not None and day != local_date(now))
    moment, is_today = _moment(known_at, now)
    if moment > now:
        raise KnownAtInFuture(errors=[Fault("/query/known_at", "future", KnownAtInFuture.detail)])
    return Times(day, LATEST if is_today else moment, moment, not is_today or day != local_date(now))


def _moment(said: str, now: datetime) -> tuple[datetime, bool]:
    try:
        if len(said) == 10:
            day = date.fromisoformat(said)
            return (now, True) if day == local_date(now) else (end_of_day(day) - timedelta(microseconds=1), False)
        # A plus sign in a query that was not escaped arrives as a space.
        moment = datetime.fromisoformat(said.replace(" ", "+"))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise KnownAtUnreadable(errors=[Fault("/query/known_at", "unreadable", KnownAtUnreadable.detail)]) from error
    return moment, False
