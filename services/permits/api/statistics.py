"""Statistics over the steps of dossiers."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from kernel.edge import CurrentActor, Read, api_router
from kernel.texts import Day
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas.statistics import MonthRead, StatisticsRead, StepRead

router = api_router("/api/permits/v1", ["dossiers"])


@router.get("/statistics", dependencies=[needs("permits:statistics:read")])
async def read_statistics(
    actor: CurrentActor,
    read: Read,
    since: Annotated[Day, Query(description="The first day.", examples=["2026-01-01"])],
    until: Annotated[Day, Query(description="The last day, included.", examples=["2026-12-31"])],
) -> StatisticsRead:
    """The share that keeps its day, gross and net days by department and step. Counts only, no dossier among them."""
    after = until + timedelta(days=1)
    steps = await queries.step_figures(read, since, after)
    months = await queries.month_figures(read, since, after)
    return StatisticsRead(
        steps=[StepRead(**vars(each)) for each in steps], months=[MonthRead(**vars(each)) for each in months]
    )
