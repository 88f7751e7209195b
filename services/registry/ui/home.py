"""The registry's cards on the home page: what waits for the administrator, and the masts."""

import json
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel import parked
from kernel.auth import Actor
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, render
from services.registry.domain import policy
from services.registry.domain.times import times
from services.registry.queries import access, structures
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
    context = {
        "found": found,
        "own": own,
        "building": json.loads(building.items),
        "words": words,
        "chores": await _chores(request, actor, read, now) if actor.can("administrator") else None,
    }
    return render(request, "registry/home_card.html", context)


async def _chores(request: Request, actor: Actor, read: Any, now: datetime) -> list[dict[str, Any]]:
    """Lines of the to-do list, the most pressing first; what is zero is left out."""
    say = frame_of(request).translations(locale_of(request))
    found, look = await access.chores(read, actor=actor, now=now), await access.look(read)
    waiting = await parked.waiting(read)
    lines = [
        (
            int(bool(look.error)),
            say.gettext("The sign-in service does not answer"),
            say.gettext("People signed in go on; what is recorded here is told to it once it is back."),
            "/registry/access",
        ),
        (
            found.findings,
            say.ngettext(
                "{n} account was changed by other hands", "{n} accounts were changed by other hands", found.findings
            ),
            say.gettext("In the sign-in service, past this register: restore or accept."),
            "/registry/access",
        ),
        (
            found.failed,
            say.ngettext(
                "{n} account was refused by the sign-in service",
                "{n} accounts were refused by the sign-in service",
                found.failed,
            ),
            say.gettext("The account's page says why."),
            "/registry/access",
        ),
        (
            waiting,
            say.ngettext("{n} message waits in the registry", "{n} messages wait in the registry", waiting),
            say.gettext("It could not be applied: mend, apply again, or drop it."),
            "/registry/parked",
        ),
        (
            found.ending,
            say.ngettext("The secret of {n} client ends soon", "The secrets of {n} clients end soon", found.ending),
            say.gettext("Within 14 days: rotate it with an overlap."),
            "/registry/access",
        ),
        (
            found.unreviewed,
            say.ngettext("{n} account waits for its review", "{n} accounts wait for their review", found.unreviewed),
            say.gettext("Never reviewed, or not for a year: does it still need what it holds?"),
            "/registry/access",
        ),
    ]
    verb = say.gettext("Open")
    return [
        {
            "chip": "",
            "title": title.format(n=count),
            "text": text,
            "href": href,
            "action": (verb, href),
            "primary": False,
        }
        for count, title, text, href in lines
        if count
    ]
