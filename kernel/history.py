"""Two times, one engine: the log of changes is the truth, the rectangles are its projection.

A change says "it became so" from a day on; a correction (`corrects`) says "we had it wrong". Attributes are
independent: a back-dated change of one never wipes out a later change of another. Valid time is a day, half-open,
`None` is the open end; recorded time grows strictly inside one thing. Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

REGISTER = "register"


@dataclass(frozen=True)
class Change:
    """`patch` maps attribute to plain JSON value; an empty patch on a correction is an undo."""

    id: UUID
    no: int
    act: str
    valid_from: date
    patch: Mapping[str, Any]
    recorded_at: datetime
    valid_to: date | None = None
    evidence: int = 1
    corrects: UUID | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Version:
    """What is believed of the thing on the days `[valid_from, valid_to)`; `sources` names each value's change."""

    valid_from: date
    valid_to: date | None
    values: Mapping[str, Any]
    sources: Mapping[str, int]


@dataclass(frozen=True)
class Belief:
    """`contradictions` are live changes that speak of days before the thing began: clipped, and shown to people."""

    versions: tuple[Version, ...]
    contradictions: tuple[Change, ...]


@dataclass(frozen=True)
class Rectangle:
    """A version over the recorded time during which it was believed; open while `closed_no` is None."""

    version: Version
    opened_no: int
    recorded_from: datetime
    closed_no: int | None = None
    recorded_to: datetime | None = None


@dataclass(frozen=True)
class Revision:
    """What the newest change alters: open rectangles that end, versions that begin."""

    closed: tuple[Rectangle, ...]
    opened: tuple[Version, ...]


def live(changes: Iterable[Change]) -> list[Change]:
    """The changes that still speak: not corrected by a live one. A corrected correction no longer corrects."""
    corrected: set[UUID] = set()
    speaking: list[Change] = []
    # A correction always comes after what it corrects, so that walking backwards each verdict is final.
    for change in sorted(changes, key=lambda c: c.no, reverse=True):
        if change.id in corrected:
            continue
        speaking.append(change)
        if change.corrects is not None:
            corrected.add(change.corrects)
    return speaking[::-1]


def beginning(changes: Sequence[Change]) -> Change | None:
    """The live change that registers the thing, or the correction that took its place; None when all was undone."""
    by_id = {change.id: change for change in changes}
    registers = [c for c in live(changes) if c.patch and _registers(c, by_id)]
    return registers[-1] if registers else None


def _registers(change: Change, by_id: Mapping[UUID, Change]) -> bool:
    while change.act != REGISTER:
        if change.corrects is None or change.corrects not in by_id:
            return False
        change = by_id[change.corrects]
    return True


def believe(changes: Sequence[Change]) -> Belief:
    """All versions believed after these changes, without gap or overlap from the beginning to the open end."""
    first = beginning(changes)
    if first is None:
        return Belief((), ())
    speaking = live(changes)
    start = first.valid_from
    setters = _setters(speaking)
    versions: list[Version] = []
    days = _corners(speaking, start)
    for day, following in zip(days, [*days[1:], None], strict=True):
        values, sources = _values_on(day, setters)
        last = versions[-1] if versions else None
        if last is not None and last.values == values and last.sources == sources:
            versions[-1] = Version(last.valid_from, following, values, sources)
        else:
            versions.append(Version(day, following, values, sources))
    return Belief(tuple(versions), tuple(c for c in speaking if c.valid_from < start and c.patch))


def _setters(speaking: Iterable[Change]) -> dict[str, list[Change]]:
    """For each attribute its changes, the one that wins first: greatest `valid_from`, then greatest `no`."""
    setters: dict[str, list[Change]] = {}
    for change in sorted(speaking, key=lambda c: (c.valid_from, c.no), reverse=True):
        for attribute in change.patch:
            setters.setdefault(attribute, []).append(change)
    return setters


def _corners(speaking: Iterable[Change], start: date) -> list[date]:
    days = {start}
    for change in speaking:
        days.update(day for day in (change.valid_from, change.valid_to) if day is not None and day > start)
    return sorted(days)


def _values_on(day: date, setters: Mapping[str, list[Change]]) -> tuple[dict[str, Any], dict[str, int]]:
    values: dict[str, Any] = {}
    sources: dict[str, int] = {}
    for attribute, candidates in setters.items():
        winner = next((c for c in candidates if c.holds_on(day)), None)
        if winner is not None:
            values[attribute], sources[attribute] = winner.patch[attribute], winner.no
    return values, sources


def revise(open_rectangles: Sequence[Rectangle], changes: Sequence[Change]) -> Revision:
    """The least that must be written for the newest of `changes`: what did not alter stays as it is."""
    believed = {version.valid_from: version for version in believe(changes).versions}
    standing = {rectangle.version.valid_from: rectangle for rectangle in open_rectangles}
    closed = [r for day, r in standing.items() if believed.get(day) != r.version]
    opened = [v for day, v in believed.items() if day not in standing or standing[day].version != v]
    return Revision(tuple(closed), tuple(opened))


def rectangles(changes: Sequence[Change]) -> list[Rectangle]:
    """The whole projection of a log, as if its changes had come one by one."""
    ordered = sorted(changes, key=lambda c: c.no)
    finished: list[Rectangle] = []
    standing: dict[date, Rectangle] = {}
    for count, change in enumerate(ordered, start=1):
        revision = revise(list(standing.values()), ordered[:count])
        for rectangle in revision.closed:
            del standing[rectangle.version.valid_from]
            finished.append(
                Rectangle(
                    rectangle.version, rectangle.opened_no, rectangle.recorded_from, change.no, change.recorded_at
                )
            )
        for version in revision.opened:
            standing[version.valid_from] = Rectangle(version, change.no, change.recorded_at)
    return finished + list(standing.values())


def undo_conflicts(changes: Sequence[Change], target: UUID) -> list[Change]:
    """Later live changes that set what the undone one set: they must be named before an undo is accepted."""
    by_id = {change.id: change for change in changes}
    undone = by_id[target]
    return [c for c in live(changes) if c.no > undone.no and not undone.patch.keys().isdisjoint(c.patch)]
