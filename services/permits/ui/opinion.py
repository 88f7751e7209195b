"""The opinion of a function: drafted, checked, signed, or given by one person where his department lets him."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Invalid, Stale
from kernel.web.formats import unit_in_text
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import (
    OPINIONS,
    Opinion,
    ReviewState,
    check_opinion,
    read_condition,
    read_opinion,
    way_of,
)
from services.permits.domain.refusals import DossierFaulty, ReviewNotAsked
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing
from services.permits.ui.words import STEPPED, WAYS, Words

# What shows the form again and changes nothing.
SHOWN = ("edit", "add", "take")
MOST_PHRASES = 200
router = ui_router("/permits/applications/{id}")


def _home(dossier: Dossier) -> str:
    return f"/permits/applications/{dossier.id}"


@router.get("/opinion", dependencies=[needs("permits:opinion:give")])
async def opinion(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    dossier: Seen,
    function: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The opinion of one function: written, or read by whoever checks and signs it; what happened to it so far."""
    function = function or workspace.own_open_review(dossier, actor) or ""
    review = _own_review(dossier, actor, function)
    context = await _opinion_context(read, actor, scene, dossier, review, None, {})
    return render(request, "permits/opinion.html", context)


def _own_review(dossier: Dossier, actor: Actor, function: str) -> ReviewState:
    policy.demand(actor, "permits:opinion:give", dossier.standing)
    own = [r for r in dossier.reviews if r.function == function and r.org in dossier.orgs]
    if not own or not policy.covers(actor, function):
        raise ReviewNotAsked
    return own[-1]


async def _opinion_context(
    session: queries.Session,
    actor: Actor,
    scene: Scene,
    dossier: Dossier,
    review: ReviewState,
    values: dict[str, str] | None,
    errors: dict[str, str],
) -> dict[str, Any]:
    """`values` None: what stands in the draft."""
    words = scene.words
    detail = await queries.detail(session, dossier.id, actor=actor)
    places = await queries.unit_names(session, [site["commune"] for site in detail["sites"]])
    site = detail["sites"][0]
    draft = await queries.draft(session, review.id)
    if values is None:
        said = {"outcome": draft.written["outcome"] or "", "grounds": draft.written["grounds"] or ""}
        values = said | forms.condition_values([read_condition(each) for each in draft.written["conditions"]])
    way = way_of(review, dossier.procedure)
    return {
        "dossier": dossier,
        "detail": detail,
        "function": review.function,
        "function_name": words.code("function", review.function),
        "org": words.org_in_full(actor.org),
        "heading": f"{words.work(site)}, {unit_in_text(places.get(site['commune'], site['commune']))}",
        "outcomes": [(each, words.outcome(each)) for each in OPINIONS],
        "values": {"review_version": str(review.version), **values},
        "errors": errors,
        "conditions": forms.condition_count(values),
        "choices": forms.condition_choices(words, _verifiers(dossier)),
        "phrases": [(_name(each), each["title"] or each["text"]) for each in await _library(session, scene, review)],
        "action": workspace.next_action(detail, dossier, actor, scene),
        "words": words,
        "way": words._(WAYS[way]),
        "three": way == "three_persons",
        "stage": review.stage,
        "stands": _stands(draft, words),
        "steps": [(words._(STEPPED[step.act]), step.name, step.at, step.remark) for step in draft.steps],
        **_offered(review, way, dossier, actor),
    }


def _verifiers(dossier: Dossier) -> list[str]:
    return list(dict.fromkeys([dossier.lead_function, *(review.function for review in dossier.reviews)]))


async def _library(session: queries.Session, scene: Scene, review: ReviewState) -> list[dict[str, Any]]:
    asked = queries.PhrasesAsked(function=review.function, valid_on=scene.today)
    found: list[dict[str, Any]] = orjson.loads((await queries.phrases(session, asked, limit=MOST_PHRASES)).items)
    return found


def _name(phrase: dict[str, Any]) -> str:
    return f"{phrase['kind']}:{phrase['code']}"


