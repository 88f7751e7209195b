"""Distances on the globe as SQL, and the box around a circle that an index can search first."""

import math

EARTH_M = 6_371_008.8
METRES_PER_DEGREE = 110_000


def metres(lat: str, lon: str, other_lat: str, other_lon: str) -> str:
    """Metres between two points, given as SQL expressions in degrees, by the haversine formula on the mean sphere."""
    return (
        f"(2 * {EARTH_M} * asin(sqrt(power(sind(({other_lat} - {lat}) / 2), 2)"
        f" + cosd({lat}) * cosd({other_lat}) * power(sind(({other_lon} - {lon}) / 2), 2))))"
    )


def degrees(radius_m: float, lat: float) -> tuple[float, float]:
    """Latitude and longitude by which a circle around a point at `lat` reaches out, a little more than it does."""
    reach = radius_m / METRES_PER_DEGREE
    return reach, reach / max(math.cos(math.radians(lat)), 0.05)
