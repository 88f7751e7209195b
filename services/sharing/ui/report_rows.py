"""What the pages of the reports share: rows as templates take them, what a form sent, what is wrong with it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fastapi import Request

from kernel.errors import Refusal
from kernel.paging import BadCursor, decode_cursor
from kernel.web import forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of
from services.sharing.ui import report_words as words


def dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Days and instants of the JSON as the templates' filters take them."""
    for row in rows:
        for name in ("as_of", "last_good_day"):
            if row.get(name):
                row[name] = date.fromisoformat(row[name])
        for name in ("opened_at", "known_at", "closed_at", "submitted_at", "reminded_at", "answered_at", "settled_at"):
            if row.get(name):
                row[name] = datetime.fromisoformat(row[name])
    return rows


def after_of(request: Request, keys: int) -> list[Any] | None:
    given = request.query_params.get("after", "")
    try:
        return decode_cursor(given, keys) if given else None
    except BadCursor:
        return None


async def sent_of(request: Request, *names: str) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, "")).strip() for name in names}


def errors_of(request: Request, refusal: Refusal) -> dict[str, str]:
    say = frame_of(request).translations(locale_of(request)).gettext
    found = forms.field_errors(refusal.errors, say)
    named = {name.rpartition("claims-")[2] or "note": text for name, text in found.items()}
    return named or {"": say(refusal.detail).format(**refusal.params)}


def line_of(row: dict[str, Any], names: Mapping[str, tuple[str, str]], lang: str) -> dict[str, Any]:
    (shown,) = dated([row])
    told = shown["told"]
    return {
        **shown,
        "href": f"/sharing/reports/{row['report_id']}/lines/{row['no']}",
        "org_name": words.named(names, row["org"], lang),
        "title": words.title(shown, names, lang),
        "facts": words.facts(told, names, lang),
        "claimed": words.claimed(shown["claims"] or {}, names, lang),
    }
