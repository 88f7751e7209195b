"""Who may do what, cell by cell over HTTP: operation x capability x what relates the caller to the agreement."""

import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from infra.documents.authorisation import CAPABILITIES, Door, doors
from kernel.direct import bare
from kernel.export import CSV, XLSX
from kernel.web.forms import FIELD, form_token
from services.sharing import data
from services.sharing.commands import contradictions, report_rounds, reports
from services.sharing.commands.agreements import agree
from services.sharing.domain.agreement import Terms
from services.sharing.domain.policy import PERMISSIONS
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack
from tests.sharing.conftest import NOW, VIETTEL, Province
from tests.sharing.test_publishing import DEFINITION, PLAN

pytestmark = pytest.mark.database
API = "/api/sharing/v1"
# Viettel owns the mast that VNPT rents.
PLACES = {"owner": "VIETTEL", "tenant": "VNPT", "other operator": "MOBIFONE", "department": "SXD"}
REACH: dict[str, tuple[str, ...]] = {"party": ("owner", "tenant"), "own_org": ("owner",)}
PARTIES = REACH["party"]
NUMBER = "77/2026/HD"
PLANNED, LATER = "CM-M-000002-1", "CM-M-000003-1"


@cache
def all_doors() -> tuple[Door, ...]:
    return tuple(doors("sharing"))


def allowed(permission: str, capability: str, place: str, *, named: bool) -> bool:
    """`named`: the door leads to the agreement or to its structure."""
    return any(
        grant.capability in ("*", capability)
        and (not named or grant.relation == "any" or place in REACH[grant.relation])
        for grant in PERMISSIONS[permission]
    )


@dataclass
class World:
    client: httpx.AsyncClient
    database: RolledBack
    realm: Realm
    structure: UUID
    planned: UUID
    agreement: UUID
    change: UUID
    cycle: UUID
    report: UUID
    statement: UUID
    contradiction: UUID
    plan: UUID
    tokens: dict[tuple[str, str], dict[str, str]]

    def header(self, capability: str, place: str) -> dict[str, str]:
        if (capability, place) not in self.tokens:
            self.tokens[capability, place] = self.realm.header("x", PLACES[place], capability)
        return self.tokens[capability, place]

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        assert self.database._connection is not None
        driver = await bare(self.database._connection)
        await driver.execute("SAVEPOINT cell")
        try:
            yield
        finally:
            await driver.execute("ROLLBACK TO SAVEPOINT cell")

    def body(self, path: str) -> Any:
        agreement = {"structure_id": str(self.structure), "tenant": "VNPT", "kind": "lease", "valid_from": "2020-02-01"}
        if "/contradictions/" in path:
            closing = {"outcome": "settled", "reason": "x"}
            return closing if path.endswith("closure") else {"assignee": "x"}
        if path.endswith("/finding"):
            return {"as_recorded": True, "inspected_on": "2026-11-18"}
        return {
            "agreements": {**agreement, "valid_to": "2021-02-01"},
            "agreements:batch": {"items": [{**agreement, "valid_to": "2021-02-01"}]},
            "termination": {"on": "2026-11-20", "reason": "x"},
            "corrections": {"corrects": str(self.change), "reason": "x"},
            "report-cycles": {"title_vi": "x", "as_of": "2026-11-01", "last_good_day": "2026-12-01"},
            "answers": {"items": [{"line": 1, "answer": "confirmed"}]},
            "lines": {"claims": {"thing": "structure", "name": "x"}},
            "settlement": {"outcome": "accepted"},
            "statements": {"as_of": "2026-11-01"},
            "audit-plans": {"as_of": "2026-11-01", "size": 1},
            "indicator-values": {
                "plan": "250/KH-UBND",
                "code": "V.1",
                "as_of": "2026-10-31",
                "value": "81.5",
                "source": "x",
            },
            "definitions": DEFINITION,
            "definitions:check": DEFINITION,
            "plans": PLAN,
            "report-contacts": {"address": "a@example.vn"},
            "mending": {"payload": "{}"},
            "dismissal": {"reason": "x"},
        }.get(path.rsplit("/", 1)[-1], {})

    async def ask(self, door: Door, capability: str, place: str) -> httpx.Response:
        path = door.path.replace("{agreement_id}", str(self.agreement))
        path = path.replace("{message}", "registry-7").replace("{act}", "redrive")
        path = path.replace("{cycle_id}", str(self.cycle)).replace("{report_id}", str(self.report))
        path = path.replace("{no}", "1").replace("{statement_id}", str(self.statement))
        path = path.replace("/indicators/{code}", "/indicators/V.1")
        path = path.replace("{contradiction_id}", str(self.contradiction))
        path = path.replace("{plan_id}", str(self.plan)).replace("{structure_id}", str(self.structure))
        header = self.header(capability, place)
        if door.method == "GET":
            return await self.client.get(path, headers=header)
        async with self.undone():
            if path.startswith("/api/"):
                return await self.client.post(path, json=self.body(path), headers=header)
            data = {FIELD: form_token("tests", "session-x", date(2026, 11, 20)), "structure": str(self.structure)}
            return await self.client.post(path, data=data, headers=header)


