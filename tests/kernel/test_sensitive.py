"""What belongs to another organisation is not read without a trace."""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from kernel import sensitive
from kernel.auth import Actor
from kernel.clock import Clock

pytestmark = pytest.mark.database
READER = Actor(id="sxd.lan", org="SXD", kind="person")


def request_of(database, **params):
    app = SimpleNamespace(state=SimpleNamespace(database=database, clock=Clock()))
    return SimpleNamespace(app=app, path_params=params, scope={"route": SimpleNamespace(path="/clients")})


async def rows(database):
    async with database.read() as read:
        found = await read.execute(sa.text("SELECT actor, act, thing, after FROM audit ORDER BY seq"))
        return [tuple(row) for row in found]


async def test_another_organisations_part_is_read_with_a_trace_and_the_own_without(database):
    await sensitive.note(request_of(database), READER, "permits:file:read", "own", of="SXD")
    await sensitive.note(request_of(database), READER, "permits:file:read", "theirs", of="VIETTEL")
    assert await rows(database) == [("sxd.lan", "permits:file:read", "theirs", {"of": "VIETTEL"})]


async def test_a_marked_route_always_leaves_one(database):
    await sensitive.Sensitive("registry:client:list")(request_of(database), READER)
    await sensitive.Sensitive("registry:client:read", "client_id")(request_of(database, client_id="x-api"), READER)
    assert [(act, thing) for _, act, thing, _ in await rows(database)] == [
        ("registry:client:list", "/clients"),
        ("registry:client:read", "x-api"),
    ]
