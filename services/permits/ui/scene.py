"""What every page of permits begins with: words, calendar, today, the name under the person's."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, Tx
from services.permits import queries
from services.permits.domain.calendar import Calendar
from services.permits.domain.policy import OFFICERS
from services.permits.queries import Dossier, Session
from services.permits.settings import PermitsSettings
from services.permits.ui.words import Words


@dataclass(frozen=True)
class Scene:
    words: Words
    calendar: Calendar
    today: date
    now: datetime
    settings: PermitsSettings

    def horizon(self) -> queries.Horizon:
        return queries.Horizon(self.today, self.calendar.working_after(self.calendar.working_after(self.today)))


async def _scene(request: Request, actor: CurrentActor, session: Session, now: datetime) -> Scene:
    settings: PermitsSettings = request.app.state.settings
    words = Words(request, await queries.lexicon(session))
    request.state.org_name = words.org_of_person(actor.org)
    if unread := await queries.unread(session, actor=actor):
        request.state.nav_counts = {"/permits/notices": unread}
    calendar = await queries.newest_calendar(session, settings.area)
    return Scene(words, calendar, local_date(now), now, settings)


async def _reading(request: Request, actor: CurrentActor, read: Read, now: Now) -> Scene:
    return await _scene(request, actor, read, now)


async def _writing(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Scene:
    return await _scene(request, actor, tx, now)


async def _seen(id: UUID, actor: CurrentActor, read: Read) -> Dossier:
    return await queries.application(read, id, actor=actor)


async def _locked(id: UUID, actor: CurrentActor, tx: Tx) -> Dossier:
    return await queries.application(tx, id, actor=actor, lock=True)


# scope="function": they hold the session that closes with the route.
Reading = Annotated[Scene, Depends(_reading, scope="function")]
Writing = Annotated[Scene, Depends(_writing, scope="function")]
Seen = Annotated[Dossier, Depends(_seen, scope="function")]
Locked = Annotated[Dossier, Depends(_locked, scope="function")]


def is_officer(actor: CurrentActor) -> bool:
    return not actor.capabilities.isdisjoint(OFFICERS)
