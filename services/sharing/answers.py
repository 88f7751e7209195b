"""Questions of other services that sharing answers."""

from collections.abc import Mapping

from contracts.envelope import Question
from contracts.sharing import MastsToShare, ShareableMast, ShareableMasts
from kernel.bus import Answer
from kernel.db import Database
from services.sharing.queries import shareable


async def masts_to_share(database: Database, question: MastsToShare) -> ShareableMasts:
    async with database.read() as read:
        until = await shareable.complete_to(read)
        rows = await shareable.masts_to_share(
            read,
            org=question.org,
            lon=question.lon,
            lat=question.lat,
            radius_m=question.radius_m,
            day=question.as_of,
            limit=question.limit,
        )
    return ShareableMasts(complete_to=until, items=[ShareableMast(**row) for row in rows])


ANSWERS: Mapping[type[Question], Answer] = {MastsToShare: masts_to_share}
