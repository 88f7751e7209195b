"""The open page: what everybody may take, without signing in."""

from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import EVERYBODY, Now, Read, open_router
from kernel.web.i18n import locale_of
from kernel.web.render import render
from services.sharing.domain.figures import percent
from services.sharing.queries import indicators, law, ratios, statements
from services.sharing.ui import board, words
from services.sharing.ui.gate import opened
from services.sharing.ui.indicators import LIGHT, TONE, shown_row

router = open_router("/sharing/open", ["open data"])
NEWEST = 5
FILES = ("ratios", "targets", "indicators", "statements")


@router.get("", dependencies=[opened("sharing:ratio:read")], include_in_schema=False)
async def open_data(request: Request, read: Read, now: Now) -> HTMLResponse:
    """The figures of today and where to take them from."""
    lang, day = locale_of(request), local_date(now)
    targets = await law.targets_on(read, day)
    borders = law.borders_of(targets)
    figures = await ratios.figures(read, sorted(borders.items()), actor=EVERYBODY, as_of=day, known_at=now, now=now)
    every = await indicators.indicators(
        read, indicators.IndicatorsAsked(), actor=EVERYBODY, as_of=day, known_at=now, now=now, limit=500
    )
    sealed = await statements.statements(read, statements.StatementsAsked(), actor=EVERYBODY, limit=NEWEST)
    context: dict[str, Any] = {
        "day": day,
        "figures": [
            {
                "title": words.TITLE[kind],
                "kind": kind,
                **found,
                "percent": percent(found["shared"], found["counted"]),
                "target": _target([row for row in targets if row.kind == kind], day, lang),
            }
            for (kind, _), found in sorted(figures.items(), key=lambda pair: list(words.KIND).index(pair[0][0]))
        ],
        "plan": words.titled(targets[0], lang) if targets else "",
        "indicators": [shown_row(request, row) for row in orjson.loads(every.items)],
        "statements": orjson.loads(sealed.items),
        "files": FILES,
        "light_words": LIGHT,
        "tones": TONE,
        "words": words,
    }
    return render(request, "sharing/open_data.html", context)


def _target(targets: list[Any], day: Any, lang: str) -> str:
    current = board.current_target(targets, day)
    return board.plain_percent(current.percent, lang) if current is not None else ""
