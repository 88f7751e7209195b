"""Who is told what and when: inboxes, letters, digests, reminders, escalation; and who reads which message."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.permits import commands, jobs
from services.permits.commands import Sayer
from services.permits.domain.notices import KINDS, NAMES, WORDS
from services.permits.queries.verify import faults
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.test_moves import Dossier, dossier, duty  # noqa: F401
from tests.permits.test_pages import Pages, filed, pages, words  # noqa: F401
from tests.permits.world import AN, BINH, HOA, HUNG, LAN, MAI, MINH, NOW, TUAN, local, settings

Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1"
PEOPLE = (AN, BINH, HOA, HUNG, LAN, MAI, MINH, TUAN, world.BAO)


@pytest.fixture
async def met(database: RolledBack) -> None:
    async with database.tx() as tx:
        for actor in PEOPLE:
            await commands.meet(tx, actor, now=NOW)


async def told(database: RolledBack, now: datetime = NOW) -> None:
    from kernel import feed

    async with database.tx() as tx:
        await feed.place(tx)
    await jobs.tell_people(database, settings(), now)


async def inbox(client: httpx.AsyncClient, header: Header, actor: object, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{URL}/notices{query}", headers=header(actor))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def kinds(client: httpx.AsyncClient, header: Header, actor: object) -> list[str]:
    return [each["kind"] for each in reversed(await inbox(client, header, actor))]


@pytest.mark.unit
def test_every_kind_has_words_and_a_name_in_both_languages() -> None:
    assert tuple(NAMES) == KINDS
    params = {"number": "HS-1", "function": "transport", "parts": ["drawings"], "due_on": "2026-12-01", "no": 1}
    params |= {"applicant": "A", "reason": "b", "decision": "1/2026", "who": "c", "clock": "decision"}
    params["was"] = "2026-11-30"
    lists = {"function": {"transport": {"vi": "Giao thông", "en": "Transport"}}, "part": {}}
    for kind in WORDS:
        said = [Sayer(locale, lists).notice(kind, params) for locale in ("vi", "en")]
        assert "HS-1" in said[0]
        assert said[0] != said[1]
    assert "01/12/2026" in Sayer("vi", lists).notice("due_soon", params)


@pytest.mark.database
async def test_each_is_told_what_concerns_him_and_once(
    dossier: Dossier,  # noqa: F811
    database: RolledBack,
    header: Header,
    met: None,
) -> None:
    await dossier.accepted()
    for _ in range(2):
        await told(database)
    client = dossier.client
    assert {a.id: await kinds(client, header, a) for a in (AN, BINH, LAN, MINH, HOA, MAI)} == {
        AN.id: ["complete"],
        BINH.id: [],
        LAN.id: ["filed", "asked"],
        MINH.id: ["asked"],
        HOA.id: ["asked"],
        MAI.id: [],
    }
    for actor, function in ((LAN, "construction"), (MINH, "transport"), (HOA, "natural_resources")):
        await dossier.well(actor, "opinions", {"function": function, "outcome": "agree"})
    await told(database)
    assert (await kinds(client, header, HUNG)) == ["filed", "asked", "ready"]
    await dossier.well(HUNG, "decision", {"outcome": "no_objection"})
    await told(database)
    newest = (await inbox(client, header, AN))[0]
    assert (newest["kind"], newest["params"]["decision"]) == ("decided", "1/2026/TBXD-SXD")
    assert len(await inbox(client, header, AN, "?unread=true")) == 2
    done = await client.post(f"{URL}/notices:read", json={"ids": [newest["id"]]}, headers=header(AN))
    assert done.json() == {"read": 1}
    # Nobody reads or marks what another was told.
    other = await client.post(f"{URL}/notices:read", json={"ids": [newest["id"]]}, headers=header(BINH))
    assert other.json() == {"read": 0}
    assert len(await inbox(client, header, AN, "?unread=true")) == 1


@pytest.mark.database
async def test_whoever_goes_on_with_a_draft_is_told(
    dossier: Dossier,  # noqa: F811
    header: Header,
    met: None,
) -> None:
    await duty(dossier, "two_persons")
    await dossier.accepted()
    said = {"function": "transport", "outcome": "agree"}
    await dossier.well(MINH, "opinion-drafts", said)
    await dossier.well(MINH, "opinion-submissions", {"function": "transport"})
    assert await kinds(dossier.client, header, TUAN) == ["handed_in"]
    returned = {"function": "transport", "outcome": "returned", "reason": "Thiếu căn cứ"}
    await dossier.well(TUAN, "opinion-checks", returned)
    (back,) = await inbox(dossier.client, header, MINH)
    assert (back["kind"], back["params"]["reason"]) == ("returned", "Thiếu căn cứ")


@pytest.mark.database
async def test_reminders_before_and_the_head_after_each_once_a_due_day(
    dossier: Dossier,  # noqa: F811
    database: RolledBack,
    header: Header,
    met: None,
) -> None:
    await dossier.accepted()
    await dossier.well(MINH, "claim")

    async def visit(*day: int) -> int:
        return await jobs.remind_people(database, settings(), local(*day))

    # Opinions are due on 01/12, the decision on 08/12; 24/11 is a holiday.
    assert await visit(2026, 11, 26, 9) == 0
    assert await visit(2026, 11, 27, 9) == 3
    assert await visit(2026, 11, 27, 9, 1) == 0
    (minh,) = await inbox(dossier.client, header, MINH)
    assert (minh["kind"], minh["params"]["due_on"], minh["params"]["clock"]) == (
        "due_soon",
        "2026-12-01",
        "consultation",
    )
    # It is Minh's: his colleagues are left alone; nobody has taken the one on land.
    assert await kinds(dossier.client, header, TUAN) == []
    assert await kinds(dossier.client, header, HOA) == ["due_soon"]
    await jobs.pass_deadlines(database, settings(), local(2026, 12, 2, 1))
    await told(database, local(2026, 12, 2, 1))
    assert "silent" in await kinds(dossier.client, header, TUAN)
    assert "silent" not in await kinds(dossier.client, header, MINH)
    assert await visit(2026, 12, 7, 9) == 1
    assert await visit(2026, 12, 8, 23) == 0
    assert await visit(2026, 12, 9, 1) == 1
    assert await visit(2026, 12, 9, 2) == 0
    assert (await kinds(dossier.client, header, HUNG))[-1] == "overdue"
    assert "overdue" not in await kinds(dossier.client, header, LAN)
    assert await faults(database) == []


@pytest.mark.database
async def test_mail_at_once_or_once_a_day_or_not_at_all(
    dossier: Dossier,  # noqa: F811
    database: RolledBack,
    header: Header,
    met: None,
) -> None:
    async def prefer(actor: object, **more: Any) -> httpx.Response:
        said = {"email": f"{actor.id}@hatang.example", "mail": "at_once", **more}  # type: ignore[attr-defined]
        return await dossier.client.post(f"{URL}/notices/preference", json=said, headers=header(actor))

    for more, pointer in (
        ({"email": "root@localhost"}, "/email"),
        ({"email": None}, "/email"),
        ({"quiet": ["overdue"]}, "/quiet/0"),
        ({"quiet": ["poetry"]}, "/quiet/0"),
    ):
        assert [e["pointer"] for e in (await prefer(LAN, **more)).json()["errors"]] == [pointer]
    await prefer(LAN)
    await prefer(MINH, mail="digest")
    await prefer(HOA, quiet=["asked"])
    await dossier.accepted()
    await told(database)

    async def mails() -> list[tuple[str, str]]:
        async with database.read() as read:
            rows = await read.execute(sa.text("SELECT address, subject FROM mail ORDER BY recorded_at, id"))
            return [tuple(row) for row in rows]

    first = await mails()
    assert [address for address, _ in first] == ["sxd.lan@hatang.example"] * 2
    assert "HS-2026-00001" in first[0][1]
    assert await kinds(dossier.client, header, HOA) == []
    assert await jobs.send_digests(database, settings(), local(2026, 11, 23, 6, 59)) == 0
    assert await jobs.send_digests(database, settings(), local(2026, 11, 23, 7)) == 1
    assert await jobs.send_digests(database, settings(), local(2026, 11, 23, 8)) == 0
    assert ("sgtvt.minh@hatang.example", "1 thông báo ngày 23/11/2026") in await mails()
    kept = await dossier.client.get(f"{URL}/notices/preference", headers=header(HOA))
    assert kept.json() == {"email": "stnmt.hoa@hatang.example", "mail": "at_once", "quiet": ["asked"], "version": 1}


@pytest.mark.database
async def test_many_are_claimed_and_given_each_by_itself(
    dossier: Dossier,  # noqa: F811
    header: Header,
    met: None,
) -> None:
    await dossier.accepted()
    first = dossier.id
    await dossier.accepted(name="BTS An Xuyên 2")
    client, gone = dossier.client, "01999999-0000-7000-8000-000000000000"

    async def post(actor: object, what: str, **given: Any) -> httpx.Response:
        return await client.post(f"{URL}/queue:{what}", json=given, headers=header(actor))

    both = [{"id": first, "version": 2}, {"id": gone}, {"id": dossier.id, "version": 1}]
    answer = await post(MINH, "claim", items=both)
    assert (answer.json()["done"], answer.json()["refused"]) == (1, 2)
    assert [one["status"] for one in answer.json()["items"]] == [200, 404, 412]
    assert (await post(MINH, "assign", items=both[:1], to=TUAN.id)).status_code == 403
    own = [{"id": first}, {"id": dossier.id}]
    for to in ("nobody", HOA.id, HUNG.id):
        told = (await post(TUAN, "assign", items=own, to=to)).json()["items"]
        assert [one["problem"]["code"] for one in told] == ["AssigneeUnfit"] * 2, to
    # Over whoever had it: the head gives what Minh had taken to Bao, who is told.
    assert (await post(TUAN, "assign", items=own, to=world.BAO.id)).json()["done"] == 2
    found = await client.get(f"{URL}/queue?tab=mine", headers=header(world.BAO))
    assert {row["id"] for row in found.json()["items"]} == {first, dossier.id}
    assert await kinds(client, header, world.BAO) == ["assigned", "assigned"]
    assert (await post(world.BAO, "claim", items=own, act="hand_back")).json()["done"] == 2
    await dossier.well(AN, "withdrawal", {})
    last = (await post(TUAN, "assign", items=own, to=world.BAO.id)).json()
    assert [one["status"] for one in last["items"]] == [200, 409]


@pytest.mark.database
async def test_the_queue_says_what_it_could_not_give(pages: Pages, met: None) -> None:  # noqa: F811
    at = await filed(pages)
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    page = await pages.get(TUAN, "/permits/queue")
    assert {each["value"] for each in page.select("select[name=to] option")} >= {MINH.id, TUAN.id, world.BAO.id}
    assert not (await pages.get(MINH, "/permits/queue")).select("select[name=to]")
    given = {"id": at.rsplit("/", 1)[-1], "act": "assign", "to": "nobody", "back": "/permits/queue"}
    answer = await pages.post(TUAN, "/permits/queue", given)
    assert answer.status_code == 200
    assert "HS-2026-00001" in answer.text
    await pages.done(TUAN, "/permits/queue", {**given, "to": MINH.id})
    assert len((await pages.get(MINH, "/permits/queue?tab=mine")).select("tbody tr")) == 1


@pytest.mark.database
async def test_notes_stay_inside_and_messages_reach_the_other_side(
    dossier: Dossier,  # noqa: F811
    header: Header,
    met: None,
) -> None:
    await dossier.accepted()
    url = f"{URL}/applications/{dossier.id}/messages"

    async def write(actor: object, audience: str, body: str = "Xem lại móng") -> tuple[int, str]:
        answer = await dossier.client.post(url, json={"audience": audience, "body": body}, headers=header(actor))
        return answer.status_code, answer.json().get("code", "")

    assert await write(MINH, "department", "nội bộ") == (201, "")
    assert await write(HOA, "officers", "cho các cơ quan") == (201, "")
    assert await write(LAN, "applicant", "gửi chủ đầu tư") == (201, "")
    assert await write(AN, "applicant", "trả lời") == (201, "")
    assert await write(AN, "officers") == (422, "MessageFaulty")
    assert await write(LAN, "applicant", "  ") == (422, "MessageFaulty")
    assert await write(MAI, "officers") == (403, "Forbidden")
    assert await write(BINH, "applicant") == (404, "ApplicationNotFound")

    async def read(actor: object) -> list[str]:
        answer = await dossier.client.get(url, headers=header(actor))
        return [each["body"] for each in answer.json()["items"]][::-1]

    public = ["gửi chủ đầu tư", "trả lời"]
    assert await read(AN) == public
    assert await read(HUNG) == ["nội bộ", "cho các cơ quan", *public]
    assert await read(HOA) == ["cho các cơ quan", *public]
    assert await read(MAI) == ["cho các cơ quan", *public]
    assert await kinds(dossier.client, header, AN) == ["message"]
    assert await kinds(dossier.client, header, MINH) == ["message"]
    assert (await dossier.read())["version"] == 2


@pytest.mark.database
async def test_the_pages_of_notices_and_messages(pages: Pages, database: RolledBack, met: None) -> None:  # noqa: F811
    assert "Chưa có gì mới" in words(await pages.get(LAN, "/permits/notices"))
    at = await filed(pages)
    await told(database)
    page = await pages.get(LAN, "/permits/notices")
    assert "Tổ chức VIETTEL đã nộp HS-2026-00001" in words(page) or "VIETTEL đã nộp HS-2026-00001" in words(page)
    assert page.select_one('nav a[href="/permits/notices"]').get_text(strip=True).endswith("1")  # type: ignore[union-attr]
    ticked = page.find("input", {"name": "id"})["value"]  # type: ignore[index]
    await pages.done(LAN, "/permits/notices", {"id": ticked})
    assert not (await pages.get(LAN, "/permits/notices")).select("tbody tr")
    assert len((await pages.get(LAN, "/permits/notices?tab=all")).select("tbody tr")) == 1
    form = await pages.get(LAN, "/permits/notices/preference")
    assert form.find("input", {"name": "told", "value": "filed"}).has_attr("checked")  # type: ignore[union-attr]
    wrong = await pages.wrong(LAN, "/permits/notices/preference", {"mail": "at_once", "email": ""})
    assert [a["href"] for a in wrong.select(".am-errs a")] == ["#f-email"]
    said = {"mail": "digest", "email": "lan@hatang.example", "told": ["asked"]}
    await pages.done(LAN, "/permits/notices/preference", said)
    form = await pages.get(LAN, "/permits/notices/preference")
    assert not form.find("input", {"name": "told", "value": "filed"}).has_attr("checked")  # type: ignore[union-attr]
    await pages.done(LAN, f"{at}/messages", {"audience": "department", "body": "Móng <b>nông"})
    await pages.done(LAN, f"{at}/messages", {"audience": "applicant", "body": "Làm rõ móng"})
    card = words((await pages.get(HUNG, at)).find(id="messages"))
    assert "Móng <b>nông" in card
    assert "Trong cơ quan" in card
    seen = words((await pages.get(AN, at)).find(id="messages"))
    assert "Làm rõ móng" in seen
    assert "nông" not in seen
    # Whoever opens a page is known from then on.
    async with database.read() as read:
        known = await read.execute(sa.text("SELECT count(*) FROM person WHERE id = 'viettel.an'"))
        assert known.scalar_one() == 1
