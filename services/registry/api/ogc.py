"""OGC API - Features, part 1: the structures for maps of others, such as QGIS and GDAL. CRS84, points and lines."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, api_router
from kernel.errors import N_, Fault, Invalid, NotFound
from kernel.export import GEOJSON
from kernel.paging import decode_cursor, encode_cursor
from services.registry import data
from services.registry.api.answering import PREFIX, raw
from services.registry.api.gate import needs
from services.registry.api.structures.kinds import KINDS, Kind
from services.registry.commands.structures import StructureNotFound
from services.registry.domain.times import Times, times
from services.registry.queries import structures as queries
from services.registry.queries.asked import Filter, StructuresAsked

router = api_router(f"{PREFIX}/ogc", ["ogc"])
READ = [needs("registry:structure:read")]
MOST = 1000
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CLASSES = ("core", "geojson", "oas30")
TITLES = {"masts": "Antenna masts", "poles": "Cable poles", "ducts": "Ducts and manholes"}
_LEFT_OUT = ("id", "lon", "lat", "line")


class CollectionNotFound(NotFound):
    detail = N_("There is no such collection. There are masts, poles and ducts.")


class DatetimeUnreadable(Invalid):
    detail = N_("Give an instant, a day, or an interval such as 2020-01-01/2024-12-31, with .. for an open end.")


class Link(BaseModel):
    href: str
    rel: str
    type: str
    title: str | None = None


class Landing(BaseModel):
    title: str
    description: str
    links: list[Link]


class Conformance(BaseModel):
    """The classes of the standard that this keeps."""

    conformsTo: list[str]  # noqa: N815 -- the standard's name


class Extent(BaseModel):
    spatial: dict[str, Any]
    temporal: dict[str, Any]


class Collection(BaseModel):
    """A kind of structure. `datetime` asks as of a day."""

    id: str
    title: str
    itemType: str  # noqa: N815
    crs: list[str]
    extent: Extent
    links: list[Link]


class Collections(BaseModel):
    collections: list[Collection]
    links: list[Link]


class FeatureRead(BaseModel):
    """A structure; its members are those of the lists."""

    type: str
    id: UUID
    geometry: dict[str, Any] | None
    properties: dict[str, Any]
    links: list[Link] | None = None


class FeaturesRead(BaseModel):
    """`links` has a `next` only when there is more."""

    type: str
    features: list[FeatureRead]
    links: list[Link]
    timeStamp: str  # noqa: N815
    numberMatched: int  # noqa: N815
    numberReturned: int  # noqa: N815


class ItemsAsked(Filter):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    limit: Annotated[int, Field(ge=1, le=10_000, description="Features at once; more than 1,000 are not given.")] = 100
    datetime: Annotated[
        str | None,
        Field(
            max_length=80,
            description="As of this day; of an interval its end. Left out: today.",
            examples=["2024-05-01"],
        ),
    ] = None
    cursor: Annotated[str | None, Field(max_length=2000, description="From the link `next`.")] = None


CollectionId = Annotated[str, Path(description="`masts`, `poles` or `ducts`.", examples=["masts"])]
FeatureId = Annotated[
    UUID, Path(description="`id` of the structure.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"])
]


def _address(request: Request, path: str, query: Mapping[str, Any] | None = None) -> str:
    base = f"{request.app.state.settings.public_url}{PREFIX}/ogc{path}"
    return f"{base}?{urlencode(query)}" if query else base


def _link(request: Request, path: str, rel: str, kind: str = "application/json") -> Link:
    return Link(href=_address(request, path), rel=rel, type=kind)


@router.get("", dependencies=READ, name="read_ogc_landing", response_model_exclude_none=True)
async def landing(request: Request) -> Landing:
    """The landing page of OGC API - Features: where the collections and the conformance are."""
    openapi = f"{request.app.state.settings.public_url}/openapi.json"
    return Landing(
        title="Passive telecommunications infrastructure of Cà Mau",
        description="Antenna masts, cable poles and ducts as of any day; of other enterprises only what is built.",
        links=[
            _link(request, "", "self"),
            Link(href=openapi, rel="service-desc", type="application/vnd.oai.openapi+json;version=3.0"),
            _link(request, "/conformance", "conformance"),
            _link(request, "/collections", "data"),
        ],
    )


@router.get("/conformance", dependencies=READ, name="read_ogc_conformance")
async def conformance() -> Conformance:
    """The conformance classes of OGC API - Features, part 1, that hold here."""
    return Conformance(conformsTo=[f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{one}" for one in CLASSES])


@router.get("/collections", dependencies=READ, name="list_ogc_collections", response_model_exclude_none=True)
async def collections(request: Request) -> Collections:
    """A collection for each kind of structure."""
    return Collections(
        collections=[_collection(request, kind) for kind in KINDS], links=[_link(request, "/collections", "self")]
    )


@router.get(
    "/collections/{collection_id}", dependencies=READ, name="read_ogc_collection", response_model_exclude_none=True
)
async def collection(request: Request, collection_id: CollectionId) -> Collection:
    """One collection with its extent."""
    return _collection(request, _kind(collection_id))


def _kind(collection_id: str) -> Kind:
    found = next((kind for kind in KINDS if kind.plural == collection_id), None)
    if found is None:
        raise CollectionNotFound
    return found


def _collection(request: Request, kind: Kind) -> Collection:
    box = data.limits().box
    path = f"/collections/{kind.plural}"
    return Collection(
        id=kind.plural,
        title=TITLES[kind.plural],
        itemType="feature",
        crs=[CRS84],
        extent=Extent(
            spatial={"bbox": [[box.west, box.south, box.east, box.north]], "crs": CRS84},
            temporal={"interval": [[None, None]]},
        ),
        links=[_link(request, path, "self"), _link(request, f"{path}/items", "items", GEOJSON)],
    )


def _day(said: str | None) -> date | None:
    """An instant's day; of an interval the day it ends. Raises DatetimeUnreadable (422)."""
    if not said:
        return None
    end = said.rpartition("/")[2].strip()
    if end in ("", ".."):
        return None
    try:
        return date.fromisoformat(end[:10])
    except ValueError as error:
        raise DatetimeUnreadable(errors=[Fault("/query/datetime", "unreadable", DatetimeUnreadable.detail)]) from error


