"""What the registry answers over NATS, when another service's copy would not be fresh enough."""

from collections.abc import Mapping

from contracts.envelope import Question
from contracts.registry import MastsNear, NearMast, NearMasts
from kernel.bus import Answer
from kernel.db import Database
from services.registry.queries import structures


async def masts_near(database: Database, question: MastsNear) -> NearMasts:
    """Only what stands: a competitor's plans are no part of the answer."""
    async with database.read() as read:
        rows = await structures.near(
            read, question.lon, question.lat, question.radius_m, question.as_of, question.limit
        )
    return NearMasts(items=[NearMast(**row) for row in rows])


ANSWERS: Mapping[type[Question], Answer] = {MastsNear: masts_near}
