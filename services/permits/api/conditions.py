"""Conditions: side by side before the decision, followed after it; and the library they are taken from."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response

from kernel.edge import CurrentActor, Now, Read, Tx, api_router
from kernel.export import answered, listed_as
from kernel.listing import Rows
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.moves import Locked, answer
from services.permits.api.schemas.conditions import PhrasePage, SideBySideRead, Written
from services.permits.api.schemas.filing import ChangedRead
from services.permits.api.schemas.given import ConditionJudge, DossierId, EvidenceShow, PhraseWrite
from services.permits.commands import Changed
from services.permits.domain import policy
from services.permits.domain.application import ConditionAct
from services.permits.queries.conditions import PHRASE

router = api_router("/api/permits/v1", ["dossiers"])
library = api_router("/api/permits/v1", ["law"])
ACTS: dict[Literal["met", "rejected", "waived"], ConditionAct] = {
    "met": "meet",
    "rejected": "reject",
    "waived": "waive",
}


@router.get("/applications/{id}/conditions", dependencies=[needs("permits:condition:compare")])
async def compare_conditions(id: DossierId, actor: CurrentActor, read: Read) -> SideBySideRead:
    """The conditions of all signed opinions. Which say the same, which is stricter, which contradict each other."""
    dossier = await queries.application(read, id, actor=actor)
    policy.demand(actor, "permits:condition:compare", dossier.standing)
    return SideBySideRead.of(await queries.side_by_side(read, dossier))


@router.post(
    "/applications/{id}/condition-evidence",
    response_model=ChangedRead,
    dependencies=[needs("permits:condition:show")],
)
async def show_evidence(
    given: EvidenceShow, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Show that a condition of the decision is met. By a file sent before or in words, again until the verdict."""
    return answer(response, await commands.show_evidence(tx, actor, held, given.no, given.file, given.remark, now=now))


@router.post(
    "/applications/{id}/condition-verdicts",
    response_model=ChangedRead,
    dependencies=[needs("permits:condition:judge")],
)
async def judge_condition(
    given: ConditionJudge, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Say whether a condition is met. Only the function that verifies it; a refusal or a waiver says why."""
    act = ACTS[given.outcome]
    return answer(response, await commands.judge_condition(tx, actor, held, given.no, act, given.remark, now=now))


@library.get("/phrases", dependencies=[needs("permits:phrase:read")], **listed_as(PhrasePage))
async def list_phrases(
    request: Request, actor: CurrentActor, asked: Annotated[queries.PhrasesAsked, Query()]
) -> Response:
    """The library of conditions and grounds. Every text by function, with its source and the days it holds."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.phrases(read, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="phrases", columns=list(PHRASE.members))


@library.post("/phrases", status_code=201, response_model=Written, dependencies=[needs("permits:phrase:write")])
async def write_phrase(given: PhraseWrite, actor: CurrentActor, tx: Tx, now: Now) -> dict[str, Any]:
    """Write the next text of a phrase. From today on or later; earlier texts stay as they were."""
    return {"code": given.code, "no": await commands.write_phrase(tx, actor, given.phrase(), now=now)}
