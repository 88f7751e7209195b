"""Generated from the routes: no door opens without a token, none with the wrong role."""

import re

import pytest
from fastapi.routing import iter_route_contexts

from services.registry.app import create
from tests.registry.conftest import body, settings

ID = "01a20fe5-7ef0-730f-96c6-026e63e61857"
ADMINISTRATORS = ("boundaries", "organisations", "clients", "people", "access-findings", "parked-messages")
PUBLIC = {"/health/live", "/health/ready", "/openapi.json", "/registry/open/plates/{public_no}"}
FACTS = {"patch": {"capacity": 1}, "valid_from": "2020-01-01"}
BODIES = {
    "/masts": body(),
    "/poles": {"facts": {"owner": "PCCM", "status": "in_service", "point": [105, 9], "commune": "32098@2023"},
               "valid_from": "2020-01-01"},
    "/ducts": {"facts": {"owner": "VNPT", "status": "in_service", "point": [105, 9], "commune": "32098@2023"},
               "valid_from": "2020-01-01"},
    "/changes": FACTS,
    "/corrections": {"corrects": ID, "patch": {"capacity": 1}, "reason": "r"},
    "/status-changes": {"status": "idle", "on": "2020-01-01"},
    "/stations": {"structure_id": ID, "facts": {"operator": "VNPT"}, "valid_from": "2020-01-01"},
    "/boundaries": {"type": "FeatureCollection", "features": []},
}  # fmt: skip


def routes():
    app = create(settings("postgresql://localhost/none"))
    for context in iter_route_contexts(app.routes):
        path = getattr(context, "path", "")
        for method in sorted((getattr(context, "methods", None) or set()) - {"HEAD", "OPTIONS"}):
            if path not in PUBLIC and path:
                yield method, path.replace("{structure_id}", ID).replace("{change_id}", ID).replace("{station_id}", ID)


ALL = sorted(set(routes()))
WRITES = [path for method, path in ALL if method == "POST" and path.startswith("/api/")]


def test_there_are_routes_to_try():
    assert len(ALL) > 30
    assert len(WRITES) >= 3 * 5 + 3


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_nothing_opens_without_a_token(client, method, path):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"X-User": "quantri"}):
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == 401, (answer.status_code, path)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("who", ["nobody", "officer", "administrator"])
async def test_no_change_with_a_role_that_may_not(client, people, path, who):
    if who == "administrator" and re.split("[/:]", path)[4] in ADMINISTRATORS:
        return
    end = next((end for end in BODIES if path.endswith(end)), None)
    given = {**FACTS, "patch": {"status": "removed"}} if "/stations/" in path else BODIES.get(end or "", {})
    answer = await client.post(path, json=given, headers=people[who])
    assert answer.status_code in (403, 404), answer.text


def test_every_operation_has_its_own_name():
    document = create(settings("postgresql://localhost/none")).openapi()
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert {"list_masts", "register_pole", "change_station"} <= set(names)
