"""Sharing's card on the home page."""

from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.i18n import locale_of
from kernel.web.render import render
from services.sharing.domain.figures import percent
from services.sharing.queries import law, ratios
from services.sharing.ui import board
from services.sharing.ui.gate import needs

router = ui_router("/sharing")


@router.get("/home-card", dependencies=[needs("sharing:ratio:read")])
async def home_card(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """The ratio of masts today in the borders of the plan, and what is missing for the target."""
    day = local_date(now)
    targets = await law.targets(read, "mast")
    scope = await ratios.scope(
        read,
        actor=actor,
        kind="mast",
        as_of=day,
        known_at=now,
        now=now,
        boundary_set=targets[0].boundary_set if targets else None,
    )
    figure: dict[str, Any] = orjson.loads(await ratios.ratio(read, scope))
    target = board.current_target(targets, day)
    context = {
        "figure": figure,
        "percent": percent(figure["shared"], figure["counted"]),
        "target_text": board.plain_percent(target.percent, locale_of(request)) if target else "",
        "missing": board.missing(target.percent, figure) if target and figure["counted"] else None,
        "day": day,
    }
    return render(request, "sharing/home_card.html", context)
