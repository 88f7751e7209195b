"""In a real Chromium: the code flow with its cookies over plain http, the CSP, the sign-out form."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from kernel.web.assets import MODULES
from tests.gateway.conftest import Provider, Starter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM ON THIS MACHINE: signing in was not tried in a browser"),
]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A fresh browser context whose complaints (CSP violations among them) fail the test."""
    complaints: list[str] = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN")
        opened = await context.new_page()
        opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        await browser.close()
    assert complaints == []


async def test_signing_in_and_out_in_a_browser(start: Starter, provider: Provider, page: Page) -> None:
    running = await start(provider)
    await page.goto(f"{running.url}/")
    assert await page.title() == "Dùng chung hạ tầng viễn thông thụ động · Tỉnh Cà Mau"
    await page.get_by_role("main").get_by_role("link", name="Đăng nhập").click()
    await page.get_by_role("button", name="Trần Thị Lan").click()
    await page.wait_for_url(f"{running.url}/")
    assert (await page.title()).startswith("Trang chính")
    assert await page.locator("#card-registry").inner_text() == "registry Bearer"
    assert await page.evaluate("document.cookie") == ""
    names = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    assert set(names) == {running.cookie_name}
    assert names[running.cookie_name]["httpOnly"]

    await page.get_by_role("link", name="English").click()
    assert (await page.title()).startswith("Home")
    await page.goto(f"{running.url}/registry/echo?theme=dark")
    assert '"accept-language":"en"' in await page.content()
    await page.goto(f"{running.url}/")
    assert await page.locator("html").get_attribute("data-bs-theme") == "dark"

    await page.locator(".am-person summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{running.url}/")
    assert (await page.title()).startswith("Shared use")
    assert running.cookie_name not in {cookie["name"] for cookie in await page.context.cookies()}


async def test_the_api_page_works_under_the_policy(start: Starter, provider: Provider, page: Page) -> None:
    running = await start(provider)
    await page.goto(f"{running.url}/docs")
    await page.locator("#swagger-ui .opblock").first.wait_for()
    await page.locator("#operations-gateway-gateway_ready .opblock-summary-control").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await page.locator(".live-responses-table").wait_for()
    assert '"status": "ready"' in await page.locator(".live-responses-table").inner_text()


CONTRAST = """axe.run({runOnly: ['color-contrast']}).then(
  found => found.violations.flatMap(each => each.nodes.map(node => node.target.join(' '))))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_api_page_can_be_read_in_both_themes(
    start: Starter, provider: Provider, page: Page, theme: str
) -> None:
    running = await start(provider)
    await page.goto(f"{running.url}/docs?theme={theme}")
    await page.locator("#operations-dossiers-file_application .opblock-summary-control").click()
    await page.locator("#operations-dossiers-file_application .try-out__btn").click()
    ground = await page.locator(".swagger-ui").first.evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 31, 39)"}[theme]
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": (MODULES / "axe-core/axe.min.js").read_text()})
    assert await page.evaluate(CONTRAST) == []
    await page.locator(".authorize").first.click()
    await page.locator(".dialog-ux .modal-btn").first.wait_for()
    assert await page.evaluate(CONTRAST.replace("run(", "run('.dialog-ux', ")) == []
