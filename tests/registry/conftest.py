from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from kernel.auth import Actor
from kernel.db import Database
from services.registry.app import create
from services.registry.domain.structure import MastFacts
from services.registry.settings import RegistrySettings
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack, client_of

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
REGISTRAR = Actor("skhcn.mai", "SKHCN", "person", capabilities=frozenset({"registrar", "auditor"}))
VIETTEL = Actor("viettel-api", "VIETTEL", "client", capabilities=frozenset({"applicant", "owner"}))
VNPT = Actor("vnpt-api", "VNPT", "client", capabilities=frozenset({"applicant", "owner"}))
OFFICER = Actor("sxd.lan", "SXD", "person", capabilities=frozenset({"reviewer"}))


def mast(**changes: Any) -> MastFacts:
    said = {
        "owner": "VIETTEL", "status": "in_service", "code": ("TT14", "A2b"), "height_m": "45", "name": "CMU-0412",
        "point": (104.8379, 9.0478), "commune": "32098@2023", "capacity": 3, **changes,
    }  # fmt: skip
    return MastFacts.model_validate({name: value for name, value in said.items() if value is not None})


def body(valid_from: str = "2015-05-01", **changes: Any) -> dict[str, Any]:
    return {"facts": mast(**changes).model_dump(mode="json", exclude_unset=True), "valid_from": valid_from}


@pytest.fixture(scope="session")
def realm() -> Realm:
    return Realm()


@pytest.fixture
async def database(database_url: Callable[[str], str]) -> AsyncIterator[RolledBack]:
    async with RolledBack(database_url("registry")).open() as rolled_back:
        yield rolled_back


def settings(url: str) -> RegistrySettings:
    return RegistrySettings(
        name="registry", database_url=url, nats_url="nats://127.0.0.1:1", form_key="tests", demo=True, import_rows=50
    )


@pytest.fixture
async def client(database: RolledBack, realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create, settings(database.url), realm, database) as http:
        yield http


@pytest.fixture
def people(realm: Realm) -> dict[str, dict[str, str]]:
    """Headers of those who call: by organisation and role."""
    return {
        "registrar": realm.header("skhcn.mai", "SKHCN", "registrar", "auditor"),
        "viettel": realm.header("viettel-api", "VIETTEL", "applicant", "owner", sid=None),
        "vnpt": realm.header("vnpt-api", "VNPT", "applicant", "owner", sid=None),
        "officer": realm.header("sxd.lan", "SXD", "reviewer"),
        "administrator": realm.header("quantri", "SKHCN", "administrator"),
        "nobody": realm.header("nobody", "NOORG"),
    }


@asynccontextmanager
async def committing(url: str) -> AsyncIterator[Database]:
    database = Database(url, 8)
    try:
        yield database
    finally:
        await database.close()


MAY_2015 = date(2015, 5, 1)
