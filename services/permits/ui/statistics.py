"""Statistics: which share keeps its day, how long each step takes; every plot beside its table."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from kernel.edge import CurrentActor, Read, ui_router
from kernel.web.forms import read_day
from kernel.web.render import render
from services.permits import queries
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading
from services.permits.ui.words import CLOCKS, Words

router = ui_router("/permits/statistics")
HEIGHT, COLUMN = 120, 44
Day = Annotated[str, Query(max_length=10)]


@router.get("", dependencies=[needs("permits:statistics:read")])
async def statistics(
    request: Request, actor: CurrentActor, read: Read, scene: Reading, since: Day = "", until: Day = ""
) -> Response:
    """Of the last twelve months, or between two days, both included."""
    words = scene.words
    first = read_day(since) or scene.today.replace(day=1, year=scene.today.year - 1)
    last = read_day(until) or scene.today
    after = last + timedelta(days=1)
    steps = await queries.step_figures(read, first, after)
    months = await queries.month_figures(read, first, after)
    longest = max((each.gross_9 for each in steps), default=0) or 1
    context = {
        "since": f"{first:%d/%m/%Y}",
        "until": f"{last:%d/%m/%Y}",
        "steps": [_step(each, longest, words) for each in steps],
        "months": _plot(months),
        "longest": longest,
        "width": max(len(months), 1) * COLUMN,
        "height": HEIGHT,
    }
    return render(request, "permits/statistics.html", context)


def _step(each: queries.StepFigures, longest: float, words: Words) -> dict[str, Any]:
    known = each.function in words.lexicon.lists["function"]
    return {
        **vars(each),
        "org": words.org(each.org),
        "function": words.code("function", each.function) if known else words._("Applicant"),
        "clock": words._(CLOCKS.get(each.clock, each.clock)),
        "quota": each.on_time / each.ended * 100,
        "gross_width": round(each.gross / longest * 100, 2),
        "net_width": round(each.net / longest * 100, 2),
        "nine_at": round(each.gross_9 / longest * 100, 2),
    }


def _plot(months: Sequence[queries.MonthFigures]) -> list[dict[str, Any]]:
    """Each month with its column: the share in time as a height, gross and net days as points."""
    most = max((each.gross for each in months), default=0) or 1
    return [
        {
            **vars(each),
            "name": f"{each.month:%m/%Y}",
            "short": f"{each.month:%m}" if each.month.month > 1 else f"{each.month:%m/%y}",
            "quota": each.on_time / each.decided * 100,
            "x": place * COLUMN + 4,
            "bar": round(each.on_time / each.decided * HEIGHT, 1),
            "gross_y": round(HEIGHT - each.gross / most * HEIGHT, 1),
            "net_y": round(HEIGHT - each.net / most * HEIGHT, 1),
        }
        for place, each in enumerate(months)
    ]
