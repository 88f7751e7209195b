"""The feed over HTTP: everything once and in order, nobody else's, cheap to ask, without the broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from contracts.catalog import EVENTS
from contracts.envelope import stream_of
from kernel import feed
from kernel.db import Database, new_id
from kernel.tasks import end
from kernel.worker import Duties, Worker
from services.permits import commands, queries
from services.permits.domain.application import Opinion
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_filing import body, send
from tests.permits.world import ADMIN, AN, BINH, HOA, HUNG, LAN, MAI, MINH, NOW

pytestmark = pytest.mark.database
URL = "/api/permits/v1/events"
FILE_URL = "/api/permits/v1/applications"
Header = Callable[..., dict[str, str]]


async def place(database: Database) -> None:
    async with database.tx() as tx:
        await feed.place(tx)


async def follow(client: httpx.AsyncClient, header: dict[str, str], **asked: Any) -> list[dict[str, Any]]:
    """Everything from the beginning, as a poller reads it."""
    after = 0
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(URL, params=dict(asked, after=after), headers=header)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        found += told["items"]
        if told["next"] == after:
            return found
        after = told["next"]


async def lives(database: Database) -> None:
    """A dossier of Viettel under review, one of VNPT just filed."""
    async with database.tx() as tx:
        mine = await world.filed(tx, AN)
        await world.filed(tx, BINH)
        dossier = await queries.application(tx, mine.id, actor=LAN, lock=True)
        await commands.accept(tx, LAN, dossier, settings=world.settings(), now=NOW)
        dossier = await queries.application(tx, mine.id, actor=MINH, lock=True)
        await commands.give_opinion(
            tx, MINH, dossier, "transport", Opinion("agree"), settings=world.settings(), now=NOW
        )
    await place(database)


def types(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("permits.").removesuffix(".v1") for event in found]


ALL = ["application.filed", "application.filed", "application.accepted", "opinion.given"]
ONE = ["application.filed", "application.accepted", "opinion.given"]


async def test_each_follows_what_he_may_see(client: httpx.AsyncClient, header: Header, database: RolledBack) -> None:
    await lives(database)
    seen = {who.id: types(await follow(client, header(who), limit=1)) for who in (AN, BINH, HUNG, MINH, HOA, MAI)}
    assert seen == {
        "viettel.an": ONE,
        "vnpt.binh": ["application.filed"],
        "sxd.hung": ALL,
        "sgtvt.minh": ONE,
        "stnmt.hoa": ONE,
        "skhcn.mai": ALL,
    }
    assert {event["data"]["applicant"] for event in await follow(client, header(AN))} == {"VIETTEL"}
    assert (await client.get(URL, params={"after": 0}, headers=header(ADMIN))).status_code == 403


async def test_an_event_tells_no_name_of_another_house(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    await lives(database)
    filed, accepted, _ = await follow(client, header(AN))
    assert set(filed) == {"position", "id", "source", "type", "subject", "time", "actor", "data"}
    assert filed["actor"] == {"org": "VIETTEL", "kind": "person", "id": "viettel.an"}
    assert accepted["actor"] == {"org": "SXD", "kind": "person", "id": None}
    theirs = await follow(client, header(HUNG))
    assert [event["actor"]["id"] for event in theirs] == [None, None, "sxd.lan", "sgtvt.minh"]
    assert "traceparent" not in str(theirs)


async def test_next_goes_on_also_when_nothing_was_found(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    await lives(database)
    an = header(AN)
    assert (await client.get(URL, params={"after": 3}, headers=header(BINH))).json() == {"items": [], "next": 4}
    assert (await client.get(URL, params={"after": 4}, headers=an)).json() == {"items": [], "next": 4}
    assert (await client.get(URL, params={"after": 2**63 - 1}, headers=an)).json()["next"] == 2**63 - 1
    decided: dict[str, Any] = {"after": 0, "type.in": "permits.application.decided.v1"}
    assert (await client.get(URL, params=decided, headers=an)).json() == {"items": [], "next": 4}
    some = await follow(client, an, **{"type.in": "permits.opinion.given.v1,permits.application.filed.v1"})
    assert types(some) == ["application.filed", "opinion.given"]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/query/after"),
        ({"after": -1}, "/query/after"),
        ({"after": 2**63}, "/query/after"),
        ({"after": "1e3"}, "/query/after"),
        ({"after": 0, "limit": 0}, "/query/limit"),
        ({"after": 0, "limit": 501}, "/query/limit"),
        ({"after": 0, "type.in": "permits.application.burnt.v1"}, "/query/type.in/0"),
        ({"after": 0, "cursor": "x"}, "/query/cursor"),
        ({"after": 0, "type": "permits.application.filed.v1"}, "/query/type"),
    ],
)
async def test_what_cannot_be_asked(
    client: httpx.AsyncClient, header: Header, asked: dict[str, Any], pointer: str
) -> None:
    answer = await client.get(URL, params=asked, headers=header(AN))
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_a_question_is_one_statement_over_a_bounded_stretch(
    client: httpx.AsyncClient, header: Header, database: RolledBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("services.permits.queries.events"), "SCANNED", 2)
    await lives(database)
    async with database.said() as said:
        answer = await client.get(URL, params={"after": 1}, headers=header(BINH))
        assert types(answer.json()["items"]) == ["application.filed"]
        assert answer.json()["next"] == 3
    assert len([each for each in said if "outbox" in each]) == len(said) == 1
    assert types(await follow(client, header(AN))) == ONE


def test_the_types_are_those_of_the_contracts() -> None:
    assert {event.type for event in EVENTS if stream_of(event) == "permits"} == set(queries.TYPES)


@asynccontextmanager
async def placing(database: Database) -> AsyncIterator[None]:
    """The worker's own part, as it runs beside the service: its broker is away."""
    worker = Worker(world.settings(database.url), Duties({}))
    (part,) = [work for name, work in worker._parts() if name == "feed"]
    task = asyncio.create_task(part())
    try:
        yield
    finally:
        await end([task])
        await worker._database.close()


