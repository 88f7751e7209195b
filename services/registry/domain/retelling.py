"""A thing's log retold for people: what each change said, what was believed before it and after it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from kernel.history import REGISTER, Change, Version, believe, live, undo_conflicts


class Fact(NamedTuple):
    name: str
    before: Any
    after: Any


class Retold(NamedTuple):
    """`facts`: what was believed of its first day, before and after. `can_undo`: it speaks and is no registration."""

    change: Change
    facts: tuple[Fact, ...]
    speaks: bool
    corrects: Change | None
    corrected_by: Change | None
    can_undo: bool


def retold(changes: Sequence[Change]) -> list[Retold]:
    """Newest first."""
    by_id = {change.id: change for change in changes}
    corrected = {change.corrects: change for change in changes if change.corrects}
    speaking = {change.id for change in live(changes)}
    found: list[Retold] = []
    before: tuple[Version, ...] = ()
    for count, change in enumerate(changes, start=1):
        after = believe(changes[:count]).versions
        target = by_id.get(change.corrects) if change.corrects else None
        names = dict.fromkeys([*change.patch, *(target.patch if target else ())])
        said = target.patch if target else {}
        facts = tuple(
            # A correction stands against what it corrects, on whichever day that began.
            Fact(
                name,
                said[name] if name in said else _value(before, name, change.valid_from),
                _value(after, name, change.valid_from),
            )
            for name in names
        )
        undone = change.id in speaking and change.act != REGISTER and bool(change.patch) and change.id not in corrected
        found.append(
            Retold(change, facts, change.id in speaking, target, corrected.get(change.id), undone and target is None)
        )
        before = after
    return found[::-1]


def _value(versions: Sequence[Version], name: str, day: date) -> Any:
    """What is believed of that day; of days before the beginning, what is believed of the first."""
    held = next((v for v in versions if v.valid_from <= day and (v.valid_to is None or day < v.valid_to)), None)
    held = held or (versions[0] if versions else None)
    return held.values.get(name) if held else None


class Undoing(NamedTuple):
    """What undoing a change would leave, and the later changes that would have to be named with it."""

    change: Change
    facts: tuple[Fact, ...]
    conflicts: tuple[Change, ...]


def undoing(changes: Sequence[Change], target: Change) -> Undoing:
    now = believe(changes).versions
    last = changes[-1]
    gone = Change(
        id=UUID(int=0), no=last.no + 1, act="undo", valid_from=target.valid_from, patch={},
        recorded_at=last.recorded_at, corrects=target.id,
    )  # fmt: skip
    then = believe([*changes, gone]).versions
    day = target.valid_from
    facts = tuple(Fact(name, _value(now, name, day), _value(then, name, day)) for name in target.patch)
    return Undoing(target, facts, tuple(undo_conflicts(changes, target.id)))


class Box(NamedTuple):
    """A belief in the plane of both times: days it speaks of, instants it was held; None is the open end."""

    valid_from: date
    valid_to: date | None
    recorded_from: datetime
    recorded_to: datetime | None
    no: int


def boxes(versions: Sequence[Mapping[str, Any]]) -> list[Box]:
    """The rectangles of a history, as it tells them."""
    return [
        Box(
            date.fromisoformat(v["valid_from"]),
            date.fromisoformat(v["valid_to"]) if v["valid_to"] else None,
            datetime.fromisoformat(v["recorded_from"]),
            datetime.fromisoformat(v["recorded_to"]) if v["recorded_to"] else None,
            v["opened_no"],
        )
        for v in versions
    ]
