"""The clock without a dossier: by API, equal to the real one, refused where the acts cannot be."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits import commands, jobs, queries
from services.permits.domain.application import Opinion, PartDraft, SupplementItem
from services.permits.domain.simulation import Played
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, HOA, LAN, MINH, local, settings

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


def _lives(seed: int) -> list[Played]:
    """A random life of a notice: perhaps a supplement, complete, some answers; on random days and hours."""
    random = Random(seed)
    at, acts = local(2026, 2, 9, 8, 30), []

    def then(act: str, function: str | None = None) -> None:
        nonlocal at
        at += timedelta(hours=random.randint(1, 40))
        acts.append(Played(act, at, function))  # type: ignore[arg-type]

    if random.random() < 0.6:
        then("supplement_requested")
        at += timedelta(days=random.randint(0, 20))
        then("supplemented")
    then("complete")
    for function in random.sample(["construction", "transport", "natural_resources"], random.randint(0, 3)):
        then("answered", function)
    return acts


async def _live(tx: AsyncSession, id: UUID, act: Played) -> None:
    """The same act by the command of the real dossier."""
    officers = {"construction": LAN, "transport": MINH, "natural_resources": HOA}
    actor = AN if act.act == "supplemented" else officers.get(act.function or "", LAN)
    dossier = await queries.application(tx, id, actor=actor, lock=True)
    how = {"settings": settings(), "now": act.at}
    if act.act == "supplement_requested":
        await commands.request_supplement(tx, LAN, dossier, [SupplementItem("drawings", "thiếu")], **how)
    elif act.act == "supplemented":
        part = [PartDraft("drawings", await world.stored(tx, AN))]
        await commands.supplement(tx, AN, dossier, part, **how)
    elif act.act == "complete":
        await commands.accept(tx, LAN, dossier, **how)
    else:
        await commands.give_opinion(tx, actor, dossier, str(act.function), Opinion("agree"), **how)


@pytest.mark.parametrize("seed", range(12))
async def test_any_life_has_the_same_days_in_the_simulation(database: RolledBack, seed: int):
    acts = _lives(seed)
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
    for act in acts:
        # The worker visits in between: silence takes effect in the real life too.
        await jobs.pass_deadlines(database, settings(), act.at)
        async with database.tx() as tx:
            await _live(tx, receipt.id, act)
    async with database.tx() as tx:
        real = (await queries.detail(tx, receipt.id, actor=LAN))["clocks"]
        played = await queries.simulated(
            tx, "mast.new.notice@1", local(2026, 2, 9, 8, 30), acts, area=world.AREA,
            functions=["construction", "transport", "natural_resources"],
        )  # fmt: skip
    told = {(clock["clock"], clock["function"]): (clock["state"], clock["due_on"]) for clock in real}
    said = {(clock.clock, clock.function): (clock.state, _shown(clock.state, clock.due_on)) for clock in played.clocks}
    assert said == told


def _shown(state: str, due_on: date | None) -> str | None:
    return due_on.isoformat() if due_on is not None and state != "paused" else None
