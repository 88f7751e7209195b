"""Who may sign what alone: the duties of a department as dated data."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.db import new_id
from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.given import DutySet
from services.permits.api.schemas.law import DutyPage, Made
from services.permits.queries.opinions import DUTY

router = api_router("/api/permits/v1", ["law"])


@router.get("/duties", dependencies=[needs("permits:duty:read")], **listed_as(DutyPage))
async def list_duties(
    request: Request, actor: CurrentActor, asked: Annotated[queries.DutiesAsked, Query()]
) -> Response:
    """How many people an opinion passes through, by department and function. Where none is set the procedure says."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.duties(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="duties", columns=list(DUTY.members))


@router.post("/duties", status_code=201, response_model=Made, dependencies=[needs("permits:duty:set")])
async def set_duty(given: DutySet, actor: CurrentActor, tx: Tx, now: Now) -> dict[str, Any]:
    """Set how a department divides the work on an opinion. For functions asked from that day on, never backwards."""
    return {"id": await commands.set_duty(tx, actor, new_id(), **given.model_dump(), now=now)}
