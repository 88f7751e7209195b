"""The acts on a dossier, each one command; `If-Match` with the ETag read before guards against a change in between."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from kernel.edge import CurrentActor, IfMatch, Now, Tx, api_router, entity_tag, require_match
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas import (
    ChangedRead,
    CompletenessGive,
    DecisionMake,
    ExtensionGrant,
    NoticeGive,
    OpinionGive,
    SupplementGive,
    Withdrawal,
)
from services.permits.commands import Changed
from services.permits.queries import Dossier

router = api_router("/api/permits/v1/applications/{id}", ["permits"])


async def locked(id: UUID, actor: CurrentActor, tx: Tx, given: IfMatch) -> Dossier:
    """The dossier, locked until the answer is committed, if it is still the one that was read."""
    dossier = await queries.application(tx, id, actor=actor, lock=True)
    require_match(given, dossier.version)
    return dossier


Locked = Annotated[Dossier, Depends(locked, scope="function")]


def _answer(response: Response, changed: Changed) -> Changed:
    response.headers["ETag"] = entity_tag(changed.version)
    return changed


@router.post("/completeness", response_model=ChangedRead, dependencies=[needs("permits:completeness:check")])
async def completeness(
    given: CompletenessGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Complete: the reviews begin. Incomplete: one itemised request goes to the applicant."""
    settings = request.app.state.settings
    if given.outcome == "complete":
        return _answer(response, await commands.accept(tx, actor, held, settings=settings, now=now))
    items = [item.item() for item in given.items]
    return _answer(response, await commands.request_supplement(tx, actor, held, items, settings=settings, now=now))


@router.post("/supplements", response_model=ChangedRead, dependencies=[needs("permits:supplement:give")])
async def supplements(
    given: SupplementGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Answer the open request with new copies of the parts it names."""
    parts = [part.draft() for part in given.parts]
    changed = await commands.supplement(tx, actor, held, parts, settings=request.app.state.settings, now=now)
    return _answer(response, changed)


@router.post("/opinion-drafts", response_model=ChangedRead, dependencies=[needs("permits:opinion:draft")])
async def opinion_drafts(
    given: OpinionGive, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Propose an opinion for somebody else of the department to sign."""
    changed = await commands.draft_opinion(tx, actor, held, given.function, given.opinion(), now=now)
    return _answer(response, changed)


@router.post("/opinions", response_model=ChangedRead, dependencies=[needs("permits:opinion:give")])
async def opinions(
    given: OpinionGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Sign and send the opinion of a function."""
    settings = request.app.state.settings
    changed = await commands.give_opinion(tx, actor, held, given.function, given.opinion(), settings=settings, now=now)
    return _answer(response, changed)


@router.post("/decision", response_model=ChangedRead, dependencies=[needs("permits:decision:make")])
async def decision(
    given: DecisionMake, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """The lead decides; before all have answered, or against an objection, only with a reason."""
    settings = request.app.state.settings
    return _answer(response, await commands.decide(tx, actor, held, given.decision(), settings=settings, now=now))


@router.post("/extensions", response_model=ChangedRead, dependencies=[needs("permits:deadline:extend")])
async def extensions(
    given: ExtensionGrant, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Lengthen the time to decide, as far as the procedure lets, with a reason in writing."""
    settings = request.app.state.settings
    changed = await commands.extend(tx, actor, held, given.days, given.reason, settings=settings, now=now)
    return _answer(response, changed)


@router.post("/notices", response_model=ChangedRead, dependencies=[needs("permits:works:notify")])
async def notices(
    given: NoticeGive, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """The owner tells of the commencement, then of the completion of the works."""
    return _answer(response, await commands.notify_works(tx, actor, held, given.kind, given.on, now=now))


@router.post("/withdrawal", response_model=ChangedRead, dependencies=[needs("permits:application:withdraw")])
async def withdrawal(
    given: Withdrawal, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """The applicant takes the dossier back before it is decided."""
    settings = request.app.state.settings
    return _answer(response, await commands.withdraw(tx, actor, held, given.reason, settings=settings, now=now))


@router.post("/claim", response_model=ChangedRead, dependencies=[needs("permits:application:claim")])
async def claim(response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked) -> Changed:
    """Take the dossier for what one's function has to do in it."""
    return _answer(response, await commands.claim(tx, actor, held, now=now))


@router.post("/hand-back", response_model=ChangedRead, dependencies=[needs("permits:application:claim")])
async def hand_back(response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked) -> Changed:
    """Give it back to the department."""
    return _answer(response, await commands.hand_back(tx, actor, held, now=now))
