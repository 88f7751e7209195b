"""How a refusal is told: as a page to whoever reads pages, as a problem document to everybody else."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway import headers
from kernel import trace
from kernel.errors import InternalError, MalformedRequest, NoSuchPage, Refusal, Unauthenticated, WrongMethod, problem
from kernel.web.i18n import locale_of
from kernel.web.render import render_error

_NEVER_PAGES = ("/api/", "/health/", "/static/", "/backchannel-logout")


class SignInNeeded(Unauthenticated):
    """A page that only a signed-in person may see: the browser is sent to the door instead."""


def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    translate = request.app.state.frame.translations(locale_of(request)).gettext
    if headers.wants_html(headers.head_of(request.scope)) and not request.scope["path"].startswith(_NEVER_PAGES):
        page = render_error(request, status=error.status, detail=error.say(translate), trace_id=trace.trace_id())
        page.headers.update(error.headers)
        return page
    return JSONResponse(
        problem(error, translate, trace.trace_id()),
        error.status,
        headers={"Cache-Control": "no-store", **error.headers},
        media_type="application/problem+json",
    )


def plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds: dict[int, type[Refusal]] = {404: NoSuchPage, 405: WrongMethod}
    return refused(request, kinds.get(error.status_code, MalformedRequest)())


def broken(request: Request, error: Exception) -> Response:
    return refused(request, InternalError())
