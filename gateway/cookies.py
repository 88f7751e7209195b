"""The cookies of this origin: session, sign-in under way, and the reader's choice of language and theme."""

from urllib.parse import parse_qsl

from starlette.types import Scope

from gateway import headers
from gateway.settings import GatewaySettings
from kernel.web.i18n import LOCALES
from kernel.web.render import THEMES, YEAR

CHOICES = {"lang": LOCALES, "theme": THEMES}
SIGN_IN_SECONDS = 600

SetCookie = tuple[bytes, bytes]


class Cookies:
    """`__Host-` cookies belong to exactly this host; the port in the name keeps two products on one host apart."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.session = f"__Host-session{settings.cookie_suffix}"
        self.sign_in = f"__Host-signin{settings.cookie_suffix}"

    def session_of(self, scope: Scope) -> str | None:
        return headers.cookie(headers.head_of(scope), self.session)

    def sign_in_of(self, scope: Scope) -> str | None:
        return headers.cookie(headers.head_of(scope), self.sign_in)

    def set_session(self, value: str) -> SetCookie:
        return _host_cookie(self.session, value, "")

    def set_sign_in(self, value: str) -> SetCookie:
        return _host_cookie(self.sign_in, value, f"; Max-Age={SIGN_IN_SECONDS}")

    def clear(self, name: str) -> SetCookie:
        return _host_cookie(name, "", "; Max-Age=0")


def choices(scope: Scope) -> dict[str, str]:
    """The reader's language and theme where they are known words: the query's choice before the cookie's."""
    asked, head = _asked(scope), headers.head_of(scope)
    if not asked and b"cookie" not in head:
        return {}
    found = {}
    for name, allowed in CHOICES.items():
        value = asked.get(name) or headers.cookie(head, name)
        if value in allowed:
            found[name] = value
    return found


def keep_choices(scope: Scope) -> tuple[SetCookie, ...]:
    """A choice made by a link (`?lang=en`) on a service's page is kept here, since no service sets a cookie."""
    return tuple(set_choice(name, value) for name, value in _asked(scope).items())


def set_choice(name: str, value: str) -> SetCookie:
    age = int(YEAR.total_seconds())
    return b"set-cookie", f"{name}={value}; Max-Age={age}; Path=/; SameSite=Lax".encode()


def _asked(scope: Scope) -> dict[str, str]:
    query: bytes = scope["query_string"]
    if b"lang=" not in query and b"theme=" not in query:
        return {}
    return {name: value for name, value in parse_qsl(query.decode("latin-1")) if value in CHOICES.get(name, ())}


def _host_cookie(name: str, value: str, extra: str) -> SetCookie:
    return b"set-cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{extra}".encode()
