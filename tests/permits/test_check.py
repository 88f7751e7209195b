"""Asking before filing says what filing does, whatever the dossier; filing many at once is filing each."""

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from kernel.db import Database
from services.permits.queries.verify import faults
from tests.fixtures.service import RolledBack
from tests.permits.test_filing import body, send
from tests.permits.world import AN, BINH, HUNG, LAN, local

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/applications"
PARTS = ("application_form", "land_paper", "drawings", "lease", "structure_check", "height_consent", "poem")
ARRIVED = ("2026-01-05T16:59:00+07:00", "2025-12-30T09:00:00+07:00", "2031-01-04T09:00:00Z")
# The form belongs to the older procedure alone.
LIKELY = {"poem": 0.05, "application_form": 0.2}
NOTHING = "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"


def one_of(dice: random.Random, usual: Any, *odd: Any) -> Any:
    """Mostly as it should be, so that many dossiers have few faults and some have none."""
    return usual if dice.random() < 0.95 else dice.choice(odd)


def site(dice: random.Random) -> dict[str, Any]:
    facts = {
        "foundation": one_of(dice, "ground", "roof", "sky", True),
        "in_obstacle_surface": one_of(dice, False, True, "no"),
        "moon": 1,
    }
    return {
        "kind": one_of(dice, "mast", "pole"),
        "code": one_of(dice, ["ND163", "A1"], ["ND163", "Z9"], None),
        "height_m": one_of(dice, "45.0", "120.5", "0", "500.01", None),
        "lon": one_of(dice, 105.15, 9.17, 104.0),
        "lat": one_of(dice, 9.17, 80.0),
        "commune": one_of(dice, "32002@2025", "32002@2023", "96@2023", "x"),
        "facts": {name: facts[name] for name in facts if dice.random() < (0.03 if name == "moon" else 0.4)},
    }


def dossier(dice: random.Random, own: str, theirs: str) -> dict[str, Any]:
    codes = [code for code in PARTS if dice.random() < LIKELY.get(code, 0.95)]
    given: dict[str, Any] = {
        "work": one_of(dice, "mast.new", "mast.new", "bridge.new"),
        "sites": [site(dice) for _ in range(one_of(dice, 1, 2, 3))],
        "parts": [{"code": code, "file": one_of(dice, own, own, own, theirs, NOTHING)} for code in codes],
    }
    if dice.random() < 0.3:
        given |= {
            "applicant": one_of(dice, "VIETTEL", "NOBODY", None),
            "received_at": one_of(
                dice, "2026-11-20T16:59:00+07:00", "2025-12-30T09:00:00+07:00", "2031-01-04T09:00:00Z"
            ),
            "received_reason": one_of(dice, "giấy", " ", None),
        }
    return given


