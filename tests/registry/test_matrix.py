"""Who may do what, cell by cell over HTTP: operation and page x capability x what relates the caller to the thing.

The table in `domain/policy.py` says what is expected; what holds between a caller and a thing is said in `world.py`.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import cache
from io import BytesIO
from typing import Any

import httpx
import openpyxl
import orjson
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from contracts.registry import MastsNear
from infra.documents.authorisation import CAPABILITIES, Door, doors
from services.registry.answers import masts_near
from services.registry.app import create
from services.registry.domain.policy import PERMISSIONS
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack, client_of
from tests.registry.conftest import settings
from tests.registry.test_access import CLIENT, PERSON
from tests.registry.world import API, BUILT, MASTS, PARKED, PLACES, PLANNED, World, built, facts

pytestmark = pytest.mark.database
READ = "registry:structure:read"
COMMANDS_ONLY = {"registry:structure:transfer"}
KINDS = {"masts": "mast", "poles": "pole", "ducts": "duct", "stations": "station"}
MADE = (":batch", ":import", "/masts", "/poles", "/ducts", "/stations")
OUTLINE = {
    "type": "Feature",
    "properties": {"code": "32098", "boundary_set": "CM-2023"},
    "geometry": {"type": "Polygon", "coordinates": [[[104.8, 9], [104.9, 9], [104.9, 9.1], [104.8, 9]]]},
}
ORGANISATION = {"code": "SONGDOC", "name_vi": "Sông Đốc", "name_en": "Song Doc", "short": "Sông Đốc"}
ENVELOPE = {
    "id": "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11",
    "source": "permits",
    "type": "permits.opinion.given.v1",
    "subject": "x",
    "time": "2026-11-20T02:00:00Z",
    "actor": {"id": "x", "org": "SXD", "kind": "person"},
    "data": {},
}
BODIES: dict[str, Any] = {
    "changes": {"patch": {"name": "x"}, "valid_from": "2020-01-01"},
    "status-changes": {"status": "dismantled", "on": "2020-01-01"},
    "organisations": {**ORGANISATION, "kind": "tower_company", "valid_from": "2026-11-01"},
    "boundaries": {"type": "FeatureCollection", "features": [OUTLINE]},
    "clients": {**CLIENT, "client_id": "ock-two"},
    "people": {**PERSON, "username": "ock.hai", "email": "hai@ock.example.vn"},
    "rights": {"capabilities": ["applicant"]},
    "networks": {"networks": ["203.0.113.0/24"]},
    "secrets": {"overlap_hours": 0},
    "reviews": {"verdict": "confirm", "reason": "x"},
    "settlement": {"outcome": "restore"},
    "mending": {"payload": orjson.dumps(ENVELOPE).decode()},
    "dismissal": {"reason": "x"},
    "settings": {"fields": {"name": "name"}, "defaults": {"public_no": "x"}},
    "decisions": {"decisions": [{"row": 2, "decision": "new"}]},
    "run": {"undecided": "new"},
}


@cache
def all_doors() -> tuple[Door, ...]:
    return tuple(doors("registry"))


@pytest.fixture(scope="module")
async def world(database_url: Callable[[str], str], realm: Realm) -> AsyncIterator[World]:
    async with (
        RolledBack(database_url("registry")).open() as database,
        client_of(create, settings(database.url), realm, database) as client,
    ):
        yield await built(client, database, realm)


def allowed(permission: str, capability: str, held: Iterable[str] | None) -> bool:
    """What the table says; `held` None: the door leads to no one thing."""
    return any(
        holder in ("*", capability) and (held is None or relation == "any" or relation in held)
        for holder, relation in PERMISSIONS[permission]
    )


def leads(door: Door) -> list[str] | None:
    """The things that a door leads to; None: to no one thing of an organisation's."""
    if any(f"{{{name}}}" in door.path for name in ("structure_id", "station_id", "public_no", "feature_id")):
        return [BUILT, PLANNED]
    if "{import_id}" in door.path:
        return [BUILT]
    return [BUILT] if door.method == "POST" and door.path.endswith(MADE) else None


def held_of(world: World, door: Door, place: str, thing: str | None) -> Iterable[str] | None:
    """What relates a place to the thing behind a door; the accounts are OCK's, which is none of the places."""
    if any(f"{{{name}}}" in door.path for name in ("client_id", "username", "finding_id", "key")):
        return ()
    if door.path == "/registry/access/organisations/{code}" or "{import_id}" in door.path:
        return ("own_org",) if place == "own" else ()
    return world.held(place, thing) if thing else None


def said(world: World, path: str, thing: str) -> Any:
    """The body of a write: true of the thing, so that nothing but the caller's rights can be wrong."""
    collection, _, act = path.rpartition("/")[2].partition(":")
    kind = KINDS.get(path.split("/")[4].partition(":")[0], "")
    if kind == "station":
        one: dict[str, Any] = {"structure_id": world.ids["mast", thing][0], "facts": {"operator": "VIETTEL"}}
    else:
        one = {"facts": facts(kind, thing, 99)} if kind else {}
    one |= {"valid_from": "2016-01-01"}
    if collection in KINDS:
        return {"items": [one]} if act == "batch" else one
    if collection == "changes" and kind == "station":
        return {"patch": {"technologies": ["5G"]}, "valid_from": "2020-01-01"}
    if collection == "corrections":
        return {"corrects": world.changes[world.ids[kind, thing][0]], "patch": {"name": "x"}, "reason": "x"}
    return BODIES.get(collection)


