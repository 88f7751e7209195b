"""Lists, maps, single records and their histories."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read
from kernel.export import CSV, GEOJSON, XLSX, answered, listed_as
from kernel.listing import Rows
from services.registry import data
from services.registry.api.answering import AsAsked, listed_times, places, raw, told
from services.registry.api.gate import needs
from services.registry.api.schemas import structures as schemas
from services.registry.api.structures.kinds import Kind, StructureId
from services.registry.commands.structures import StructureNotFound
from services.registry.domain import policy
from services.registry.domain.times import times
from services.registry.queries import histories, maps
from services.registry.queries import quality as queries_of_quality
from services.registry.queries import structures as queries
from services.registry.queries.asked import MapAsked, NearestAsked, StructuresAsked

READ, HISTORY = needs("registry:structure:read"), needs("registry:structure:history")
QUALITY = needs("registry:quality:read")
FORMS = (CSV, XLSX, GEOJSON)


def add(router: APIRouter, kind: Kind) -> None:
    _add_list(router, kind)
    _add_map(router, kind)
    _add_nearest(router, kind)
    _add_quality(router, kind)
    _add_one(router, kind)
    _add_history(router, kind)


def _add_list(router: APIRouter, kind: Kind) -> None:
    @router.get(f"/{kind.plural}", **kind.route(READ, "list_{1}"), **listed_as(schemas.StructurePage, *FORMS))
    async def listing(
        request: Request, actor: CurrentActor, now: Now, asked: Annotated[StructuresAsked, Query()]
    ) -> Response:
        """By name in the order of the Vietnamese alphabet, as it was on `as_of` and as known at `known_at`.

        As CSV, XLSX or GeoJSON the whole filtered list, all of it as known at one instant. Of other enterprises only
        what is built is listed.
        """
        at, placed = await listed_times(request, asked, now), places(request)

        async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
            rows = await queries.structures(read, actor, kind.name, asked, at, limit=limit, after=after, placed=placed)
            return Rows(rows.items, rows.following, rows.total, {"complete_to": rows.complete_to})

        columns = [*queries.MEMBERS, *(queries.EXPANDED.get(name, name) for name in asked.expand or ())]
        return await answered(
            request, asked, fetch, name=kind.plural, columns=columns, forms=FORMS, as_of=at.as_of, known_at=at.known_at
        )


def _add_map(router: APIRouter, kind: Kind) -> None:
    content: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}

    @router.get(f"/{kind.plural}:map", **kind.route(READ, "map_{1}"), response_model=schemas.MapRead, responses=content)
    async def marks(actor: CurrentActor, read: Read, now: Now, asked: Annotated[MapAsked, Query()]) -> Response:
        """GeoJSON for a map at `zoom`: single structures where they are few, clusters where they are many."""
        at = times(asked.as_of, asked.known_at, now)
        return raw(await maps.structure_map(read, actor, kind.name, asked, at, asked.zoom), media_type=GEOJSON)


def _add_nearest(router: APIRouter, kind: Kind) -> None:
    content: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}

    @router.get(
        f"/{kind.plural}:nearest",
        **kind.route(READ, "find_nearest_{1}"),
        response_model=schemas.NearestRead,
        responses=content,
    )
    async def nearest(actor: CurrentActor, read: Read, now: Now, asked: Annotated[NearestAsked, Query()]) -> Response:
        """The nearest of those that the filters find, as GeoJSON with `distance_m`, as of a day and as known then."""
        at = times(asked.as_of, asked.known_at, now)
        told = await maps.nearest(read, actor, kind.name, asked, at, asked.lon, asked.lat, asked.limit)
        return raw(told, media_type=GEOJSON)


def _add_quality(router: APIRouter, kind: Kind) -> None:
    @router.get(f"/{kind.plural}:quality", **kind.route(QUALITY, "read_quality_of_{1}"))
    async def quality(actor: CurrentActor, read: Read, at: AsAsked) -> schemas.QualityRead:
        """How many records of each owner break which rule, and the score that makes; of an enterprise its own.

        `fault=<code>` on the list gives the records to mend.
        """
        found = await queries_of_quality.quality(read, actor, kind.name, at)
        rules = [
            schemas.QualityRule(**rule.model_dump(include={"code", "weight", "title"}))
            for rule in data.quality().of(kind.name)
        ]
        owners = [schemas.OwnerQuality(**one._asdict()) for one in found]
        return schemas.QualityRead(as_of=at.as_of, known_at=at.known_at, rules=rules, owners=owners)


def _add_one(router: APIRouter, kind: Kind) -> None:
    @router.get(kind.one, **kind.route(READ, "read_{0}"), response_model=kind.read)
    async def found(actor: CurrentActor, read: Read, at: AsAsked, structure_id: StructureId) -> Response:
        """One structure with the evidence of each fact, its stations, and its unit in every set of boundaries."""
        one = await queries.structure(read, actor, kind.name, structure_id, at)
        if one is None:
            raise StructureNotFound
        return told(one)


def _add_history(router: APIRouter, kind: Kind) -> None:
    @router.get(f"{kind.one}/history", **kind.route(HISTORY, "read_{0}_history"))
    async def history(actor: CurrentActor, read: Read, now: Now, structure_id: StructureId) -> schemas.StructureHistory:
        """Who said what and when, and the versions that made; for officers and for the owner."""
        log = await histories.history(read, actor, kind.name, structure_id, today=local_date(now))
        if log is None:
            raise StructureNotFound
        policy.require(actor, "registry:structure:history", log.owner)
        return schemas.StructureHistory.model_validate({"changes": log.changes, "versions": log.versions})
