"""The whole product with either provider: an operator is taken in, works, and is put out again."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local import keycloak
from infra.local.errors import CannotStart
from infra.local.screenshots import CHROMIUM, chromium
from infra.local.visitor import CannotSignIn, Visitor, wait_for
from tests.fixtures.product import Launched, realm_admin, running_product

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]
API = "/api/registry/v1"
CLIENT = {"client_id": "songdoc-api", "organisation": "SONGDOC", "name": "SĐ", "capabilities": ["applicant", "owner"]}
PERSON = {"username": "songdoc.ha", "organisation": "SONGDOC", "name": "Lê Thu Hà", "capabilities": ["applicant"]}
PASSWORD = "con đò neo bến Sông Đốc"


@pytest.fixture(scope="module", params=["embedded", pytest.param("keycloak", marks=pytest.mark.keycloak)])
def product(request: pytest.FixtureRequest) -> Iterator[Launched]:
    settings = {"IDENTITY": "keycloak"} if request.param == "keycloak" else {}
    if settings:
        try:
            keycloak.fetch(dict(os.environ))
        except CannotStart as refusal:
            pytest.skip(f"NO KEYCLOAK ON THIS MACHINE: {refusal}")
    with running_product(DEMO="0", **settings) as launched:
        launched.until_ready()
        yield launched


@pytest.fixture(scope="module")
def office(product: Launched) -> Iterator[Visitor]:
    with Visitor.person(product.url, "quantri") as visitor:
        wait_for(lambda: visitor.get(f"{API}/clients")["items"], "the first look at the realm", 40)
        yield visitor


@pytest.fixture(scope="module")
def taken_in(office: Visitor) -> dict[str, Any]:
    """An organisation with a client and a person, as the department registers them."""
    names = {"name_vi": "Hạ tầng Sông Đốc", "name_en": "Song Doc Infrastructure", "short": "Sông Đốc"}
    facts = {"code": "SONGDOC", **names, "kind": "tower_company", "valid_from": "2026-11-01"}
    office.post(f"{API}/organisations", facts)
    office.post(f"{API}/clients", CLIENT)
    office.post(f"{API}/people", PERSON)
    for thing in ("clients/songdoc-api", "people/songdoc.ha"):
        wait_for(lambda thing=thing: office.get(f"{API}/{thing}")["state"] == "active", thing, 30)
    return office.post(f"{API}/clients/songdoc-api/secrets", {"overlap_hours": 0})


@pytest.fixture
def page(product: Launched) -> Iterator[Page]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"NO CHROMIUM at {CHROMIUM}")
    with chromium() as browser:
        yield _page(browser, product)


def _page(browser: Browser, product: Launched) -> Page:
    page = browser.new_context(locale="vi-VN", base_url=product.url).new_page()
    page.set_default_timeout(20_000)
    return page


def enter(page: Page, product: Launched) -> None:
    """The provider's own page: a name to type on Keycloak, one to pick on the embedded provider."""
    assert f":{product.identity_port}/realms/hatang/" in page.url
    if page.locator("#username").count():
        page.fill("#username", "songdoc.ha")
        page.fill("#password", PASSWORD)
        page.click("#kc-login")
    else:
        page.click("button[value='songdoc.ha']")
        page.fill("#password", PASSWORD)
        page.click("button.enter")
    page.wait_for_url(f"{product.url}/**")


def test_a_client_reads_with_its_secret_and_rotates_it_without_a_failed_request(
    product: Launched, office: Visitor, taken_in: dict[str, Any]
):
    first = taken_in["secret"]
    with Visitor.client(product.url, product.issuer, "songdoc-api", first) as operator:
        assert operator.get(f"{API}/masts")["items"] == []
    failed: list[str] = []
    asked, stop = [0], Event()

    def go_on() -> None:
        while not stop.is_set():
            try:
                with Visitor.client(product.url, product.issuer, "songdoc-api", first) as old:
                    old.get(f"{API}/masts", limit=1)
            except (CannotSignIn, httpx.HTTPError) as error:
                failed.append(repr(error))
            asked[0] += 1

    running = Thread(target=go_on)
    running.start()
    try:
        second = office.post(f"{API}/clients/songdoc-api/secrets", {"overlap_hours": 1})
        with Visitor.client(product.url, product.issuer, "songdoc-api", second["secret"]) as new:
            new.get(f"{API}/masts", limit=1)
        wait_for(lambda: asked[0] > 5, "the old secret in use")
    finally:
        stop.set()
        running.join()
    assert failed == []
    office.post(f"{API}/clients/songdoc-api/overlap-end")
    with pytest.raises(CannotSignIn):
        Visitor.client(product.url, product.issuer, "songdoc-api", first)


def test_the_realm_shows_when_the_client_last_came(office: Visitor, taken_in: dict[str, Any]):
    office.post(f"{API}/access-findings:look")
    wait_for(lambda: office.get(f"{API}/clients/songdoc-api")["last_used"], "its last use")