FEATURES: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}


@router.get(
    "/collections/{collection_id}/items",
    dependencies=READ,
    name="read_ogc_items",
    response_model=FeaturesRead,
    responses=FEATURES,
)
async def items(
    request: Request,
    actor: CurrentActor,
    read: Read,
    now: Now,
    collection_id: CollectionId,
    asked: Annotated[ItemsAsked, Query()],
) -> Response:
    """The features of a collection as GeoJSON, by their names; every filter of the lists holds here, too."""
    kind, at = _kind(collection_id), times(_day(asked.datetime), None, now)
    limit = min(asked.limit, MOST)
    said = asked.model_dump(exclude_unset=True, exclude={"limit", "datetime", "cursor"})
    given = StructuresAsked(**said, total=True, expand=["line"])
    after = decode_cursor(asked.cursor) if asked.cursor else None
    found = await queries.structures(read, actor, kind.name, given, at, limit=limit, after=after)
    features = [_feature(row) for row in orjson.loads(found.items)]
    query = {**dict(request.query_params), "limit": limit}
    path = f"/collections/{kind.plural}/items"
    links = [{"href": _address(request, path, dict(request.query_params)), "rel": "self", "type": GEOJSON}]
    if found.following:
        following = {**query, "cursor": encode_cursor(found.following)}
        links.append({"href": _address(request, path, following), "rel": "next", "type": GEOJSON})
    body = {
        "type": "FeatureCollection",
        "features": features,
        "links": links,
        "timeStamp": at.known_at.isoformat(),
        "numberMatched": found.total,
        "numberReturned": len(features),
    }
    return raw(orjson.dumps(body).decode(), media_type=GEOJSON)


@router.get(
    "/collections/{collection_id}/items/{feature_id}",
    dependencies=READ,
    name="read_ogc_item",
    response_model=FeatureRead,
    responses=FEATURES,
)
async def item(
    request: Request, actor: CurrentActor, read: Read, now: Now, collection_id: CollectionId, feature_id: FeatureId
) -> Response:
    """One feature, as of today."""
    kind = _kind(collection_id)
    one = await queries.structure(read, actor, kind.name, feature_id, _today(now))
    if one is None:
        raise StructureNotFound
    row = orjson.loads(one.item)
    beside = ("facts", "stations", "placements", "complete_to")
    path = f"/collections/{kind.plural}"
    feature = _feature({name: value for name, value in row.items() if name not in beside})
    feature["links"] = [
        {"href": _address(request, f"{path}/items/{feature_id}"), "rel": "self", "type": GEOJSON},
        {"href": _address(request, path), "rel": "collection", "type": "application/json"},
    ]
    return raw(orjson.dumps(feature).decode(), media_type=GEOJSON)


def _today(now: Any) -> Times:
    return times(local_date(now), None, now)


def _feature(row: Mapping[str, Any]) -> dict[str, Any]:
    """A duct whose course is known is a line, everything else a point."""
    geometry: dict[str, Any] | None = None
    if row.get("line"):
        geometry = {"type": "LineString", "coordinates": row["line"]}
    elif row.get("lon") is not None:
        geometry = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    told = {name: value for name, value in row.items() if name not in _LEFT_OUT}
    return {"type": "Feature", "id": row["id"], "geometry": geometry, "properties": told}
