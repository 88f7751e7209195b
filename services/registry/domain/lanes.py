"""The two times of one fact as a picture: a lane per recording that altered what was believed of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from kernel.history import Change, believe, live


class Span(NamedTuple):
    """`value` is None where nothing was said of these days; the end is open when None."""

    start: date
    end: date | None
    value: Any


class Lane(NamedTuple):
    change: Change
    spans: tuple[Span, ...]


class Recording(NamedTuple):
    """A change that spoke of the fact: what it said, whether it still speaks, and what it has to do with others."""

    change: Change
    value: Any
    speaks: bool
    corrects: Change | None
    corrected_by: Change | None


def change_of(said: Mapping[str, Any]) -> Change:
    """A change as a history tells it, back as a value of the engine."""
    return Change(
        id=UUID(said["id"]),
        no=said["no"],
        act=said["act"],
        valid_from=date.fromisoformat(said["valid_from"]),
        valid_to=date.fromisoformat(said["valid_to"]) if said["valid_to"] else None,
        patch=said["patch"],
        evidence=said["evidence"],
        corrects=UUID(said["corrects"]) if said["corrects"] else None,
        recorded_at=datetime.fromisoformat(said["recorded_at"]),
    )


def spans(changes: Sequence[Change], fact: str) -> tuple[Span, ...]:
    """What is believed of the fact after these changes, neighbours of the same value joined."""
    joined: list[Span] = []
    for version in believe(changes).versions:
        value = version.values.get(fact)
        if joined and joined[-1].value == value:
            joined[-1] = joined[-1]._replace(end=version.valid_to)
        else:
            joined.append(Span(version.valid_from, version.valid_to, value))
    return tuple(joined)


def lanes(changes: Sequence[Change], fact: str) -> list[Lane]:
    """Newest first; recordings that left the fact as it was have no lane."""
    found: list[Lane] = []
    for count, change in enumerate(changes, start=1):
        now = spans(changes[:count], fact)
        if not found or found[-1].spans != now:
            found.append(Lane(change, now))
    return found[::-1]


def recordings(changes: Sequence[Change], fact: str) -> list[Recording]:
    """Newest first: every change that set the fact, and those that took such a one back."""
    by_id = {change.id: change for change in changes}
    corrected = {change.corrects: change for change in changes if change.corrects}
    speaking = {change.id for change in live(changes)}
    found = []
    for change in reversed(changes):
        target = by_id.get(change.corrects) if change.corrects else None
        if fact in change.patch or (target is not None and fact in target.patch):
            value = change.patch.get(fact)
            found.append(Recording(change, value, change.id in speaking, target, corrected.get(change.id)))
    return found
