"""Words with a typo, circles, polygons and the nearest: by the index, in one statement, the same for list and map."""

import math

import pytest

from services.registry.commands.imports import ImportRow, import_structures
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

MASTS = "/api/registry/v1/masts"
NAMES = ["Cột Đầm Dơi", "Cột Năm Căn", "Trạm Rạch Gốc", "Trạm Đất Mũi", "CMU-0412", "CMU-0413"]


@pytest.fixture
async def masts(database):
    rows = [ImportRow(n, mast(name=name, point=(104.8 + n / 100, 9.0)), MAY_2015) for n, name in enumerate(NAMES)]
    async with database.tx() as tx:
        return await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)


async def names(client, people, status=200, path=MASTS, **query):
    answer = await client.get(path, params=query, headers=people["officer"])
    assert answer.status_code == status, answer.text
    told = answer.json()
    if status != 200:
        return told["errors"][0]["pointer"]
    return [(one.get("properties") or one)["name"] for one in told.get("items", told.get("features"))]


@pytest.mark.parametrize(("said", "found"), [
    ("cot", ["Cột Đầm Dơi", "Cột Năm Căn"]),
    ("dam doi", ["Cột Đầm Dơi"]),
    ("rạhc gốc", ["Trạm Rạch Gốc"]),
    ("tramm dat", ["Trạm Đất Mũi"]),
    ("trzm", ["Trạm Đất Mũi", "Trạm Rạch Gốc"]),
    ("vietel mui", ["Trạm Đất Mũi"]),
    ("0412", ["CMU-0412"]),
    ("0422", []),
    ("song doc", NAMES),
    ("!!", NAMES),
])  # fmt: skip
async def test_accents_do_not_matter_and_one_wrong_letter_is_forgiven(client, people, masts, said, found):
    assert sorted(await names(client, people, q=said)) == sorted(found)


async def test_circles_polygons_and_the_nearest_agree_with_the_map(client, people, masts):
    degree = 111_195 * math.cos(math.radians(9))
    inside = sorted(NAMES[1:4])
    circle = {"near": "104.82,9.0", "within_m": degree * 0.0101}
    assert sorted(await names(client, people, **circle)) == inside
    assert sorted(await names(client, people, path=f"{MASTS}:map", zoom=22, **circle)) == inside
    assert sorted(await names(client, people, polygon="104.805,8.9;104.835,8.9;104.835,9.1;104.805,9.1")) == inside
    nearest = f"{MASTS}:nearest"
    assert await names(client, people, path=nearest, lon=104.829, lat=9, limit=3) == [NAMES[3], NAMES[2], NAMES[4]]
    assert await names(client, people, path=nearest, lon=104.829, lat=9, q="cot", limit=1) == [NAMES[1]]
    assert await names(client, people, path=nearest, lon=104.829, lat=9, as_of="2014-01-01") == []


@pytest.mark.parametrize(("query", "pointer"), [
    ({"near": "104.8,9"}, "/query/within_m"),
    ({"within_m": 10}, "/query/near"),
    ({"near": "x", "within_m": 10}, "/query/near"),
    ({"near": "104,9", "within_m": 1e9}, "/query/within_m"),
    ({"polygon": "104,9;105,9"}, "/query/polygon"),
    ({"polygon": "104,9;105,10;105,9;104,10"}, "/query/polygon"),
    ({"polygon": ";".join(f"104.{n},9" for n in range(600))}, "/query/polygon"),
])  # fmt: skip
async def test_shapes_that_are_none_are_refused(client, people, query, pointer):
    assert await names(client, people, 422, **query) == pointer


async def test_a_search_is_one_statement(client, people, masts, database):
    async with database.said() as said:
        await names(client, people, q="tramm", near="104.8,9", within_m=5000)
    assert len(said) == 1


async def test_the_page_of_masts_looks_around_a_point(client, people, masts):
    answer = await client.get("/registry/masts?near=104.83,9.0&within_m=1000", headers=people["officer"])
    assert "Trạm Đất Mũi" in answer.text
    assert "Rạch Gốc" not in answer.text
