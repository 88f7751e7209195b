"""A real Chromium before the whole product; skips loudly where there is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from infra.local.screenshots import CHROMIUM, chromium, sign_in
from tests.fixtures.product import Launched

SignedIn = Callable[[str], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each module: while it is open its own event loop runs, and no async test could."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"NO CHROMIUM at {CHROMIUM}: install it, or name it in CHROMIUM; no page was tried")
    with chromium() as started:
        yield started


@pytest.fixture
def signed_in(browser: Browser, product: Launched) -> Iterator[SignedIn]:
    """`signed_in("sxd.lan")`: a page of that person, Vietnamese, 1440 px; script errors fail the test."""
    contexts = []
    errors: list[str] = []

    def open_page(person: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN", base_url=product.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        sign_in(page, product.url, person)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
