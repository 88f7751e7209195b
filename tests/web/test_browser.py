"""In a real Chromium, under the real CSP: nothing is blocked, nothing fails, axe finds nothing, keys work."""

import itertools
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from kernel.web.assets import MODULES
from tests.web import gallery

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM ON THIS MACHINE: the pages were not tried in a browser"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(gallery.app(), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN")
    yield context.new_page()
    context.close()


AXE = """axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}).then(
  found => found.violations.map(each => each.id + ' ' + each.nodes.map(node => node.target.join(' '))))"""
WIDE = "document.documentElement.scrollWidth - innerWidth"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", gallery.PAGES)
def test_page_is_accessible_and_inside_the_csp(page: Page, address: str, name: str, theme: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{address}/gallery/{name}?theme={theme}")
    page.wait_for_load_state("networkidle")
    assert said == []
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": Path(MODULES / "axe-core/axe.min.js").read_text()})
    assert page.evaluate(AXE) == []
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(WIDE) <= 0, width


def test_a_stranger_on_a_phone_sees_a_page_of_full_width(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/error/404?stranger")
    assert page.evaluate(WIDE) <= 0
    box = page.locator(".am-error").bounding_box()
    assert box is not None
    assert box["width"] > 340


def test_labels_of_neighbours_do_not_cover_each_other(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery/dossier")
    page.locator(".m-label").first.wait_for()
    boxes = [each.bounding_box() for each in page.locator(".m-label").all()]
    for one, other in itertools.combinations([box for box in boxes if box], 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        assert beside or one["y"] + one["height"] <= other["y"] + 2 or other["y"] + other["height"] <= one["y"] + 2


def test_keys_move_select_and_clear(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery/queue")
    for key in ("j", "j", "x", "j", "Shift+X"):
        page.keyboard.press(key)
    assert page.locator("tr[aria-selected=true]").count() == 2
    assert page.locator(".am-bulk b").inner_text() == "Đã chọn 2 hồ sơ"
    page.keyboard.press("Escape")
    assert not page.locator(".am-bulk").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("jx")
    assert page.locator("#global-search").input_value() == "jx"
    assert page.locator("tr[aria-selected=true]").count() == 0


def test_theme_changes_at_once_and_is_kept(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery/ratio")
    page.locator(".am-theme-dark").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert page.locator(".am-trend svg").count() == 1


def test_map_asks_for_its_box_and_rings_the_row(page: Page, address: str) -> None:
    with page.expect_request(lambda request: "/points?" in request.url and "bbox=" in request.url):
        page.goto(f"{address}/gallery/masts")
    page.locator("path.m-free").wait_for(state="attached")
    assert page.locator(".am-map .am-cluster").count() == 2
    page.locator("tr[data-point='0407']").hover()
    assert page.locator(".leaflet-tooltip").inner_text() == "CMU-0407, VNPT"


def test_menus_and_filters_work_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="vi-VN")
    plain = context.new_page()
    plain.goto(f"{address}/gallery/queue")
    plain.locator(".am-filter summary").first.click()
    plain.get_by_role("link", name="Cấp phép mới").click()
    assert "procedure=new" in plain.url
    assert plain.locator(".am-filter.on summary").inner_text().startswith("Thủ tục: Cấp phép mới")
    assert plain.locator(".am-bulk").is_visible()
    context.close()
