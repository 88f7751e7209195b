"""From a template and its values to the answer."""

from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kernel.web import forms
from kernel.web.formats import ZONE
from kernel.web.frame import Context, Frame
from kernel.web.i18n import LOCALES, locale_of

THEMES = ("light", "dark")
YEAR = timedelta(days=365)


def render(
    request: Request, template: str, context: Context | None = None, status: int = 200, *, block: str | None = None
) -> HTMLResponse:
    """Render `template` with `context` and what every page gets; with `block` only that block of it (htmx).

    Every page gets: actor (or None), org_name, nav, lang, theme, demo, now (local), today, url, path, query(),
    csrf_field, notices, is_htmx. `nav_counts` in the context or in request.state ({path: count}) puts counts beside
    side bar entries.
    """
    frame = frame_of(request)
    values = {**_frame_context(request, frame, context or {}), **(context or {})}
    page = frame.environment(values["lang"]).get_template(template)
    text = page.render(values) if block is None else "".join(page.blocks[block](page.new_context(values)))
    response = HTMLResponse(text, status, headers={"Vary": "Cookie, Accept-Language, HX-Request"})
    _keep_choices(request, response)
    return response


def render_error(
    request: Request, *, status: int, detail: str, trace_id: str = "", back: str | None = None
) -> HTMLResponse:
    """The error page: `detail` is the refusal in the reader's language; the page adds what is safe and what to try."""
    context = {"status": status, "detail": detail, "trace_id": trace_id, "back": back}
    return render(request, "error.html", context, status)


def see_other(request: Request, path: str, *, said: str | None = None, undo: str | None = None) -> RedirectResponse:
    """303 after a POST; `said` (already translated, past tense) is shown as a toast on the next page."""
    if said is None:
        return RedirectResponse(path, 303)
    sealed = forms.seal_notice(frame_of(request).form_key, _sid(request), said, undo)
    return RedirectResponse(_with_query(path, {forms.NOTICE: sealed}), 303)


def gettext_of(request: Request, message: str, **params: Any) -> str:
    """A message in the reader's language, `{params}` filled in."""
    words = frame_of(request).translations(locale_of(request)).gettext(message)
    return words.format(**params) if params else words


def frame_of(request: Request) -> Frame:
    return cast(Frame, request.app.state.frame)


def _frame_context(request: Request, frame: Frame, context: Context) -> dict[str, Any]:
    locale = locale_of(request)
    actor = getattr(request.state, "actor", None)
    counts = getattr(request.state, "nav_counts", {})
    now = frame.clock().astimezone(ZONE)
    token = forms.form_token(frame.form_key, _sid(request), now.date())
    return {
        "actor": actor,
        "org_name": getattr(request.state, "org_name", None) or (actor.org if actor else ""),
        "nav": frame.links(locale, actor.capabilities, request.url.path, {**counts, **context.get("nav_counts", {})})
        if actor
        else [],
        "lang": locale,
        "theme": _theme(request),
        "demo": frame.demo,
        "now": now,
        "today": now.date(),
        "path": request.url.path,
        "url": _with_query(request.url.path, dict(_query(request))),
        "query": _Query(request),
        "csrf_field": Markup('<input type="hidden" name="{}" value="{}">').format(forms.FIELD, token),
        "notices": _notices(request, frame),
        "is_htmx": request.headers.get("hx-request") == "true",
    }


class _Query:
    """`query(sort="due")` in a template: this page's query string with some values changed (None removes one)."""

    def __init__(self, request: Request) -> None:
        self.pairs = _query(request)

    def __call__(self, **changes: object) -> str:
        kept = [(name, value) for name, value in self.pairs if name not in changes]
        for name, value in changes.items():
            values = value if isinstance(value, list | tuple) else [value]
            kept += [(name, str(each)) for each in values if each is not None and each != ""]
        return f"?{urlencode(kept)}"

    def get(self, name: str, default: str = "") -> str:
        return dict(self.pairs).get(name, default)

    def all(self, *without: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.pairs if name not in without]


def _query(request: Request) -> list[tuple[str, str]]:
    frame_only = {forms.NOTICE, "lang", "theme"}
    return [(name, value) for name, value in request.query_params.multi_items() if name not in frame_only]


def _notices(request: Request, frame: Frame) -> list[tuple[str, str | None]]:
    sealed = request.query_params.get(forms.NOTICE)
    opened = forms.open_notice(frame.form_key, _sid(request), sealed) if sealed else None
    return [opened] if opened else []


def _theme(request: Request) -> str | None:
    for chosen in (request.query_params.get("theme"), request.cookies.get("theme")):
        if chosen in THEMES:
            return chosen
    return None


def _keep_choices(request: Request, response: Response) -> None:
    """The language and theme links work without script: a choice in the query is kept in a cookie."""
    for name, allowed in (("lang", LOCALES), ("theme", THEMES)):
        chosen = request.query_params.get(name)
        if chosen in allowed:
            response.set_cookie(name, chosen, max_age=int(YEAR.total_seconds()), path="/", samesite="lax")


def _sid(request: Request) -> str:
    actor = getattr(request.state, "actor", None)
    return str(actor.sid or actor.id) if actor else ""


def _with_query(path: str, changes: dict[str, str]) -> str:
    parts = urlsplit(path)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *changes.items()]
    return urlunsplit(("", "", quote(parts.path, safe="/:@!$&'()*+,;=%-._~"), urlencode(pairs), parts.fragment))
