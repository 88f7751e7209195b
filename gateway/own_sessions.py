"""A person's own sessions: where he is signed in, and the end of one or of all of them."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import static
from gateway.cookies import Cookies
from gateway.refusals import SignInNeeded
from gateway.session_cache import Session
from gateway.sessions import Sessions, key_of
from kernel.errors import Forbidden, NotFound
from kernel.web import forms
from kernel.web.formats import ZONE
from kernel.web.render import frame_of, render

_AGENTS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"Android": "Android", "iPhone": "iOS", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux"}


class OwnSessions:
    def __init__(self, sessions: Sessions, cookies: Cookies) -> None:
        self._sessions, self._cookies = sessions, cookies

    def routes(self) -> list[Route]:
        return [
            Route("/sessions", self.listed),
            Route("/sessions", self.end_all, methods=["POST"]),
            Route("/sessions/{id}", self.end_one, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        found = await self._of_reader(request)
        this = key_of(self._cookies.session_of(request.scope) or "")
        newest_first = sorted(found.items(), key=lambda one: one[1].seen, reverse=True)
        told = [_told(key, session, is_this=key == this) for key, session in newest_first]
        return render(request, "gateway/sessions.html", {"own": static.own, "sessions": told})

    async def end_one(self, request: Request) -> Response:
        """404 for a session of somebody else: only the reader's own are looked through."""
        await self._check_form(request)
        wanted = request.path_params["id"]
        key = next((key for key in await self._of_reader(request) if _id(key) == wanted), None)
        if key is None:
            raise NotFound
        await self._sessions.end_keys([key])
        return RedirectResponse("/sessions", 303)

    async def end_all(self, request: Request) -> Response:
        """This one, too: the person sees at once that it worked."""
        await self._check_form(request)
        await self._sessions.end_keys(await self._of_reader(request))
        response = RedirectResponse("/", 303)
        response.raw_headers.append(self._cookies.clear(self._cookies.session))
        return response

    async def _of_reader(self, request: Request) -> dict[str, Session]:
        session: Session | None = getattr(request.state, "session", None)
        if session is None:
            raise SignInNeeded
        return await self._sessions.of_person(session.sub)

    async def _check_form(self, request: Request) -> None:
        actor = getattr(request.state, "actor", None)
        if actor is None:
            raise SignInNeeded
        async with request.form(max_files=0, max_fields=5) as form:
            given = str(form.get(forms.FIELD, ""))
        frame = frame_of(request)
        today = frame.clock().astimezone(ZONE).date()
        if not forms.check_form(frame.form_key, str(actor.sid or actor.id), today, given):
            raise Forbidden


def agent_of(given: str) -> str:
    """`Firefox, Windows`: as much as tells one's own browsers apart, and no more of the person."""
    browser = next((name for mark, name in _AGENTS.items() if mark in given), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in given), "")
    return ", ".join(part for part in (browser, system) if part)


def _told(key: str, session: Session, *, is_this: bool) -> dict[str, Any]:
    return {
        "id": _id(key),
        "agent": session.agent,
        "began": datetime.fromtimestamp(session.began, UTC),
        "seen": datetime.fromtimestamp(session.seen, UTC),
        "is_this": is_this,
    }


def _id(key: str) -> str:
    """The hash of a cookie's value says nothing about the value."""
    return key.rpartition(".")[2][:32]
