"""Pages as a person sees them, with scripts switched off."""

import re
from datetime import date

import httpx
import pytest
from bs4 import BeautifulSoup, Tag

from tests.sharing.conftest import Province

pytestmark = pytest.mark.database
People = dict[str, dict[str, str]]


async def page(client: httpx.AsyncClient, path: str, who: dict[str, str], status: int = 200) -> BeautifulSoup:
    answer = await client.get(path, headers=who)
    assert answer.status_code == status, answer.text[:500]
    return BeautifulSoup(answer.text, "html.parser")


def text(node: BeautifulSoup | Tag | None) -> str:
    assert node is not None
    return re.sub(r"\s+", " ", node.get_text(" ")).strip()


async def send(
    client: httpx.AsyncClient, path: str, who: dict[str, str], form: BeautifulSoup, **fields: str
) -> httpx.Response:
    token = form.select_one("form input[name=_csrf]")
    assert token is not None
    return await client.post(path, data={"_csrf": str(token["value"]), **fields}, headers=who)


async def test_the_board_shows_the_fraction_its_dates_and_what_is_missing(
    client: httpx.AsyncClient, people: People, province: Province
):
    mast = await province.mast()
    for _ in range(7):
        await province.mast("VNPT", commune="32128@2023")
    await province.agree(mast)
    board = await page(client, "/sharing/ratio", people["auditor"])
    assert text(board.h1) == "Tỷ lệ sử dụng chung cột ăng ten"
    assert text(board.select_one(".am-fig")) == "12,50 %"
    assert [text(dd) for dd in board.select(".am-fraction dd")] == ["1", "8"]
    assert board.select_one("[name=as_of]")["value"] == "20/11/2026"  # type: ignore[index]
    assert board.select_one("[name=set] [selected]")["value"] == "CM-2023"  # type: ignore[index]
    assert [text(td) for td in board.select(".am-mini tbody tr.now td")] == ["2 cột", "1 cột"]
    rows = [
        [text(cell) for cell in tr.select("th, td:not(.bar)")] for tr in board.select(".am-bars")[0].select("tbody tr")
    ]
    assert rows == [["VNPT", "0/7", "0,00%", "2"], ["VIETTEL", "1/1", "100,00%", "–"]]
    listed = board.select("#lists tbody tr")
    assert len(listed) == 1
    assert listed[0].a is not None
    assert listed[0].a["href"] == f"/registry/masts/{mast}"
    assert "2 doanh nghiệp" in text(listed[0])


async def test_the_board_looks_back_and_says_so(client: httpx.AsyncClient, people: People, province: Province):
    await province.agree(await province.mast(), since=date(2024, 1, 1))
    then = "/sharing/ratio?as_of=31/12/2023&known_at=30/06/2026&side=denominator"
    board = await page(client, then, people["auditor"])
    assert "Tính đến 31/12/2023, ghi nhận đến 30/06/2026." in text(board)
    assert text(board.select_one(".am-fig")) == "0,00 %"
    assert "Chỉ một doanh nghiệp" in text(board.select_one("#lists"))
    link = board.select_one("#lists tbody a")
    assert link is not None
    assert str(link["href"]).endswith("?as_of=31/12/2023&known_at=30/06/2026")


@pytest.mark.parametrize("query", ["as_of=31/02/2024", "known_at=01/01/2030", "definition=mast.best.9", "set=HN"])
async def test_what_cannot_be_asked_is_said_above_the_present(
    query: str, client: httpx.AsyncClient, people: People, province: Province
):
    await province.mast()
    board = await page(client, f"/sharing/ratio?{query}", people["auditor"])
    assert board.select_one(".am-callout.warn") is not None
    assert text(board.select_one(".am-fig")) == "0,00 %"


async def test_days_to_come_are_shown_to_an_enterprise_of_its_own_structures_only(
    client: httpx.AsyncClient, people: People, province: Province
):
    await province.mast("VIETTEL")
    await province.mast("VNPT")
    for who, query, refused in (
        ("viettel", "", True),
        ("viettel", "&owner=VNPT", True),
        ("viettel", "&owner=VIETTEL", False),
        ("auditor", "", False),
    ):
        board = await page(client, f"/sharing/ratio?as_of=01/01/2030{query}", people[who])
        warning = board.select_one(".am-callout.warn")
        assert (warning is not None and "hãy chọn chủ sở hữu VIETTEL" in text(warning)) == refused, (who, query)
        assert board.select_one("[name=as_of]")["value"] == ("20/11/2026" if refused else "01/01/2030")  # type: ignore[index]


