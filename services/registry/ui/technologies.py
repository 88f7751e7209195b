"""How far the old networks are switched off: stations on air by technology over the years, and by operator."""

from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.i18n import locale_of
from kernel.web.render import render
from services.registry.domain.quarters import quarters
from services.registry.queries import places
from services.registry.queries.technologies import Progress, progress
from services.registry.ui.asking import AskedTimes
from services.registry.ui.gate import needs

router = ui_router("/registry")
TECHNOLOGIES = ("2G", "3G", "4G", "5G")
COLOURS = {"2G": "var(--am-c2)", "3G": "var(--am-c3)", "4G": "var(--am-c1)", "5G": "var(--am-c4)"}
SHOWN = 12
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 240, 48, 28


@router.get("/technologies", dependencies=[needs("registry:station:read")])
async def board(request: Request, actor: CurrentActor, read: Read, now: Now, asked: AskedTimes) -> HTMLResponse:
    days = quarters(asked.at.as_of, SHOWN)
    rows = await progress(read, actor, days, asked.at)
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), locale_of(request))
    totals = {one: _sum(rows, one, len(days)) for one in TECHNOLOGIES}
    context = {
        "asked": asked,
        "days": days,
        "totals": totals,
        "rows": rows,
        "chart": _chart(totals, days),
        "any": any(map(any, totals.values())),
    }
    return render(request, "registry/technologies.html", context)


def _sum(rows: list[Progress], technology: str, days: int) -> list[int]:
    return [sum(row.counts[at] for row in rows if row.technology == technology) for at in range(days)]


def _chart(totals: dict[str, list[int]], days: list[date]) -> dict[str, Any]:
    """A line for each technology, from nothing up to the most."""
    most = max([1, *(count for counts in totals.values() for count in counts)])
    step = (WIDTH - LEFT - 40) / (len(days) - 1)

    def point(at: int, count: int) -> str:
        return f"{LEFT + at * step:.1f},{(HEIGHT - BOTTOM) * (1 - count / most * 0.92):.1f}"

    return {
        "lines": [
            {
                "name": name,
                "colour": COLOURS[name],
                "points": " ".join(point(at, count) for at, count in enumerate(counts)),
                "end": point(len(counts) - 1, counts[-1]).split(","),
            }
            for name, counts in totals.items()
            if any(counts)
        ],
        "ticks": [{"x": round(LEFT + at * step, 1), "day": day} for at, day in enumerate(days) if at % 2 == 1],
        "most": most,
        "top": round((HEIGHT - BOTTOM) * 0.08, 1),
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "floor": HEIGHT - BOTTOM,
    }
