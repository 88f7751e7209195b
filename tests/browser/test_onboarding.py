"""The onboarding before the embedded provider; `test_keycloak.py` plays it before a real one."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.onboarding import Story
from tests.fixtures.product import Launched

pytestmark = [pytest.mark.system, pytest.mark.browser]


def enter(page: Page, username: str, password: str) -> None:
    """Demo people are picked; who was invited has a password."""
    page.click(f"button[value='{username}']")
    if password:
        page.fill("#password", password)
        page.click("button.enter")


def test_an_operator_is_taken_in_works_and_is_put_out_again(browser: Browser, product: Launched) -> None:
    Story(product, browser, enter).tell()
