"""The same product before a real Keycloak: sign in through its own page, file, review, sign out."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local import keycloak
from infra.local.errors import CannotStart
from infra.local.papers import paper
from infra.local.visitor import Visitor
from tests.browser.onboarding import Story
from tests.fixtures.product import Launched, running_product

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.keycloak, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def product() -> Iterator[Launched]:
    try:
        keycloak.fetch(dict(os.environ))
    except CannotStart as refusal:
        pytest.skip(f"NO KEYCLOAK ON THIS MACHINE: {refusal}")
    with running_product(DEMO="1", IDENTITY="keycloak") as launched:
        yield launched


def signed_in(browser: Browser, product: Launched, person: str) -> Page:
    page = browser.new_context(locale="vi-VN", base_url=product.url).new_page()
    page.goto("/sign-in")
    assert f":{product.identity_port}/realms/hatang/" in page.url
    enter(page, person, "")
    page.wait_for_url(f"{product.url}/**")
    return page


def test_an_operator_files_and_a_department_reviews_and_signs_out(browser: Browser, product: Launched):
    operator = signed_in(browser, product, "viettel.an")
    operator.goto("/permits/applications/new")
    operator.fill("input[name=sites-0-name]", "BTS qua Keycloak")
    operator.fill("input[name=sites-0-height_m]", "42")
    operator.fill("input[name=sites-0-lat]", "9,17342")
    operator.fill("input[name=sites-0-lon]", "105,15031")
    operator.select_option("select[name=sites-0-code]", index=1)
    operator.locator("select[name=sites-0-commune]").evaluate("s => (s.tomselect ?? s).setValue?.('32002@2025-07')")
    operator.locator("select[name=sites-0-commune]").evaluate("s => { s.value = '32002@2025-07' }")
    for code in ("land_paper", "drawings"):
        file = {"name": f"{code}.pdf", "mimeType": "application/pdf", "buffer": paper(code)}
        operator.set_input_files(f"input[name=parts-{code}]", file)  # type: ignore[arg-type]
    operator.click("form.am-form button.btn-primary")
    operator.wait_for_url(re.compile(r"/permits/applications/[0-9a-f-]{36}"))
    expect(operator.locator("main")).to_contain_text("HS-")
    dossier = re.search(r"[0-9a-f-]{36}", operator.url)
    assert dossier is not None

    officer = signed_in(browser, product, "sxd.lan")
    officer.goto(f"/permits/applications/{dossier[0]}/completeness")
    officer.click("button[name=outcome][value=complete]")
    officer.goto(f"/permits/applications/{dossier[0]}")
    officer.click(".am-next a.btn-primary")
    officer.check("input[name=outcome][value=agree]")
    officer.fill("textarea[name=grounds]", "Phù hợp quy hoạch.")
    officer.click("button.btn-primary[name=step][value=check]")
    officer.click("button[name=step][value=send]")
    expect(officer.locator("main")).to_contain_text("Đồng ý")

    officer.goto("/")
    officer.locator("form[action='/sign-out'] button").first.evaluate("b => b.click()")
    expect(officer.locator("a[href^='/sign-in']").first).to_be_visible(timeout=20_000)
    officer.goto("/permits/queue")
    officer.wait_for_url(re.compile(rf":{product.identity_port}/realms/hatang/"))


def enter(page: Page, username: str, password: str) -> None:
    page.fill("#username", username)
    page.fill("#password", password or f"demo-{username}")
    page.click("#kc-login")


def test_an_operator_is_taken_in_works_and_is_put_out_again(browser: Browser, product: Launched):
    Story(product, browser, enter).tell()


def test_a_service_client_gets_its_token_from_keycloak(product: Launched):
    operator = Visitor.client(product.url, product.issuer, "vnpt-api")
    assert operator.get("/api/registry/v1/masts", limit=1)["items"]
