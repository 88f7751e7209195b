from typing import Annotated, Any

from fastapi import Query, Request, Response, status

from kernel import batch, history
from kernel.clock import local_date
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.commands import agreements as commands
from services.sharing.commands.ledger import Recorded
from services.sharing.domain import agreement as rules
from services.sharing.queries import agreements as queries
from services.sharing.queries.ratios import known_instant

router = api_router("/api/sharing/v1", ["agreements"])


@router.get("/agreements", dependencies=[needs("sharing:agreement:read")], **listed_as(schemas.AgreementPage))
async def list_agreements(
    request: Request, actor: CurrentActor, now: Now, asked: Annotated[queries.AgreementsAsked, Query()]
) -> Response:
    """Agreements on shared use, newest first. Your organisation's, all for auditors, with their status on `as_of`."""
    day, instant = asked.as_of or local_date(now), known_instant(asked.known_at, now)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.agreements(read, asked, actor=actor, as_of=day, known_at=instant, limit=limit, after=after)

    return await answered(request, asked, fetch, name="agreements", columns=list(queries.SHAPE.members))


@router.post("/agreements", dependencies=[needs("sharing:agreement:record")], status_code=status.HTTP_201_CREATED)
async def record_agreement(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.AgreementRecord, response: Response
) -> schemas.RecordedRead:
    """Record that a tenant may use a structure. 409 `StructureNotKnownYet` with Retry-After: the copy may lag."""
    made = await commands.agree(tx, actor, body.structure_id, body.tenant, body.terms(), now=now)
    response.headers["Location"] = f"/api/sharing/v1/agreements/{made.id}"
    return _recorded(made, response)


@router.post("/agreements:batch", dependencies=[needs("sharing:agreement:record")])
async def record_agreements(
    request: Request, actor: CurrentActor, tx: Tx, now: Now, body: schemas.AgreementsRecord
) -> batch.Results:
    """Record up to 100 agreements. Each stands or falls by itself and says so; the others stay."""

    async def act(one: schemas.AgreementRecord) -> schemas.RecordedRead:
        made = await commands.agree(tx, actor, one.structure_id, one.tenant, one.terms(), now=now)
        return schemas.RecordedRead(id=made.id, version=made.no)

    return await batch.each(request, tx, body.items, act)


@router.get(
    "/agreements/{agreement_id}",
    dependencies=[needs("sharing:agreement:read")],
    response_model_exclude_unset=True,
)
async def read_agreement(
    actor: CurrentActor, read: Read, agreement_id: schemas.AgreementId, response: Response
) -> schemas.AgreementRead:
    """One agreement with every statement about it. 404 for whoever is no party and no auditor."""
    row = await queries.agreement(read, agreement_id, actor=actor)
    rows = await queries.change_rows(read, agreement_id)
    response.headers["ETag"] = entity_tag(row.last_no)
    belief = history.believe([queries.as_change(each) for each in rows])
    return schemas.AgreementRead(
        id=row.id,
        structure_id=row.structure_id,
        public_no=row.public_no,
        structure_name=row.structure_name,
        owner=row.owner,
        tenant=row.tenant,
        version=row.last_no,
        versions=[_version(version) for version in belief.versions],
        changes=[schemas.ChangeRead.model_validate(each, from_attributes=True) for each in rows],
    )


@router.post(
    "/agreements/{agreement_id}/termination",
    dependencies=[needs("sharing:agreement:terminate")],
    status_code=status.HTTP_201_CREATED,
)
async def terminate_agreement(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    agreement_id: schemas.AgreementId,
    body: schemas.TerminationGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.RecordedRead:
    """End an agreement on a day. The parties may each do so. 409 when it is not in force then."""
    made = await commands.terminate(tx, actor, agreement_id, body.on, body.reason, now=now, if_match=if_match)
    return _recorded(made, response)


@router.post(
    "/agreements/{agreement_id}/corrections",
    dependencies=[needs("sharing:agreement:correct")],
    status_code=status.HTTP_201_CREATED,
)
async def correct_agreement(
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    agreement_id: schemas.AgreementId,
    body: schemas.CorrectionGive,
    if_match: IfMatch,
    response: Response,
) -> schemas.RecordedRead:
    """Say that a statement was wrong. Figures as known before the correction stay what they were."""
    terms = body.terms.terms() if body.terms else None
    made = await commands.correct(
        tx, actor, agreement_id, body.corrects, terms, body.reason, now=now, if_match=if_match
    )
    return _recorded(made, response)


def _recorded(made: Recorded, response: Response) -> schemas.RecordedRead:
    response.headers["ETag"] = entity_tag(made.no)
    return schemas.RecordedRead(id=made.id, version=made.no)


def _version(version: history.Version) -> schemas.VersionRead:
    return schemas.VersionRead(
        valid_from=version.valid_from,
        valid_to=version.valid_to,
        status=rules.status(version),
        kind=version.values.get("kind", ""),
        number=version.values.get("number", ""),
        document_sha256=version.values.get("document_sha256", ""),
    )
