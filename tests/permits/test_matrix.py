"""Who may do what, cell by cell over HTTP: operation x capability x what relates the caller to the dossier.

The table in `domain/policy.py` says what is expected; what holds between a caller and a dossier is said here, by hand.
"""

import io
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from infra.documents.authorisation import CAPABILITIES, Door, doors
from kernel import feed
from kernel.db import new_id
from kernel.direct import bare
from kernel.web.forms import FIELD, form_token
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.policy import PERMISSIONS
from tests.fixtures.realm import Realm
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, LAN, NOW

pytestmark = pytest.mark.database
API = "/api/permits/v1"
RECEIVED, REVIEWED = "received", "reviewed"
Tokens = dict[tuple[str, str], dict[str, str]]


@dataclass(frozen=True)
class Place:
    """Where a caller stands, and which relations that is to each dossier of the world."""

    org: str
    functions: tuple[str, ...]
    received: frozenset[str]
    reviewed: frozenset[str]

    def held(self, dossier: str) -> frozenset[str]:
        return self.received if dossier == RECEIVED else self.reviewed


NOTHING: frozenset[str] = frozenset()
OWN, LEAD, ASKED = frozenset({"own_org"}), frozenset({"lead_of"}), frozenset({"own_function"})
# Both dossiers are Viettel's and led by SXD; of the reviewed one construction, transport and land are asked.
PLACES = {
    "applicant": Place("VIETTEL", (), OWN, OWN),
    "lead": Place("SXD", ("construction",), LEAD, LEAD | ASKED),
    "asked in the lead's department": Place("SXD", ("transport",), NOTHING, ASKED),
    "asked elsewhere": Place("SNNMT", ("natural_resources",), NOTHING, ASKED),
    "same department, other function": Place("SXD", ("fire",), NOTHING, NOTHING),
    "department of which nothing is asked": Place("BCH", ("defence",), NOTHING, NOTHING),
    "other operator": Place("VNPT", (), NOTHING, NOTHING),
    "the auditors' department": Place("SKHCN", ("telecom",), NOTHING, NOTHING),
}
OPINION = {"outcome": "agree"}
BODIES: dict[str, Any] = {
    "completeness": {"outcome": "complete"},
    "supplements": {"parts": [{"code": "drawings", "file": str(UUID(int=1))}]},
    "opinion-drafts": OPINION,
    "opinions": OPINION,
    "opinion-submissions": {},
    "opinion-requests": {"reason": "x"},
    "opinion-checks": {"outcome": "returned", "reason": "x"},
    "opinion-signatures": {},
    "condition-evidence": {"no": 1, "remark": "x"},
    "condition-verdicts": {"no": 1, "outcome": "met"},
    "phrases": {
        "kind": "ground",
        "code": "made_up",
        "title": "x",
        "text": "x",
        "source": "x",
        "valid_from": "2030-01-01",
    },
    "share-answers": {"answers": [{"structure": str(UUID(int=1)), "reason": "too_low"}]},
    "law-drafts": {"kind": "calendar", "body": {}},
    "body": {"body": {}},
    "queue:claim": {"items": [{"id": str(UUID(int=1))}]},
    "queue:assign": {"items": [{"id": str(UUID(int=1))}], "to": "x"},
    "messages": {"audience": "applicant", "body": "x"},
    "notices:read": {},
    "preference": {"mail": "off"},
    "duties": {"org": "SXD", "function": "fire", "way": "one_person", "valid_from": "2030-01-01", "reason": "x"},
    "decision": {"outcome": "no_objection", "reason": "khẩn"},
    "extensions": {"days": 1, "reason": "x"},
    "notices": {"kind": "commencement", "on": "2026-11-25"},
    "applications": {"sites": [{"lon": 105.1, "lat": 9.1, "commune": "32002@2025"}]},
    "applications:check": {"sites": [{"lon": 105.1, "lat": 9.1, "commune": "32002@2025"}]},
    "applications:batch": {"items": [{"sites": [{"lon": 105.1, "lat": 9.1, "commune": "32002@2025"}]}]},
    "mending": {"payload": "{}"},
    "dismissal": {"reason": "x"},
    "withdrawal": {},
}


