"""The cycle of reports in Chromium: the department asks, two operators answer, it settles, puts together and closes."""

from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Page, expect

from kernel.clock import Clock, local_date
from tests.browser.conftest import SignedIn

pytestmark = [pytest.mark.system, pytest.mark.browser]
NAME = "Báo cáo đột xuất (trình duyệt)"


def typed(page: Page, name: str, text: str) -> None:
    page.fill(f"[name={name}]", text)


def press(page: Page, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).click()
    page.wait_for_load_state("networkidle")


def open_round(page: Page) -> None:
    page.goto("/sharing/reports")
    page.click(f"td.k a:has-text('{NAME}')")


def ask(page: Page) -> str:
    today = local_date(Clock()())
    page.goto("/sharing/reports/new")
    typed(page, "title_vi", NAME)
    typed(page, "as_of", today.strftime("%d/%m/%Y"))
    typed(page, "last_good_day", (today + timedelta(days=10)).strftime("%d/%m/%Y"))
    press(page, "Gửi yêu cầu")
    page.wait_for_url("**/sharing/reports/rounds/*")
    return page.url


def dispute_a_mast(page: Page) -> str:
    """The first mast of its own is higher than the register says. Answers its number."""
    open_round(page)
    link = page.locator("tbody tr", has_text="Công trình của mình").first.locator("td.k a")
    number = link.inner_text()
    link.click()
    typed(page, "height_m", "45")
    typed(page, "note", "Đo lại khi bảo trì")
    page.get_by_role("button", name="Ghi ý kiến khác").click()
    page.wait_for_load_state("networkidle")
    return number


def submit(page: Page) -> None:
    open_round(page)
    press(page, "Xác nhận các dòng còn lại")
    press(page, "Nộp báo cáo")
    expect(page.locator("main")).to_contain_text("Nộp đúng hạn")


def test_two_operators_and_the_department_go_through_a_round(signed_in: SignedIn, tmp_path: Path) -> None:
    office = signed_in("skhcn.mai")
    round_page = ask(office)
    expect(office.locator("main")).to_contain_text("Viettel")

    viettel, vnpt = signed_in("viettel.an"), signed_in("vnpt.binh")
    submit(viettel)
    number = dispute_a_mast(vnpt)
    submit(vnpt)

    office.goto(round_page)
    rows = office.locator("table").first.locator("tbody tr")
    for name, lines in (("Viettel", "–"), ("VNPT", "1")):
        expect(rows.filter(has_text=name)).to_contain_text("Nộp đúng hạn")
        expect(rows.filter(has_text=name).locator("td.num").nth(2)).to_have_text(lines)
    office.click(f"td.k a:has-text('{number}')")
    expect(office.locator("main")).to_contain_text("Đo lại khi bảo trì")
    press(office, "Chấp nhận")
    expect(office.locator("main")).to_contain_text("Không có ý kiến nào chờ xử lý")

    office.goto(f"{round_page}/consolidation")
    expect(office.locator("main")).to_contain_text("Mẫu số 39")
    with office.expect_download() as told:
        office.click("a:has-text('PDF')")
    paper = tmp_path / "report.pdf"
    told.value.save_as(paper)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(paper).pages)
    assert NAME.upper() in text.upper()

    office.goto(f"{round_page}/closure")
    press(office, "Đóng đợt báo cáo")
    open_round(viettel)
    expect(viettel.locator("main")).to_contain_text("Đợt báo cáo đã đóng")
    expect(viettel.get_by_role("button", name="Nộp lại")).to_have_count(0)
