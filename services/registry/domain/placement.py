"""Where a structure declared in one unit lies in every other set of boundaries, by the crosswalk alone."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from services.registry.domain.shipped import BoundarySet, Succession, Unit, Units


class Placement(NamedTuple):
    """`provisional`: the crosswalk leaves a choice and the larger share was taken, until a person decides."""

    declared: str
    boundary_set: str
    unit: str
    how: str
    provisional: bool


class Crosswalk:
    def __init__(self, units: Sequence[Unit], successions: Sequence[Succession]) -> None:
        self._units = {unit.id: unit for unit in units}
        self._after: dict[str, list[Succession]] = defaultdict(list)
        self._before: dict[str, list[Succession]] = defaultdict(list)
        for step in successions:
            self._after[step.unit].append(step)
            self._before[step.successor].append(step)

    def place(self, unit: str, within: BoundarySet) -> Placement | None:
        if within.code in self._units[unit].sets:
            return Placement(unit, within.code, unit, "declared", self._ceded(unit, within))
        for walk in (self._forward, self._backward):
            found = walk(unit, within.code)
            if found is not None:
                return Placement(unit, within.code, found[0], "crosswalk", found[1])
        return None

    def _ceded(self, unit: str, within: BoundarySet) -> bool:
        """The unit lives on in this set, but gave a part of its area away when the set began."""
        return any(
            step.relation == "part" and step.on == within.valid_from and within.code in self._units[step.successor].sets
            for step in self._after[unit]
        )

    def _forward(self, unit: str, within: str) -> tuple[str, bool] | None:
        for step in sorted(self._after[unit], key=lambda s: (-(s.share or 1.0), s.successor)):
            if within in self._units[step.successor].sets:
                return step.successor, step.relation == "part"
            further = self._forward(step.successor, within)
            if further is not None:
                return further[0], further[1] or step.relation == "part"
        return None

    def _backward(self, unit: str, within: str) -> tuple[str, bool] | None:
        steps = sorted(self._before[unit], key=lambda s: (-self._area(s), s.unit))
        for step in steps:
            if within in self._units[step.unit].sets:
                return step.unit, len(steps) > 1
            further = self._backward(step.unit, within)
            if further is not None:
                return further[0], further[1] or len(steps) > 1
        return None

    def _area(self, step: Succession) -> float:
        return (self._units[step.unit].area_km2 or 0.0) * (step.share or 1.0)


def placements(shipped: Units) -> list[Placement]:
    """For every commune of every vintage its unit in each set that has one."""
    crosswalk = Crosswalk(shipped.units, shipped.successions)
    communes = [unit.id for unit in shipped.units if unit.level == "commune"]
    found = (crosswalk.place(unit, within) for unit in communes for within in shipped.boundary_sets)
    return [placement for placement in found if placement is not None]