def _taken(values: dict[str, str], phrases: list[dict[str, Any]]) -> dict[str, str]:
    """The form with the chosen text: a ground is added to the grounds, a condition to the conditions."""
    chosen = next((each for each in phrases if _name(each) == values.get("phrase")), None)
    if chosen is None:
        return values
    if chosen["kind"] == "ground":
        return {**values, "grounds": f"{values.get('grounds', '')}\n{chosen['text']}".strip()}
    listed, _ = forms.conditions(values)
    fresh = read_condition({**chosen, "kind": chosen["when"], "due_on": None, "of": None})
    outcome = {} if values.get("outcome") in ("disagree", "not_involved") else {"outcome": "conditions"}
    return {**values, **forms.condition_values([*listed, fresh]), **outcome}


def _stands(draft: queries.Draft, words: Words) -> Opinion | None:
    return read_opinion(draft.written) if draft.written["outcome"] else None


def _offered(review: ReviewState, way: str, dossier: Dossier, actor: Actor) -> dict[str, bool]:
    """Which buttons the page has: those whose command would not refuse this reader."""
    step = workspace.own_step(dossier, actor)
    act = step.act if step and step.function == review.function else ""
    may_write = policy.allowed(actor, "permits:opinion:draft", dossier.standing)
    writable = act in ("give", "draft")
    handed_in = review.stage in ("check", "sign")
    return {
        "writable": writable,
        "alone": act == "give",
        "may_draft": writable and may_write,
        "may_pass": act == "check",
        "may_sign": act == "sign",
        "may_return": handed_in and policy.allowed(actor, "permits:opinion:check", dossier.standing),
    }


@router.post("/opinion", dependencies=[needs("permits:opinion:give")])
async def give(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    """`step`: check shows the confirm page, edit, add and take show the form again, the others are commands."""
    _, values = await forms.sent(request)
    words, step = scene.words, values.get("step", "check")
    review = _own_review(dossier, actor, values.get("function", ""))
    listed, faults = forms.conditions(values)
    said = Opinion(values.get("outcome", ""), values.get("grounds", "").strip(), listed)
    try:
        if step not in SHOWN:
            if values.get("review_version") != str(review.version):
                raise Stale
            if faults:
                raise DossierFaulty(errors=faults)
        if step == "check":
            check_opinion(said, await queries.condition_book(tx, dossier), scene.today)
        elif step not in SHOWN:
            told = await _done(tx, actor, scene, dossier, review, step, said, values)
            return see_other(request, _home(dossier), said=told)
    except (Invalid, Stale) as refusal:
        fresh = {**values, "review_version": str(review.version)}
        errors = forms.errors_of(refusal, words)
        context = await _opinion_context(tx, actor, scene, dossier, review, fresh, errors)
        return render(request, "permits/opinion.html", context, 422)
    if step == "take":
        values = _taken(values, await _library(tx, scene, review))
    context = await _opinion_context(tx, actor, scene, dossier, review, values, {})
    context |= {"said": said}
    page = "permits/opinion_confirm.html" if step == "check" else "permits/opinion.html"
    return render(request, page, context)


async def _done(
    tx: queries.Session,
    actor: Actor,
    scene: Scene,
    dossier: Dossier,
    review: ReviewState,
    step: str,
    said: Opinion,
    values: dict[str, str],
) -> str:
    """Does what the button says; answers with what the next page tells."""
    words, settings, now, function = scene.words, scene.settings, scene.now, review.function
    name = words.code("function", function)
    if step == "pass":
        await commands.pass_opinion(tx, actor, dossier, function, now=now)
        return words._("Checked; the opinion on {function} waits for the signature.", function=name)
    if step == "return":
        await commands.return_opinion(tx, actor, dossier, function, values.get("reason", ""), now=now)
        return words._("The draft on {function} is handed back.", function=name)
    if step == "sign":
        await commands.sign_opinion(tx, actor, dossier, function, settings=settings, now=now)
        return words._("Opinion on {function} sent.", function=name)
    if step in ("draft", "submit"):
        await commands.draft_opinion(tx, actor, dossier, function, said, now=now)
        if step == "draft":
            return words._("The draft on {function} is kept.", function=name)
        again = await queries.application(tx, dossier.id, actor=actor, lock=True)
        await commands.submit_opinion(tx, actor, again, function, now=now)
        return words._("The draft on {function} is handed in.", function=name)
    await commands.give_opinion(tx, actor, dossier, function, said, settings=settings, now=now)
    return words._("Opinion on {function} sent.", function=name)