@cache
def all_doors() -> tuple[Door, ...]:
    return tuple(doors("permits"))


def allowed(permission: str, capability: str, held: Iterable[str] | None) -> bool:
    """What the table says; `held` None: the door leads to no one dossier."""
    return any(
        holder in ("*", capability) and (held is None or relation == "any" or relation in held)
        for holder, relation in PERMISSIONS[permission]
    )


@dataclass
class World:
    client: httpx.AsyncClient
    database: RolledBack
    realm: Realm
    ids: dict[str, str]
    numbers: dict[str, str]
    files: dict[str, str]
    tokens: Tokens
    draft: str

    def header(self, capability: str, name: str) -> dict[str, str]:
        place = PLACES[name]
        if (capability, name) not in self.tokens:
            self.tokens[capability, name] = self.realm.header("x", place.org, capability, functions=place.functions)
        return self.tokens[capability, name]

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

    async def ask(self, door: Door, capability: str, name: str, dossier: str) -> int:
        path = door.path.replace("{message}", "registry-7").replace("{act}", "redrive")
        if "/law" in path:
            path = path.replace("{id}", self.draft)
        path = path.replace("{id}", self.files[dossier] if "/files/" in path else self.ids[dossier])
        header = self.header(capability, name)
        last = path.rsplit("/", 1)[-1]
        if door.method == "GET":
            asked = {"events": {"after": 0}, "statistics": {"since": "2026-01-01", "until": "2026-12-31"}}.get(last, {})
            return (await self.client.get(path, params=asked, headers=header)).status_code
        async with self.undone():
            if not path.startswith("/api/"):
                data = {FIELD: form_token("tests", "session-x", date(2026, 11, 23)), "function": _function(name)}
                return (await self.client.post(path, data=data, headers=header)).status_code
            if last == "files":
                return (await self.client.post(path, content=world.pdf(), headers=header)).status_code
            body = BODIES.get(last)
            if last.startswith("opinion") or last == "phrases":
                body = {**BODIES[last], "function": _function(name)}
            return (await self.client.post(path, json=body, headers=header)).status_code


def _function(name: str) -> str:
    return next(iter(PLACES[name].functions), "construction")


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    """Signed once: they are the same for every world."""
    return {}


@pytest.fixture
async def stage(client: httpx.AsyncClient, database: RolledBack, realm: Realm, tokens: Tokens) -> World:
    ids, numbers, files = {}, {}, {}
    async with database.tx() as tx:
        for name in (RECEIVED, REVIEWED):
            given = await world.filing(tx, AN, name=f"Cột {name}")
            receipt = await commands.file(tx, AN, given, application_id=new_id(), settings=world.settings(), now=NOW)
            ids[name], numbers[name] = str(receipt.id), receipt.number
            files[name] = str(given.parts[0].file_id)
        await _review(tx, UUID(ids[REVIEWED]))
        await feed.place(tx)
        await tx.execute(
            sa.text(
                "INSERT INTO parked (stream, stream_seq, subject, payload, error, parked_at, tries)"
                " VALUES ('registry', 7, 'registry.unit.changed.v1', '{}', 'x', now(), 0)"
            )
        )
        draft = await commands.draft_law(tx, world.MAI, new_id(), "calendar", {}, now=NOW)
    return World(client, database, realm, ids, numbers, files, tokens, str(draft))


async def _review(tx: AsyncSession, id: UUID) -> None:
    dossier = await queries.application(tx, id, actor=LAN, lock=True)
    await commands.accept(tx, LAN, dossier, settings=world.settings(), now=NOW)


