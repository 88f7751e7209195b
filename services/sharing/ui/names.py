"""What organisations are called, for a page and for its frame."""

from fastapi import Request

from kernel.auth import Actor
from kernel.edge import Read
from kernel.web.i18n import locale_of
from services.sharing.queries import structures
from services.sharing.ui import words


async def names_of(request: Request, read: Read, actor: Actor) -> dict[str, tuple[str, str]]:
    """By code; the person's own organisation stands by its name in the top bar."""
    names = await structures.organisation_names(read)
    request.state.org_name = words.named(names, actor.org, locale_of(request))
    return names
