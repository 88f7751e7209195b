"""A world in which everything exists that a door of the registry can lead to: Viettel's, built and only planned."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from kernel.clock import local_date
from kernel.direct import bare
from kernel.web.forms import form_token
from services.registry.commands import structures
from services.registry.commands.stations import register_station
from services.registry.domain.station import StationFacts
from services.registry.domain.structure import FACTS
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR
from tests.registry.realm_kept import KeptRealm
from tests.registry.test_access import CLIENT, PERSON, Office
from tests.registry.test_import_jobs import Desk

API = "/api/registry/v1"
BUILT, PLANNED = "built", "planned"
STATES = {BUILT: "in_service", PLANNED: "permitted"}
# Where a caller stands: the owner, another enterprise, a department.
PLACES = {"own": "VIETTEL", "other enterprise": "VNPT", "department": "SXD"}
MASTS = 6
PARKED = "permits-7"


@dataclass
class World:
    """`ids` and `numbers` by (kind, thing); a kind's masts are several, so that the map makes a cluster of them."""

    client: httpx.AsyncClient
    database: RolledBack
    realm: Realm
    ids: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    numbers: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    finding: str = ""
    imported: str = ""
    _headers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def header(self, capability: str, place: str) -> dict[str, str]:
        if (capability, place) not in self._headers:
            self._headers[capability, place] = self.realm.header("x", PLACES[place], capability)
        return self._headers[capability, place]

    def form(self, **typed: str) -> dict[str, str]:
        day = local_date(self.client.app.state.clock())  # type: ignore[attr-defined]
        return {"_csrf": form_token("tests", "session-x", day), **typed}

    def held(self, place: str, thing: str) -> frozenset[str]:
        """The relations of whoever stands there to the thing."""
        holds = {"own_org": place == "own", "built": thing == BUILT}
        return frozenset(relation for relation, holding in holds.items() if holding)

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """Whatever happens meanwhile did not."""
        assert self.database._connection is not None
        driver = await bare(self.database._connection)
        await driver.execute("SAVEPOINT cell")
        try:
            yield
        finally:
            await driver.execute("ROLLBACK TO SAVEPOINT cell")


def facts(kind: str, thing: str, number: int = 0) -> dict[str, Any]:
    told = {
        "owner": "VIETTEL",
        "status": STATES[thing],
        "point": [104.8379 + number / 1000, 9.0478],
        "commune": "32098@2023",
        "name": f"{kind} {thing} {number}",
        "capacity": 3,
    }
    return {**told, "height_m": "45"} if kind == "mast" else told


async def built(client: httpx.AsyncClient, database: RolledBack, realm: Realm) -> World:
    made = World(client, database, realm)
    async with database.tx() as tx:
        for kind in ("mast", "pole", "duct"):
            for thing in (BUILT, PLANNED):
                for number in range(MASTS if kind == "mast" else 1):
                    await _structure(tx, made, kind, thing, number)
        for thing, status in ((BUILT, "active"), (PLANNED, "planned")):
            said = StationFacts(operator="VIETTEL", status=status, technologies=["4G"])  # type: ignore[arg-type]
            on = UUID(made.ids["mast", thing][0])
            station = await register_station(tx, REGISTRAR, said, structure_id=on, valid_from=MAY_2015, now=NOW)
            made.ids["station", thing] = [str(station.id)]
        parked = "INSERT INTO parked (stream, stream_seq, subject, payload, error, parked_at, tries)"
        await tx.execute(sa.text(f"{parked} VALUES ('permits', 7, 'permits.opinion.given.v1', '{{}}', 'x', now(), 0)"))
    await _import(made)
    await _accounts(made)
    return made


async def _import(made: World) -> None:
    """Viettel's, checked: a row that may be a mast which stands already waits for a decision."""
    text = "owner,status,name,height_m,lon,lat,commune,valid_from\r\n"
    text += "VIETTEL,in_service,again,45,104.8379,9.0478,32098@2023,2016-01-01\r\n"
    desk = Desk(made.client, made.header("owner", "own"), made.database)
    await desk.send(text.encode())
    await desk.work()
    await desk.set_up()
    assert (await desk.work())["plans"] == {"near": 1}
    made.imported = desk.job["id"]


async def _structure(tx: Any, made: World, kind: str, thing: str, number: int) -> None:
    given = FACTS[kind].model_validate(facts(kind, thing, number))
    one = await structures.register(tx, REGISTRAR, kind, given, valid_from=MAY_2015, now=NOW)
    made.ids.setdefault((kind, thing), []).append(str(one.id))
    made.numbers.setdefault((kind, thing), []).append(one.public_no)
    made.changes[str(one.id)] = str(one.change_id)


async def _accounts(made: World) -> None:
    """A client and a person that the realm holds, one of them with rights that other hands gave."""
    realm = KeptRealm()
    made.client.app.state.bus = realm  # type: ignore[attr-defined]
    office = Office(made.client, made.realm.header("quantri", "SKHCN", "administrator"), realm, made.database)
    assert (await office.post("/clients", CLIENT)).status_code == 201
    assert (await office.post("/people", PERSON)).status_code == 201
    await office.work()
    await office.look()
    realm.clients["ock-api"] = realm.clients["ock-api"].model_copy(update={"enabled": False})
    await office.look(later=1200)
    (finding,) = (await office.read("/access-findings"))["items"]
    made.finding = finding["id"]
