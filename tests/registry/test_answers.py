"""Answers are what their schemas say, and bad addresses are refused without breaking anything."""

import pytest

from services.registry.api.schemas import places, stations
from services.registry.api.schemas import structures as told
from tests.registry.test_conventions import API, MASTS, STATIONS, get, masts

__all__ = ["masts"]


def unknown_members(model, told):
    """Members of the answer that its schema does not name; and the schema holds for it."""
    model.model_validate(told)
    return set(told) - set(model.model_fields)


async def test_answers_are_what_their_schemas_say(client, people, masts):
    who = people["registrar"]
    for query in ({}, {"total": "true", "expand": "stations,placements,owner"}):
        page = await get(client, who, MASTS, **query)
        assert (
            unknown_members(told.StructurePage, page) == unknown_members(told.StructureRow, page["items"][0]) == set()
        )
    full = page["items"][0]
    assert {"stations", "placements", "owner_organisation"} <= set(full)
    one = await get(client, who, f"{MASTS}/{masts.ids[0]}")
    assert unknown_members(told.MastRead, one) == unknown_members(told.StationOn, one["stations"][0]) == set()
    assert unknown_members(told.PlacementRead, one["placements"][0]) == set()
    assert all(unknown_members(told.FactSource, fact) == set() for fact in one["facts"].values())
    history = await get(client, who, f"{MASTS}/{masts.ids[0]}/history")
    assert unknown_members(told.LogEntry, history["changes"][0]) == set()
    assert unknown_members(told.StructureVersion, history["versions"][0]) == set()
    for zoom in (3, 22):
        marks = await get(client, who, f"{MASTS}:map", zoom=zoom)
        assert unknown_members(told.MapRead, marks) == unknown_members(told.MarkRead, marks["features"][0]) == set()
    listed = await get(client, who, STATIONS, expand="structure")
    assert unknown_members(stations.StationPage, listed) == set()
    assert unknown_members(stations.StationRow, listed["items"][0]) == set()
    path = f"{STATIONS}/{listed['items'][0]['id']}"
    assert unknown_members(stations.StationRead, await get(client, who, path)) == set()
    versions = (await get(client, who, f"{path}/history"))["versions"]
    assert unknown_members(stations.StationVersion, versions[0]) == set()
    for model, row, thing in ((places.OrganisationPage, places.OrganisationRead, "organisations"),
                              (places.UnitPage, places.UnitRead, "units")):  # fmt: skip
        page = await get(client, who, f"{API}/{thing}")
        assert unknown_members(model, page) == unknown_members(row, page["items"][0]) == set()
    assert unknown_members(places.OutlinesRead, await get(client, who, f"{API}/boundaries")) == set()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/organisations/%00", 422),
        ("/units/%00", 422),
        ("/units/a%2Fb", 404),
        ("/masts/1", 422),
        ("/stations/1", 422),
        ("/masts?name=%00", 422),
        ("/masts?q=%00", 422),
        ("/masts?q=!!!", 200),
        ("/masts?q=%27%29%3B%20DROP", 200),
        ("/masts?bbox=nan,0,1,1", 422),
        ("/masts?bbox=0,0,1e400,1", 422),
        ("/masts?height_m.gte=1e5000", 422),
        ("/masts?recorded_at.gte=2020", 422),
        ("/masts?recorded_at.gte=0001-01-01T00:00:00%2B14:00", 422),
        ("/masts?fields=", 422),
        ("/masts?commune.in=" + ",".join("x" * 51), 422),
        ("/masts?as_of=9999-12-31", 422),
        ("/masts:map?zoom=23", 422),
        ("/masts:map?cursor=x", 422),
        ("/stations?technology=6G", 422),
        ("/stations?fields=structure", 200),
        ("/stations?cursor=WyJ4Il0", 422),
        ("/units?cursor=WzFd", 422),
        ("/organisations?known_at=2199-01-01", 422),
        ("/boundaries?boundary_set=%00", 422),
        ("/boundaries?colour=red", 422),
        ("/masts/0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11?colour=red", 422),
    ],
)
async def test_bad_addresses_are_refused_and_never_break(client, people, path, status):
    for who in ("officer", "vnpt"):
        answer = await client.get(f"{API}{path}", headers=people[who])
        assert answer.status_code == status, answer.text
