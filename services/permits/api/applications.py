"""Dossiers: list, file, read, and the trace of their clocks."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request, Response

from kernel.batch import Results, each
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import CurrentActor, Now, Read, Tx, api_router, entity_tag
from kernel.export import CSV, GEOJSON, JSON, XLSX, accepted, answered, listed_as
from kernel.listing import Rows
from kernel.web.i18n import locale_of
from services.permits import clients, commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.clocks import ClocksRead
from services.permits.api.schemas.dossier import ApplicationPage, ApplicationRead
from services.permits.api.schemas.filing import CheckRead, ReceiptRead
from services.permits.api.schemas.given import ApplicationFile, ApplicationsFile, DossierId
from services.permits.queries.listing import SHAPE

router = api_router("/api/permits/v1", ["dossiers"])
# Of a dossier with many sites the first ones are asked about here; the dossier itself tells all.
MOST_PLACES = 5
FORMS = (CSV, XLSX, GEOJSON)


@router.get("/applications", dependencies=[needs("permits:application:list")], **listed_as(ApplicationPage, *FORMS))
async def list_applications(
    request: Request, actor: CurrentActor, asked: Annotated[queries.ApplicationsAsked, Query()]
) -> Response:
    """The dossiers that you may see, newest first. Applicants their own, officers those they lead or review.

    As CSV, XLSX and GeoJSON each dossier stands at the point of its first site.
    """
    more = () if accepted(request, JSON, *FORMS) == JSON else queries.POINT

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.applications(read, asked, actor=actor, limit=limit, after=after, more=more)

    columns = [*SHAPE.members, *(name for name in SHAPE.more if name in more or name in (asked.expand or ()))]
    return await answered(request, asked, fetch, name="applications", columns=columns, forms=FORMS)


@router.post(
    "/applications", status_code=201, response_model=ReceiptRead, dependencies=[needs("permits:application:file")]
)
async def file_application(
    given: ApplicationFile, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now
) -> dict[str, Any]:
    """File a dossier. The law in force on the local day of receipt applies; every fault comes back at once."""
    settings = request.app.state.settings
    receipt = await commands.file(tx, actor, given.filing(), application_id=new_id(), settings=settings, now=now)
    response.headers["Location"] = f"/api/permits/v1/applications/{receipt.id}"
    response.headers["ETag"] = entity_tag(receipt.version)
    return _receipt(receipt)


def _receipt(receipt: commands.Receipt) -> dict[str, Any]:
    return {**receipt.__dict__, "sites": [site.model_dump() for site in receipt.sites]}


@router.post("/applications:batch", dependencies=[needs("permits:application:file")])
async def file_applications(
    given: ApplicationsFile, request: Request, actor: CurrentActor, tx: Tx, now: Now
) -> Results:
    """File up to 100 dossiers. Each by itself: what is refused takes no number, the others keep theirs."""
    settings = request.app.state.settings

    async def act(one: ApplicationFile) -> ReceiptRead:
        filed = await commands.file(tx, actor, one.filing(), application_id=new_id(), settings=settings, now=now)
        return ReceiptRead.model_validate(_receipt(filed))

    return await each(request, tx, given.items, act)


@router.post("/applications:check", dependencies=[needs("permits:application:file")])
async def check_application(
    given: ApplicationFile, request: Request, actor: CurrentActor, read: Read, now: Now
) -> CheckRead:
    """Ask what filing this now would mean. The same engine as the filing, nothing is changed, no key is needed.

    Tells the procedure that would govern, the parts, every fault with its pointer, who would be asked and why, the
    lead, the clocks with their days, and the masts in service around that could carry it. Faults are the answer here,
    not a refusal.
    """
    outlook = await commands.check(read, actor, given.filing(), settings=request.app.state.settings, now=now)
    radius = await queries.share_radius(read, given.work)
    places = [(site.lon, site.lat) for site in given.sites[:MOST_PLACES]]
    found = (
        await clients.shareable(
            request.app.state.bus, given.applicant or actor.org, places, radius_m=radius, as_of=local_date(now)
        )
        if radius
        else []
    )
    translate = request.app.state.frame.translations(locale_of(request)).gettext
    return CheckRead.of(outlook, found, translate)


@router.get("/applications/{id}", response_model=ApplicationRead, dependencies=[needs("permits:application:read")])
async def read_application(id: DossierId, actor: CurrentActor, read: Read) -> Response:
    """The dossier with its parts, reviews, clocks, decision and notices."""
    found = await queries.document(read, id, actor=actor)
    return Response(found.json, media_type=JSON, headers={"ETag": entity_tag(found.version)})


@router.get("/applications/{id}/clock", response_model=ClocksRead, dependencies=[needs("permits:application:read")])
async def read_clocks(id: DossierId, request: Request, actor: CurrentActor, read: Read, now: Now) -> dict[str, Any]:
    """Why each deadline is on its day. Rule, events, calendar and every day in between."""
    traced = await queries.clocks(read, id, actor=actor, area=request.app.state.settings.area, now=now)
    return asdict(traced)
