import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from infra.local.errors import CannotStart
from tests.fixtures.product import Launched, running_product
from tests.fixtures.servers import (
    Identity,
    OpenBroker,
    PostgresServer,
    ServiceDatabase,
    running_identity,
    running_keycloak,
    running_nats,
    running_postgres,
    temporary_folder,
)

# What costs much to start, dearest first: all files that speak of one go to the same of several processes, at first.
DEAR = ("keycloak", "product")
LONG = ("test_fuzz.py", "test_faults.py")


class ByFile(LoadScopeScheduling):
    """The tests of a file stay together, and so do the files that need the same dear server."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate((*DEAR, *LONG))}
    items.sort(key=lambda item: order.get(group_of(item.nodeid.partition("::")[0]), len(order)))


@cache
def group_of(file: str) -> str:
    path = Path(__file__).parents[1] / file
    if path.name in LONG:
        return path.name
    text = path.read_text(encoding="utf-8")
    return next((name for name in DEAR if re.search(rf"\b{name}(_server)?\b", text)), file)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The run's PostgreSQL (no fsync: tests that kill it start their own with `running_postgres(durable=True)`)."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def nats_server() -> Iterator[OpenBroker]:
    """The run's nats-server: `nats_server.url("registry")`; prefix streams, subjects and buckets per test."""
    with running_nats() as broker:
        yield broker


@pytest.fixture(scope="session")
def identity_server() -> Iterator[Identity]:
    """The embedded identity provider as a process."""
    with running_identity() as identity:
        yield identity


@pytest.fixture(scope="session")
def keycloak_server() -> Iterator[Identity]:
    """A real Keycloak with the realm imported: 15 to 30 s, once per run. Skips where it can't be had."""
    try:
        with running_keycloak() as identity:
            yield identity
    except CannotStart as refusal:
        pytest.skip(f"NO KEYCLOAK ON THIS MACHINE: {refusal}")


@pytest.fixture(scope="session")
def clock_file() -> Iterator[Path]:
    """An instant or an offset written here moves all processes of `product`; empty means the real time."""
    with temporary_folder("hatang-clock-") as folder:
        file = folder / "clock"
        file.write_text("")
        yield file


@pytest.fixture(scope="session")
def product(clock_file: Path) -> Iterator[Launched]:
    """The whole product with its seed, started as a person does; one for all tests that leave it standing."""
    with running_product(DEMO="1", CLOCK_FILE=str(clock_file)) as launched:
        assert "demo filled" in launched.printed, launched.printed
        yield launched


@pytest.fixture(scope="session")
def database_url(postgres_server: PostgresServer) -> Callable[[str], str]:
    """`database_url("registry")`: the service's shared migrated database, application role; roll back in it."""
    return lambda service: postgres_server.shared(service).url


@pytest.fixture
def fresh_database(postgres_server: PostgresServer) -> Iterator[Callable[[str], ServiceDatabase]]:
    """`fresh_database("permits")`: a migrated database of this test's own, for tests that commit."""
    made: list[ServiceDatabase] = []

    def fresh(service: str) -> ServiceDatabase:
        made.append(postgres_server.fresh(service))
        return made[-1]

    yield fresh
    for database in made:
        postgres_server.drop(database)
