"""What lists, maps and counts of structures are asked with, and the condition that all of them share."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kernel import geodesy
from kernel.listing import Dated, Listing, Query, Word, Words, conditions, operator
from kernel.texts import Day, Moment
from services.registry import data
from services.registry.domain import space, words
from services.registry.domain.box import box
from services.registry.domain.policy import Caller
from services.registry.domain.structure import Evidence, Status
from services.registry.domain.times import Times
from services.registry.queries.quality_rules import LAPSES_ON, condition
from services.registry.queries.reach import Reach, at_times, reach

Metres = Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=2)]
Positions = Annotated[int, Field(ge=0, le=1000)]
_Q = "Words of name, address, owner or commune; accents do not matter, and one wrong letter of a word is forgiven."
_UNIT = "Unit id of any vintage, such as `32002@2025-07`: what lies in it, wherever it was declared."


class Filter(BaseModel):
    """A filter is a member of the row, some with an operator; further `q`, `bbox` and `free`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    owner: Annotated[Word | None, Field(description="Organisation code.", examples=["VIETTEL"])] = None
    owner_in: Words | None = operator("owner", "in", "One of these owners.")
    owner_ne: Word | None = operator("owner", "ne", "Any owner but this one.")
    status: Annotated[Status | None, Field(description="On `as_of`.")] = None
    status_in: Words | None = operator("status", "in", "One of these states.")
    status_ne: Status | None = operator("status", "ne", "Any state but this one.")
    commune: Annotated[Word | None, Field(description=_UNIT)] = None
    commune_in: Words | None = operator("commune", "in", "In one of these units.")
    district: Annotated[Word | None, Field(description=_UNIT)] = None
    district_in: Words | None = operator("district", "in", "In one of these units.")
    public_no: Annotated[Word | None, Field(description="The number on the plate.")] = None
    name: Annotated[Word | None, Field(description="Exactly this designation of the owner's.")] = None
    code: Annotated[Word | None, Field(description="Class code, in whichever system.")] = None
    height_m_gte: Metres | None = operator("height_m", "gte", "Metres above ground, or higher.")
    height_m_gt: Metres | None = operator("height_m", "gt", "Higher than these metres above ground.")
    height_m_lte: Metres | None = operator("height_m", "lte", "Metres above ground, or lower.")
    height_m_lt: Metres | None = operator("height_m", "lt", "Lower than these metres above ground.")
    capacity_gte: Positions | None = operator("capacity", "gte", "Mounting positions, or more.")
    capacity_lte: Positions | None = operator("capacity", "lte", "Mounting positions, or fewer.")
    evidence: Annotated[Evidence | None, Field(description="Exactly this level.")] = None
    evidence_gte: Evidence | None = operator("evidence", "gte", "1 declared to 6 corroborated.")
    evidence_lte: Evidence | None = operator("evidence", "lte", "1 declared to 6 corroborated.")
    valid_from_gte: Day | None = operator("valid_from", "gte", "What it says on `as_of` began on this day or later.")
    valid_from_lt: Day | None = operator("valid_from", "lt", "What it says on `as_of` began before this day.")
    recorded_at_gte: Moment | None = operator("recorded_at", "gte", "Recorded at this instant or later.")
    recorded_at_lt: Moment | None = operator("recorded_at", "lt", "Recorded before this instant.")
    q: Annotated[Query | None, Field(description=_Q)] = None
    bbox: Annotated[
        str | None,
        Field(max_length=200, description="west,south,east,north in degrees, WGS 84.", examples=["104.8,8.5,105,9.4"]),
    ] = None
    near: Annotated[
        str | None, Field(max_length=60, description="longitude,latitude; with `within_m`.", examples=["105.15,9.18"])
    ] = None
    within_m: Annotated[float | None, Field(description="Metres around `near`, up to 100,000.")] = None
    polygon: Annotated[
        str | None,
        Field(
            max_length=20_000,
            description="Inside lon,lat;lon,lat;... with 3 to 500 corners.",
            examples=["105.1,9.1;105.2,9.1;105.2,9.2"],
        ),
    ] = None
    free: Annotated[bool, Field(description="Only in service with a free mounting position.")] = False
    lapsed: Annotated[bool, Field(description="Only permitted and not begun within the permit's months.")] = False
    fault: Annotated[
        Word | None, Field(description="Breaks this rule of data quality, such as `unconfirmed`: its work list.")
    ] = None
    sector: Annotated[Word | None, Field(description="Of a cable pole or duct, such as `telecom`.")] = None


class StructuresAsked(Filter, Listing, Dated):
    expand: Annotated[
        Words | None,
        Field(
            description="`stations`, `placements` (its unit in every set), `owner` (as `owner_organisation`), `line`"
            " (the course of a duct)."
        ),
    ] = None


