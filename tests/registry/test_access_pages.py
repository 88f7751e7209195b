"""The pages of access: what is shown, what a form keeps, the secret on one page only."""

import re
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup

from contracts import gateway as said
from tests.fixtures.service import RolledBack
from tests.registry.realm_kept import KeptRealm
from tests.registry.test_access import CLIENT, PERSON, Office, registered

pytestmark = pytest.mark.database
HTML = {"Accept": "text/html"}


class Desk(Office):
    """The same office before its screen."""

    async def page(self, path: str, status: int = 200) -> BeautifulSoup:
        answer = await self.http.get(f"/registry/access{path}", headers={**self.header, **HTML})
        assert answer.status_code == status, answer.text[:500]
        return BeautifulSoup(answer.text, "html.parser")

    async def send(self, seen: BeautifulSoup, path: str, **typed: Any) -> httpx.Response:
        token = seen.select_one("input[name=_csrf]")
        assert token is not None
        form = {"_csrf": str(token["value"]), **typed}
        return await self.http.post(f"/registry/access{path}", data=form, headers={**self.header, **HTML})


@pytest.fixture
def desk(client: httpx.AsyncClient, people: dict[str, dict[str, str]], database: RolledBack) -> Desk:
    realm = KeptRealm()
    client.app.state.bus = realm  # type: ignore[attr-defined]
    return Desk(client, people["administrator"], realm, database)


async def test_the_overview_counts_accounts_and_names_what_was_changed_by_other_hands(desk: Desk):
    await desk.look()
    await registered(desk)
    desk.realm.clients["ock-api"] = desk.realm.clients["ock-api"].model_copy(update={"enabled": False})
    await desk.look(later=1200)
    seen = await desk.page("")
    row = seen.select_one('tr[data-href="/registry/access/organisations/OCK"]')
    assert row is not None
    assert [cell.get_text(strip=True) for cell in row.select("td.num")] == ["1", "1"]
    assert "Cần xử lý: 1" in row.get_text()
    assert "Bị sửa ngoài sổ" in seen.get_text()
    finding = seen.select_one('form[action^="/registry/access/findings/"]')
    assert finding is not None
    path = str(finding["action"]).removeprefix("/registry/access")
    assert (await desk.send(seen, path, outcome="restore")).status_code == 303
    await desk.work(later=1300)
    assert desk.realm.clients["ock-api"].enabled is True


async def test_an_organisation_is_registered_and_faults_keep_what_was_typed(desk: Desk):
    seen = await desk.page("/organisations/new")
    names = {"name_vi": "Hạ tầng Sông Đốc", "name_en": "Song Doc", "short": "Sông Đốc"}
    wrong = await desk.send(seen, "/organisations/new", **names, code="song doc", kind="tower_company")
    assert wrong.status_code == 422
    assert 'value="Hạ tầng Sông Đốc"' in wrong.text
    assert "Mã gồm 2 đến 32 chữ in hoa" in wrong.text
    done = await desk.send(seen, "/organisations/new", **names, code="SONGDOC", kind="tower_company")
    assert done.status_code == 303
    shown = await desk.page("/organisations/SONGDOC")
    assert "Hạ tầng Sông Đốc" in shown.get_text()
    assert "Chưa có ứng dụng" in shown.get_text()


async def test_a_client_is_registered_its_secret_shown_once_and_rotated(desk: Desk):
    seen = await desk.page("/clients/new?organisation=OCK")
    assert {str(box["value"]) for box in seen.select("input[name=capabilities]")} == {"applicant", "owner"}
    typed = {"key": "ock-api", "organisation": "OCK", "name": "OCK", "capabilities": ["applicant", "owner"]}
    assert (await desk.send(seen, "/clients/new", **typed)).status_code == 303
    assert "Đang thực hiện" in (await desk.page("/clients/ock-api")).get_text()
    again = await desk.send(seen, "/clients/new", **typed)
    assert again.status_code == 422
    assert "Sổ đã có tài khoản" in again.text
    await desk.work()

    page = await desk.page("/clients/ock-api")
    request = page.select_one("input[name=request_id]")
    assert request is not None
    sent = {"request_id": str(request["value"]), "overlap_hours": "0"}
    shown = await desk.send(page, "/clients/ock-api/secret", **sent)
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    secret = BeautifulSoup(shown.text, "html.parser").select_one("#secret")
    assert secret is not None
    assert str(secret["value"]).startswith(said.SECRET_PREFIX)
    repeated = await desk.send(page, "/clients/ock-api/secret", **sent)
    assert repeated.status_code == 409
    assert str(secret["value"]) not in repeated.text
    assert str(secret["value"]) not in str(await desk.page("/clients/ock-api"))

    page = await desk.page("/clients/ock-api")
    fresh = {"request_id": str(page.select_one("input[name=request_id]")["value"]), "overlap_hours": "72"}  # type: ignore[index]
    rotated = await desk.send(page, "/clients/ock-api/secret", **fresh)
    assert "dùng được đến" in rotated.text
    assert desk.realm.asked[-1].overlap_seconds == 72 * 3600
    assert "Dừng khoá cũ ngay" in (await desk.page("/clients/ock-api")).get_text()


