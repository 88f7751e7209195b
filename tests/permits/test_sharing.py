"""Sharing first: the masts around are told, each is answered for; while sharing is away nothing is lost."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.sharing import MastsToShare, ShareableMast, ShareableMasts
from kernel.bus import Bus
from services.permits import jobs
from tests.fixtures.servers import OpenBroker
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_filing import body, send
from tests.permits.test_moves import Dossier, dossier  # noqa: F401
from tests.permits.test_pages import FIELDS, HOME, Pages, attached, pages, words  # noqa: F401
from tests.permits.world import AN, BINH, HUNG, LAN, NOW

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/applications"
FIRST, SECOND = UUID("0199f2a0-0000-7000-8000-000000000001"), UUID("0199f2a0-0000-7000-8000-000000000002")


def mast(id: UUID, **more: Any) -> ShareableMast:
    given = {"public_no": f"CM-M-{str(id)[-1]}", "owner": "VNPT", "lon": 105.15, "lat": 9.17, "distance_m": 333.4}
    known = {"height_m": Decimal(42), "capacity": 3, "used": 1, "free": 2}
    return ShareableMast(id=id, **{**given, **known, **more})


@asynccontextmanager
async def sharing(nats_server: OpenBroker, *masts: ShareableMast) -> AsyncIterator[tuple[Bus, list[MastsToShare]]]:
    """A sharing service that answers with these, and what it was asked."""
    prefix, asked = f"t{uuid4().hex[:8]}.", []
    ours, theirs = (Bus(world.settings(nats_url=nats_server.url("permits"), stream_prefix=prefix)) for _ in range(2))
    for bus in (ours, theirs):
        await bus.connect(wait=True)

    async def answer(_: Any, question: MastsToShare) -> ShareableMasts:
        asked.append(question)
        return ShareableMasts(items=list(masts))

    await theirs.answer(MastsToShare, None, answer)  # type: ignore[arg-type]
    try:
        yield ours, asked
    finally:
        for bus in (ours, theirs):
            await bus.close()


async def test_filed_while_sharing_is_away_asked_later_and_answered(
    dossier: Dossier,  # noqa: F811
    database: RolledBack,
    nats_server: OpenBroker,
) -> None:
    await dossier.file()
    assert (await dossier.read())["sharing"] == {"asked_at": None, "radius_m": 500, "options": []}
    away = Bus(world.settings())
    assert await jobs.ask_sharing(database, away, NOW) == 0
    async with sharing(nats_server, mast(FIRST), mast(SECOND, distance_m=400, free=None)) as (bus, asked):
        assert await jobs.ask_sharing(database, bus, NOW) == 1
        assert await jobs.ask_sharing(database, bus, NOW) == 0
    assert [(q.org, q.lon, q.radius_m) for q in asked] == [("VIETTEL", 105.15, 500.0)]
    told = (await dossier.read(HUNG))["sharing"]
    assert [(o["public_no"], o["distance_m"], o["free"], o["reason"]) for o in told["options"]] == [
        ("CM-M-1", 333.4, 2, None),
        ("CM-M-2", 400.0, None, None),
    ]

    def answers(*said: tuple[UUID, str, str]) -> dict[str, Any]:
        return {"answers": [{"structure": str(id), "reason": reason, "words": told} for id, reason, told in said]}

    for given, pointer in (
        (answers((FIRST, "laziness", "")), "/answers/0/reason"),
        (answers((FIRST, "other", " ")), "/answers/0/words"),
        (answers((uuid4(), "too_low", "")), "/answers/0/structure"),
    ):
        wrong = await dossier.act(AN, "share-answers", given)
        assert [e["pointer"] for e in wrong.json()["errors"]] == [pointer]
    assert await dossier.refused(LAN, "share-answers", answers((FIRST, "too_low", ""))) == (403, "Forbidden")
    assert await dossier.refused(BINH, "share-answers", answers((FIRST, "too_low", ""))) == (404, "ApplicationNotFound")
    both = answers((FIRST, "too_low", ""), (SECOND, "owner_refuses", "Công văn 12"))
    await dossier.well(AN, "share-answers", both)
    said = (await dossier.read(LAN))["sharing"]["options"]
    assert [(o["reason"], o["words"]) for o in said] == [("too_low", None), ("owner_refuses", "Công văn 12")]
    await dossier.well(AN, "withdrawal", {})
    assert await dossier.refused(AN, "share-answers", both) == (409, "WrongMove")


async def test_the_dry_run_tells_the_masts_and_the_filing_says_why(
    client: httpx.AsyncClient, header: Header, database: RolledBack, nats_server: OpenBroker
) -> None:
    given = body(await send(client, header(AN)))
    away = await client.post(f"{URL}:check", json=given, headers=header(AN))
    assert (away.json()["acceptable"], away.json()["shareable"]) == (True, None)
    async with sharing(nats_server, mast(FIRST)) as (bus, _):
        client.app.state.bus = bus  # type: ignore[attr-defined]
        told = await client.post(f"{URL}:check", json=given, headers=header(AN))
        assert [(m["site"], m["public_no"]) for m in told.json()["shareable"]] == [(1, "CM-M-1")]
        wrong = {**given, "sharing": [{"structure": str(FIRST), "reason": "other", "site": 2}]}
        refused = await client.post(URL, json=wrong, headers=header(AN))
        assert [e["pointer"] for e in refused.json()["errors"]] == ["/sharing/0/words", "/sharing/0/site"]
        good = {**given, "sharing": [{"structure": str(FIRST), "reason": "too_low"}]}
        filed = await client.post(URL, json=good, headers=header(AN))
        assert filed.status_code == 201, filed.text
        await jobs.ask_sharing(database, bus, NOW)
    read = await client.get(f"{URL}/{filed.json()['id']}", headers=header(LAN))
    (option,) = read.json()["sharing"]["options"]
    assert (option["public_no"], option["reason"], option["free"]) == ("CM-M-1", "too_low", 2)


async def test_the_form_asks_of_each_mast_why_it_is_not_used(
    pages: Pages,  # noqa: F811
    database: RolledBack,
    nats_server: OpenBroker,
) -> None:
    key = f"share-1-{FIRST}"
    async with sharing(nats_server, mast(FIRST)) as (bus, _):
        pages.client.app.state.bus = bus  # type: ignore[attr-defined]
        files = attached("land_paper", "drawings")
        page = await pages.wrong(AN, f"{HOME}/new", FIELDS, files)
        assert [a["href"] for a in page.select(".am-errs a")] == [f"#f-{key}-reason"]
        assert "CM-M-1" in words(page)
        kept = {each["name"]: each["value"] for each in page.select("form input[type=hidden]")}
        del kept["_csrf"]
        page = await pages.wrong(AN, f"{HOME}/new", {**FIELDS, **kept, f"{key}-reason": "other"})
        assert [a["href"] for a in page.select(".am-errs a")] == [f"#f-{key}-words"]
        said = {f"{key}-reason": "other", f"{key}-words": "Chủ cột dời trạm"}
        at = await pages.done(AN, f"{HOME}/new", {**FIELDS, **kept, **said, "once": "o-2"})
        await jobs.ask_sharing(database, bus, NOW)
    card = words((await pages.get(LAN, at)).find(id="sharing"))
    assert "CM-M-1" in card
    assert "Lý do khác : Chủ cột dời trạm" in card or "Lý do khác: Chủ cột dời trạm" in card


async def test_the_applicant_answers_later_by_his_page(
    pages: Pages,  # noqa: F811
    database: RolledBack,
    nats_server: OpenBroker,
) -> None:
    at = await pages.done(AN, f"{HOME}/new", FIELDS, attached("land_paper", "drawings"))
    assert "chưa trả lời" in words((await pages.get(LAN, at)).find(id="sharing"))
    async with sharing(nats_server, mast(FIRST)) as (bus, _):
        await jobs.ask_sharing(database, bus, NOW)
    assert (await pages.get(AN, at)).select_one(".am-next .btn")["href"] == f"{at}/sharing"  # type: ignore[index]
    assert "Chưa trả lời" in words((await pages.get(LAN, at)).find(id="sharing"))
    wrong = await pages.wrong(AN, f"{at}/sharing", {})
    assert wrong.select_one(f"#e-share-1-{FIRST}-reason")
    await pages.done(AN, f"{at}/sharing", {f"share-1-{FIRST}-reason": "too_low"})
    assert "Cột không đủ chiều cao" in words((await pages.get(LAN, at)).find(id="sharing"))
