"""The gateway's own pages: home, landing, API docs, the choice of language and theme; and the health of the whole."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import cookies, static
from gateway.door import Door
from gateway.errors import ServiceBusy
from gateway.health import Health
from gateway.paths import local_target
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream
from gateway.wire import Away, Broke
from kernel import logging, trace
from kernel.errors import NotFound
from kernel.web import frame
from kernel.web.i18n import locale_of
from kernel.web.render import render

_log = logging.get("gateway.pages")
# On the answer to a card: what the reader's organisation is called in his language, percent-encoded UTF-8.
ORG_NAME = b"x-org-name"
_NAME_LIMIT = 200
# The class of the frame's macro `todo`.
_CHORES = 'class="am-todo"'
_CARD_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    """One service's part of the home page; `fragment` is None while the service is away."""

    service: str
    fragment: Markup | None

    @property
    def has_chores(self) -> bool:
        """It holds the frame's to-do list, which has the wide column."""
        return self.fragment is not None and _CHORES in self.fragment


class Pages:
    def __init__(
        self, settings: GatewaySettings, upstreams: list[Upstream], health: Health, door: Door, document: dict[str, Any]
    ) -> None:
        self._settings, self._upstreams, self._health, self._door = settings, upstreams, health, door
        self._org_names: dict[tuple[str, str], str] = {}
        self._document = orjson.dumps(document, option=orjson.OPT_INDENT_2)

    def routes(self) -> list[Route]:
        return [
            Route("/", self.home),
            Route("/docs", self.docs),
            Route("/openapi.json", self.openapi),
            Route("/static/{path:path}", static.asset),
            Route("/favicon.ico", self.favicon),
            Route("/language", self.choose_language, methods=["POST"]),
            Route("/theme", self.choose_theme, methods=["POST"]),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/sign-in", self._door.sign_in),
            Route("/callback", self._door.callback),
            Route("/sign-out", self._door.sign_out, methods=["POST"]),
            Route("/backchannel-logout", self._door.backchannel_logout, methods=["POST"]),
        ]

    async def home(self, request: Request) -> Response:
        token = getattr(request.state, "token", None)
        if token is None:
            return self._render(request, "gateway/landing.html")
        cards = await asyncio.gather(*(self._card(request, upstream, token) for upstream in self._upstreams))
        shown = [card for card in cards if card is not None]
        shown.sort(key=lambda card: not card.has_chores)
        return self._render(request, "gateway/home.html", cards=shown)

    async def docs(self, request: Request) -> Response:
        return self._render(request, "gateway/docs.html")

    async def openapi(self, request: Request) -> Response:
        return Response(self._document, media_type="application/json", headers={"Cache-Control": "public, max-age=60"})

    async def favicon(self, request: Request) -> Response:
        return RedirectResponse(frame.static("favicon.svg"), 303, headers={"Cache-Control": "public, max-age=86400"})

    async def choose_language(self, request: Request) -> Response:
        return await self._choose(request, "lang")

    async def choose_theme(self, request: Request) -> Response:
        return await self._choose(request, "theme")

    async def live(self, request: Request) -> Response:
        return _json({"status": "live"}, 200)

    async def ready(self, request: Request) -> Response:
        report = await self._health.ready()
        return _json(report, 200 if report["status"] == "ready" else 503)

    async def _card(self, request: Request, upstream: Upstream, token: str) -> Card | None:
        """None when the service has nothing to show this person."""
        headers = [
            (b"authorization", f"Bearer {token}".encode()),
            (b"accept", b"text/html"),
            (b"accept-language", locale_of(request).encode()),
            (b"traceparent", trace.current.get().encode()),
        ]
        path = f"/{upstream.name}/home-card"
        try:
            status, said, body = await upstream.fetch(path, headers=headers, seconds=self._settings.card_seconds)
        except (Away, Broke, TimeoutError, ServiceBusy) as error:
            _log.warning("no card", upstream=upstream.name, error=repr(error))
            return Card(upstream.name, None)
        if status >= 500 or len(body) > _CARD_LIMIT:
            return Card(upstream.name, None)
        if name := unquote(said.get(ORG_NAME, b"").decode("ascii", "replace"))[:_NAME_LIMIT]:
            self._org_names[self._reader(request)] = name
        fragment = body.decode("utf-8", "replace").strip()
        return Card(upstream.name, Markup(fragment)) if status == 200 and fragment else None  # noqa: S704

    def _render(self, request: Request, template: str, **context: Any) -> Response:
        """The name of the reader's organisation is what a service said last; its code until one has said it."""
        request.state.org_name = self._org_names.get(self._reader(request))
        return render(request, template, {"own": static.own, **context})

    @staticmethod
    def _reader(request: Request) -> tuple[str, str]:
        actor = getattr(request.state, "actor", None)
        return (actor.org if actor else "", locale_of(request))

    async def _choose(self, request: Request, name: str) -> Response:
        """`to` and `next` in the query or in the form; an unknown word is 404, as no page offers it."""
        asked = dict(request.query_params)
        async with request.form(max_files=0, max_fields=10) as form:
            asked |= {key: value for key, value in form.items() if isinstance(value, str)}
        if asked.get("to") not in cookies.CHOICES[name]:
            raise NotFound
        response = RedirectResponse(local_target(asked.get("next")), 303)
        response.raw_headers.append(cookies.set_choice(name, asked["to"]))
        return response


def _json(content: object, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status, media_type="application/json", headers=headers)
