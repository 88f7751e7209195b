"""OGC API - Features as its clients read it: from the landing to each feature, `next` while there is more."""

import asyncio
import shutil

import pytest
import uvicorn

from infra.local.ports import free_ports
from services.registry.commands.imports import ImportRow, import_structures
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

OGC = "/api/registry/v1/ogc"


@pytest.fixture
async def masts(database):
    rows = [
        ImportRow(
            no, mast(name=f"Cột {no:02}", owner=("VIETTEL", "VNPT")[no % 2], point=(104.8 + no / 100, 9.0)), MAY_2015
        )
        for no in range(7)
    ]
    async with database.tx() as tx:
        return await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)


@pytest.fixture
def follow(client, people):
    async def get(path, status=200, **query):
        path = path.removeprefix(client.app.state.settings.public_url)
        answer = await client.get(path, params=query or None, headers=people["officer"])
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


def link(told, rel):
    return next((one["href"] for one in told["links"] if one["rel"] == rel), None)


async def test_links_lead_from_the_landing_to_every_feature_once(follow, masts):
    landing = await follow(OGC)
    assert (
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
        in (await follow(link(landing, "conformance")))["conformsTo"]
    )
    collections = (await follow(link(landing, "data")))["collections"]
    assert [one["id"] for one in collections] == ["masts", "poles", "ducts"]
    page = await follow(link(await follow(link(collections[0], "self")), "items"), limit=3)
    seen = []
    while True:
        assert (page["numberMatched"], page["numberReturned"]) == (7, len(page["features"]))
        seen += [feature["id"] for feature in page["features"]]
        following = link(page, "next")
        if following is None:
            break
        page = await follow(following)
    assert sorted(seen) == sorted(map(str, masts.ids))
    assert len(page["features"]) == 1
    one = await follow(f"{OGC}/collections/masts/items/{seen[0]}")
    assert (one["geometry"], one["properties"]["name"]) == ({"type": "Point", "coordinates": [104.8, 9.0]}, "Cột 00")
    assert link(one, "collection").endswith("/collections/masts")


async def test_boxes_days_and_filters_narrow_the_features(follow, masts):
    path = f"{OGC}/collections/masts/items"
    assert (await follow(path, bbox="104.815,8,104.845,10"))["numberMatched"] == 3
    assert (await follow(path, owner="VNPT"))["numberMatched"] == 3
    for datetime, count in (("2015-04-30", 0), ("2015-05-01T00:00:00Z", 7), ("../2014-01-01", 0), ("2014-01-01/..", 7)):
        assert (await follow(path, datetime=datetime))["numberMatched"] == count
    assert (await follow(path, 422, datetime="soon"))["code"] == "DatetimeUnreadable"
    assert (await follow(path, 422, bbox="1,2,3"))["code"] == "BadBox"
    assert (await follow(f"{OGC}/collections/towers", 404))["code"] == "CollectionNotFound"
    assert (await follow(f"{path}/01a20fe5-7ef0-730f-96c6-026e63e61857", 404))["code"] == "StructureNotFound"


async def test_a_ducts_course_is_a_line(client, people, follow):
    line = [[104.84, 9.05], [104.85, 9.05], [104.85, 9.06]]
    facts = {"owner": "VNPT", "status": "in_service", "commune": "32098@2023", "line": line}
    body = {"facts": facts, "valid_from": "2020-01-01"}
    assert (await client.post("/api/registry/v1/ducts", json=body, headers=people["vnpt"])).status_code == 201
    (feature,) = (await follow(f"{OGC}/collections/ducts/items"))["features"]
    assert feature["geometry"] == {"type": "LineString", "coordinates": line}


NO_GDAL = "NO GDAL HERE: with gdal-bin, ogrinfo reads the collections by its OAPIF driver"


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason=NO_GDAL)
async def test_gdal_reads_the_collections(client, people, masts, tmp_path):
    """GDAL's own driver, with a token, over HTTP."""
    (port,) = free_ports(1)
    app = client.app
    app.state.settings = app.state.settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    headers = tmp_path / "headers"
    headers.write_text(f"Authorization: {people['officer']['Authorization']}\n")
    source = f"OAPIF:http://127.0.0.1:{port}{OGC}"
    asked = ["ogrinfo", "-so", "-al", source, "--config", "GDAL_HTTP_HEADER_FILE", str(headers)]
    told = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE)
    text, _ = await told.communicate()
    server.should_exit = True
    await serving
    assert b"Feature Count: 7" in text
