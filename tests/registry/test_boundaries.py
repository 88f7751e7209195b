"""Outlines of units: imported by an administrator, all or none."""

import json
from pathlib import Path

import pytest

PATH = "/api/registry/v1/boundaries"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "camau_boundaries.geojson"
SQUARE = {"type": "Polygon", "coordinates": [[[104.8, 9.0], [104.9, 9.0], [104.9, 9.1], [104.8, 9.0]]]}


def feature(code="32098", geometry=SQUARE, **properties):
    return {"type": "Feature", "properties": {"code": code, **properties}, "geometry": geometry}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


async def test_an_administrator_imports_and_everybody_sees(client, people):
    answer = await client.post(
        PATH, params={"boundary_set": "CM-2023", "source": "drawn"}, json=collection(feature()),
        headers=people["administrator"],
    )  # fmt: skip
    assert answer.json() == {"imported": 1, "boundary_sets": {"CM-2023": 1}}
    shown = (await client.get(PATH, params={"boundary_set": "CM-2023"}, headers=people["viettel"])).json()
    (one,) = shown["features"]
    assert (one["id"], one["bbox"], one["properties"]["name"]) == (
        "32098@2023",
        [104.8, 9, 104.9, 9.1],
        "Thị trấn Sông Đốc",
    )
    assert (await client.get(PATH, params={"as_of": "2026-01-01"}, headers=people["viettel"])).json()["features"] == []


async def test_nothing_is_kept_of_a_file_with_faults(client, people):
    bad = collection(
        feature(vintage="2023"),
        feature("99999", vintage="2023"),
        feature(vintage="1900"),
        feature(vintage="2025", geometry={"type": "Point", "coordinates": [1, 2]}),
        feature(
            "32248", vintage="2025", geometry={"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [7, 8]]]}
        ),
        feature("32248", vintage="2025", geometry={"type": "Polygon", "coordinates": "x"}),
        feature(
            "32248", vintage="2025", geometry={"type": "Polygon", "coordinates": [[[999, 2], [3, 4], [5, 6], [999, 2]]]}
        ),
        "no feature",
    )
    answer = await client.post(PATH, json=bad, headers=people["administrator"])
    assert (answer.status_code, answer.json()["code"]) == (422, "BoundariesRefused")
    assert [(e["pointer"].split("/")[2], e["code"]) for e in answer.json()["errors"]] == [
        ("1", "unknown_unit"),
        ("2", "unknown_set"),
        ("3", "not_a_polygon"),
        ("4", "open_ring"),
        ("5", "malformed"),
        ("6", "not_degrees"),
        ("7", "unknown_set"),
        ("7", "not_a_polygon"),
    ]
    shown = await client.get(PATH, params={"boundary_set": "CM-2023"}, headers=people["viettel"])
    assert shown.json()["features"] == []


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"features": 3}'])
async def test_what_is_no_collection_is_refused(client, people, content):
    answer = await client.post(PATH, content=content, headers=people["administrator"])
    assert answer.status_code == 422


@pytest.mark.skipif(not SHARED.exists(), reason="the shared boundary file is not beside the project")
async def test_the_shared_file_is_taken_whole(client, people):
    answer = await client.post(PATH, json=json.loads(SHARED.read_text()), headers=people["administrator"])
    assert answer.json() == {"imported": 176, "boundary_sets": {"CM-2023": 111, "CM-2025-07": 65}}
    shown = await client.get(PATH, params={"as_of": "2026-01-01", "level": "commune"}, headers=people["viettel"])
    assert len(shown.json()["features"]) == 64
