from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Database
from services.permits.app import create
from tests.fixtures.realm import Realm
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack, client_of
from tests.permits import world


@pytest.fixture
async def database(database_url: Callable[[str], str]) -> AsyncIterator[RolledBack]:
    """The shared migrated database, populated, in one transaction that is rolled back."""
    async with RolledBack(database_url("permits")).open() as opened:
        async with opened.tx() as tx:
            await world.populate(tx)
        yield opened


@pytest.fixture
async def tx(database: RolledBack) -> AsyncIterator[AsyncSession]:
    async with database.tx() as opened:
        yield opened


@pytest.fixture(scope="session")
def realm() -> Realm:
    return Realm()


@pytest.fixture
async def client(database: RolledBack, realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create, world.settings(database.url), realm, database) as opened:
        opened.app.state.clock = lambda: world.NOW  # type: ignore[attr-defined]
        yield opened


@pytest.fixture
def header(realm: Realm) -> Callable[..., dict[str, str]]:
    """`header(world.LAN)`: the bearer token of one of the people."""

    def make(actor: object, **more: str) -> dict[str, str]:
        who = actor if hasattr(actor, "org") else world.AN
        functions = tuple(sorted(who.functions))  # type: ignore[union-attr]
        token = realm.header(who.id, who.org, *sorted(who.capabilities), functions=functions)  # type: ignore[union-attr]
        return {**token, **more}

    return make


@pytest.fixture
async def committed(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Database]:
    database = Database(fresh_database("permits").url, 8)
    async with database.tx() as tx:
        await world.populate(tx)
    yield database
    await database.close()


@pytest.fixture
async def live(committed: Database, realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create, world.settings(committed.url), realm, committed) as opened:
        opened.app.state.clock = lambda: world.NOW  # type: ignore[attr-defined]
        yield opened
