"""The clock without a dossier: by API, equal to the real one, refused where the acts cannot be."""

from collections.abc import Callable

import httpx
import pytest

from services.permits import commands, queries
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, LAN, local, settings

pytestmark = pytest.mark.database
PATH = "/api/permits/v1/clock:simulate"
Header = Callable[..., dict[str, str]]
TET = {
    "procedure": "mast.new.notice@1",
    "received_at": "2026-02-09T08:30:00+07:00",
    "events": [
        {"act": "supplement_requested", "at": "2026-02-11T16:00:00+07:00"},
        {"act": "supplemented", "at": "2026-02-23T10:00:00+07:00"},
    ],
}


async def test_it_says_the_same_as_a_real_dossier(client: httpx.AsyncClient, database: RolledBack, header: Header):
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
        dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
        await commands.accept(tx, LAN, dossier, settings=settings(), now=local(2026, 2, 11, 9))
        real = {clock["clock"]: clock for clock in (await queries.detail(tx, receipt.id, actor=LAN))["clocks"]}
    body = {**TET, "events": [{"act": "complete", "at": "2026-02-11T09:00:00+07:00"}]}
    said = (await client.post(PATH, json=body, headers=header(AN))).json()
    played = {clock["clock"]: clock for clock in said["clocks"]}
    assert {name: clock["due_on"] for name, clock in played.items()} == {
        name: clock["due_on"] for name, clock in real.items()
    }
    assert said["due_on"] == real["decision"]["due_on"]


async def test_the_trace_names_every_day(client: httpx.AsyncClient, header: Header):
    said = (await client.post(PATH, json=TET, headers=header(AN))).json()
    decision = next(clock for clock in said["clocks"] if clock["clock"] == "decision")
    kinds = {day["day"]: day["kind"] for day in decision["days"]}
    assert kinds["2026-02-09"] == "start"
    assert kinds["2026-02-12"] == "paused"
    assert kinds[said["due_on"]] == "counted"
    assert [each["act"] for each in said["happened"]] == ["received", "supplement_requested", "supplemented"]


def act(what: str, at: str, **more: object) -> dict[str, object]:
    return {"events": [{"act": what, "at": f"{at}+07:00", **more}]}


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"procedure": "no.such@1"}, 404, "NoSuchProcedure", None),
        (act("supplemented", "2026-02-11T16:00:00"), 422, "SimulationFaulty", "/events/0/act"),
        (act("complete", "2026-02-08T16:00:00"), 422, "SimulationFaulty", "/events/0/at"),
        (act("extend", "2026-02-10T16:00:00", days=3), 422, "SimulationFaulty", "/events/0/act"),
        ({"received_at": "2031-02-09T08:30:00+07:00", "events": []}, 409, "CalendarEnds", None),
        (act("dance", "2026-02-11T16:00:00"), 422, "MalformedRequest", "/events/0/act"),
    ],
)
async def test_what_cannot_be_is_refused(
    client: httpx.AsyncClient, header: Header, changes: dict, status: int, code: str, pointer: str | None
):
    answer = await client.post(PATH, json={**TET, **changes}, headers=header(AN))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_answer_of_a_function_that_is_not_asked_is_refused(client: httpx.AsyncClient, header: Header):
    acts = [
        {"act": "complete", "at": "2026-02-10T09:00:00+07:00"},
        {"act": "answered", "at": "2026-02-10T10:00:00+07:00", "function": "telecom"},
    ]
    answer = await client.post(PATH, json={**TET, "events": acts}, headers=header(AN))
    assert answer.json()["errors"][0]["pointer"] == "/events/1/function"
