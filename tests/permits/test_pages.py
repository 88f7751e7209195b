"""The pages: a dossier from the filing form to the notice of completion, and what happens when something is wrong."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest
from bs4 import BeautifulSoup

from contracts.registry import MastsNear, NearMast, NearMasts
from kernel.bus import Bus
from kernel.web.forms import form_token
from tests.fixtures.servers import OpenBroker
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, BINH, HOA, HUNG, LAN, MAI, MINH, TUAN, local

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
HOME = "/permits/applications"


class Pages:
    """A browser without a browser: reads pages, fills their forms, follows the redirect."""

    def __init__(self, client: httpx.AsyncClient, header: Header) -> None:
        self.client, self.header = client, header
        self.now = world.NOW

    def at(self, *parts: int) -> None:
        self.now = local(*parts)
        self.client.app.state.clock = lambda: self.now  # type: ignore[attr-defined]
        self.client.app.state.frame.clock = lambda: self.now  # type: ignore[attr-defined]

    async def get(self, actor: Any, path: str, status: int = 200) -> BeautifulSoup:
        answer = await self.client.get(path, headers=self.header(actor, Accept="text/html"))
        assert answer.status_code == status, answer.text[:2000]
        return BeautifulSoup(answer.text, "html.parser")

    async def post(self, actor: Any, path: str, fields: dict[str, Any], files: Any = None) -> httpx.Response:
        token = form_token("tests", f"session-{actor.id}", date(self.now.year, self.now.month, self.now.day))
        return await self.client.post(
            path, data={"_csrf": token, **fields}, files=files, headers=self.header(actor, Accept="text/html")
        )

    async def done(self, actor: Any, path: str, fields: dict[str, Any], files: Any = None) -> str:
        answer = await self.post(actor, path, fields, files)
        assert answer.status_code == 303, answer.text[:3000]
        return str(answer.headers["location"]).split("?")[0]

    async def wrong(self, actor: Any, path: str, fields: dict[str, Any], files: Any = None) -> BeautifulSoup:
        answer = await self.post(actor, path, fields, files)
        assert answer.status_code == 422, answer.text[:2000]
        return BeautifulSoup(answer.text, "html.parser")


@pytest.fixture
def pages(client: httpx.AsyncClient, header: Header) -> Pages:
    made = Pages(client, header)
    made.at(2026, 11, 23, 9)
    return made


FIELDS = {
    "once": "o-1",
    "sites-0-name": "BTS An Xuyên 1",
    "sites-0-code": "ND163/A1",
    "sites-0-height_m": "45,5",
    "sites-0-capacity": "3",
    "sites-0-facts-foundation": "ground",
    "sites-0-commune": "32002@2025",
    "sites-0-lat": "9,17342",
    "sites-0-lon": "105,15031",
}


def attached(*codes: str, content: bytes | None = None) -> dict[str, Any]:
    return {f"parts-{code}": (f"{code}.pdf", content or world.pdf(), "application/pdf") for code in codes}


async def filed(pages: Pages, **more: Any) -> str:
    return await pages.done(AN, f"{HOME}/new", {**FIELDS, **more}, attached("land_paper", "drawings"))


def words(page: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", page.get_text(" ")).replace("\xa0", " ")


async def test_the_whole_life_of_a_dossier_by_its_pages(pages: Pages) -> None:
    form = await pages.get(AN, f"{HOME}/new")
    assert "Xây dựng 135/2025/QH15" in words(form)
    at = await filed(pages)
    page = await pages.get(AN, at)
    assert "Cột trên mặt đất 45,5 m, phường An Xuyên" in words(page)
    sheet = await pages.get(LAN, f"{at}/completeness")
    assert sheet.find("a", string="drawings.pdf")
    asked = {"outcome": "incomplete", "ask-drawings": "1", "why-drawings": "thiếu mặt cắt móng"}
    await pages.done(LAN, f"{at}/completeness", asked)
    page = await pages.get(AN, at)
    assert "Bổ sung" in words(page.find(class_="am-next"))
    assert "thiếu mặt cắt móng" in words(await pages.get(AN, f"{at}/supplement"))
    pages.at(2026, 11, 25, 10)
    await pages.done(AN, f"{at}/supplement", {}, attached("drawings"))
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    for actor, function in ((LAN, "construction"), (MINH, "transport"), (HOA, "natural_resources")):
        await opinion(pages, actor, at, function)
    page = await pages.get(HUNG, f"{at}/decision")
    assert page.find("textarea", {"name": "conditions-0-text"}).get_text() == "Giữ khoảng lùi 20 m"  # type: ignore[union-attr]
    version = page.find("input", {"name": "version"})["value"]  # type: ignore[index]
    said = {"outcome": "no_objection", "conditions-0-text": "Giữ khoảng lùi 20 m", "version": version}
    confirm = await pages.post(HUNG, f"{at}/decision", {**said, "step": "check"})
    assert "Cột được ghi vào sổ đăng ký" in confirm.text
    await pages.done(HUNG, f"{at}/decision", {**said, "step": "send"})
    assert "1/2026/TBXD-SXD" in words(await pages.get(AN, at))
    for kind, day in (("commencement", "26/11/2026"), ("completion", "20/12/2026")):
        pages.at(2026, 12, 20, 10)
        assert (await pages.get(AN, f"{at}/notice")).find("input", {"name": "kind"})["value"] == kind  # type: ignore[index]
        await pages.done(AN, f"{at}/notice", {"kind": kind, "on": day})
    assert "Đã hoàn thành" in words(await pages.get(AN, at))


async def opinion(pages: Pages, actor: Any, at: str, function: str) -> None:
    page = await pages.get(actor, f"{at}/opinion?function={function}")
    version = page.find("input", {"name": "review_version"})["value"]  # type: ignore[index]
    said = {"function": function, "outcome": "agree", "grounds": "Phù hợp", "review_version": version}
    if function == "transport":
        said |= {"outcome": "conditions", "conditions-0-text": "Giữ khoảng lùi 20 m"}
    confirm = await pages.post(actor, f"{at}/opinion", {**said, "step": "check"})
    assert "Không sửa được nữa" in confirm.text
    kept = BeautifulSoup(confirm.text, "html.parser").find("input", {"name": "grounds"})
    assert kept["value"] == "Phù hợp"  # type: ignore[index]
    again = await pages.post(actor, f"{at}/opinion", {**said, "step": "edit"})
    assert "Phù hợp" in again.text
    await pages.done(actor, f"{at}/opinion", {**said, "step": "send"})


async def test_a_wrong_form_comes_back_with_input_files_and_every_error(
    live: httpx.AsyncClient, header: Header
) -> None:
    pages = Pages(live, header)
    pages.at(2026, 11, 23, 9)
    broken = {
        **FIELDS,
        "sites-0-height_m": "cao",
        "sites-0-lat": "x",
        "sites-0-commune": "",
        "sites-0-capacity": "nhiều",
        "sites-0-zones": "in_urban_area",
        "sites-0-name": "Trạm <b>",
    }
    files = attached("land_paper") | attached("lease", content=b"<html>")
    page = await pages.wrong(AN, f"{HOME}/new", broken, files)
    listed = [a["href"] for a in page.select(".am-errs a")]
    assert set(listed) == {
        "#f-sites-0-height_m",
        "#f-sites-0-lat",
        "#f-sites-0-commune",
        "#f-sites-0-capacity",
        "#f-parts-lease",
        "#f-parts-drawings",
        "#f-sites-0-lon",
    }
    assert page.find("input", {"name": "sites-0-name"})["value"] == "Trạm <b>"  # type: ignore[index]
    assert page.find("input", {"value": "in_urban_area"}).has_attr("checked")  # type: ignore[union-attr]
    assert "Thiếu thành phần Bản vẽ thiết kế." in words(page)
    kept = page.find("input", {"name": "kept-land_paper"})["value"]  # type: ignore[index]
    name = page.find("input", {"name": "name-land_paper"})["value"]  # type: ignore[index]
    assert name == "land_paper.pdf"
    fields = {**FIELDS, "kept-land_paper": kept, "name-land_paper": name}
    at = await pages.done(AN, f"{HOME}/new", fields, attached("drawings"))
    assert "land_paper.pdf" in words(await pages.get(AN, f"{at}?part=land_paper.1"))


async def test_a_form_sent_twice_is_one_dossier(pages: Pages) -> None:
    first = await filed(pages)
    assert await filed(pages) == first
    changed = await pages.post(
        AN, f"{HOME}/new", {**FIELDS, "sites-0-name": "Khác"}, attached("land_paper", "drawings")
    )
    assert changed.status_code == 409
    assert "Biểu mẫu này đã gửi rồi" in changed.text
    table = (await pages.get(AN, HOME)).select("tbody tr")
    assert len(table) == 1


async def test_a_post_without_the_pages_token_is_refused(pages: Pages) -> None:
    answer = await pages.client.post(f"{HOME}/new", data=FIELDS, headers=pages.header(AN, Accept="text/html"))
    assert answer.status_code == 403


async def test_the_opinion_form_says_what_is_wrong_and_grows(pages: Pages) -> None:
    at = await filed(pages)
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    said = {"function": "transport", "outcome": "conditions", "review_version": "1", "step": "check"}
    page = await pages.wrong(MINH, f"{at}/opinion", said)
    assert [a["href"] for a in page.select(".am-errs a")] == ["#f-conditions"]
    page = await pages.wrong(
        MINH, f"{at}/opinion", {**said, "conditions-0-text": "x", "conditions-0-due_on": "hôm nào"}
    )
    assert [a["href"] for a in page.select(".am-errs a")] == ["#f-conditions-0-due_on"]
    grown = await pages.post(MINH, f"{at}/opinion", {**said, "conditions-0-text": "x", "step": "add"})
    assert 'name="conditions-1-text"' in grown.text
    stale = await pages.wrong(MINH, f"{at}/opinion", {**said, "outcome": "agree", "review_version": "9"})
    assert "Tải lại" in words(stale) or "thay đổi" in words(stale)


async def test_an_opinion_is_drafted_handed_back_and_signed_by_another(pages: Pages) -> None:
    duty = {
        "org": "SXD",
        "function": "transport",
        "way": "two_persons",
        "valid_from": "23/11/2026",
        "reason": "Quy chế",
    }
    wrong = await pages.wrong(MAI, "/permits/duties", {**duty, "way": "", "valid_from": "mai"})
    assert [a["href"] for a in wrong.select(".am-errs a")] == ["#f-valid_from", "#f-way"]
    await pages.done(MAI, "/permits/duties", duty)
    assert "Soạn và ký do hai người" in words(await pages.get(TUAN, "/permits/duties"))
    assert not (await pages.get(TUAN, "/permits/duties")).select("form [name=way]")
    at = await filed(pages)
    await pages.done(LAN, f"{at}/completeness", {"outcome": "complete"})
    page = await pages.get(MINH, at)
    assert page.select_one(".am-next .btn").get_text(strip=True) == "Soạn ý kiến"  # type: ignore[union-attr]
    at_opinion = f"{at}/opinion?function=transport"

    async def steps(actor: Any) -> tuple[list[str], str]:
        form = await pages.get(actor, at_opinion)
        version = form.find("input", {"name": "review_version"})["value"]  # type: ignore[index]
        named = [each["value"] for each in form.select(".am-actions button")]
        return named, str(version)

    named, version = await steps(MINH)
    assert named == ["submit", "draft"]
    said = {"function": "transport", "outcome": "agree", "grounds": "Ngoài hành lang", "review_version": version}
    await pages.done(MINH, f"{at}/opinion", {**said, "step": "submit"})
    assert await steps(MINH) == (["return"], "3")
    assert await steps(TUAN) == (["sign", "return"], "3")
    back = {"function": "transport", "review_version": "3", "step": "return"}
    assert (await pages.wrong(TUAN, f"{at}/opinion", back)).select_one("#e-reason")
    await pages.done(TUAN, f"{at}/opinion", {**back, "reason": "Nêu rõ căn cứ"})
    form = await pages.get(MINH, at_opinion)
    assert "Nêu rõ căn cứ" in words(form)
    assert form.find("textarea", {"name": "grounds"}).get_text() == "Ngoài hành lang"  # type: ignore[union-attr]
    await pages.done(MINH, f"{at}/opinion", {**said, "review_version": "4", "step": "submit"})
    assert "Ký ý kiến" in words((await pages.get(TUAN, at)).find(class_="am-next"))
    await pages.done(TUAN, f"{at}/opinion", {"function": "transport", "review_version": "6", "step": "sign"})
    assert "Ngoài hành lang" in words((await pages.get(AN, at)).find(id="opinions"))


async def test_completeness_needs_an_item_to_ask_for(pages: Pages) -> None:
    at = await filed(pages)
    page = await pages.wrong(LAN, f"{at}/completeness", {"outcome": "incomplete"})
    assert page.select(".am-errs li")


async def test_the_buttons_are_those_the_commands_allow(pages: Pages) -> None:
    at = await filed(pages)
    seen = {}
    for actor in (AN, LAN, HUNG, MAI):
        page = await pages.get(actor, at)
        button = page.select_one(".am-next .btn")
        seen[actor.id] = (
            button["href"].rsplit("/", 1)[-1] if button else None,
            bool(page.select(".btn-outline-danger")),
        )
    assert seen == {
        "viettel.an": (None, True),
        "sxd.lan": ("completeness", False),
        "sxd.hung": ("completeness", False),
        "skhcn.mai": (None, False),
    }
    for actor, path, status in (
        (BINH, at, 404),
        (BINH, f"{at}/withdrawal", 404),
        (AN, f"{at}/decision", 403),
        (MAI, f"{at}/decision", 403),
        (AN, f"{at}/notice", 409),
        (AN, f"{at}/supplement", 409),
    ):
        await pages.get(actor, path, status)


async def test_withdrawing_asks_before_it_ends(pages: Pages) -> None:
    at = await filed(pages)
    assert "HS-2026-00001" in words(await pages.get(AN, f"{at}/withdrawal"))
    await pages.done(AN, f"{at}/withdrawal", {"reason": "đổi vị trí"})
    await pages.get(AN, f"{at}/withdrawal", 409)


async def test_claiming_from_the_queue_and_handing_back(pages: Pages) -> None:
    at = await filed(pages)
    number = at.rsplit("/", 1)[-1]
    queue = await pages.get(LAN, "/permits/queue?tab=unassigned")
    assert [row.find(class_="k").get_text(strip=True) for row in queue.select("tbody tr")] == ["HS-2026-00001"]
    await pages.done(LAN, "/permits/queue", {"id": number, "act": "claim", "back": "/permits/queue"})
    assert len((await pages.get(LAN, "/permits/queue?tab=mine")).select("tbody tr")) == 1
    await pages.done(LAN, "/permits/queue", {"id": number, "act": "back", "back": "//elsewhere"})
    assert (await pages.get(LAN, "/permits/queue?tab=mine")).select_one(".am-empty")
    await pages.get(AN, "/permits/queue", 403)


async def test_the_lists_page_forwards_and_back(pages: Pages, database: RolledBack) -> None:
    async with database.tx() as tx:
        for minute in range(35):
            await world.filed(tx, now=local(2026, 11, 20, 9, minute))
    for path, actor in (("/permits/queue", LAN), (HOME, AN)):
        first = await pages.get(actor, path)
        numbers = [row.find(class_="k").get_text(strip=True) for row in first.select("tbody tr")]
        assert len(numbers) == 30
        onward = first.select_one("a[rel=next]")["href"]
        second = await pages.get(actor, f"{path}{onward}")
        assert len(second.select("tbody tr")) == 5
        assert not second.select("a[rel=next]")
        back = await pages.get(actor, f"{path}{second.select_one('a[rel=prev]')['href']}")
        assert [row.find(class_="k").get_text(strip=True) for row in back.select("tbody tr")] == numbers
        assert not back.select("a[rel=prev]")


async def test_the_home_card_says_what_to_do(pages: Pages) -> None:
    assert "Không có việc" in words(await pages.get(LAN, "/permits/home-card"))
    at = await filed(pages)
    officer = await pages.get(LAN, "/permits/home-card")
    assert officer.select_one(".am-todo .btn")["href"] == f"{at}/completeness"
    assert not (await pages.get(MINH, "/permits/home-card")).select(".am-todo")
    await pages.done(LAN, f"{at}/completeness", {"outcome": "incomplete", "ask-drawings": "1"})
    applicant = await pages.get(AN, "/permits/home-card")
    assert applicant.select_one(".am-todo .btn")["href"] == f"{at}/supplement"
    answer = await pages.client.get("/permits/home-card", headers=pages.header(world.ADMIN))
    assert (answer.status_code, answer.text) == (200, "")


async def test_the_page_says_so_when_the_registry_is_away(pages: Pages) -> None:
    at = await filed(pages)
    assert "Sổ đăng ký không trả lời" in words(await pages.get(LAN, at))


async def test_english_by_a_switch(pages: Pages) -> None:
    at = await filed(pages)
    page = await pages.get(LAN, f"{at}?lang=en")
    assert "Check the parts until 27 Nov 2026" in words(page)
    assert "Mast on the ground 45.5 m" in words(page)


async def test_the_masts_around_stand_in_the_page_when_the_registry_answers(
    pages: Pages, nats_server: OpenBroker
) -> None:
    prefix = f"t{uuid4().hex[:8]}."
    ours = Bus(world.settings(nats_url=nats_server.url("permits"), stream_prefix=prefix))
    theirs = Bus(world.settings(nats_url=nats_server.url("permits"), stream_prefix=prefix))
    for bus in (ours, theirs):
        await bus.connect(wait=True)

    async def near(_: Any, question: MastsNear) -> NearMasts:
        mast = NearMast(
            id=uuid4(),
            public_no="CM-M-000042-1",
            owner="VNPT",
            status="in_service",
            height_m=Decimal(42),
            capacity=3,
            lon=question.lon,
            lat=question.lat + 0.003,
            distance_m=333.4,
        )
        return NearMasts(items=[mast])

    await theirs.answer(MastsNear, None, near)  # type: ignore[arg-type]
    pages.client.app.state.bus = ours  # type: ignore[attr-defined]
    try:
        page = await pages.get(LAN, await filed(pages))
    finally:
        for bus in (ours, theirs):
            await bus.close()
    row = page.select_one("tr[data-point]")
    assert row is not None
    assert "CM-M-000042-1" in words(row)
    assert "333" in words(row)


async def test_the_home_card_says_how_the_readers_organisation_is_called(pages: Pages) -> None:
    for actor in (AN, LAN, world.ADMIN):
        answer = await pages.client.get("/permits/home-card", headers=pages.header(actor))
        assert unquote(answer.headers["x-org-name"]) == f"Tổ chức {actor.org}"
