"""In which unit of each boundary set a structure lies that was declared in a unit of one vintage, by the crosswalk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """`successors` are (unit, relation), the larger share first; relation `part` leaves a choice."""

    id: str
    parent: str | None
    boundary_sets: tuple[str, ...]
    successors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Place:
    """`provisional`: the crosswalk leaves a choice, until polygons or a person decide."""

    unit: str
    how: str
    provisional: bool


def places(units: Sequence[Unit]) -> dict[tuple[str, str], Place]:
    """(declared unit, boundary set) -> place; absent when the declared unit lies outside that set."""
    by_id = {unit.id: unit for unit in units}
    before: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for unit in units:
        for successor, relation in unit.successors:
            before[successor].append((unit.id, relation))
    after = {unit.id: unit.successors for unit in units}
    sets = sorted({code for unit in units for code in unit.boundary_sets})
    found: dict[tuple[str, str], Place] = {}
    for unit in units:
        for code in sets:
            place = _place(unit, code, by_id, after, before)
            if place is not None:
                found[unit.id, code] = place
    return found


Steps = Mapping[str, Sequence[tuple[str, str]]]


def _place(unit: Unit, code: str, by_id: Mapping[str, Unit], after: Steps, before: Steps) -> Place | None:
    if code in unit.boundary_sets:
        return Place(unit.id, "declared", False)
    for steps in (after, before):
        walked = _walk(unit.id, code, by_id, steps, frozenset())
        if walked is not None:
            return Place(walked[0], "crosswalk", walked[1])
    return None


def _walk(
    start: str, code: str, by_id: Mapping[str, Unit], steps: Steps, passed: frozenset[str]
) -> tuple[str, bool] | None:
    """The nearest unit of the set along the crosswalk, whole steps before parts; True when a choice was made."""
    ways = [way for way in steps.get(start, ()) if way[0] in by_id and way[0] not in passed]
    for target, relation in sorted(ways, key=lambda way: way[1] != "whole"):
        chosen = relation != "whole" or len(ways) > 1
        if code in by_id[target].boundary_sets:
            return target, chosen
        further = _walk(target, code, by_id, steps, passed | {start})
        if further is not None:
            return further[0], further[1] or chosen
    return None
