"""What the document shows as an example is true: every body runs as it stands, by somebody who may."""

import json
from functools import cache

import pytest

from services.registry.app import create
from tests.registry.conftest import body, settings

OWN = {"masts", "poles", "ducts", "stations", "boundaries"}
DESCRIBED = OWN | {"units", "organisations", "ogc", "imports"}


@cache
def document():
    return create(settings("postgresql://localhost/none")).openapi()


def resolved(schema):
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def examples():
    for path, operations in document()["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        if path.split("/")[4].partition(":")[0] in OWN:
            for media_type, told in content.items():
                shown = resolved(told["schema"]).get("examples", []) or [told["example"]]
                yield from (pytest.param(path, media_type, one, id=f"{path} {n}") for n, one in enumerate(shown))


@pytest.fixture
async def things(client, people):
    """A mast of the registry's, with a station on it."""
    mast = await client.post("/api/registry/v1/masts", json=body(name="Cột mẫu"), headers=people["registrar"])
    facts = {"operator": "VNPT", "technologies": ["4G"]}
    given = {"structure_id": mast.json()["id"], "facts": facts, "valid_from": "2020-01-01"}
    station = await client.post("/api/registry/v1/stations", json=given, headers=people["registrar"])
    found = {"masts": mast.json(), "stations": station.json()}
    for plural in ("poles", "ducts"):
        given = {"owner": "VNPT", "status": "in_service", "point": [104.84, 9.05], "commune": "32098@2023"}
        thing = {"facts": given, "valid_from": "2020-01-01"}
        found[plural] = (
            await client.post(f"/api/registry/v1/{plural}", json=thing, headers=people["registrar"])
        ).json()
    return found


@pytest.mark.parametrize(("path", "media_type", "example"), list(examples()))
async def test_an_example_runs(client, people, things, path, media_type, example):
    thing = things.get(path.split("/")[4].partition(":")[0], things["masts"])
    text = example if isinstance(example, str) else json.dumps(example)
    # What an example cannot know: which thing it is about.
    text = text.replace("0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11", (
        thing["change_id"] if "corrections" in path else things["masts"]["id"]))  # fmt: skip
    who = people["administrator" if "boundaries" in path else "registrar"]
    address = path.replace("{structure_id}", thing["id"]).replace("{station_id}", thing["id"])
    answer = await client.post(address, content=text.encode(), headers={**who, "Content-Type": media_type})
    assert answer.status_code in (200, 201), answer.text
    assert answer.json().get("refused", 0) == 0


def test_every_parameter_is_described():
    undescribed = [
        (path, parameter["name"])
        for path, operations in document()["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
        and path.split("/")[4].partition(":")[0] in OWN | {"units", "organisations", "ogc", "imports"}
    ]
    assert undescribed == []
