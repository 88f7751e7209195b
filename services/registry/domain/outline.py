"""Outlines of units as GeoJSON: what is wrong with them, and the box they fill."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kernel.errors import N_, Fault

MOST_POINTS = 200_000


class Outline(NamedTuple):
    geometry: dict[str, Any]
    west: float
    south: float
    east: float
    north: float


def outline(geometry: object, pointer: str) -> tuple[Outline | None, list[Fault]]:
    """A polygon or several, rings closed, degrees WGS 84."""
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None, [Fault(f"{pointer}/type", "not_a_polygon", N_("An outline is a Polygon or a MultiPolygon."))]
    points: list[tuple[float, float]] = []
    try:
        for ring in _rings(geometry):
            read = [(float(place[0]), float(place[1])) for place in ring]
            if len(read) < 4 or read[0] != read[-1]:
                return None, [
                    Fault(pointer, "open_ring", N_("A ring has four points or more and ends where it began."))
                ]
            points += read
            if len(points) > MOST_POINTS:
                text = N_("An outline has at most {most} points.")
                return None, [Fault(pointer, "too_many_points", text, most=MOST_POINTS)]
    except (TypeError, ValueError, IndexError, KeyError):
        return None, [Fault(f"{pointer}/coordinates", "malformed", N_("These coordinates cannot be read."))]
    if not points or not all(_on_earth(*point) for point in points):
        return None, [Fault(f"{pointer}/coordinates", "not_degrees", N_("Coordinates are WGS 84 degrees."))]
    lons, lats = [point[0] for point in points], [point[1] for point in points]
    kept = {"type": geometry["type"], "coordinates": geometry["coordinates"]}
    return Outline(kept, min(lons), min(lats), max(lons), max(lats)), []


def _rings(geometry: Mapping[str, Any]) -> Iterator[Any]:
    coordinates = geometry["coordinates"]
    for polygon in [coordinates] if geometry["type"] == "Polygon" else coordinates:
        yield from polygon


def _on_earth(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90