def stands(door: Door) -> list[tuple[str, str]]:
    """Where a caller can stand to what the door leads to."""
    if "{id}" not in door.path:
        return [(name, REVIEWED) for name in PLACES]
    return [
        (name, dossier)
        for name, place in PLACES.items()
        for dossier in (RECEIVED, REVIEWED)
        if dossier == REVIEWED or place.received != place.reviewed or place.received
    ]


@pytest.mark.parametrize("door", all_doors(), ids=lambda door: f"{door.method} {door.path}")
async def test_every_door_opens_to_whom_the_table_says(stage: World, door: Door) -> None:
    wrong: list[Any] = []
    for name, dossier in stands(door):
        for capability in CAPABILITIES:
            held = PLACES[name].held(dossier) if "{id}" in door.path else None
            expected = allowed(door.permission, capability, held)
            status = await stage.ask(door, capability, name, dossier)
            if status >= 500 or (status not in (401, 403, 404)) != expected:
                wrong.append((capability, name, dossier, status, expected))
    assert wrong == []


DERIVED = [
    f"{API}/applications",
    f"{API}/applications?total=true",
    f"{API}/applications?q=C%E1%BB%99t",
    f"{API}/applications?applicant=VIETTEL&state.in=received,under_review",
    f"{API}/applications?expand=parts,clocks,supplement_requests,notices,lon,lat",
    f"{API}/applications?fields=number",
    f"{API}/applications csv",
    f"{API}/applications xlsx",
    f"{API}/applications geojson",
    f"{API}/events?after=0",
    f"{API}/events?after=0&type.in=permits.application.filed.v1",
    "/permits/applications",
    "/permits/applications?q=C%E1%BB%99t",
]
QUEUES = [
    f"{API}/queue?total=true",
    f"{API}/queue?q=C%E1%BB%99t",
    f"{API}/queue?fields=number",
    f"{API}/queue csv",
    f"{API}/queue xlsx",
    "/permits/queue",
    "/permits/home-card",
]
FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}


def text_of(answer: httpx.Response) -> str:
    if not answer.headers["content-type"].startswith(FORMS["xlsx"]):
        return answer.text
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


@pytest.mark.parametrize("address", DERIVED)
async def test_what_is_derived_from_dossiers_holds_only_those_that_may_be_seen(stage: World, address: str) -> None:
    wrong: list[Any] = []
    for name, place in PLACES.items():
        for capability in CAPABILITIES:
            expected = {
                dossier
                for dossier in (RECEIVED, REVIEWED)
                if allowed("permits:application:read", capability, place.held(dossier))
            }
            told = await _told(stage, address, capability, name)
            if told is not None and told != expected:
                wrong.append((capability, name, told, expected))
            if told is None and expected:
                wrong.append((capability, name, None, expected))
    assert wrong == []


async def _told(stage: World, address: str, capability: str, name: str) -> set[str] | None:
    """Which dossiers the answer tells of, by number or by id; None where the door is closed."""
    path, _, form = address.partition(" ")
    accept = FORMS.get(form, "text/html" if path.startswith("/permits") else "application/json")
    answer = await stage.client.get(path, headers={**stage.header(capability, name), "Accept": accept})
    if answer.status_code in (403, 404):
        return None
    assert answer.status_code == 200, answer.text
    text = text_of(answer)
    told = {dossier for dossier in (RECEIVED, REVIEWED) if stage.numbers[dossier] in text}
    if "total=true" in path:
        assert answer.json()["total"] == len(told)
    assert all((stage.ids[dossier] in text) <= (dossier in told) for dossier in (RECEIVED, REVIEWED))
    return told


