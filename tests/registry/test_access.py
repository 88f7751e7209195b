"""Onboarding by API: recorded first, told to the realm by the worker, secrets told once, other hands found out."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from contracts import gateway as said
from services.registry import jobs
from services.registry.domain import access as rules
from services.registry.domain.access import Wanted
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack
from tests.registry.conftest import NOW
from tests.registry.realm_kept import KeptRealm

pytestmark = pytest.mark.database
API = "/api/registry/v1"
CLIENT = {"client_id": "ock-api", "organisation": "OCK", "name": "OCK", "capabilities": ["applicant", "owner"]}
PERSON = {"username": "ock.binh", "organisation": "OCK", "name": "Nguyễn Văn Bình", "capabilities": ["applicant"]}


class Office:
    """The ICT department at its desk: posts with a fresh key, changes what it has just read."""

    def __init__(self, http: httpx.AsyncClient, header: dict[str, str], realm: KeptRealm, database: RolledBack) -> None:
        self.http, self.header, self.realm, self.database, self._keys = http, header, realm, database, 0

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        self._keys += 1
        sent = {"Idempotency-Key": f"k{self._keys}", **self.header, **headers}
        return await self.http.post(f"{API}{path}", json=body, headers=sent)

    async def act(self, thing: str, act: str, body: Any = None, **headers: str) -> httpx.Response:
        tag = (await self.http.get(f"{API}{thing}", headers=self.header)).headers["etag"]
        return await self.post(f"{thing}/{act}", body, **{"If-Match": tag, **headers})

    async def read(self, path: str, **query: str) -> Any:
        answer = await self.http.get(f"{API}{path}", headers=self.header, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work(self, later: float = 0) -> None:
        now = self.http.app.state.clock() + timedelta(seconds=later)  # type: ignore[attr-defined]
        await jobs.tell_realm(self.database, self.realm, now)  # type: ignore[arg-type]

    async def look(self, later: float = 600) -> None:
        now = self.http.app.state.clock() + timedelta(seconds=later)  # type: ignore[attr-defined]
        await jobs.look_at_realm(self.database, self.realm, now)  # type: ignore[arg-type]


@pytest.fixture
def office(client: httpx.AsyncClient, people: dict[str, dict[str, str]], database: RolledBack) -> Office:
    realm = KeptRealm()
    client.app.state.bus = realm  # type: ignore[attr-defined]
    return Office(client, people["administrator"], realm, database)


async def registered(office: Office) -> None:
    assert (await office.post("/clients", CLIENT)).status_code == 201
    assert (await office.post("/people", PERSON)).status_code == 201
    await office.work()


async def test_an_operator_is_taken_in_from_organisation_to_secret(office: Office):
    facts = {"name_vi": "Hạ tầng Sông Đốc", "name_en": "Song Doc", "short": "Sông Đốc", "kind": "tower_company"}
    made = await office.post("/organisations", {"code": "SONGDOC", **facts, "valid_from": "2026-11-01"})
    assert made.status_code == 201, made.text
    again = await office.post("/organisations", {"code": "SONGDOC", **facts, "valid_from": "2026-11-01"})
    assert (again.status_code, again.json()["code"]) == (409, "OrganisationExists")

    made = await office.post("/clients", {**CLIENT, "client_id": "songdoc-api", "organisation": "SONGDOC"})
    assert (made.status_code, made.json()["state"]) == (201, "requested"), made.text
    early = await office.act("/clients/songdoc-api", "secrets", {"overlap_hours": 0})
    assert (early.status_code, early.json()["code"]) == (409, "AccountNotReady")
    await office.work()
    assert (await office.read("/clients/songdoc-api"))["state"] == "active"
    assert office.realm.clients["songdoc-api"].capabilities == ["applicant", "owner"]
    issued = await office.act("/clients/songdoc-api", "secrets", {"overlap_hours": 0})
    assert issued.json()["secret"].startswith(said.SECRET_PREFIX)


async def test_a_secret_is_told_once_and_stands_nowhere(office: Office):
    await registered(office)
    tag = (await office.http.get(f"{API}/clients/ock-api", headers=office.header)).headers["etag"]
    same = {"If-Match": tag, "Idempotency-Key": "once"}
    first = await office.post("/clients/ock-api/secrets", {"overlap_hours": 0}, **same)
    replay = await office.post("/clients/ock-api/secrets", {"overlap_hours": 0}, **same)
    assert first.status_code == replay.status_code == 201
    assert replay.headers["idempotency-replayed"] == "true"
    assert first.json()["secret"]
    assert replay.json() == {**first.json(), "secret": None}
    assert first.headers["cache-control"] == "no-store"
    assert len(office.realm.secrets["ock-api"]) == 1
    async with office.database.read() as read:
        for table in ("idempotency", "audit", "account", "account_step", "outbox"):
            rows = (await read.execute(sa.text(f"SELECT t::text FROM {table} t"))).scalars()
            assert not [row for row in rows if first.json()["secret"] in row], table
        bodies = (await read.execute(sa.text("SELECT body FROM idempotency WHERE body IS NOT NULL"))).scalars()
        assert not [body for body in bodies if first.json()["secret"].encode() in bytes(body)]


async def test_the_link_of_an_invitation_is_told_once(office: Office):
    await registered(office)
    tag = (await office.http.get(f"{API}/people/ock.binh", headers=office.header)).headers["etag"]
    same = {"If-Match": tag, "Idempotency-Key": "once"}
    first = await office.post("/people/ock.binh/invitations", **same)
    replay = await office.post("/people/ock.binh/invitations", **same)
    assert first.json()["url"].endswith("/invitation/1-token")
    assert replay.json()["url"] is None


async def test_a_realm_that_is_away_is_asked_again_and_nothing_is_lost(office: Office):
    office.realm.is_away = True
    await registered(office)
    found = await office.read("/clients/ock-api")
    assert (found["state"], found["error"], found["pending"]) == ("requested", "RealmAway", ["register"])
    office.realm.is_away = False
    await office.work(later=1)
    assert office.realm.clients == {}, "asked again only after a pause"
    await office.work(later=3)
    assert (await office.read("/clients/ock-api"))["state"] == "active"


async def test_a_crash_after_the_realm_was_told_changes_nothing_when_it_is_told_again(office: Office):
    await office.post("/clients", CLIENT)
    await office.work()
    async with office.database.tx() as tx:
        await tx.execute(sa.text("UPDATE account_step SET done_at = NULL, due_at = requested_at"))
        await tx.execute(sa.text("UPDATE account SET kept_at = NULL"))
    before = dict(office.realm.clients)
    await office.work()
    assert office.realm.clients == before
    assert (await office.read("/clients/ock-api"))["state"] == "active"


async def test_a_name_taken_in_the_realm_is_said_and_not_tried_for_ever(office: Office):
    office.realm.clients["ock-api"] = said.Client(client_id="ock-api", org="VNPT", capabilities=[], enabled=True)
    await office.post("/clients", CLIENT)
    await office.work()
    await office.work(later=1000)
    found = await office.read("/clients/ock-api")
    assert (found["state"], found["error"]) == ("failed", "NameTaken")
    assert len(office.realm.asked) == 1
    del office.realm.clients["ock-api"]
    assert (await office.act("/clients/ock-api", "retries")).status_code == 200
    await office.work()
    assert (await office.read("/clients/ock-api"))["state"] == "active"


async def test_rights_suspension_and_resumption_reach_the_realm(office: Office):
    await registered(office)
    changed = await office.act("/clients/ock-api", "rights", {"capabilities": ["owner"]})
    assert changed.json()["capabilities"] == ["owner"]
    assert (await office.act("/people/ock.binh", "suspension")).status_code == 200
    await office.work()
    assert office.realm.clients["ock-api"].capabilities == ["owner"]
    assert office.realm.people["ock.binh"].enabled is False
    assert (await office.read("/people/ock.binh"))["state"] == "suspended"
    refused = await office.act("/people/ock.binh", "invitations")
    assert (refused.status_code, refused.json()["code"]) == (409, "AccountSuspended")
    await office.act("/people/ock.binh", "resumption")
    await office.work()
    assert office.realm.people["ock.binh"].enabled is True
    stale = await office.post("/people/ock.binh/suspension", None, **{"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_the_networks_of_a_client_reach_the_realm_and_other_hands_are_seen(office: Office):
    assert (await office.post("/clients", {**CLIENT, "networks": ["203.0.113.7/24"]})).json()["networks"] == [
        "203.0.113.0/24"
    ]
    await office.work()
    assert office.realm.clients["ock-api"].networks == ["203.0.113.0/24"]
    wrong = await office.act("/clients/ock-api", "networks", {"networks": ["10.0.0.0/8", "office"]})
    assert (wrong.status_code, [one["pointer"] for one in wrong.json()["errors"]]) == (422, ["/networks/1"])
    given = {"networks": ["2001:db8::/48", "198.51.100.4", "198.51.100.4/32"]}
    changed = await office.act("/clients/ock-api", "networks", given)
    assert changed.json()["networks"] == ["198.51.100.4/32", "2001:db8::/48"]
    await office.work()
    assert office.realm.clients["ock-api"].networks == ["198.51.100.4/32", "2001:db8::/48"]
    assert (await office.read("/clients"))["items"][0]["networks"] == ["198.51.100.4/32", "2001:db8::/48"]


async def test_the_first_look_takes_over_what_the_import_made_later_ones_find_other_hands(office: Office):
    office.realm.clients["viettel-api"] = said.Client(
        client_id="viettel-api", org="VIETTEL", capabilities=["owner"], enabled=True
    )
    office.realm.people["viettel.an"] = said.Person(
        username="viettel.an", name="An", org="VIETTEL", capabilities=["applicant"], functions=[], enabled=True
    )
    await office.look()
    assert {row["client_id"] for row in (await office.read("/clients"))["items"]} == {"viettel-api"}
    assert (await office.read("/access-findings"))["items"] == []

    await registered(office)
    office.realm.clients["viettel-api"] = office.realm.clients["viettel-api"].model_copy(
        update={"capabilities": ["owner", "reviewer"]}
    )
    office.realm.people["viettel.an"] = office.realm.people["viettel.an"].model_copy(update={"enabled": False})
    office.realm.people["stranger"] = said.Person(
        username="stranger", name="Lạ", org="VIETTEL", capabilities=["owner"], functions=[], enabled=True
    )
    del office.realm.clients["ock-api"]
    await office.look(later=1200)
    found = {(row["key"], row["member"]): row for row in (await office.read("/access-findings"))["items"]}
    assert set(found) == {
        ("viettel-api", "capabilities"), ("viettel.an", "enabled"), ("stranger", "unknown"), ("ock-api", "missing"),
    }  # fmt: skip
    assert found["viettel-api", "capabilities"]["held"] == ["owner", "reviewer"]

    async def settle(key: tuple[str, str], outcome: str) -> httpx.Response:
        tag = {"If-Match": f'"{found[key]["version"]}"'}
        return await office.post(f"/access-findings/{found[key]['id']}/settlement", {"outcome": outcome}, **tag)

    refused = await settle(("viettel-api", "capabilities"), "accept")
    assert (refused.status_code, refused.json()["code"]) == (409, "CannotAccept")
    for key, outcome in (
        (("viettel-api", "capabilities"), "restore"),
        (("viettel.an", "enabled"), "accept"),
        (("stranger", "unknown"), "restore"),
        (("ock-api", "missing"), "restore"),
    ):
        assert (await settle(key, outcome)).status_code == 200, key
    await office.work(later=1300)
    assert office.realm.clients["viettel-api"].capabilities == ["owner"]
    assert office.realm.people["stranger"].enabled is False
    assert "ock-api" in office.realm.clients
    assert (await office.read("/people/viettel.an"))["state"] == "suspended"
    await office.look(later=2400)
    assert (await office.read("/access-findings"))["items"] == []


async def test_a_difference_that_went_away_settles_itself(office: Office):
    await office.look()
    await registered(office)
    kept = office.realm.clients["ock-api"]
    office.realm.clients["ock-api"] = kept.model_copy(update={"name": "Other"})
    await office.look(later=1200)
    assert len((await office.read("/access-findings"))["items"]) == 1
    office.realm.clients["ock-api"] = kept
    await office.look(later=2400)
    assert (await office.read("/access-findings"))["items"] == []


async def test_last_use_and_reviews_are_kept_with_who_said_it(office: Office):
    await office.look()
    await registered(office)
    office.realm.clients["ock-api"] = office.realm.clients["ock-api"].model_copy(update={"last_used": NOW})
    await office.look(later=1200)
    assert (await office.read("/clients/ock-api"))["last_used"].startswith("2026-11-20T02:00")
    kept = await office.act("/clients/ock-api", "reviews", {"verdict": "confirm", "reason": "Q4"})
    assert (kept.status_code, kept.json()["reviewer"]) == (201, "quantri")
    gone = await office.act("/people/ock.binh", "reviews", {"verdict": "revoke"})
    await office.work()
    assert gone.json()["state"] == "requested"
    assert office.realm.people["ock.binh"].enabled is False
    reviews = (await office.read("/access-reviews", organisation="OCK"))["items"]
    assert {(row["key"], row["verdict"]) for row in reviews} == {("ock-api", "confirm"), ("ock.binh", "revoke")}
    held = next(row["held"] for row in reviews if row["key"] == "ock-api")
    assert held["capabilities"] == ["applicant", "owner"]


async def test_nobody_takes_away_his_own_administration(office: Office):
    person = {**PERSON, "username": "quantri", "organisation": "SKHCN", "capabilities": ["administrator"]}
    assert (await office.post("/people", person)).status_code == 201
    refused = await office.act("/people/quantri", "suspension")
    assert (refused.status_code, refused.json()["code"]) == (409, "OwnRights")
    assert (await office.act("/people/quantri", "rights", {"capabilities": ["auditor"]})).status_code == 409


async def test_only_the_administrator_keeps_access(office: Office, people: dict[str, dict[str, str]]):
    for who in ("officer", "nobody"):
        answer = await office.http.get(f"{API}/clients", headers=people[who])
        assert answer.status_code == 403, who
    auditor = people["registrar"]
    assert (await office.http.get(f"{API}/clients", headers=auditor)).status_code == 200
    made = await office.http.post(f"{API}/clients", json=CLIENT, headers={**auditor, "Idempotency-Key": "x"})
    assert made.status_code == 403


async def test_an_enterprise_sees_its_own_accounts_and_no_others(office: Office, realm: Realm):
    await registered(office)
    other = {**CLIENT, "client_id": "viettel-two", "organisation": "VIETTEL"}
    assert (await office.post("/clients", other)).status_code == 201
    ock = realm.header("ock.x", "OCK", "owner")
    for path, names in (("/clients", ["ock-api"]), ("/people", ["ock.binh"]), ("/clients?organisation=VIETTEL", [])):
        told = (await office.http.get(f"{API}{path}", headers=ock)).json()["items"]
        assert [one.get("client_id", one.get("username")) for one in told] == names, path
    assert (await office.http.get(f"{API}/clients/viettel-two", headers=ock)).status_code == 404
    assert (await office.http.get(f"{API}/clients/ock-api", headers=ock)).json()["organisation"] == "OCK"
    page = await office.http.get("/registry/access", headers=ock)
    assert "OCK" in page.text
    assert "/registry/access/organisations/VIETTEL" not in page.text
    account = await office.http.get("/registry/access/clients/ock-api", headers=ock)
    assert account.status_code == 200
    assert "/registry/access/clients/ock-api/secret" not in account.text
    assert (await office.http.get("/registry/access/organisations/VIETTEL", headers=ock)).status_code == 404
    refused = await office.http.post(
        f"{API}/clients/ock-api/suspension", headers={**ock, "Idempotency-Key": "k", "If-Match": "*"}
    )
    assert refused.status_code == 403


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "Viettel API"}, "/client_id"),
        ({"key": "ab"}, "/client_id"),
        ({"capabilities": []}, "/capabilities"),
        ({"capabilities": ["reviewer"]}, "/capabilities"),
        ({"functions": ["transport"]}, "/functions"),
        ({"email": "no address"}, "/email"),
        ({"networks": ["300.0.0.0/8"]}, "/networks/0"),
        ({"networks": ["10.0.0.1"] * 21}, "/networks"),
    ],
)
def test_every_fault_of_an_account_is_named(changes: dict[str, Any], pointer: str):
    good = {"kind": "client", "key": "ock-api", "organisation": "OCK", "name": "x", "capabilities": ["owner"]}
    assert rules.check(Wanted(**good), "operator") == []  # type: ignore[arg-type]
    assert [fault.pointer for fault in rules.check(Wanted(**{**good, **changes}), "operator")] == [pointer]  # type: ignore[arg-type]
    assert [fault.pointer for fault in rules.check(Wanted(**good), None)] == ["/organisation"]  # type: ignore[arg-type]