@pytest.fixture(scope="module")
def tokens() -> dict[tuple[str, str], dict[str, str]]:
    return {}


@pytest.fixture
async def world(
    client: httpx.AsyncClient, database: RolledBack, realm: Realm, province: Province, tokens: dict[Any, Any]
) -> World:
    structure = await province.mast()
    planned = await province.mast(status="permitted")
    await province.mast(since=date(2027, 1, 1))
    async with database.tx() as tx:
        made = await agree(tx, VIETTEL, structure, "VNPT", Terms("lease", date(2024, 1, 1), None, NUMBER), now=NOW)
        change = (await tx.execute(sa.text("SELECT id FROM agreement_change"))).scalar_one()
        await tx.execute(sa.text("INSERT INTO watermark (source, until) VALUES ('registry', :now)"), {"now": NOW})
        await report_rounds.open_due(tx, now=NOW)
        report = (await tx.execute(sa.text("SELECT cycle_id, id FROM report WHERE org = 'VIETTEL'"))).one()
        await reports.answer(tx, VIETTEL, report.id, [reports.Said(1, "disputed", {}, "x")], now=NOW)
        await reports.confirm_rest(tx, VIETTEL, report.id, now=NOW)
        await reports.submit(tx, VIETTEL, report.id, now=NOW)
        await reports.answer(tx, VIETTEL, report.id, [reports.Said(1, "disputed", {}, "y")], now=NOW)
        await contradictions.look(tx, data.contradictions(), now=NOW)
        contradiction = (await tx.execute(sa.text("SELECT id FROM contradiction"))).scalars().one()
        await tx.execute(
            sa.text(
                "INSERT INTO parked (stream, stream_seq, subject, payload, error, parked_at, tries)"
                " VALUES ('registry', 7, 'registry.unit.changed.v1', '{}', 'x', now(), 0)"
            )
        )
    sealed = await client.post(
        f"{API}/statements", json={"as_of": "2026-11-01"}, headers=realm.header("skhcn.mai", "SKHCN", "auditor")
    )
    statement = UUID(sealed.json()["id"])
    drawn = await client.post(
        f"{API}/audit-plans",
        json={"as_of": "2026-11-01", "size": 1},
        headers=realm.header("skhcn.mai", "SKHCN", "auditor"),
    )
    plan = UUID(drawn.json()["id"])
    return World(
        client, database, realm, structure, planned, made.id, change, report.cycle_id, report.id, statement,
        contradiction, plan, tokens,
    )  # fmt: skip


def named(door: Door) -> bool:
    """Whether what the caller is to the agreement decides at this door; a batch answers for each of its items."""
    return (
        "{agreement_id}" in door.path
        or "{report_id}" in door.path
        or (door.method, door.path) == ("POST", f"{API}/agreements")
    )


@pytest.mark.parametrize("door", all_doors(), ids=lambda door: f"{door.method} {door.path}")
async def test_every_door_opens_to_whom_the_table_says(world: World, door: Door) -> None:
    wrong = []
    for place in PLACES:
        for capability in CAPABILITIES:
            expected = allowed(door.permission, capability, place, named=named(door))
            if door.path.endswith("/report-cycles/{cycle_id}"):
                # A round shows itself to whoever reports in it, which a department does not.
                expected = expected and (place != "department" or capability == "auditor")
            status = (await world.ask(door, capability, place)).status_code
            if status >= 500 or (status not in (401, 403, 404)) != expected:
                wrong.append((capability, place, status, expected))
    assert wrong == []


async def test_a_batch_refuses_the_item_of_a_stranger(world: World) -> None:
    door = Door("POST", f"{API}/agreements:batch", "sharing:agreement:record")
    for place in PLACES:
        answer = await world.ask(door, "owner", place)
        assert [one["status"] for one in answer.json()["items"]] == [201 if place in PARTIES else 403], place


DERIVED = [
    f"{API}/agreements",
    f"{API}/agreements?total=true",
    f"{API}/agreements?q={NUMBER}",
    f"{API}/agreements?party=VNPT&status.in=in_force",
    f"{API}/agreements?fields=number&expand=structure",
    f"{API}/agreements csv",
    f"{API}/agreements xlsx",
    "/sharing/agreements",
    f"/sharing/agreements?q={NUMBER}",
]
FORMS = {"csv": CSV, "xlsx": XLSX}


def text_of(answer: httpx.Response) -> str:
    if not answer.headers["content-type"].startswith(XLSX):
        return answer.text
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