async def poll(client: httpx.AsyncClient, header: dict[str, str], enough: Callable[[list[Any]], bool]) -> list[Any]:
    after = 0
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not enough(found):
            told = (await client.get(URL, params={"after": after, "limit": 7}, headers=header)).json()
            found += told["items"]
            after = told["next"]
            await asyncio.sleep(0.01)
    return found


async def test_a_late_committer_with_a_lower_number_is_not_missed(
    live: httpx.AsyncClient, committed: Database, header: Header
) -> None:
    async with placing(committed):
        async with committed.tx() as slow:
            await world.filed(slow, BINH)
            # A filing would wait for the number that the slow one holds.
            await _tell_past(committed)
            first = await poll(live, header(MAI), lambda found: len(found) == 1)
            assert first[0]["position"] == 1
        found = await poll(live, header(MAI), lambda found: len(found) == 2)
    assert [event["position"] for event in found] == [1, 2]
    async with committed.read() as read:
        rows = (await read.execute(sa.text("SELECT seq, position FROM outbox ORDER BY position"))).all()
    assert [row.position for row in rows] == [1, 2]
    assert rows[0].seq > rows[1].seq


async def _tell_past(database: Database) -> None:
    """An event of a dossier that is committed already, while an older number is still open."""
    async with database.tx() as tx:
        id = new_id()
        await tx.execute(
            sa.text(
                "INSERT INTO application (id, procedure_version_id, applicant_org, filed_by, state, version,"
                " received_at, received_on, effective_on, lead_org, lead_function, touched_at, number)"
                " SELECT :id, p.id, 'VIETTEL', 'x', 'received', 1, now(), now(), now(), 'SXD', 'construction', now(),"
                " 'X-1' FROM procedure_version p LIMIT 1"
            ),
            {"id": id},
        )
        await tx.execute(
            sa.text(
                "INSERT INTO outbox (id, subject, envelope, recorded_at) VALUES (:event,"
                " 'permits.application.withdrawn.v1', jsonb_build_object('subject', CAST(:id AS text), 'source',"
                " 'permits', 'time', now(), 'actor', jsonb_build_object('org', 'VIETTEL', 'kind', 'client', 'id', 'x'),"
                " 'data', '{}'::jsonb), now())"
            ),
            {"event": new_id(), "id": str(id)},
        )


async def test_while_eight_write_a_poller_sees_every_event_once_and_in_order(
    live: httpx.AsyncClient, committed: Database, header: Header
) -> None:
    files = {who.id: await send(live, header(who)) for who in (AN, BINH)}
    sent = 40

    async def write(number: int) -> None:
        for step in range(sent // 8):
            who = (AN, BINH)[(number + step) % 2]
            good = body(files[who.id])
            answer = await live.post(FILE_URL, json=good, headers=header(who))
            assert answer.status_code == 201, answer.text

    async with placing(committed):
        everything, mine, *_ = await asyncio.gather(
            poll(live, header(MAI), lambda found: len(found) == sent),
            poll(live, header(AN), lambda found: len(found) == sent // 2),
            *(write(number) for number in range(8)),
        )
    assert [event["position"] for event in everything] == list(range(1, sent + 1))
    assert len({event["id"] for event in everything}) == sent
    assert mine == _as_told_to(everything, "VIETTEL")


def _as_told_to(everything: list[dict[str, Any]], org: str) -> list[dict[str, Any]]:
    """An auditor is told no names of the applicant's people, the applicant's own are."""
    own = [event for event in everything if event["data"]["applicant"] == org]
    return [{**event, "actor": {**event["actor"], "id": AN.id}} for event in own]
