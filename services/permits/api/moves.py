"""The acts on a dossier, each one command; `If-Match` with the ETag read before guards against a change in between."""

from typing import Annotated

from fastapi import Depends, Request, Response

from kernel.edge import CurrentActor, IfMatch, Now, Tx, api_router, entity_tag, require_match
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.filing import ChangedRead
from services.permits.api.schemas.given import (
    CompletenessGive,
    DecisionMake,
    DossierId,
    ExtensionGrant,
    NoticeGive,
    OpinionAsk,
    OpinionCheck,
    OpinionGive,
    OpinionName,
    SharingAnswer,
    SupplementGive,
    Withdrawal,
)
from services.permits.commands import Changed
from services.permits.queries import Dossier

router = api_router("/api/permits/v1/applications/{id}", ["dossiers"])


async def locked(id: DossierId, actor: CurrentActor, tx: Tx, given: IfMatch) -> Dossier:
    """The dossier, locked until the answer is committed, if it is still the one that was read."""
    dossier = await queries.application(tx, id, actor=actor, lock=True)
    require_match(given, dossier.version)
    return dossier


Locked = Annotated[Dossier, Depends(locked, scope="function")]


def answer(response: Response, changed: Changed) -> Changed:
    response.headers["ETag"] = entity_tag(changed.version)
    return changed


@router.post("/completeness", response_model=ChangedRead, dependencies=[needs("permits:completeness:check")])
async def check_completeness(
    given: CompletenessGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Find the dossier complete or not. Complete: the reviews begin. Incomplete: one itemised request goes out."""
    settings = request.app.state.settings
    if given.outcome == "complete":
        return answer(response, await commands.accept(tx, actor, held, settings=settings, now=now))
    items = [item.item() for item in given.items]
    return answer(response, await commands.request_supplement(tx, actor, held, items, settings=settings, now=now))


@router.post("/supplements", response_model=ChangedRead, dependencies=[needs("permits:supplement:give")])
async def supplement_application(
    given: SupplementGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Answer the open request with new copies of the parts it names. The clocks go on as the procedure says."""
    parts = [part.draft() for part in given.parts]
    changed = await commands.supplement(tx, actor, held, parts, settings=request.app.state.settings, now=now)
    return answer(response, changed)


@router.post("/share-answers", response_model=ChangedRead, dependencies=[needs("permits:sharing:answer")])
async def answer_sharing(
    given: SharingAnswer, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Say why masts in service around are not used instead of the new one. Until the decision, again where needed."""
    answers = [each.answer() for each in given.answers]
    return answer(response, await commands.answer_sharing(tx, actor, held, answers, now=now))


@router.post("/opinion-drafts", response_model=ChangedRead, dependencies=[needs("permits:opinion:draft")])
async def draft_opinion(
    given: OpinionGive, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Propose an opinion for somebody else of the department to sign. Until then it may be written again."""
    changed = await commands.draft_opinion(tx, actor, held, given.function, given.opinion(), now=now)
    return answer(response, changed)


@router.post("/opinion-submissions", response_model=ChangedRead, dependencies=[needs("permits:opinion:draft")])
async def submit_opinion(
    given: OpinionName, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Hand the draft of an opinion in. It goes to the check where three people are wanted, else to the signature."""
    return answer(response, await commands.submit_opinion(tx, actor, held, given.function, now=now))


@router.post("/opinion-checks", response_model=ChangedRead, dependencies=[needs("permits:opinion:check")])
async def check_opinion(
    given: OpinionCheck, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Pass a draft on to be signed, or hand it back with the reason. Who has written any of it does not pass it."""
    if given.outcome == "passed":
        return answer(response, await commands.pass_opinion(tx, actor, held, given.function, now=now))
    return answer(response, await commands.return_opinion(tx, actor, held, given.function, given.reason, now=now))


@router.post("/opinion-signatures", response_model=ChangedRead, dependencies=[needs("permits:opinion:sign")])
async def sign_opinion(
    given: OpinionName, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Sign the draft as it stands and send it. Never by somebody who has written any of it."""
    settings = request.app.state.settings
    return answer(response, await commands.sign_opinion(tx, actor, held, given.function, settings=settings, now=now))


@router.post("/opinion-requests", response_model=ChangedRead, dependencies=[needs("permits:opinion:ask")])
async def ask_opinion(
    given: OpinionAsk, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Ask a function again, or one that no rule names, with the reason. Its own time begins anew."""
    settings = request.app.state.settings
    changed = await commands.ask_function(tx, actor, held, given.function, given.reason, settings=settings, now=now)
    return answer(response, changed)


@router.post("/opinions", response_model=ChangedRead, dependencies=[needs("permits:opinion:give")])
async def give_opinion(
    given: OpinionGive, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Sign and send the opinion of a function in one step, where its department lets one person do so.

    After its deadline it is kept and marked late.
    """
    settings = request.app.state.settings
    changed = await commands.give_opinion(tx, actor, held, given.function, given.opinion(), settings=settings, now=now)
    return answer(response, changed)


@router.post("/decision", response_model=ChangedRead, dependencies=[needs("permits:decision:make")])
async def decide_application(
    given: DecisionMake, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Decide as the lead. Before all have answered, or against an objection, only with a reason."""
    settings = request.app.state.settings
    return answer(response, await commands.decide(tx, actor, held, given.decision(), settings=settings, now=now))


@router.post("/extensions", response_model=ChangedRead, dependencies=[needs("permits:deadline:extend")])
async def extend_deadline(
    given: ExtensionGrant, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Lengthen the time to decide. As far as the procedure lets, before the day is over, with a reason in writing."""
    settings = request.app.state.settings
    changed = await commands.extend(tx, actor, held, given.days, given.reason, settings=settings, now=now)
    return answer(response, changed)


@router.post("/notices", response_model=ChangedRead, dependencies=[needs("permits:works:notify")])
async def notify_works(
    given: NoticeGive, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Tell that the works began, then that they are done. After a decision that allows them, each once, in order."""
    return answer(response, await commands.notify_works(tx, actor, held, given.kind, given.on, now=now))


@router.post("/withdrawal", response_model=ChangedRead, dependencies=[needs("permits:application:withdraw")])
async def withdraw_application(
    given: Withdrawal, request: Request, response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked
) -> Changed:
    """Take the dossier back. The applicant may until it is decided; its clocks stop."""
    settings = request.app.state.settings
    return answer(response, await commands.withdraw(tx, actor, held, given.reason, settings=settings, now=now))


@router.post("/claim", response_model=ChangedRead, dependencies=[needs("permits:application:claim")])
async def claim_application(response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked) -> Changed:
    """Take the dossier for what one's function has to do in it. Colleagues see who works on it."""
    return answer(response, await commands.claim(tx, actor, held, now=now))


@router.post("/hand-back", response_model=ChangedRead, dependencies=[needs("permits:application:claim")])
async def hand_back_application(response: Response, actor: CurrentActor, tx: Tx, now: Now, held: Locked) -> Changed:
    """Give the dossier back to the department. Whoever is free takes it."""
    return answer(response, await commands.hand_back(tx, actor, held, now=now))
