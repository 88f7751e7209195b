"""Real commits on a database of the test's own: two at once, and what they leave behind."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from kernel.db import Database
from services.permits.queries.verify import faults
from tests.permits.test_filing import body, send
from tests.permits.world import AN, HUNG, LAN, MINH, TUAN

pytestmark = pytest.mark.database
URL = "/api/permits/v1/applications"
Header = Callable[..., dict[str, str]]


async def together(*requests: Any) -> list[httpx.Response]:
    return list(await asyncio.gather(*requests))


async def test_two_filings_with_one_key_are_one_dossier(live: httpx.AsyncClient, header: Header) -> None:
    given = body(await send(live, header(AN)))
    keyed = header(AN, **{"Idempotency-Key": "same"})
    answers = await together(*(live.post(URL, json=given, headers=keyed) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert len((await live.get(URL, headers=header(AN))).json()["items"]) == 1


async def test_numbers_have_no_gap_under_concurrent_filing_and_refusal(
    live: httpx.AsyncClient, header: Header, committed: Database
) -> None:
    file_id = await send(live, header(AN))
    good, bad = body(file_id), body(file_id, ())
    answers = await together(*(live.post(URL, json=bad if n % 3 == 0 else good, headers=header(AN)) for n in range(24)))
    numbers = sorted(answer.json()["number"] for answer in answers if answer.status_code == 201)
    assert numbers == [f"HS-2026-{no:05}" for no in range(1, 17)]
    assert await faults(committed) == []


async def test_two_opinions_at_once_are_one_opinion(
    live: httpx.AsyncClient, header: Header, committed: Database
) -> None:
    filed = (await live.post(URL, json=body(await send(live, header(AN))), headers=header(AN))).json()
    path = f"{URL}/{filed['id']}"
    await live.post(f"{path}/completeness", json={"outcome": "complete"}, headers=header(LAN))
    given = {"function": "transport", "outcome": "agree"}
    answers = await together(*(live.post(f"{path}/opinions", json=given, headers=header(who)) for who in (MINH, TUAN)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with committed.read() as read:
        count = await read.execute(sa.text("SELECT count(*) FROM outbox WHERE subject = 'permits.opinion.given.v1'"))
        assert count.scalar_one() == 1


async def test_two_decisions_at_once_are_one_number(
    live: httpx.AsyncClient, header: Header, committed: Database
) -> None:
    filed = (await live.post(URL, json=body(await send(live, header(AN))), headers=header(AN))).json()
    path = f"{URL}/{filed['id']}"
    await live.post(f"{path}/completeness", json={"outcome": "complete"}, headers=header(LAN))
    said = {"outcome": "no_objection", "reason": "khẩn cấp"}
    answers = await together(*(live.post(f"{path}/decision", json=said, headers=header(HUNG)) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await faults(committed) == []


async def test_the_application_role_cannot_bend_the_ledger(committed: Database) -> None:
    for table in ("clock_event", "calendar_day", "calendar_version"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET source = 'x'"):
            async with committed.engine.connect() as connection:
                with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|does not exist"):
                    await connection.execute(sa.text(statement))
