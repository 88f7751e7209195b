"""What a browser or an operator's system does at the gateway, for scripts and tests: sign in, call, wait."""

import time
from collections.abc import Callable
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx

JSON = dict[str, Any]


class CannotSignIn(RuntimeError):
    pass


class Visitor:
    """An HTTP client at the gateway, as a person (session cookie) or as a service client (bearer token).

    httpx never sends a Secure cookie over plain http as browsers do for loopback, so cookies are set by hand.
    """

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.http = httpx.Client(base_url=gateway, timeout=30, trust_env=False)
        self.http.headers["Accept-Language"] = "en"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    @classmethod
    def client(cls, gateway: str, issuer: str, client_id: str, secret: str = "") -> Self:
        """A service client, by client credentials."""
        answer = httpx.post(
            f"{issuer}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, secret or f"demo-{client_id}"),
            trust_env=False,
        )
        if answer.status_code != 200:
            raise CannotSignIn(f"{client_id}: {answer.status_code} {answer.text[:200]}")
        visitor = cls(gateway)
        visitor.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return visitor

    @classmethod
    def person(cls, gateway: str, username: str, password: str = "") -> Self:
        """A person, through the sign-in pages of whichever provider the gateway sends us to."""
        visitor = cls(gateway)
        visitor._sign_in(username, password or f"demo-{username}")
        visitor.http.headers["Origin"] = gateway
        return visitor

    def _sign_in(self, username: str, password: str) -> None:
        jar: dict[str, str] = {}
        answer = self._get(f"{self.gateway}/sign-in", jar)
        for _ in range(8):
            if answer.status_code in (302, 303):
                target = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(target).path in ("/", "") and target.startswith(self.gateway):
                    break
                answer = self._get(target, jar)
            elif answer.status_code == 200:
                answer = self._submit(answer, jar, username, password)
            else:
                raise CannotSignIn(f"{username}: {answer.status_code} at {answer.url}")
        session = {name: value for name, value in jar.items() if "session" in name and name.startswith("__Host-")}
        if not session:
            raise CannotSignIn(f"{username}: no session after {answer.url}")
        self.http.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in session.items())

    def _get(self, url: str, jar: dict[str, str]) -> httpx.Response:
        answer = httpx.get(url, headers=_cookies(jar), trust_env=False, timeout=30)
        _keep(answer, jar)
        return answer

    def _submit(self, page: httpx.Response, jar: dict[str, str], username: str, password: str) -> httpx.Response:
        form = _Form(page.text)
        target = urljoin(str(page.url), form.action or str(page.url))
        fields = {"person": username} if "person" in form.names else {"username": username, "password": password}
        headers = {**_cookies(jar), "Origin": f"{urlsplit(target).scheme}://{urlsplit(target).netloc}"}
        answer = httpx.post(target, data=fields, headers=headers, trust_env=False, timeout=30)
        _keep(answer, jar)
        return answer

    def get(self, path: str, **query: Any) -> JSON:
        return self._checked(self.http.get(path, params={k: v for k, v in query.items() if v is not None}))

    def post(self, path: str, body: JSON | None = None, **headers: str) -> JSON:
        return self._checked(self.http.post(path, json=body or {}, headers={**_writing(), **headers}))

    def send_file(self, name: str, content: bytes) -> JSON:
        """Stores one dossier part; the answer holds its id."""
        headers = {"Content-Type": "application/octet-stream", **_writing()}
        return self._checked(
            self.http.post("/api/permits/v1/files", params={"name": name}, content=content, headers=headers)
        )

    @staticmethod
    def _checked(answer: httpx.Response) -> JSON:
        if answer.status_code >= 400:
            raise httpx.HTTPStatusError(
                f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:1500]}",
                request=answer.request,
                response=answer,
            )
        found: JSON = answer.json()
        return found


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Asks until the answer is true; copies follow their sources within moments."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.1)


def _writing() -> dict[str, str]:
    """What every write of the API carries; `*`: what it changes may have been changed since by the others."""
    return {"Idempotency-Key": str(uuid4()), "If-Match": "*"}


def _cookies(jar: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}


def _keep(answer: httpx.Response, jar: dict[str, str]) -> None:
    for header in answer.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(header).items():
            jar[name] = morsel.value


class _Form(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.names = "", set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        if tag in ("input", "button"):
            self.names.add(found.get("name") or "")