async def test_a_person_is_invited_given_rights_suspended_and_reviewed(desk: Desk):
    seen = await desk.page("/people/new?organisation=SXD")
    assert seen.select("input[name=functions]")
    typed = {
        "key": "sxd.moi", "organisation": "SXD", "name": "Lê Mới", "capabilities": ["reviewer"],
        "functions": ["construction"],
    }  # fmt: skip
    assert (await desk.send(seen, "/people/new", **typed)).status_code == 303
    await desk.work()
    page = await desk.page("/people/sxd.moi")
    assert "chưa đặt mật khẩu" in page.get_text()
    link = await desk.send(page, "/people/sxd.moi/invitation")
    assert re.search(r'value="http[^"]+/invitation/1-token"', link.text)
    assert (await desk.send(page, "/people/sxd.moi/rights", capabilities=["reviewer", "head"])).status_code == 303
    wrong = await desk.send(page, "/people/sxd.moi/rights", capabilities=["applicant"])
    assert wrong.status_code == 422
    assert "không được giữ quyền" in wrong.text
    ask = await desk.page("/people/sxd.moi/suspension")
    assert "Tạm khoá Lê Mới?" in ask.get_text()
    assert (await desk.send(ask, "/people/sxd.moi/suspend")).status_code == 303
    await desk.work()
    assert desk.realm.people["sxd.moi"].enabled is False
    assert desk.realm.people["sxd.moi"].capabilities == ["head", "reviewer"]
    assert (await desk.send(page, "/people/sxd.moi/review", verdict="confirm", reason="Q4")).status_code == 303
    assert "Đã xác nhận" in (await desk.page("/people/sxd.moi")).get_text()


async def test_a_realm_that_is_away_is_said_on_the_page(desk: Desk):
    await registered(desk)
    desk.realm.is_away = True
    page = await desk.page("/clients/ock-api")
    sent = {"request_id": str(page.select_one("input[name=request_id]")["value"]), "overlap_hours": "0"}  # type: ignore[index]
    answer = await desk.send(page, "/clients/ock-api/secret", **sent)
    assert answer.status_code == 503
    assert "Hệ thống đăng nhập chưa trả lời" in answer.text


async def test_an_auditor_sees_and_changes_nothing(desk: Desk, people: dict[str, dict[str, str]]):
    await registered(desk)
    desk.header = people["registrar"]
    for path in ("", "/organisations/OCK", f"/clients/{CLIENT['client_id']}", f"/people/{PERSON['username']}"):
        seen = await desk.page(path)
        assert not seen.select('main form[method=post][action^="/registry/access"]'), path
    await desk.page("/clients/new", status=403)


async def test_addresses_that_are_nothing_are_404(desk: Desk):
    for path in ("/clients/none", "/things/ock-api", "/organisations/NONE"):
        await desk.page(path, status=404)


async def test_the_home_page_names_what_waits_for_the_administrator(desk: Desk, people: dict[str, dict[str, str]]):
    async def lines(header: dict[str, str]) -> list[str]:
        answer = await desk.http.get("/registry/home-card", headers={**header, **HTML})
        found = BeautifulSoup(answer.text, "html.parser").select(".am-todo li a:first-child")
        return [each.get_text(strip=True) for each in found if "btn" not in each.get("class", [])]

    await desk.look()
    await registered(desk)
    assert not any("sửa ngoài sổ" in line for line in await lines(desk.header))
    assert any("chờ rà soát" in line for line in await lines(desk.header))
    desk.realm.clients["ock-api"] = desk.realm.clients["ock-api"].model_copy(update={"enabled": False})
    await desk.look(later=1200)
    assert (await lines(desk.header))[0] == "1 tài khoản bị sửa ngoài sổ"
    for who in ("officer", "vnpt"):
        assert await lines(people[who]) == []
