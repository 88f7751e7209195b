"""The frame around pages: navigation by capability, choices kept, notices shown once, errors by cause."""

from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.pages import NAV
from kernel.web.frame import icon, initials
from kernel.web.render import render, render_error, see_other
from tests.web import gallery
from tests.web.gallery import Reader

pytestmark = pytest.mark.unit


def client(capabilities: frozenset[str] | None = frozenset({"reviewer"})) -> Reader:
    def page(answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            if capabilities is not None:
                request.state.actor = SimpleNamespace(
                    id="a", sid="s1", name="Trần Thị Lan", org="SXD", capabilities=capabilities
                )
            return answer(request)

        return endpoint

    app = Starlette(
        routes=[
            Route("/permits/queue", page(lambda request: render(request, "queue.html", gallery.values("queue")))),
            Route("/undefined", page(lambda request: render(request, "queue.html", {}))),
            Route("/said", page(lambda request: see_other(request, "/permits/queue?tab=mine", said="Đã gửi <b>."))),
            Route("/error", page(lambda r: render_error(r, status=409, detail="<x>", trace_id="t1", back="/permits"))),
        ]
    )
    app.state.frame = gallery.frame()
    return Reader(app)


def soup(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.text, "html.parser")


@pytest.fixture(scope="module")
def served() -> Reader:
    return Reader(gallery.app())


@pytest.mark.parametrize("name", gallery.PAGES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_component_renders_in_both_languages(served: Reader, name: str, language: str) -> None:
    answer = served.get(f"/gallery/{name}", headers={"cookie": f"lang={language}"})
    assert answer.status_code == 200
    page = soup(answer)
    assert page.html is not None
    assert page.html["lang"] == language
    assert len(page.find_all("h1")) == 1
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_side_bar_lists_what_the_person_may_open_once_and_marks_the_page() -> None:
    page = soup(client(frozenset({"reviewer", "applicant"})).get("/permits/queue"))
    links = [str(link["href"]) for link in page.select(".am-side a")]
    assert links == [
        "/",
        "/permits/queue",
        "/permits/notices",
        "/permits/applications",
        "/permits/statistics",
        "/permits/applications/new",
        "/registry/masts",
        "/registry/poles",
        "/registry/ducts",
        "/registry/technologies",
        "/registry/quality",
        "/sharing/ratio",
        "/sharing/indicators",
        "/sharing/statements",
        "/sharing/reports",
        "/permits/phrases",
    ]
    assert [link["href"] for link in page.select(".am-side [aria-current=page]")] == ["/permits/queue"]
    assert page.select_one(".am-side [aria-current] small").get_text() == "64"  # type: ignore[union-attr]


def test_an_applicant_sees_no_queue() -> None:
    page = soup(client(frozenset({"applicant"})).get("/permits/queue"))
    assert not page.select(".am-side a[href='/permits/queue']")
    assert page.select_one(".am-side a[href='/permits/applications']").get_text() == "Hồ sơ của tôi"  # type: ignore[union-attr]


def test_nobody_gets_no_navigation() -> None:
    page = soup(client(None).get("/permits/queue"))
    assert not page.select(".am-side, .am-foot")
    assert page.select("a[href='/sign-in']")


def test_nav_entries_have_both_languages_and_an_icon() -> None:
    for group in NAV:
        for entry in group.entries:
            assert {"vi", "en"} <= set(entry.label)
            assert icon(entry.icon)


def test_language_and_theme_links_are_kept_without_script() -> None:
    answer = client().get("/permits/queue?lang=en&theme=dark")
    kept = answer.headers.get_list("set-cookie")
    assert any(cookie.startswith("lang=en;") for cookie in kept)
    assert any(cookie.startswith("theme=dark;") for cookie in kept)
    page = soup(answer)
    assert page.html is not None
    assert page.html["data-bs-theme"] == "dark"
    assert "lang=en" not in str(page.select_one("thead a")["href"])  # type: ignore[index]


def test_an_unknown_language_or_theme_changes_nothing() -> None:
    answer = client().get("/permits/queue?lang=xx&theme=%22%3E", headers={"cookie": "lang=yy; theme=zz"})
    assert "set-cookie" not in answer.headers
    assert soup(answer).html["lang"] == "vi"  # type: ignore[index]


def test_a_notice_comes_over_the_redirect_escaped_and_only_for_its_session() -> None:
    web = client()
    redirect = web.get("/said")
    assert redirect.status_code == 303
    assert "tab=mine&" in redirect.headers["location"]
    page = soup(web.get(redirect.headers["location"]))
    assert page.select_one(".am-toast span").get_text() == "Đã gửi <b>."  # type: ignore[union-attr]
    assert "_said" not in str(page.select_one("thead a")["href"])  # type: ignore[index]
    forged = web.get("/permits/queue?_said=WyJ4IiwgbnVsbF0.0000")
    assert not soup(forged).select(".am-toast")


def test_a_missing_value_is_a_fault_not_an_empty_place() -> None:
    with pytest.raises(UndefinedError):
        client().get("/undefined")


def test_an_error_says_what_is_safe_and_what_to_try() -> None:
    answer = client().get("/error")
    assert answer.status_code == 409
    assert "&lt;x&gt;" in answer.text
    assert "Chưa làm được lúc này" in answer.text
    assert "t1" in soup(answer).select_one("code").get_text()  # type: ignore[union-attr]


def test_sort_head_turns_around_and_forgets_the_cursor() -> None:
    page = soup(client().get("/permits/queue?sort=due&after=abc&step=1"))
    head = page.select_one("th[aria-sort=ascending] a")
    assert head is not None
    assert head["href"] == "?step=1&sort=-due"


def test_an_unknown_icon_is_refused() -> None:
    with pytest.raises(KeyError):
        icon("no-such-icon")


def test_initials_are_of_family_and_given_name() -> None:
    assert initials("Trần Thị Mỹ Linh") == "TL"
    assert initials("admin") == "A"
