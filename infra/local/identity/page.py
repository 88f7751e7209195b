"""The page on which a demo person is picked, and the page that says why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from infra.local.identity.realm import Person, Realm

FOLDER = Path(__file__).with_name("templates")
STYLE = FOLDER / "identity.css"
_pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True)
class Choice:
    username: str
    name: str
    initial: str
    duties: str


def pick(realm: Realm, people: Iterable[Person], application: str, redirect_uri: str) -> HTMLResponse:
    """Everybody who may sign in, grouped by organisation in the order of the realm file."""
    groups: dict[str, list[Choice]] = {}
    for person in people:
        if person.enabled and not person.is_pending:
            groups.setdefault(person.org, []).append(_choice(person, realm))
    named = [(realm.organisations.get(org, org), org, choices) for org, choices in groups.items()]
    body = _pages.get_template("pick.html").render(title=realm.title, application=application, groups=named)
    return _page(body, 200, form_action=f"'self' {_origin(redirect_uri)}")


def password(person: Person, redirect_uri: str, *, wrong: bool) -> HTMLResponse:
    """For those who were invited: they have set a password of their own."""
    body = _pages.get_template("password.html").render(person=person, wrong=wrong)
    return _page(body, 200, form_action=f"'self' {_origin(redirect_uri)}")


def barred(person: Person) -> HTMLResponse:
    return _page(_pages.get_template("barred.html").render(person=person), 403)


def refusal(text: str, status: int = 400) -> HTMLResponse:
    return _page(_pages.get_template("refusal.html").render(text=text), status)


def signed_out() -> HTMLResponse:
    return _page(_pages.get_template("signed_out.html").render(), 200)


def _choice(person: Person, realm: Realm) -> Choice:
    duties = " · ".join(_titles(person.capabilities, realm.roles))
    functions = ", ".join(_titles(person.functions, realm.functions))
    given = person.name.split()[-1] if person.name else person.username
    return Choice(
        person.username,
        person.name or person.username,
        given[0].upper(),
        f"{duties} ({functions})" if functions else duties,
    )


def _titles(codes: Iterable[str], titles: Mapping[str, str]) -> list[str]:
    return [titles.get(code, code) for code in codes]


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _page(body: str, status: int, *, form_action: str = "'none'") -> HTMLResponse:
    policy = f"default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(body, status, headers)
