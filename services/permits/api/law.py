"""The law as data: the published procedures, and the codes that a dossier is written in."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.edge import CurrentActor, Read, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas.clocks import ClockSimulate, SimulatedRead
from services.permits.api.schemas.law import CodePage, ProcedurePage
from services.permits.queries.law import CODE, PROCEDURE

router = api_router("/api/permits/v1", ["law"])
READ = "permits:procedure:read"


@router.get("/procedures", dependencies=[needs(READ)], **listed_as(ProcedurePage))
async def list_procedures(
    request: Request, actor: CurrentActor, asked: Annotated[queries.ProceduresAsked, Query()]
) -> Response:
    """Every published version of every procedure. Which dossiers it governs, parts, agencies, clocks, sources."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.procedure_list(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="procedures", columns=list(PROCEDURE.members))


@router.get("/codes", dependencies=[needs(READ)], **listed_as(CodePage))
async def list_codes(request: Request, actor: CurrentActor, asked: Annotated[queries.CodesAsked, Query()]) -> Response:
    """The code lists that a dossier is written in: works, parts, facts, functions, structure codes, areas."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.codes(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="codes", columns=list(CODE.members))


@router.post("/clock:simulate", response_model=SimulatedRead, dependencies=[needs(READ)])
async def simulate_clock(given: ClockSimulate, request: Request, actor: CurrentActor, read: Read) -> dict[str, Any]:
    """Play a procedure's clocks: a receipt and acts give the due dates with their trace, day by day.

    The same functions as a real dossier's clocks, by the newest calendar; nothing is changed, no key is needed. What
    falls due before the next act takes effect as silence does.
    """
    area = request.app.state.settings.area
    found = await queries.simulated(
        read, given.procedure, given.received_at, given.acts(), area=area, functions=given.functions, until=given.until
    )
    return asdict(found)
