"""A box on the map, as addresses name it."""

import math

from kernel.errors import N_, Fault, Invalid

Bbox = tuple[float, float, float, float]


class BadBox(Invalid):
    detail = N_("A box is west,south,east,north in degrees.")


def box(text: str | None) -> Bbox | None:
    """Raises BadBox (422)."""
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadBox(errors=[Fault("/query/bbox", "malformed", BadBox.detail)])
    return west, south, east, north
