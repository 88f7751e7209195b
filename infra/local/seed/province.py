"""Which masts the demonstration invents: a pure function of a fixed random seed, the same province at every start.

The counts per operator and the 155 shared of 1,320 on 30/06/2023 are the plan's base (11.74 %); the shares per class
follow the neighbouring province of Kiên Giang. No mast is a real one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

BASE_DAY = date(2023, 6, 30)
OWNERS = {"VIETTEL": 555, "VNPT": 356, "MOBIFONE": 277, "VIETNAMOBILE": 79, "GMOBILE": 13, "OCK": 40}
TOWER_COMPANIES = frozenset({"OCK"})
SHARED = 155
DISMANTLED, IDLE = 24, 9
TENANTS = {
    "VIETTEL": ("VNPT", "MOBIFONE", "VIETNAMOBILE"),
    "VNPT": ("VIETTEL", "MOBIFONE", "VIETNAMOBILE"),
    "MOBIFONE": ("VIETTEL", "VNPT", "VIETNAMOBILE"),
    "VIETNAMOBILE": ("MOBIFONE", "VNPT"),
    "GMOBILE": ("VNPT",),
    "OCK": ("VIETTEL", "VNPT", "MOBIFONE"),
}
CLASSES = (("A2b", 0.922), ("A2a", 0.058), ("A1b", 0.011), ("A2c", 0.009))


@dataclass(frozen=True)
class Place:
    """A commune of 2023: its unit id, centre (WGS 84 degrees) and area in square kilometres."""

    unit: str
    name: str
    lat: float
    lon: float
    area_km2: float


@dataclass(frozen=True)
class DemoStation:
    operator: str
    technologies: tuple[str, ...]
    since: date
    evidence: int


@dataclass(frozen=True)
class DemoAgreement:
    tenant: str
    since: date
    until: date | None = None


@dataclass(frozen=True)
class DemoMast:
    name: str
    owner: str
    code: str
    height_m: str
    unit: str
    lat: float
    lon: float
    capacity: int
    foundation: str
    building_height_m: str | None
    since: date
    evidence: int
    ended: tuple[str, date] | None = None
    stations: tuple[DemoStation, ...] = ()
    agreements: tuple[DemoAgreement, ...] = field(default=())


def masts(places: Sequence[Place]) -> list[DemoMast]:
    """1,320 masts in service on the base day, 155 of them shared, and 33 that ended or stand idle before it."""
    random = Random(250)  # noqa: S311
    owners = [owner for owner, number in OWNERS.items() for _ in range(number)]
    random.shuffle(owners)
    could_share = [i for i, owner in enumerate(owners) if owner not in TOWER_COMPANIES | {"GMOBILE"}]
    shared = set(random.sample(could_share, SHARED))
    made = [_mast(random, places, n, owner, n in shared) for n, owner in enumerate(owners)]
    gone = [_gone(random, places, SHARED * 10 + n) for n in range(DISMANTLED + IDLE)]
    return made + gone


def _mast(random: Random, places: Sequence[Place], number: int, owner: str, shared: bool) -> DemoMast:
    place = random.choices(places, weights=[math.sqrt(p.area_km2) for p in places])[0]
    lat, lon = _inside(random, place)
    code = random.choices([c for c, _ in CLASSES], weights=[w for _, w in CLASSES])[0]
    height, foundation, building = _height(random, code)
    since = _day(random, date(2006, 3, 1), date(2023, 6, 20))
    user = random.choice(TENANTS[owner]) if owner in TOWER_COMPANIES else owner
    stations = [_station(random, user, since)]
    agreements: list[DemoAgreement] = []
    if owner in TOWER_COMPANIES:
        agreements.append(DemoAgreement(user, since))
    elif shared:
        tenant = random.choice(TENANTS[owner])
        agreed = _day(random, max(since, date(2012, 1, 1)), BASE_DAY)
        agreements.append(DemoAgreement(tenant, agreed))
        if random.random() < 0.9:
            stations.append(_station(random, tenant, min(agreed + timedelta(days=40), BASE_DAY)))
    elif number % 97 == 0:
        # The traps: a second station of the same enterprise, and an agreement that ran out before the base day.
        stations.append(_station(random, owner, since + timedelta(days=3)))
    elif number % 89 == 0 and since < date(2020, 1, 1):
        agreements.append(DemoAgreement(random.choice(TENANTS[owner]), since, _day(random, date(2021, 1, 1), BASE_DAY)))
    capacity = max(len({s.operator for s in stations}), random.choices((1, 2, 3, 4), weights=(20, 35, 35, 10))[0])
    evidence = random.choices((1, 2, 4, 5), weights=(12, 30, 48, 10))[0]
    return DemoMast(
        name=f"{place.name} {number % 40 + 1}",
        owner=owner,
        code=code,
        height_m=height,
        unit=place.unit,
        lat=lat,
        lon=lon,
        capacity=capacity,
        foundation=foundation,
        building_height_m=building,
        since=since,
        evidence=evidence,
        stations=tuple(stations),
        agreements=tuple(agreements),
    )


def _gone(random: Random, places: Sequence[Place], number: int) -> DemoMast:
    owner = random.choice(("VIETTEL", "VNPT", "MOBIFONE"))
    mast = _mast(random, places, number, owner, shared=False)
    status = "dismantled" if random.random() < DISMANTLED / (DISMANTLED + IDLE) else "idle"
    since = min(mast.since, date(2015, 5, 4))
    ended = _day(random, date(2016, 1, 1), date(2022, 12, 31))
    return DemoMast(**{**mast.__dict__, "since": since, "ended": (status, ended), "stations": (), "agreements": ()})


def _station(random: Random, operator: str, since: date) -> DemoStation:
    technologies = random.choice((("2G", "3G", "4G"), ("2G", "4G"), ("3G", "4G"), ("4G",), ("4G", "5G")))
    return DemoStation(operator, technologies, since, random.choices((1, 2, 4, 5), weights=(15, 25, 50, 10))[0])


def _inside(random: Random, place: Place) -> tuple[float, float]:
    """A point near the centre: communes are crooked, so only the inner part of an equal circle is used."""
    radius = math.sqrt(place.area_km2 / math.pi) * 0.45 * math.sqrt(random.random())
    angle = random.random() * 2 * math.pi
    lat = place.lat + radius * math.sin(angle) / 110.6
    lon = place.lon + radius * math.cos(angle) / (111.3 * math.cos(math.radians(place.lat)))
    return round(lat, 6), round(lon, 6)


def _height(random: Random, code: str) -> tuple[str, str, str | None]:
    """Height in metres, foundation, and the building's height for a mast on a roof."""
    if code == "A1b":
        return f"{random.uniform(2.4, 9):.1f}", "roof", f"{random.uniform(15, 24):.1f}"
    if code == "A2a":
        return f"{random.uniform(6, 15):.1f}", "roof", f"{random.uniform(8, 18):.1f}"
    tall = random.random() < 0.05
    return (
        f"{random.choice((60, 65, 72, 78)) if tall else random.choice((36, 39, 42, 42, 45, 45, 48)):.1f}",
        "ground",
        None,
    )


def _day(random: Random, first: date, last: date) -> date:
    """Any day from `first` to `last`, later ones twice as likely: networks grew."""
    span = max((last - first).days, 0)
    return first + timedelta(days=int(span * math.sqrt(random.random())))