@pytest.mark.browser
def test_an_invited_person_sets_a_password_signs_in_and_is_signed_out_everywhere(
    product: Launched, office: Visitor, taken_in: dict[str, Any], page: Page
):
    invitation = office.post(f"{API}/people/songdoc.ha/invitations")
    page.goto(invitation["url"])
    expect(page.locator("h1")).to_have_text("Đặt mật khẩu")
    page.fill("#f-password", "ngắn")
    page.fill("#f-again", "ngắn")
    page.click("main form button.btn-primary")
    expect(page.locator(".am-errs")).to_contain_text("ít nhất 12 ký tự")
    page.fill("#f-password", PASSWORD)
    page.fill("#f-again", PASSWORD)
    page.click("main form button.btn-primary")
    page.wait_for_url(re.compile(rf":{product.identity_port}/realms/hatang/"))
    enter(page, product)
    expect(page.locator("body")).to_contain_text("Lê Thu Hà")
    page.goto(invitation["url"])
    expect(page.locator("main")).to_contain_text("Thư mời này đã dùng")

    page.goto("/permits/applications")
    expect(page.locator("h1")).to_be_visible()
    office.post(f"{API}/people/songdoc.ha/sign-out")

    def is_out() -> bool:
        page.goto("/permits/applications")
        return f":{product.identity_port}/" in page.url

    wait_for(is_out, "the session's end")


@pytest.mark.browser
def test_the_department_sees_and_keeps_access_on_its_pages(product: Launched, taken_in: dict[str, Any], page: Page):
    page.goto("/sign-in")
    if page.locator("#username").count():
        page.fill("#username", "quantri")
        page.fill("#password", "demo-quantri")
        page.click("#kc-login")
    else:
        page.click("button[value='quantri']")
    page.wait_for_url(f"{product.url}/**")
    page.goto("/registry/access/organisations/SONGDOC")
    page.click("main a[href^='/registry/access/clients/new']")
    page.fill("#f-key", "songdoc-app")
    page.check("input[value=owner]")
    page.click("main form.am-form button.btn-primary")
    page.wait_for_url(re.compile("/registry/access/clients/songdoc-app"))

    def is_ready() -> bool:
        page.reload()
        return page.locator("#secret-card").count() > 0

    wait_for(is_ready, "the client's secret to be issued")
    page.click("#secret-card button")
    secret = page.locator("#secret").input_value()
    with Visitor.client(product.url, product.issuer, "songdoc-app", secret) as operator:
        operator.get(f"{API}/masts", limit=1)
    page.goto("/registry/access/clients/songdoc-app")
    assert secret not in page.content()
    page.click("a[href$='/suspension']")
    page.click("form.am-confirm button.btn-outline-danger")
    page.wait_for_url(re.compile("/registry/access/clients/songdoc-app"))

    def is_refused() -> bool:
        try:
            Visitor.client(product.url, product.issuer, "songdoc-app", secret)
        except CannotSignIn:
            return True
        return False

    wait_for(is_refused, "the suspension")


def test_what_other_hands_changed_is_found_and_restored(product: Launched, office: Visitor, taken_in: dict[str, Any]):
    admin = realm_admin(product)
    api = admin.get_client_id("hatang-api")
    user = admin.get_user_id("songdoc.ha")
    assert api is not None
    assert user is not None
    role = next(one for one in admin.get_client_roles(api) if one["name"] == "owner")
    admin.assign_client_role(user, api, [role])
    office.post(f"{API}/access-findings:look")
    found = wait_for(lambda: office.get(f"{API}/access-findings", organisation="SONGDOC")["items"], "the finding")
    assert [(one["key"], one["member"], one["held"]) for one in found] == [
        ("songdoc.ha", "capabilities", ["applicant", "owner"])
    ]
    office.post(f"{API}/access-findings/{found[0]['id']}/settlement", {"outcome": "restore"})
    wait_for(lambda: [r["name"] for r in admin.get_client_roles_of_user(user, api)] == ["applicant"], "the record")


def test_while_the_provider_is_away_people_go_on_and_new_sign_ins_are_told(
    product: Launched, office: Visitor, taken_in: dict[str, Any]
):
    name = "keycloak" if "keycloak" in product.pids() else "identity"
    product.kill(name, signal.SIGSTOP)
    try:
        assert office.get(f"{API}/clients")["items"], "signed in, and goes on"
        began = time.monotonic()
        refused = httpx.get(
            f"{product.url}/sign-in", headers={"Accept": "text/html", "Host": f"127.0.0.1:{product.port}"}, timeout=30
        )
        assert refused.status_code == 503, refused.text
        assert "đăng nhập" in refused.text
        assert refused.headers["retry-after"]
        assert time.monotonic() - began < 15
        office.post(f"{API}/people/songdoc.ha/rights", {"capabilities": ["applicant", "owner"]})
        found = office.get(f"{API}/people/songdoc.ha")
        assert (found["state"], found["capabilities"]) == ("requested", ["applicant", "owner"])
    finally:
        product.kill(name, signal.SIGCONT)
    wait_for(lambda: office.get(f"{API}/people/songdoc.ha")["state"] == "active", "the realm to be told", 60)


def test_no_secret_stands_in_a_log(product: Launched, taken_in: dict[str, Any]):
    for log in (product.folder / "log").iterdir():
        assert taken_in["secret"] not in log.read_text(errors="replace"), log.name
        assert "htsk_" not in log.read_text(errors="replace"), log.name