@pytest.mark.parametrize("address", DERIVED)
async def test_a_foreign_agreement_is_in_no_derived_read(world: World, address: str) -> None:
    path, _, form = address.partition(" ")
    accept = FORMS.get(form, "text/html" if path.startswith("/sharing") else "application/json")
    wrong = []
    for place in PLACES:
        for capability in CAPABILITIES:
            answer = await world.client.get(path, headers={**world.header(capability, place), "Accept": accept})
            told = answer.status_code == 200 and (NUMBER in text_of(answer).replace(f"q={NUMBER}", ""))
            if "q=" in path and path.startswith("/sharing"):
                told = answer.status_code == 200 and str(world.agreement) in answer.text
            if "total=true" in path and answer.status_code == 200:
                assert answer.json()["total"] == int(told)
            if told != allowed("sharing:agreement:read", capability, place, named=True):
                wrong.append((capability, place, answer.status_code, told))
    assert wrong == []


@pytest.mark.parametrize("address", [f"{API}/ratios/structures", f"{API}/ratios/structures csv", "/sharing/ratio"])
async def test_who_shares_is_told_to_parties_and_auditors_only(world: World, address: str) -> None:
    path, _, form = address.partition(" ")
    for place in PLACES:
        for capability in CAPABILITIES:
            header = {**world.header(capability, place), "Accept": FORMS.get(form, "application/json")}
            answer = await world.client.get(path, params={"side": "numerator"}, headers=header)
            told = answer.status_code == 200 and str(world.agreement) in answer.text
            assert told <= allowed("sharing:tenants:read", capability, place, named=True), (capability, place)
            if path.startswith("/api/"):
                assert told == allowed("sharing:tenants:read", capability, place, named=True), (capability, place)


LISTS = [
    f"{API}/ratios/structures?side=excluded&total=true",
    f"{API}/ratios/structures?side=excluded&fields=public_no",
    f"{API}/ratios/structures?side=excluded csv",
    f"{API}/ratios/structures?side=excluded xlsx",
    "/sharing/ratio?side=excluded",
    f"/sharing/agreements/new?q={PLANNED}",
]


@pytest.mark.parametrize("address", LISTS)
async def test_a_plan_is_told_to_its_owner_and_to_officers_only(world: World, address: str) -> None:
    path, _, form = address.partition(" ")
    accept = FORMS.get(form, "text/html" if path.startswith("/sharing") else "application/json")
    gate = "sharing:agreement:record" if "/new" in path else "sharing:ratio:read"
    wrong = []
    for place in PLACES:
        for capability in CAPABILITIES:
            answer = await world.client.get(path, headers={**world.header(capability, place), "Accept": accept})
            # The page of the form says the number again that was searched for.
            sign = str(world.planned) if "/new" in path else PLANNED
            told = answer.status_code == 200 and sign in text_of(answer)
            expected = allowed("sharing:plan:read", capability, place, named=True)
            if told != (expected and allowed(gate, capability, place, named=False)):
                wrong.append((capability, place, answer.status_code, told))
            if "total=true" in path:
                assert answer.json()["total"] == int(told)
    assert wrong == []


TO_COME = [f"{API}/ratios?by=unit", f"{API}/ratios/structures?side=denominator", f"{API}/ratios/trend?since=2026-01-01"]


@pytest.mark.parametrize("address", [*TO_COME, f"{API}/targets?kind=mast"])
async def test_days_to_come_are_told_of_ones_own_structures_and_to_officers(world: World, address: str) -> None:
    path, _, query = address.partition("?")
    for place, owner in ((place, owner) for place in PLACES for owner in ("VIETTEL", None)):
        if owner and path.endswith("/targets"):
            continue
        asked = {**dict([query.split("=")]), "as_of": "2027-06-30", **({"owner": owner} if owner else {})}
        for capability in CAPABILITIES:
            answer = await world.client.get(path, params=asked, headers=world.header(capability, place))
            expected = allowed("sharing:plan:read", capability, place if owner else "nobody's own", named=True)
            assert (answer.status_code == 200) == expected, (place, owner, capability, answer.text)
            assert expected or answer.json()["code"] == "PlansNotShown"
            if expected and path.endswith("structures"):
                assert LATER in answer.text


async def test_an_agreement_on_a_competitors_plan_is_recorded_by_its_owner_only(world: World) -> None:
    body = {"structure_id": str(world.planned), "tenant": "VNPT", "kind": "lease", "valid_from": "2026-11-01"}
    told = {}
    for place in ("other operator", "tenant", "owner"):
        answer = await world.client.post(f"{API}/agreements", json=body, headers=world.header("owner", place))
        told[place] = answer.json().get("code", answer.status_code)
    assert told == {"other operator": "StructureNotKnownYet", "tenant": "StructureNotKnownYet", "owner": 201}


ASKED_WITHIN = {"sharing:tenants:read", "sharing:plan:read"}


def test_no_row_of_the_table_is_without_a_cell() -> None:
    assert set(PERMISSIONS) == {door.permission for door in all_doors()} | ASKED_WITHIN