async def counted(database: RolledBack) -> list[int]:
    async with database.read() as read:
        return [
            (await read.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in ("application", "audit", "outbox", "number_series", "idempotency", "clock_event")
        ]


@pytest.mark.parametrize("seed", range(10))
async def test_what_is_said_beforehand_is_what_filing_does(
    client: httpx.AsyncClient, header: Header, database: RolledBack, seed: int
) -> None:
    """Faultless exactly when it is received; and then the law, the days, the lead and the agencies are the same."""
    dice = random.Random(seed)
    own, theirs = await send(client, header(AN)), await send(client, header(BINH))
    client.app.state.clock = lambda: local(2026, dice.choice([1, 2, 11, 12]), dice.randint(1, 28), 9)  # type: ignore[attr-defined]
    moment = client.app.state.clock()  # type: ignore[attr-defined]
    client.app.state.clock = lambda: moment  # type: ignore[attr-defined]
    received = 0
    for _ in range(20):
        given = dossier(dice, own, theirs)
        who = header(LAN if "applicant" in given else AN)
        before = await counted(database)
        asked = await client.post(f"{URL}:check", json=given, headers={**who, "Idempotency-Key": ""})
        assert asked.status_code == 200, asked.text
        assert await counted(database) == before
        told = asked.json()
        answer = await client.post(URL, json=given, headers=who)
        assert told["acceptable"] == (told["faults"] == []) == (answer.status_code == 201), (told, answer.text)
        if answer.status_code == 201:
            received += 1
            await same(client, header, told, answer.json())
        elif answer.status_code == 422:
            assert [fault["pointer"] for fault in told["faults"]] == [e["pointer"] for e in answer.json()["errors"]]
        else:
            assert [fault["code"] for fault in told["faults"]] == [answer.json()["code"]]
    assert 0 < received < 20


async def same(client: httpx.AsyncClient, header: Header, told: dict[str, Any], receipt: dict[str, Any]) -> None:
    assert {name: told[name] for name in ("procedure", "received_on", "effective_on", "due_on")} == {
        name: receipt[name] for name in ("procedure", "received_on", "effective_on", "due_on")
    }
    path = f"{URL}/{receipt['id']}"
    filed = (await client.get(path, headers=header(HUNG))).json()
    assert told["lead"] == filed["lead"]
    days = {clock["clock"]: clock["due_on"] for clock in filed["clocks"]}
    assert {clock["clock"]: clock["due_on"] for clock in told["clocks"] if clock["due_on"]} == days
    given = {part["code"] for part in filed["parts"]}
    assert {part["code"] for part in told["parts"] if part["given"]} == given
    assert {part["code"] for part in told["parts"] if part["required"]} <= given
    accepted = await client.post(f"{path}/completeness", json={"outcome": "complete"}, headers=header(LAN))
    assert accepted.status_code == 200, accepted.text
    reviews = (await client.get(path, headers=header(HUNG))).json()["reviews"]
    asked = [(agency["function"], agency["org"]) for agency in told["agencies"] if agency["asked"]]
    assert asked == [(review["function"], review["org"]) for review in reviews]


async def test_the_reasons_are_told(client: httpx.AsyncClient, header: Header) -> None:
    an = header(AN, **{"Accept-Language": "en"})
    given = body(await send(client, header(AN)), ("land_paper",), height_m="120", facts={"foundation": "roof"})
    told = (await client.post(f"{URL}:check", json=given, headers=an)).json()
    assert told["procedure"] == "mast.new.notice@1"
    assert (told["lead"], told["due_on"]) == ("SXD", "2026-11-27")
    missing = {part["code"] for part in told["parts"] if part["required"] and not part["given"]}
    assert missing == {"drawings", "lease", "structure_check", "height_consent"}
    assert {fault["pointer"] for fault in told["faults"]} == {f"/parts/{code}" for code in missing}
    assert all("required" in fault["detail"] for fault in told["faults"])
    defence = next(agency for agency in told["agencies"] if agency["function"] == "defence")
    assert (defence["asked"], defence["org"]) == (True, "BCH")
    assert defence["reasons"][0] == {"fact": "height_m", "op": ">=", "value": 100, "given": "120", "holds": True}
    assert [clock["starts"] for clock in told["clocks"] if clock["due_on"] is None] == ["consulted"]


async def test_where_nothing_governs_that_is_the_fault(
    client: httpx.AsyncClient, header: Header, database: RolledBack
) -> None:
    given = body(await send(client, header(AN)))
    told = (await client.post(f"{URL}:check", json={**given, "work": "bridge.new"}, headers=header(AN))).json()
    assert (told["acceptable"], told["procedure"], told["lead"]) == (False, None, None)
    assert [(fault["pointer"], fault["code"]) for fault in told["faults"]] == [("/work", "NoProcedure")]
    client.app.state.clock = lambda: local(2090, 1, 5, 9)  # type: ignore[attr-defined]
    late = (await client.post(f"{URL}:check", json=given, headers=header(AN))).json()
    assert [fault["code"] for fault in late["faults"]] == ["CalendarEnds"]
    assert late["procedure"]
    assert late["due_on"] is None


async def test_who_may_not_file_may_not_ask(client: httpx.AsyncClient, header: Header) -> None:
    given = body(await send(client, header(AN)))
    assert (await client.post(f"{URL}:check", json=given, headers=header(HUNG))).status_code == 403
    paper = {**given, "applicant": "VNPT"}
    assert (await client.post(f"{URL}:check", json=paper, headers=header(AN))).json()["code"] == "RegistrarOnly"


async def test_of_many_each_stands_by_itself_and_the_numbers_have_no_gap(
    live: httpx.AsyncClient, header: Header, committed: Database
) -> None:
    file_id = await send(live, header(AN))
    good, bad = body(file_id), body(file_id, ())
    an = header(AN, **{"Idempotency-Key": "batch", "Accept-Language": "en"})
    answer = await live.post(f"{URL}:batch", json={"items": [good, bad, good, bad, good]}, headers=an)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["done"], told["refused"]) == (3, 2)
    assert [item["status"] for item in told["items"]] == [201, 422, 201, 422, 201]
    assert [item["body"]["number"] for item in told["items"] if item["body"]] == [f"HS-2026-{n:05}" for n in (1, 2, 3)]
    assert told["items"][1]["problem"]["code"] == "DossierFaulty"
    assert [fault["pointer"] for fault in told["items"][1]["problem"]["errors"]] == [
        "/parts/land_paper",
        "/parts/drawings",
    ]
    again = await live.post(f"{URL}:batch", json={"items": [good, bad, good, bad, good]}, headers=an)
    assert again.json() == told
    assert again.headers["idempotency-replayed"] == "true"
    assert (await live.post(URL, json=good, headers=header(AN))).json()["number"] == "HS-2026-00004"
    events = (await live.get("/api/permits/v1/events", params={"after": 0}, headers=header(AN))).json()
    assert events == {"items": [], "next": 0}
    assert await faults(committed) == []


async def test_how_many_at_once(client: httpx.AsyncClient, header: Header) -> None:
    given = body(NOTHING)
    for count, status in ((0, 422), (101, 422), (100, 200)):
        answer = await client.post(f"{URL}:batch", json={"items": [given] * count}, headers=header(AN))
        assert answer.status_code == status
    assert answer.json()["refused"] == 100
