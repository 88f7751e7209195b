"""What predicates may ask of a site: declared facts over their defaults, what the site says, what follows from it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

EARTH_KM = 6371.0088


class Grade(NamedTuple):
    """A works' grade by height: below `below_m`. The mapping from height bands is a reading, said so in its source."""

    code: str
    below_m: Decimal


class Airport(NamedTuple):
    code: str
    lon: float
    lat: float


@dataclass(frozen=True)
class FactBook:
    """The lists that facts are made with: `defaults` of declared facts, grades by height, airports."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    grades: Sequence[Grade] = ()
    airports: Sequence[Airport] = ()

    @classmethod
    def of(cls, lists: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> "FactBook":
        """From the code lists fact, grade and airport."""
        grades = [Grade(code, Decimal(str(body["below_m"]))) for code, body in lists.get("grade", {}).items()]
        return cls(
            {code: body.get("default") for code, body in lists.get("fact", {}).items() if body.get("declared")},
            sorted(grades, key=lambda grade: grade.below_m),
            [Airport(code, body["lon"], body["lat"]) for code, body in lists.get("airport", {}).items()],
        )

    def facts(
        self,
        *,
        kind: str,
        code: tuple[str, str] | None,
        height_m: Decimal | None,
        lon: float,
        lat: float,
        commune: str,
        declared: Mapping[str, Any],
        sites: int = 1,
    ) -> dict[str, Any]:
        """Height in metres above ground, distances in kilometres, `commune` the unit's code, `sites` how many."""
        return {
            **self.defaults,
            **declared,
            "kind": kind,
            "height_m": height_m,
            "code_system": code[0] if code else None,
            "code": code[1] if code else None,
            "grade": self._grade(height_m),
            "airport_km": self._airport_km(lon, lat),
            "commune": commune.partition("@")[0],
            "sites": sites,
        }

    def _grade(self, height_m: Decimal | None) -> str | None:
        if height_m is None:
            return None
        return next((grade.code for grade in self.grades if height_m < grade.below_m), None)

    def _airport_km(self, lon: float, lat: float) -> float | None:
        return min((distance_km(lon, lat, each.lon, each.lat) for each in self.airports), default=None)


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Along the great circle."""
    here, there = math.radians(lat), math.radians(other_lat)
    half = math.sin((there - here) / 2) ** 2
    half += math.cos(here) * math.cos(there) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(half))
