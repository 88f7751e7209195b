"""Coordinates as somebody entered them: metres of the national grid VN-2000, kept beside the point they give."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pyproj import Geod, Transformer

Metres = Annotated[str, Field(pattern=r"^-?\d{1,8}(\.\d{1,4})?$", description="Metres.")]
# EPSG's codes of the zones; which one a file means, its sender says. Their titles stand in data/headings.toml.
ZONES = {
    "VN-2000/104-30": 9207,
    "VN-2000/105-00": 5897,
    "VN-2000/104-45": 9208,
    "VN-2000/105-30": 9209,
    "VN-2000/UTM-48N": 3405,
}
WGS84 = 4326


class Entered(BaseModel):
    """`north` is what surveyors here call x, `east` what they call y."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crs: Annotated[str, Field(max_length=40, description="The zone, such as `VN-2000/104-30`.")]
    north: Metres
    east: Metres


@cache
def _transformer(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, WGS84, always_xy=True)


def length_of(line: Sequence[tuple[float, float]]) -> float:
    """Metres along the line on the ellipsoid."""
    lons, lats = zip(*line, strict=True)
    return float(_ellipsoid().line_length(lons, lats))


@cache
def _ellipsoid() -> Geod:
    return Geod(ellps="WGS84")


def point_of(entered: Entered) -> tuple[float, float] | None:
    """Longitude and latitude, WGS 84, to about a millimetre; None for a zone that is not known."""
    epsg = ZONES.get(entered.crs)
    if epsg is None:
        return None
    lon, lat = _transformer(epsg).transform(float(entered.east), float(entered.north))
    return round(lon, 8), round(lat, 8)
