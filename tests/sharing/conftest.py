import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from kernel.auth import Actor
from kernel.db import Database
from kernel.seals import make_development_seal
from services.sharing.app import create
from services.sharing.commands import copies
from services.sharing.commands.agreements import agree
from services.sharing.commands.ledger import Recorded
from services.sharing.domain.agreement import Terms
from services.sharing.settings import SharingSettings
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack, client_of
from tests.sharing import tellings

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
VIETTEL = Actor("viettel.an", "VIETTEL", "person", capabilities=frozenset({"applicant", "owner"}))
VNPT = Actor("vnpt.binh", "VNPT", "person", capabilities=frozenset({"applicant", "owner"}))
MOBIFONE = Actor("mobifone.chi", "MOBIFONE", "person", capabilities=frozenset({"applicant", "owner"}))
AUDITOR = Actor("skhcn.mai", "SKHCN", "person", capabilities=frozenset({"auditor", "publisher"}))
ORGANISATIONS = (
    ("VIETTEL", "operator", ""),
    ("VNPT", "operator", ""),
    ("VINAPHONE", "operator", "VNPT"),
    ("MOBIFONE", "operator", ""),
    ("OCK", "tower_company", ""),
    ("PCCM", "power_company", "EVNSPC"),
    ("SXD", "department", ""),
)


class Province:
    """Tells sharing what a registry would, and records agreements, in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.count = 0

    async def prepare(self) -> None:
        async with self.database.tx() as tx:
            await copies.store_units(tx, tellings.units(), NOW)
            items = [item for spec in ORGANISATIONS for item in tellings.organisation(*spec)]
            await copies.store_organisations(tx, items)

    async def complete(self, until: datetime = NOW) -> None:
        """Everything the registry recorded before `until` has arrived."""
        async with self.database.tx() as tx:
            await tx.execute(
                sa.text("INSERT INTO watermark (source, until) VALUES ('registry', :until)"), {"until": until}
            )

    async def mast(
        self,
        owner: str = "VIETTEL",
        *,
        status: str = "in_service",
        commune: str | None = "32005@2023",
        since: date = date(2020, 1, 1),
        kind: str = "mast",
        at: datetime | None = None,
        more: Any = (),
        **facts: Any,
    ) -> UUID:
        """`facts`: `lon`, `lat`, `capacity`, `code` and what else the registry says of a structure."""
        self.count += 1
        structure_id = uuid4()
        first = tellings.register(since, at=at, owner=owner, status=status, commune=commune, **facts)
        number = f"CM-{kind[0].upper()}-{self.count:06}-1"
        items = tellings.structure_items(structure_id, number, [first, *more], kind=kind, name=f"Cột {self.count}")
        async with self.database.tx() as tx:
            await copies.store_structures(tx, items)
        return structure_id

    async def station(
        self,
        structure_id: UUID,
        operator: str,
        *,
        since: date = date(2020, 1, 1),
        status: str = "active",
        evidence: int = 1,
        at: datetime | None = None,
        more: Any = (),
    ) -> UUID:
        station_id = uuid4()
        first = tellings.register(since, at=at, operator=operator, status=status, evidence=evidence)
        async with self.database.tx() as tx:
            await copies.store_stations(tx, tellings.station_items(station_id, structure_id, [first, *more]))
        return station_id

    async def agree(
        self,
        structure_id: UUID,
        tenant: str = "VNPT",
        *,
        since: date = date(2023, 6, 1),
        until: date | None = None,
        actor: Actor = VIETTEL,
        now: datetime = NOW,
    ) -> Recorded:
        async with self.database.tx() as tx:
            return await agree(tx, actor, structure_id, tenant, Terms("lease", since, until), now=now)


@pytest.fixture(scope="session")
def realm() -> Realm:
    return Realm()


@pytest.fixture
async def database(database_url: Callable[[str], str]) -> AsyncIterator[RolledBack]:
    async with RolledBack(database_url("sharing")).open() as rolled_back:
        yield rolled_back


@pytest.fixture
async def province(database: RolledBack) -> Province:
    made = Province(database)
    await made.prepare()
    return made


@cache
def seal_file() -> Path:
    """Made once: a key takes a moment."""
    file = Path(tempfile.mkdtemp(prefix="hatang-seal-")) / "seal.p12"
    make_development_seal(file, "secret", now=NOW)
    return file


def settings(url: str) -> SharingSettings:
    return SharingSettings(
        name="sharing", database_url=url, nats_url="nats://127.0.0.1:1", form_key="tests", demo=True,
        seal_file=seal_file(), seal_password="secret",
    )  # fmt: skip


@pytest.fixture
async def client(database: RolledBack, realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create, settings(database.url), realm, database) as http:
        http.app.state.clock = lambda: NOW  # type: ignore[attr-defined]
        http.app.state.frame.clock = lambda: NOW  # type: ignore[attr-defined]
        yield http


@pytest.fixture
def people(realm: Realm) -> dict[str, dict[str, str]]:
    return {
        "viettel": realm.header("viettel.an", "VIETTEL", "applicant", "owner"),
        "vnpt": realm.header("vnpt.binh", "VNPT", "applicant", "owner"),
        "mobifone": realm.header("mobifone.chi", "MOBIFONE", "applicant", "owner"),
        "auditor": realm.header("skhcn.mai", "SKHCN", "auditor", "publisher", "registrar"),
        "reviewer": realm.header("sxd.lan", "SXD", "reviewer", functions=("construction",)),
        "nobody": realm.header("khach", "SXD"),
    }