class NearestAsked(Filter, Dated):
    lon: Annotated[float, Field(ge=-180, le=180, description="Longitude, WGS 84.", examples=[105.15])]
    lat: Annotated[float, Field(ge=-90, le=90, description="Latitude, WGS 84.", examples=[9.18])]
    limit: Annotated[int, Field(ge=1, le=100, description="How many, the nearest first.")] = 10


class MapAsked(Filter, Dated):
    zoom: Annotated[int, Field(ge=0, le=22, description="Zoom of the web map; from 15 on nothing is clustered.")] = 9


COLUMNS = {
    "owner": "v.owner_id",
    "status": "v.status",
    "name": "v.name",
    "code": "v.code",
    "height_m": "v.height_m",
    "capacity": "v.capacity",
    "evidence": "v.evidence",
    "valid_from": "v.valid_from",
    "recorded_at": "v.recorded_from",
}
# The operators with an active station at the same (D, K): the positions in use.
USED = (
    "(SELECT count(DISTINCT s.operator_id) FROM station_version s WHERE s.structure_id = v.structure_id"  # noqa: S608
    f" AND s.status = 'active' AND {at_times('s')})"
)
_NUMBERED = "v.structure_id = (SELECT n.id FROM structure n WHERE n.public_no = :public_no)"
_IN_UNITS = (
    "EXISTS (SELECT FROM placement p WHERE p.structure_id = v.structure_id AND p.declared_id = v.commune_id"
    " AND p.unit_id = ANY(ARRAY(SELECT u.id FROM unit u LEFT JOIN unit d ON d.id = u.parent_id"
    " WHERE CAST(:{0} AS text[]) && ARRAY[u.id, d.id, d.parent_id])))"
)
# Every word begins one of the record's; a word that none begins with may be a typo away from some.
_WORDS = """to_tsvector('simple'::regconfig, v.name_fold) @@ (SELECT to_tsquery('simple', string_agg(
      coalesce(CASE WHEN k.variants IS NOT NULL
        AND NOT EXISTS (SELECT FROM search_word e WHERE e.word >= k.word AND e.word < k.word || '~' COLLATE "C")
        THEN (SELECT '(' || string_agg(w.word || ':*', ' | ') || ')' FROM search_word w
          WHERE w.variants && string_to_array(k.variants, ' ')) END, k.word || ':*'), ' & '))
    FROM unnest(CAST(:words AS text[]), CAST(:variants AS text[])) AS k(word, variants))"""
_AROUND = geodesy.metres("CAST(:lat AS float8)", "CAST(:lon AS float8)", "v.point[1]", "v.point[0]")
_CIRCLE = f"v.point <@ CAST(CAST(:around AS text) AS box) AND {_AROUND} <= CAST(:within_m AS float8)"
_POLYGON = "v.point <@ CAST(CAST(:polygon AS text) AS polygon)"
_BOX = "v.point <@ box(point(:west, :south), point(:east, :north))"
_FREE = f"v.status = 'in_service' AND v.capacity > {USED}"


def where(actor: Caller, kind: str, asked: Filter, at: Times) -> tuple[str, dict[str, Any], Reach]:
    """The condition that list, count, map and export share, with its values.

    Raises BadBox, BadCircle, BadPolygon (422).
    """
    seen = reach(actor, at)
    clauses, values = conditions(asked, COLUMNS)
    values |= {**seen.values, "kind": kind, "as_of": at.as_of, "known": at.known}
    for name in ("commune", "commune_in", "district", "district_in"):
        if said := getattr(asked, name):
            clauses.append(_IN_UNITS.format(name))
            values[name] = said if isinstance(said, list) else [said]
    if asked.public_no:
        clauses.append(_NUMBERED)
        values["public_no"] = asked.public_no
    if asked.q and (searched := words.searched(asked.q)):
        clauses.append(_WORDS)
        values["words"] = searched
        told = (words.variants(word) if words.is_searchable(word) else None for word in searched)
        values["variants"] = [" ".join(one) if one else None for one in told]
    if around := space.circle(asked.near, asked.within_m):
        clauses.append(_CIRCLE)
        values |= {"lon": around.lon, "lat": around.lat, "within_m": around.radius_m, "around": around.box}
    if (shape := space.polygon(asked.polygon)) is not None:
        clauses.append(_POLYGON)
        values["polygon"] = shape
    if asked.free:
        clauses.append(_FREE)
    if asked.lapsed:
        clauses.append(f"{LAPSES_ON} <= :as_of")
    if asked.fault:
        rule = next((one for one in data.quality().of(kind) if one.code == asked.fault), None)
        # A rule that is none for this kind is broken by nothing.
        clauses.append(condition(rule) if rule else "false")
    if asked.sector:
        clauses.append("v.attributes->>'sector' = :sector")
        values["sector"] = asked.sector
    if within := box(asked.bbox):
        clauses.append(_BOX)
        values |= dict(zip(("west", "south", "east", "north"), within, strict=True))
    # A belief's own times first, then who may see it: the two conditions no read may leave out.
    return " AND ".join(["v.kind = :kind", at_times("v"), seen.structure, *clauses]), values, seen
