"""An operator is taken in, works and is put out again: one story, on the pages as a person sees them.

The same on both providers: only their own pages differ.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.main_job import PARTS, site
from infra.local.papers import paper
from infra.local.visitor import CannotSignIn, Visitor, wait_for
from tests.fixtures.product import Launched, realm_admin

CODE = "NAMCAN"
ORGANISATION = {
    "name_vi": "Công ty Hạ tầng Năm Căn", "name_en": "Nam Can Infrastructure", "short": "Năm Căn", "code": CODE,
}  # fmt: skip
CLIENT, PERSON, NAME = "namcan-api", "namcan.tam", "Đỗ Minh Tâm"
PASSWORD = "đước mọc bên bờ Năm Căn"
ACCESS = "/registry/access"


@dataclass
class Story:
    product: Launched
    browser: Browser
    enter: Callable[[Page, str, str], None]

    def tell(self) -> None:
        office = self._page("quantri")
        self._register_organisation(office)
        first = self._register_client(office)
        person = self._invite(office)
        number = self._file(first)
        self._follow(person, number)
        second = self._rotate(office, first)
        self._review(office)
        self._other_hands(office)
        self._put_out(office, person, second)

    def _page(self, username: str, password: str = "") -> Page:
        page = self.browser.new_context(locale="vi-VN", base_url=self.product.url).new_page()
        page.set_default_timeout(20_000)
        page.goto("/sign-in")
        self.enter(page, username, password)
        page.wait_for_url(f"{self.product.url}/**")
        return page

    def _register_organisation(self, office: Page) -> None:
        office.goto("/")
        office.click(f"a[href='{ACCESS}'] >> visible=true")
        office.click(f"a[href='{ACCESS}/organisations/new']")
        for name, text in ORGANISATION.items():
            office.fill(f"#f-{name}", text)
        office.select_option("#f-kind", "tower_company")
        office.click("form.am-form button.btn-primary")
        office.wait_for_url(re.compile(f"{ACCESS}/organisations/{CODE}"))
        expect(office.locator("main")).to_contain_text("Chưa có ứng dụng")

    def _register_client(self, office: Page) -> str:
        """Its secret, which is shown once."""
        office.click(f"main a[href^='{ACCESS}/clients/new']")
        office.fill("#f-key", CLIENT)
        office.fill("#f-name", "Hệ thống hồ sơ")
        for capability in ("applicant", "owner"):
            office.check(f"input[value={capability}]")
        office.click("form.am-form button.btn-primary")
        office.wait_for_url(re.compile(f"{ACCESS}/clients/{CLIENT}"))
        self._until(office, lambda: office.locator("#secret-card").count() > 0, "the realm to have the client")
        office.click("#secret-card button")
        secret = office.locator("#secret").input_value()
        office.goto(f"{ACCESS}/clients/{CLIENT}")
        assert secret not in office.content()
        return secret

    def _invite(self, office: Page) -> Page:
        """The invited person sets a password, and is in."""
        office.goto(f"{ACCESS}/organisations/{CODE}")
        office.click(f"main a[href^='{ACCESS}/people/new']")
        office.fill("#f-name", NAME)
        office.fill("#f-key", PERSON)
        office.fill("#f-email", "tam@namcan.example")
        office.check("input[value=applicant]")
        office.click("form.am-form button.btn-primary")
        office.wait_for_url(re.compile(f"{ACCESS}/people/{PERSON}"))
        button = office.locator(f"form[action='{ACCESS}/people/{PERSON}/invitation'] button")
        self._until(office, lambda: button.count() > 0, "the realm to have the person")
        button.click()
        link = office.locator("#invitation").input_value()
        assert link.startswith(self.product.url)
        own = self.browser.new_context(locale="vi-VN", base_url=self.product.url).new_page()
        own.set_default_timeout(20_000)
        own.goto(link)
        own.fill("#f-password", PASSWORD)
        own.fill("#f-again", PASSWORD)
        own.click("main form button.btn-primary")
        own.wait_for_url(re.compile(rf":{self.product.identity_port}/realms/hatang/"))
        self.enter(own, PERSON, PASSWORD)
        own.wait_for_url(f"{self.product.url}/**")
        expect(own.locator("body")).to_contain_text(NAME)
        return own

    def _client(self, secret: str) -> Visitor:
        return Visitor.client(self.product.url, self.product.issuer, CLIENT, secret)

    def _file(self, secret: str) -> str:
        """Token, dry run, filing: what `docs/integrate.md` tells."""
        with self._client(secret) as operator:
            wanted = {"sites": [site(name="BTS Năm Căn 1")], "parts": []}
            check = "/api/permits/v1/applications:check"
            told = wait_for(lambda: _answered(operator, check, wanted), "permits to know the organisation")
            missing = {fault["pointer"] for fault in told["faults"]}
            assert missing == {"/parts/land_paper", "/parts/drawings"}
            files = {code: operator.send_file(f"{code}.pdf", paper(title))["id"] for code, title in PARTS.items()}
            whole = {**wanted, "parts": [{"code": code, "file": file} for code, file in files.items()]}
            assert operator.post(check, whole)["acceptable"]
            filed = operator.post("/api/permits/v1/applications", whole)
            seen = wait_for(lambda: operator.get("/api/permits/v1/events", after=0)["items"], "its events")
            assert {event["subject"] for event in seen} == {filed["id"]}
            return str(filed["number"])

    def _follow(self, person: Page, number: str) -> None:
        person.goto("/permits/applications")
        person.click(f"main a:has-text('{number}')")
        expect(person.locator("main")).to_contain_text("BTS Năm Căn 1")

    def _rotate(self, office: Page, first: str) -> str:
        office.goto(f"{ACCESS}/clients/{CLIENT}")
        office.select_option("#f-overlap_hours", "24")
        office.click("#secret-card button")
        second = office.locator("#secret").input_value()
        assert second != first
        for secret in (first, second):
            with self._client(secret) as operator:
                operator.get("/api/registry/v1/masts", limit=1)
        office.goto(f"{ACCESS}/clients/{CLIENT}")
        office.click(f"form[action$='/clients/{CLIENT}/overlap-end'] button")
        wait_for(lambda: self._is_refused(first), "the former secret's end")
        with self._client(second) as operator:
            operator.get("/api/registry/v1/masts", limit=1)
        return second

    def _is_refused(self, secret: str) -> bool:
        try:
            self._client(secret)
        except CannotSignIn:
            return True
        return False

    def _review(self, office: Page) -> None:
        """Last use is what the realm tells; the reviewer sees it beside what he confirms."""
        self._compare(office)
        office.goto(f"{ACCESS}/clients/{CLIENT}")
        used = office.locator("dl div:has(dt:text-is('Dùng lần cuối')) dd, dt:text-is('Dùng lần cuối') + dd").first
        self._until(office, lambda: "chưa" not in (used.text_content() or ""), "its last use", compare=True)
        office.fill("textarea[name=reason]", "Đúng người, đúng việc")
        office.click("button[name=verdict][value=confirm]")
        expect(office.locator("main")).to_contain_text("Đúng người, đúng việc")
        office.goto(f"{ACCESS}/organisations/{CODE}")
        expect(office.locator("main")).to_contain_text("Đúng người, đúng việc")

    def _compare(self, office: Page) -> None:
        office.goto(ACCESS)
        office.click(f"form[action='{ACCESS}/look'] button")

    def _other_hands(self, office: Page) -> None:
        """Somebody gives the person a further right past the product; it is shown, and taken back."""
        admin = realm_admin(self.product)
        api, user = admin.get_client_id("hatang-api"), admin.get_user_id(PERSON)
        assert api is not None
        assert user is not None
        role = next(one for one in admin.get_client_roles(api) if one["name"] == "owner")
        admin.assign_client_role(user, api, [role])
        self._compare(office)
        row = office.locator(f"tr:has(a[href='{ACCESS}/people/{PERSON}'])")
        self._until(office, lambda: row.count() > 0, "the finding to be shown")
        expect(row).to_contain_text("Quản lý công trình")
        row.locator("button[value=restore]").click()
        wait_for(lambda: [r["name"] for r in admin.get_client_roles_of_user(user, api)] == ["applicant"], "the record")
        self._until(office, lambda: row.count() == 0, "the finding to be settled", compare=True)

    def _put_out(self, office: Page, person: Page, secret: str) -> None:
        for kind, key in (("clients", CLIENT), ("people", PERSON)):
            office.goto(f"{ACCESS}/{kind}/{key}")
            office.click("a[href$='/suspension']")
            office.click("form.am-confirm button.btn-outline-danger")
            office.wait_for_url(re.compile(f"{ACCESS}/{kind}/{key}"))
        wait_for(lambda: self._is_refused(secret), "the client's suspension")

        def is_out() -> bool:
            person.goto("/permits/applications")
            return f":{self.product.identity_port}/" in person.url

        wait_for(is_out, "the person's session to end")
        office.goto(f"{ACCESS}/clients/{CLIENT}")
        expect(office.locator("main")).to_contain_text("Tạm khoá")

    def _until(self, page: Page, condition: Callable[[], bool], what: str, *, compare: bool = False) -> None:
        """Loads the page again until it shows what the worker and the realm are doing meanwhile."""
        here, deadline = page.url, time.monotonic() + 40
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"waited in vain for {what}: {page.locator('main').inner_text()[:2000]}")
            if compare:
                self._compare(page)
            page.wait_for_timeout(300)
            page.goto(here)


def _answered(operator: Visitor, path: str, body: dict[str, object]) -> dict[str, object] | None:
    """A new organisation reaches the other services within moments."""
    try:
        return operator.post(path, body)
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (403, 404, 409):
            return None
        raise
