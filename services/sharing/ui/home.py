"""Sharing's card on the home page: the ratio of masts, and the report that the person's enterprise still owes."""

from datetime import date, datetime
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.i18n import locale_of
from kernel.web.render import render
from services.sharing.domain import policy
from services.sharing.domain.figures import percent
from services.sharing.queries import law, ratios, reports
from services.sharing.ui import board
from services.sharing.ui.gate import needs

router = ui_router("/sharing")


@router.get("/home-card", dependencies=[needs("sharing:ratio:read")])
async def home_card(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """The ratio of masts today in the borders of the plan, and what is missing for the target."""
    day = local_date(now)
    targets = await law.targets_on(read, day, "mast")
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
        "report": await _waiting(read, actor, now),
        "figure": figure,
        "percent": percent(figure["shared"], figure["counted"]),
        "target_text": board.plain_percent(target.percent, locale_of(request)) if target else "",
        "missing": board.missing(target.percent, figure) if target and figure["counted"] else None,
        "day": day,
    }
    return render(request, "sharing/home_card.html", context)


async def _waiting(read: Read, actor: Actor, now: datetime) -> dict[str, Any] | None:
    """Of the reports that whoever answers for an enterprise has not submitted the one that is due first."""
    if not policy.may(actor, "sharing:report:answer", actor.org):
        return None
    asked = reports.ReportsAsked(org=actor.org, standing_in=["open", "overdue"])
    rows = orjson.loads((await reports.reports(read, asked, actor=actor, now=now, limit=20)).items)
    if not rows:
        return None
    first: dict[str, Any] = min(rows, key=lambda row: row["last_good_day"])
    return {**first, "last_good_day": date.fromisoformat(first["last_good_day"])}