def address(world: World, door: Door, thing: str) -> str:
    parts = door.path.removeprefix("/api").removeprefix("/registry").removeprefix("/v1").split("/")
    kind = KINDS.get(parts[1] if len(parts) > 1 else "", "mast")
    filled = {
        "structure_id": world.ids.get((kind, thing), [""])[0],
        "station_id": world.ids["station", thing][0],
        "change_id": world.changes.get(world.ids.get((kind, thing), [""])[0], ""),
        "code": "VIETTEL",
        "unit_id": "32098@2023",
        "client_id": "ock-api",
        "username": "ock.binh",
        "finding_id": world.finding,
        "import_id": world.imported,
        "collection_id": "masts",
        "feature_id": world.ids["mast", thing][0],
        "public_no": world.numbers["mast", thing][0],
        "message": PARKED,
        "kind": "clients",
        "key": "ock.binh" if "/people/" in door.path else "ock-api",
        "act": "redrive" if "/parked/" in door.path else "suspend",
    }
    return door.path.format(**filled)


HEADER = "owner,status,name,height_m,lon,lat,commune,valid_from"
CSV = f"{HEADER}\r\nVIETTEL,in_service,z,20,104.84,9.05,32098@2023,2016-01-01\r\n"


async def ask(world: World, door: Door, capability: str, place: str, thing: str) -> int:
    path, header = address(world, door, thing), world.header(capability, place)
    if door.method == "GET":
        query = {"set": "CM-2023"} if path.endswith(".geojson") else {}
        return (await world.client.get(path, params=query, headers=header)).status_code
    async with world.undone():
        if not path.startswith("/api/"):
            return (await world.client.post(path, data=world.form(), headers=header)).status_code
        if path.endswith("/imports"):
            return (await world.client.post(path, params={"kind": "mast"}, content=CSV, headers=header)).status_code
        if path.endswith(":import"):
            return _imported(await world.client.post(path, content=CSV, headers=header))
        answer = await world.client.post(path, json=said(world, path, thing), headers=header)
    if path.endswith(":batch") and answer.status_code == 200:
        return int(answer.json()["items"][0]["status"])
    # What was allowed and yet refused would hide whether it was.
    assert answer.status_code != 422, (path, answer.text)
    return answer.status_code


def _imported(answer: httpx.Response) -> int:
    """An import says of each row that is not the caller's to import."""
    codes = {fault["code"] for fault in answer.json().get("errors", ())}
    assert codes <= {"not_yours"}, answer.text
    return 403 if codes else answer.status_code


@pytest.mark.parametrize("door", all_doors(), ids=lambda door: f"{door.method} {door.path}")
async def test_every_door_opens_to_whom_the_table_says(world: World, door: Door) -> None:
    wrong: list[Any] = []
    things = leads(door)
    for place in PLACES:
        for capability in CAPABILITIES:
            for thing in things or [BUILT]:
                expected = allowed(door.permission, capability, held_of(world, door, place, thing if things else None))
                status = await ask(world, door, capability, place, thing)
                if status >= 500 or (status not in (401, 403, 404)) != expected:
                    wrong.append((capability, place, thing, status, expected))
    assert wrong == []


