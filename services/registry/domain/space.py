"""Shapes that a search names in an address: a circle around a point, a polygon."""

import math
from typing import NamedTuple

from shapely.geometry import Polygon

from kernel.errors import N_, Fault, Invalid

METRES_OF_A_DEGREE = 110_574.0
FARTHEST_M = 100_000
MOST_CORNERS = 500


class BadCircle(Invalid):
    detail = N_("A point is longitude,latitude in degrees; with within_m up to 100,000 metres.")


class BadPolygon(Invalid):
    detail = N_("A polygon is lon,lat;lon,lat;... with 3 to {most} corners, and no side of it crosses another.")


class Circle(NamedTuple):
    lon: float
    lat: float
    radius_m: float

    @property
    def box(self) -> str:
        """The box around the circle, as PostgreSQL writes one."""
        lat = self.radius_m / METRES_OF_A_DEGREE * 1.01
        lon = lat / max(math.cos(math.radians(self.lat)), 0.05)
        return f"({self.lon - lon},{self.lat - lat}),({self.lon + lon},{self.lat + lat})"


def point(text: str, where: str = "near") -> tuple[float, float]:
    """Raises BadCircle (422)."""
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = math.nan
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise BadCircle(errors=[Fault(f"/query/{where}", "malformed", BadCircle.detail)])
    return lon, lat


def circle(near: str | None, within_m: float | None) -> Circle | None:
    """Both or neither. Raises BadCircle (422)."""
    if near is None and within_m is None:
        return None
    if near is None or within_m is None or not 0 < within_m <= FARTHEST_M:
        where = "near" if near is None else "within_m"
        raise BadCircle(errors=[Fault(f"/query/{where}", "missing", BadCircle.detail)])
    return Circle(*point(near), within_m)


def polygon(text: str | None) -> str | None:
    """As PostgreSQL writes it. Raises BadPolygon (422)."""
    if text is None:
        return None
    corners = text.split(";", MOST_CORNERS + 1)
    try:
        points = [tuple(float(part) for part in corner.split(",")) for corner in corners if corner]
        valid = 3 <= len(points) <= MOST_CORNERS and all(
            len(one) == 2 and -180 <= one[0] <= 180 and -90 <= one[1] <= 90 for one in points
        )
    except ValueError:
        valid = False
    if not valid or not Polygon(points).is_valid:
        raise BadPolygon(
            errors=[Fault("/query/polygon", "malformed", BadPolygon.detail, most=MOST_CORNERS)], most=MOST_CORNERS
        )
    return "(" + ",".join(f"({lon},{lat})" for lon, lat in points) + ")"