@pytest.mark.parametrize("kind", ["mast", "pole", "duct"])
async def test_an_empty_board_says_no_figures_and_never_zero(kind: str, client: httpx.AsyncClient, people: People):
    board = await page(client, f"/sharing/ratio?kind={kind}", people["viettel"])
    assert text(board.select_one(".am-fig")) == "Không có số liệu"
    assert "0,00%" not in text(board)
    assert "Danh sách trống" in text(board.select_one("#lists"))


async def test_the_trend_stands_in_a_table_without_scripts(
    client: httpx.AsyncClient, people: People, province: Province
):
    await province.mast(since=date(2024, 1, 1))
    board = await page(client, "/sharing/ratio?trend=table", people["auditor"])
    rows = [[text(td) for td in tr.select("td")] for tr in board.select(".am-grid.board .am-table tbody tr")]
    assert rows[0] == ["20/11/2026", "0", "1", "0,00%"]
    assert rows[-1] == ["30/06/2023", "0", "0", "Không có số liệu"]


async def test_cuts_and_lists_follow_the_links(client: httpx.AsyncClient, people: People, province: Province):
    await province.mast("VIETTEL", commune="32128@2023")
    await province.mast("VNPT", commune="32005@2023")
    board = await page(client, "/sharing/ratio?level=commune&side=denominator", people["auditor"])
    (owner, _) = board.select(".am-bars")[0].select("tbody a")
    unit = board.select(".am-bars")[1].select_one("tbody a")
    assert unit is not None
    for link in (str(owner["href"]), str(unit["href"])):
        cut = await page(client, f"/sharing/ratio{link.split('#')[0]}", people["auditor"])
        assert len(cut.select("#lists tbody tr")) == 1
    district = await page(client, "/sharing/ratio?unit=969@2023", people["auditor"])
    assert [text(dd) for dd in district.select(".am-fraction dd")] == ["0", "1"]


async def test_long_lists_go_on(client: httpx.AsyncClient, people: People, province: Province):
    for _ in range(21):
        await province.mast()
    first = await page(client, "/sharing/ratio?side=denominator", people["auditor"])
    following = first.select_one("a[rel=next]")
    assert following is not None
    second = await page(client, f"/sharing/ratio{str(following['href']).split('#')[0]}", people["auditor"])
    assert [text(td) for td in second.select("#lists td.k")] == ["Cột 21"]
    broken = await page(client, "/sharing/ratio?side=denominator&after=zzz", people["auditor"])
    assert len(broken.select("#lists td.k")) == 20


async def test_third_parties_do_not_read_who_the_tenant_is(
    client: httpx.AsyncClient, people: People, province: Province
):
    await province.agree(await province.mast(), "VNPT")
    board = await page(client, "/sharing/ratio", people["mobifone"])
    assert "chỉ các bên được xem" in text(board.select_one("#lists"))
    assert "VNPT" not in text(board.select_one("#lists"))
    own = await page(client, "/sharing/ratio", people["vnpt"])
    assert "VIETTEL, VNPT" in text(own.select_one("#lists"))


async def test_recording_an_agreement_by_page(client: httpx.AsyncClient, people: People, province: Province):
    mast = await province.mast()
    who = people["viettel"]
    found = await page(client, "/sharing/agreements/new?q=cm-m-0000", who)
    choose = found.select_one("tbody a")
    assert choose is not None
    assert choose["href"] == f"/sharing/agreements/new?structure={mast}"
    form = await page(client, str(choose["href"]), who)
    path = "/sharing/agreements/new"
    empty = await send(client, path, who, form, structure=str(mast))
    assert empty.status_code == 422
    shown = BeautifulSoup(empty.text, "html.parser")
    assert {a["href"] for a in shown.select("#errors a")} == {"#f-tenant", "#f-kind", "#f-valid_from"}
    typed = {"structure": str(mast), "tenant": "VIETTEL", "kind": "lease", "valid_from": "01/06/2026", "number": "7/HĐ"}
    same = await send(client, path, who, form, **typed)
    assert same.status_code == 422
    again = BeautifulSoup(same.text, "html.parser")
    assert "cùng một doanh nghiệp" in text(again.select_one("#errors"))
    assert again.select_one("[name=number]")["value"] == "7/HĐ"  # type: ignore[index]
    typed |= {"tenant": "VNPT", "last_day": "31/12/2026"}
    done = await send(client, path, who, form, **typed)
    assert done.status_code == 303
    detail = await page(client, done.headers["location"], who)
    assert "Đã ghi nhận thoả thuận." in text(detail)
    assert "01/06/2026 đến 31/12/2026" in text(detail)
    overlap = await send(client, path, who, form, **typed)
    assert "đã có thoả thuận trên công trình từ ngày 01/06/2026" in text(BeautifulSoup(overlap.text, "html.parser"))


