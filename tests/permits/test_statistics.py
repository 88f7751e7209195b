"""Statistics: in time or not, gross and net, by hand; two statements however many dossiers."""

from collections.abc import Callable
from typing import Any

import pytest

from services.permits import jobs
from tests.fixtures.service import RolledBack
from tests.permits.test_filing import send
from tests.permits.test_moves import Dossier, dossier  # noqa: F401
from tests.permits.test_pages import Pages, pages, words  # noqa: F401
from tests.permits.world import AN, HOA, HUNG, LAN, MAI, MINH, local, settings

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/statistics"


async def told(dossier: Dossier, actor: object = MAI, until: str = "2026-12-31") -> Any:  # noqa: F811
    given = {"since": "2026-01-01", "until": until}
    answer = await dossier.client.get(URL, params=given, headers=dossier.header(actor))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def played(dossier: Dossier, database: RolledBack) -> None:  # noqa: F811
    """Received 02/11, paused 04/11 to 09/11, complete 10/11, two in time, one silent on 17/11, decided 24/11 late."""
    dossier.at(local(2026, 11, 2, 9))
    await dossier.file()
    dossier.at(local(2026, 11, 4, 9))
    await dossier.well(LAN, "completeness", {"outcome": "incomplete", "items": [{"code": "drawings"}]})
    dossier.at(local(2026, 11, 9, 9))
    file_id = await send(dossier.client, dossier.header(AN))
    await dossier.well(AN, "supplements", {"parts": [{"code": "drawings", "file": file_id}]})
    dossier.at(local(2026, 11, 10, 9))
    await dossier.well(LAN, "completeness", {"outcome": "complete"})
    dossier.at(local(2026, 11, 12, 9))
    await dossier.well(LAN, "opinions", {"function": "construction", "outcome": "agree"})
    await dossier.well(MINH, "opinions", {"function": "transport", "outcome": "agree"})
    await jobs.pass_deadlines(database, settings(), local(2026, 11, 18, 1))
    dossier.at(local(2026, 11, 23, 9))
    await dossier.well(HUNG, "decision", {"outcome": "no_objection"})


async def test_each_step_by_hand(dossier: Dossier, database: RolledBack) -> None:  # noqa: F811
    await played(dossier, database)
    figures = await told(dossier)
    steps = {(s["function"], s["clock"]): s for s in figures["steps"]}
    decision = steps["construction", "decision"]
    # 21 days from 02/11 to 23/11, five of them paused; due 19/11.
    assert (decision["ended"], decision["on_time"], decision["gross"], decision["net"]) == (1, 0, 21, 16)
    opinion = steps["transport", "consultation"]
    assert (opinion["org"], opinion["on_time"], opinion["silent"], opinion["gross"]) == ("SXD", 1, 0, 2)
    silent = steps["natural_resources", "consultation"]
    assert (silent["org"], silent["on_time"], silent["silent"], silent["gross"]) == ("SNNMT", 0, 1, 7)
    assert figures["months"] == [{"month": "2026-11-01", "decided": 1, "on_time": 0, "gross": 21, "net": 16}]
    assert (await told(dossier, until="2026-11-11"))["months"] == []
    await dossier.file(name="BTS khác")
    await dossier.well(AN, "withdrawal", {})
    assert (await told(dossier))["steps"] == figures["steps"], "what is withdrawn says nothing about the departments"
    for actor, status in ((AN, 403), (HOA, 200), (LAN, 200)):
        given = {"since": "2026-01-01", "until": "2026-12-31"}
        answer = await dossier.client.get(URL, params=given, headers=dossier.header(actor))
        assert answer.status_code == status


async def test_the_page_has_a_table_beside_each_plot(
    dossier: Dossier,  # noqa: F811
    pages: Pages,  # noqa: F811
    database: RolledBack,
) -> None:
    await played(dossier, database)
    page = await pages.get(LAN, "/permits/statistics?since=01/11/2026&until=30/11/2026")
    assert len(page.select("svg[role=img]")) >= 2
    assert len(page.select("table")) == 2
    assert "11/2026" in words(page)
    assert "21,0" in words(page)
    empty = await pages.get(LAN, "/permits/statistics?since=01/01/2024&until=31/01/2024")
    assert len(empty.select(".am-empty")) == 2
