"""The registry's card on the home page."""

import json

from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.render import render
from services.registry.domain import policy
from services.registry.domain.times import times
from services.registry.queries import structures
from services.registry.queries.asked import Filter
from services.registry.ui import words
from services.registry.ui.gate import needs

router = ui_router("/registry")
LATEST = 5


@router.get("/home-card", dependencies=[needs("registry:home:read")])
async def home_card(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """Masts by status: all of them for officers, an enterprise's own for itself."""
    own = None if policy.sees_all(actor) else actor.org
    at = times(None, None, now)
    found = await structures.extent(read, actor, "mast", Filter(owner=own), at)
    building = await structures.structures(
        read, actor, "mast", Filter(owner=own, status="under_construction"), at, limit=LATEST
    )
    context = {"found": found, "own": own, "building": json.loads(building.items), "words": words}
    return render(request, "registry/home_card.html", context)
