"""The main job of today: the operator files by API, departments and lead work in Chromium, the figure moves."""

import re

import pytest
from playwright.sync_api import Page, expect

from infra.local.main_job import REVIEWERS, everybody, file_dossier, mast_with
from tests.browser.conftest import SignedIn
from tests.fixtures.product import Launched

pytestmark = [pytest.mark.system, pytest.mark.browser]


def next_action(page: Page, dossier: str) -> None:
    page.goto(f"/permits/applications/{dossier}")
    page.click(".am-next a.btn-primary, .am-next button.btn-primary")


def find_complete(page: Page, dossier: str) -> None:
    next_action(page, dossier)
    page.click("button[name=outcome][value=complete]")
    page.wait_for_url(f"**/permits/applications/{dossier}*")


def sign(page: Page, dossier: str, outcome: str, grounds: str) -> None:
    next_action(page, dossier)
    page.check(f"input[name=outcome][value={outcome}]")
    page.fill("textarea[name=grounds]", grounds)
    page.click("button.btn-primary[name=step][value=check]")
    page.click("button[name=step][value=send]")
    page.wait_for_url(f"**/permits/applications/{dossier}*")


def figure(page: Page) -> str:
    page.goto("/sharing/ratio")
    return re.sub(r"\s+", " ", page.inner_text("main"))


def test_three_departments_and_the_lead_bring_a_mast_to_the_numerator(product: Launched, signed_in: SignedIn):
    people = everybody(product.url, product.issuer)
    auditor = signed_in("skhcn.mai")
    assert "11,74" in figure(auditor)

    dossier = file_dossier(people.operator, name="Cột trình duyệt")
    find_complete(signed_in("sxd.lan"), dossier["id"])
    for person in REVIEWERS.values():
        page = signed_in(person)
        sign(page, dossier["id"], "agree", "Phù hợp quy hoạch, đủ điều kiện.")
        expect(page.locator("main")).to_contain_text("Đồng ý")
    lead = signed_in("sxd.hung")
    sign(lead, dossier["id"], "no_objection", "Ba cơ quan đồng ý.")
    expect(lead.locator("main")).to_contain_text("TBXD")

    structure = dossier["sites"][0]["structure_id"]
    mast = mast_with(people, structure, "permitted")
    assert "11,74" in figure(auditor), "a mast that is only permitted changes nothing"
    owner = signed_in("viettel.an")
    for kind, status in (("commencement", "under_construction"), ("completion", "in_service")):
        next_action(owner, dossier["id"])
        expect(owner.locator(f"input[name=kind][value={kind}]")).to_have_count(1)
        owner.click("form.am-form button.btn-primary")
        owner.wait_for_url(f"**/permits/applications/{dossier['id']}*")
        mast_with(people, structure, status)
    _shows(auditor, "11,73", "1.321")

    agreement = {"structure_id": structure, "tenant": "VNPT", "kind": "lease", "valid_from": dossier["received_on"]}
    people.operator.post("/api/sharing/v1/agreements", agreement)
    _shows(auditor, "11,81", "156")
    _drill_down(auditor, structure)
    expect(auditor.locator("main")).to_contain_text(mast["public_no"])


def _shows(page: Page, *texts: str) -> None:
    for _ in range(50):
        said = figure(page)
        if all(text in said for text in texts):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{texts} never came: {said[:600]}")


def _drill_down(page: Page, structure: str) -> None:
    """From the percentage through the pages of its numerator to the mast."""
    page.goto("/sharing/ratio#lists")
    while not page.locator(f"a[href*='/registry/masts/{structure}']").count():
        page.locator("#lists .am-pager a", has_text="Sau").click()
        page.wait_for_load_state()
    page.click(f"a[href*='/registry/masts/{structure}']")
    page.wait_for_url(f"**/registry/masts/{structure}*")