def test_every_route_has_a_permission_and_every_permission_a_door() -> None:
    """A row of the table without a case above would be an empty cell."""
    app = create(settings("postgresql://localhost/none"))
    routes = {
        (method, str(context.path))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
    assert routes - {(door.method, door.path) for door in all_doors()} <= {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
    }
    assert {door.permission for door in all_doors()} | COMMANDS_ONLY == set(PERMISSIONS)


@pytest.mark.parametrize("thing", [BUILT, PLANNED])
async def test_handing_over_takes_the_right_to_transfer(world: World, thing: str) -> None:
    path = f"{API}/masts/{world.ids['mast', thing][0]}/changes"
    for place in PLACES:
        for capability in CAPABILITIES:
            held = world.held(place, thing)
            expected = all(
                allowed(permission, capability, held)
                for permission in ("registry:structure:change", "registry:structure:transfer")
            )
            body = {"patch": {"owner": "MOBIFONE"}, "valid_from": "2020-01-01"}
            async with world.undone():
                answer = await world.client.post(path, json=body, headers=world.header(capability, place))
            assert (answer.status_code == 201) == expected, (place, capability, answer.text)
            assert expected or answer.status_code in (403, 404)


LIST = f"{API}/masts"
DERIVED = [
    LIST,
    f"{LIST}?total=true",
    f"{LIST}?q=mast",
    f"{LIST}?q=viettel&status.in=in_service,permitted",
    f"{LIST}?owner=VIETTEL&height_m.gte=40&evidence.gte=1&capacity.gte=1",
    f"{LIST}?owner.in=VIETTEL,VNPT&status.ne=idle",
    f"{LIST}?bbox=104,8,106,10",
    f"{LIST}?q=maast",
    f"{LIST}?near=104.8379,9.0478&within_m=20000",
    f"{LIST}?polygon=104,8;106,8;106,10;104,10",
    f"{LIST}:nearest?lon=104.8&lat=9&limit=100",
    f"{LIST}?commune=32098@2025-07",
    f"{LIST}?district.in=968@2023",
    f"{LIST}?recorded_at.gte=2020-01-01T00:00:00Z",
    f"{LIST}?fields=public_no",
    f"{LIST}?fields=id,public_no,stations&expand=placements,owner",
    f"{LIST}?as_of=2016-01-01",
    f"{LIST}?as_of=2099-01-01",
    f"{LIST}?known_at=2026-11-20T09:00:00%2B07:00",
    f"{LIST} csv",
    f"{LIST}?fields=public_no csv",
    f"{LIST} xlsx",
    f"{LIST}?fields=public_no geojson",
    f"{LIST}:map?zoom=22",
    f"{API}/ogc/collections/masts/items?limit=500",
    f"{API}/poles?total=true",
    f"{API}/poles:map",
    f"{API}/ducts?total=true",
    f"{API}/ducts csv",
    "/registry/masts",
    "/registry/masts?q=mast",
    "/registry/masts/points?apart=1",
]
FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("derived", DERIVED)
async def test_what_is_derived_from_structures_holds_only_those_that_may_be_seen(
    world: World, derived: str, place: str
) -> None:
    for capability in CAPABILITIES:
        text = await told(world, derived, capability, place)
        kind = next((kind for plural, kind in KINDS.items() if f"/{plural}" in derived), "")
        for thing in (BUILT, PLANNED):
            expected = allowed(READ, capability, world.held(place, thing))
            for number, identifier in zip(world.numbers[kind, thing], world.ids[kind, thing], strict=True):
                assert (number in text or identifier in text) == expected, (capability, thing, text[:2000])
        if "total=true" in derived:
            seen = sum(allowed(READ, capability, world.held(place, thing)) for thing in (BUILT, PLANNED))
            assert f'"total":{seen * len(world.ids[kind, BUILT])}' in text


async def told(world: World, derived: str, capability: str, place: str) -> str:
    path, _, form = derived.partition(" ")
    header = {**world.header(capability, place), "Accept": FORMS.get(form, "*/*")}
    answer = await world.client.get(path, headers=header)
    assert answer.status_code == 200, answer.text
    return answer.text if form != "xlsx" else _sheet(answer.content)


def _sheet(content: bytes) -> str:
    rows = openpyxl.load_workbook(BytesIO(content)).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return "\n".join(str(row) for row in rows)


@pytest.mark.parametrize("place", PLACES)
async def test_clusters_count_only_what_may_be_seen(world: World, place: str) -> None:
    for capability in CAPABILITIES:
        seen = MASTS * sum(allowed(READ, capability, world.held(place, thing)) for thing in (BUILT, PLANNED))
        for query in ("", "&q=mast", "&bbox=104,8,106,10", "&status.in=in_service,permitted", "&as_of=2099-01-01"):
            path = f"{LIST}:map?zoom=3{query}"
            found = (await world.client.get(path, headers=world.header(capability, place))).json()
            assert found["total"] == sum(f["properties"].get("cluster", 1) for f in found["features"]) == seen
        card = await told(world, "/registry/home-card", capability, place)
        assert ("mast planned" in card) <= (seen == 2 * MASTS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "derived",
    [
        f"{API}/stations",
        f"{API}/stations?total=true",
        f"{API}/stations?operator=VIETTEL&expand=structure",
        f"{API}/stations?status.in=active,planned&technology=4G",
        f"{API}/stations?as_of=2099-01-01",
        f"{API}/stations csv",
        f"{API}/stations?fields=id,structure&expand=structure xlsx",
    ],
)
async def test_what_is_derived_from_stations_holds_only_those_that_may_be_seen(
    world: World, derived: str, place: str
) -> None:
    for capability in CAPABILITIES:
        text = await told(world, derived, capability, place)
        for thing in (BUILT, PLANNED):
            expected = allowed("registry:station:read", capability, world.held(place, thing))
            assert (world.ids["station", thing][0] in text) == expected, (capability, thing)
            assert (world.ids["mast", thing][0] in text) <= expected, (capability, thing)
        if "total=true" in derived:
            seen = sum(allowed("registry:station:read", capability, world.held(place, t)) for t in (BUILT, PLANNED))
            assert f'"total":{seen}' in text


async def test_the_question_of_masts_nearby_is_silent_about_plans(world: World) -> None:
    for day in ("2016-01-01", "2026-11-24", "2099-01-01"):
        question = MastsNear.model_validate({"lon": 104.8379, "lat": 9.0478, "radius_m": 5000, "as_of": day})
        found = (await masts_near(world.database, question)).items
        assert {str(mast.id) for mast in found} == set(world.ids["mast", BUILT])