async def test_a_third_party_cannot_record_and_a_form_needs_its_token(
    client: httpx.AsyncClient, people: People, province: Province
):
    mast = await province.mast()
    typed = {"structure": str(mast), "tenant": "VNPT", "kind": "lease", "valid_from": "01/06/2026"}
    bare = await client.post("/sharing/agreements/new", data=typed, headers=people["viettel"])
    assert bare.status_code == 403
    form = await page(client, f"/sharing/agreements/new?structure={mast}", people["mobifone"])
    refused = await send(client, "/sharing/agreements/new", people["mobifone"], form, **typed)
    assert refused.status_code == 422
    assert "Chỉ chủ sở hữu hoặc bên thuê" in refused.text


async def test_ending_an_agreement_asks_first(client: httpx.AsyncClient, people: People, province: Province):
    made = await province.agree(await province.mast(), since=date(2026, 1, 1))
    path = f"/sharing/agreements/{made.id}"
    detail = await page(client, path, people["vnpt"])
    assert detail.select_one(f'a[href="{path}/termination"]') is not None
    assert (await page(client, path, people["auditor"])).select_one(f'a[href="{path}/termination"]') is None
    confirm = await page(client, f"{path}/termination", people["vnpt"])
    wrong = await send(client, f"{path}/termination", people["vnpt"], confirm, last_day="1/1/2020", reason="x")
    assert wrong.status_code == 422
    assert "không có hiệu lực vào ngày 02/01/2020" in wrong.text
    missing = await send(client, f"{path}/termination", people["vnpt"], confirm)
    assert missing.status_code == 422
    done = await send(client, f"{path}/termination", people["vnpt"], confirm, last_day="30/06/2026", reason="Dời trạm")
    assert done.status_code == 303
    after = await page(client, path, people["viettel"])
    assert "01/01/2026 đến 30/06/2026" in text(after)
    assert after.select_one(f'a[href="{path}/termination"]') is None
    hidden = await client.get(path, headers=people["mobifone"])
    assert hidden.status_code == 404


async def test_the_list_of_agreements_is_filtered_and_empty_states_lead_on(
    client: httpx.AsyncClient, people: People, province: Province
):
    empty = await page(client, "/sharing/agreements", people["viettel"])
    assert empty.select_one('.am-empty a[href="/sharing/agreements/new"]') is not None
    await province.agree(await province.mast(), since=date(2026, 1, 1))
    await province.agree(await province.mast(), since=date(2024, 1, 1), until=date(2025, 1, 1))
    listed = await page(client, "/sharing/agreements", people["auditor"])
    assert [text(td) for td in listed.select("td.d")] == ["Đã hết hạn", "Còn hiệu lực"]
    ended = await page(client, "/sharing/agreements?status=ended", people["auditor"])
    assert [text(td) for td in ended.select("td.u")] == ["31/12/2024"]
    assert "khớp bộ lọc" in text(await page(client, "/sharing/agreements?q=nothing", people["auditor"]))


async def test_the_card_of_the_home_page(client: httpx.AsyncClient, people: People, province: Province):
    card = await page(client, "/sharing/home-card", people["reviewer"])
    assert "Không có số liệu" in text(card)
    await province.mast()
    card = await page(client, "/sharing/home-card", people["reviewer"])
    assert card.html is None
    assert "Còn thiếu 1 cột để đạt chỉ tiêu 25%." in text(card)


@pytest.mark.parametrize("path", ["/sharing/ratio", "/sharing/agreements", "/sharing/agreements/new"])
async def test_the_pages_speak_english_too(path: str, client: httpx.AsyncClient, people: People, province: Province):
    await province.agree(await province.mast())
    answer = await client.get(path, headers={**people["viettel"], "Accept-Language": "en"})
    shown = BeautifulSoup(answer.text, "html.parser")
    assert shown.html is not None
    assert shown.html["lang"] == "en"
    assert text(shown.h1) in {"Sharing ratio of antenna masts", "Sharing agreements", "Record an agreement"}