@pytest.mark.parametrize("address", QUEUES)
async def test_a_queue_holds_only_what_its_reader_answers_for(stage: World, address: str) -> None:
    wrong: list[Any] = []
    for name, place in PLACES.items():
        for capability in CAPABILITIES:
            officer = allowed("permits:queue:read", capability, None)
            expected = {
                dossier
                for dossier in (RECEIVED, REVIEWED)
                if officer and place.held(dossier) & {"lead_of", "own_function"}
            }
            told = await _told(stage, address, capability, name)
            own = {d for d in (RECEIVED, REVIEWED) if allowed("permits:application:read", capability, place.held(d))}
            # The home card shows what waits for its reader, and to whom nothing does what is on its way.
            good = told <= own if address.endswith("home-card") and told else (told or set()) == expected
            if not good:
                wrong.append((capability, name, told, expected))
    assert wrong == []


_TOUCHED = "SELECT id FROM application WHERE version > CASE state WHEN 'received' THEN 1 ELSE 2 END"


async def test_claiming_many_takes_only_what_may_be_claimed(stage: World) -> None:
    wrong: list[Any] = []
    for name, place in PLACES.items():
        for capability in CAPABILITIES:
            token = form_token("tests", "session-x", date(2026, 11, 23))
            given = {FIELD: token, "id": [stage.ids[RECEIVED], stage.ids[REVIEWED]], "act": "claim"}
            async with stage.undone():
                await stage.client.post("/permits/queue", data=given, headers=stage.header(capability, name))
                async with stage.database.read() as read:
                    rows = await read.execute(
                        sa.text("SELECT id FROM application WHERE version > 1 + (state <> 'received')::int")
                    )
                    taken = {str(row[0]) for row in rows}
            expected = {
                stage.ids[dossier]
                for dossier in (RECEIVED, REVIEWED)
                if allowed("permits:application:claim", capability, place.held(dossier))
            }
            if taken != expected:
                wrong.append((capability, name, taken, expected))
    assert wrong == []


async def test_a_file_that_no_dossier_holds_is_its_senders(stage: World) -> None:
    async with stage.database.tx() as tx:
        sent = {"VIETTEL": await world.stored(tx, AN), "SXD": await world.stored(tx, LAN)}
    wrong: list[Any] = []
    for name, place in PLACES.items():
        for capability in CAPABILITIES:
            for org, file_id in sent.items():
                answer = await stage.client.get(f"{API}/files/{file_id}", headers=stage.header(capability, name))
                expected = org == place.org and (capability, "own_org") in PERMISSIONS["permits:file:read"]
                if (answer.status_code == 200) != expected:
                    wrong.append((capability, name, org, answer.status_code))
    assert wrong == []


async def test_only_a_registrar_says_when_a_dossier_came_and_whose_it_is(stage: World) -> None:
    """`permits:application:receive`: what the door of filing asks besides."""
    body = {**BODIES["applications"], "applicant": "MOBIFONE", "received_at": "2026-11-20T09:00:00+07:00"}
    for name in PLACES:
        for capability in CAPABILITIES:
            async with stage.undone():
                answer = await stage.client.post(
                    f"{API}/applications", json=body, headers=stage.header(capability, name)
                )
            expected = allowed("permits:application:receive", capability, None)
            assert (answer.status_code == 422) == expected, (capability, name, answer.text)


# Asked within a command, not at a door; it has a test of its own above.
INNER = {"permits:application:receive"}


def test_no_row_of_the_table_is_without_a_cell() -> None:
    assert set(PERMISSIONS) == {door.permission for door in all_doors()} | INNER


def test_every_relation_of_the_table_decides_somewhere() -> None:
    """For each grant there is a place at which it alone opens the door."""
    combinations = {place.held(dossier) for place in PLACES.values() for dossier in (RECEIVED, REVIEWED)}
    for permission, capability, relation in policy.matrix():
        if relation != "any":
            assert frozenset({relation}) in combinations, (permission, capability, relation)


def test_the_table_names_each_grant_once_and_only_known_capabilities() -> None:
    listed = list(policy.matrix())
    assert len(set(listed)) == len(listed)
    assert {capability for _, capability, _ in listed} <= {*CAPABILITIES, policy.EVERYONE}
