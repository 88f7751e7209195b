"""A whole list in many reads is one state, also beside transactions that were not yet committed when it began."""

import asyncio
from datetime import UTC, datetime

import pytest

from kernel.export import CSV
from services.registry.app import create
from services.registry.commands import structures
from services.registry.queries import structures as queries
from tests.fixtures.service import client_of
from tests.registry.conftest import MAY_2015, REGISTRAR, committing, mast, settings

pytestmark = pytest.mark.database
MASTS = "/api/registry/v1/masts"


async def register(database, name):
    async with database.tx() as tx:
        await structures.register(tx, REGISTRAR, "mast", mast(name=name), valid_from=MAY_2015, now=datetime.now(UTC))


async def test_who_commits_late_is_in_the_whole_file_or_not_at_all(fresh_database, realm, monkeypatch):
    monkeypatch.setattr("kernel.export.ROWS_AT_ONCE", 1)
    reads, go = asyncio.Event(), asyncio.Event()

    async def slowly(*given, **more):
        """Stops after the first row was read until somebody says go on."""
        if more["after"] is not None:
            reads.set()
            await go.wait()
        return await read_rows(*given, **more)

    read_rows = queries.structures
    monkeypatch.setattr(queries, "structures", slowly)
    url = fresh_database("registry").url
    who = {**realm.header("sxd.lan", "SXD", "reviewer"), "Accept": CSV}
    async with committing(url) as database, client_of(create, settings(url), realm, database) as client:
        for name in ("Cột 1", "Cột 3"):
            await register(database, name)
        async with database.tx() as late:
            said = {"valid_from": MAY_2015, "now": datetime.now(UTC)}
            await structures.register(late, REGISTRAR, "mast", mast(name="Cột 2"), **said)
            asked = asyncio.create_task(client.get(MASTS, headers=who))
            await reads.wait()
        # Committed now, and the rows after the first are read after that.
        go.set()
        assert names(await asked) == ["Cột 1", "Cột 3"]
        assert names(await client.get(MASTS, headers=who)) == ["Cột 1", "Cột 2", "Cột 3"]


def names(answer):
    return [line.split(",")[3] for line in answer.text.splitlines()[1:]]
