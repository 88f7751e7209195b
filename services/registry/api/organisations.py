from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from kernel.edge import Now, Read, api_router
from kernel.errors import N_, NotFound
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.registry.api.answering import PREFIX, AsAsked, listed_times, told
from services.registry.api.gate import needs
from services.registry.api.schemas import places as schemas
from services.registry.queries import organisations as queries

router = api_router(PREFIX, ["organisations"])
READ = [needs("registry:organisation:read")]


class OrganisationNotFound(NotFound):
    detail = N_("There is no such organisation on that day.")


@router.get("/organisations", dependencies=READ, name="list_organisations", **listed_as(schemas.OrganisationPage))
async def listing(request: Request, now: Now, asked: Annotated[queries.OrganisationsAsked, Query()]) -> Response:
    """Organisations as they were on that day, with the functions they then held; ended ones name their successor."""
    at = await listed_times(request, asked, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.organisations(read, asked, at, limit=limit, after=after)

    columns = list(queries.SHAPE.members)
    return await answered(
        request, asked, fetch, name="organisations", columns=columns, as_of=at.as_of, known_at=at.known_at
    )


@router.get(
    "/organisations/{code}", dependencies=READ, name="read_organisation", response_model=schemas.OrganisationRead
)
async def found(
    read: Read, at: AsAsked, code: Annotated[str, Path(description="Organisation code.", examples=["VIETTEL"])]
) -> Response:
    """One organisation as it was on that day, with the functions it then held."""
    one = await queries.organisation(read, code, at)
    if one is None:
        raise OrganisationNotFound
    return told(one)
