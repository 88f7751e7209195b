"""In a real Chromium: the code flow with its cookies over plain http, the CSP, the sign-out form."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

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
