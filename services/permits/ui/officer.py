"""What officers do in a dossier: check the parts, give an opinion, decide, extend."""

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Fault, Invalid, Stale
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import (
    OPINIONS,
    Decision,
    Opinion,
    SupplementItem,
    check_decision,
    check_opinion,
)
from services.permits.domain.refusals import DossierFaulty, ReviewNotAsked
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing

router = ui_router("/permits/applications/{id}")


def _home(dossier: Dossier) -> str:
    return f"/permits/applications/{dossier.id}"


# Completeness -----------------------------------------------------------------------------------------------------


@router.get("/completeness")
async def completeness(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    """The sheet: each part, its file, and what is missing."""
    policy.demand(actor, "permits:completeness:check", dossier.standing)
    return await _sheet(request, actor, read, scene, dossier, {}, {})


async def _sheet(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    detail = await queries.detail(session, dossier.id, actor=actor)
    given = {part.code: part for part in workspace.parts(detail, dossier, scene)}
    words = scene.words
    rows = [
        {
            "code": rule.code,
            "name": words.code("part", rule.code),
            "source": rule.source,
            "optional": rule.optional or (rule.required_when is not None and rule.code not in given),
            "part": given.get(rule.code),
        }
        for rule in dossier.procedure.parts
    ]
    context = {
        "dossier": dossier,
        "detail": detail,
        "rows": rows,
        "values": values,
        "errors": errors,
        "words": words,
        "round": len(detail["supplement_requests"]) + 1,
        "rounds": dossier.procedure.supplements.rounds,
        "action": workspace.next_action(detail, dossier, actor, scene),
    }
    return render(request, "permits/completeness.html", context, 422 if errors else 200)


@router.post("/completeness")
async def check(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    words, settings = scene.words, scene.settings
    if values.get("outcome") == "complete":
        await commands.accept(tx, actor, dossier, settings=settings, now=scene.now)
        return see_other(request, _home(dossier), said=words._("Found complete; the departments are asked."))
    codes = [rule.code for rule in dossier.procedure.parts if values.get(f"ask-{rule.code}")]
    items = [SupplementItem(code, values.get(f"why-{code}", "").strip()) for code in codes]
    try:
        await commands.request_supplement(tx, actor, dossier, items, settings=settings, now=scene.now)
    except Invalid as refusal:
        errors = forms.errors_of(refusal, words)
        named = {_item_field(name, codes): text for name, text in errors.items()}
        return await _sheet(request, actor, tx, scene, dossier, values, named)
    return see_other(request, _home(dossier), said=words._("Supplement request sent; the time limit is paused."))


def _item_field(name: str, codes: list[str]) -> str:
    """`items-0-code` -> the row it belongs to."""
    parts = name.split("-")
    return f"ask-{codes[int(parts[1])]}" if len(parts) == 3 and parts[1].isdigit() else ""


# Opinion ----------------------------------------------------------------------------------------------------------


@router.get("/opinion")
async def opinion(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    dossier: Seen,
    function: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The opinion form of one function; a colleague's draft stands in it."""
    function = function or workspace.own_open_review(dossier, actor) or ""
    review = _own_review(dossier, actor, function)
    draft = await queries.draft(read, review.id)
    values = {"outcome": draft["outcome"] or "", "grounds": draft["grounds"] or ""} | forms.condition_values(
        draft["conditions"]
    )
    context = await _opinion_context(read, actor, scene, dossier, function, values, {})
    return render(request, "permits/opinion.html", context)


def _own_review(dossier: Dossier, actor: Actor, function: str) -> Any:
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
    function: str,
    values: dict[str, str],
    errors: dict[str, str],
) -> dict[str, Any]:
    words = scene.words
    detail = await queries.detail(session, dossier.id, actor=actor)
    places = await queries.unit_names(session, [site["unit"] for site in detail["sites"]])
    site = detail["sites"][0]
    return {
        "dossier": dossier,
        "detail": detail,
        "function": function,
        "function_name": words.code("function", function),
        "org": words.org_in_full(actor.org),
        "heading": f"{words.work(site)}, {places.get(site['unit'], site['unit'])}",
        "outcomes": [(each, words.outcome(each)) for each in OPINIONS],
        "values": {"review_version": str(_own_review(dossier, actor, function).version), **values},
        "errors": errors,
        "conditions": forms.condition_count(values),
        "action": workspace.next_action(detail, dossier, actor, scene),
        "words": words,
    }


@router.post("/opinion")
async def give(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    """`step`: check shows the confirm page, edit and add show the form again, send signs."""
    _, values = await forms.sent(request)
    words, function, step = scene.words, values.get("function", ""), values.get("step", "check")
    review = _own_review(dossier, actor, function)
    listed, faults = forms.conditions(values)
    said = Opinion(values.get("outcome", ""), values.get("grounds", "").strip(), listed)
    try:
        if step in ("check", "send"):
            check_opinion(said)
            if faults:
                raise DossierFaulty(errors=faults)
            if values.get("review_version") != str(review.version):
                raise Stale
        if step == "send":
            await commands.give_opinion(tx, actor, dossier, function, said, settings=scene.settings, now=scene.now)
            sent = words._("Opinion on {function} sent.", function=words.code("function", function))
            return see_other(request, _home(dossier), said=sent)
    except (Invalid, Stale) as refusal:
        fresh = {**values, "review_version": str(review.version)}
        errors = forms.errors_of(refusal, words)
        context = await _opinion_context(tx, actor, scene, dossier, function, fresh, errors)
        return render(request, "permits/opinion.html", context, 422)
    context = await _opinion_context(tx, actor, scene, dossier, function, values, {})
    context |= {"said": said}
    page = "permits/opinion_confirm.html" if step == "check" else "permits/opinion.html"
    return render(request, page, context)


# Decision ---------------------------------------------------------------------------------------------------------


@router.get("/decision")
async def decision(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    """All opinions side by side, their conditions gathered, one decision."""
    policy.demand(actor, "permits:decision:make", dossier.standing)
    context = await _decision_context(read, actor, scene, dossier, None, {})
    return render(request, "permits/decision.html", context)


async def _decision_context(
    session: queries.Session,
    actor: Actor,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str] | None,
    errors: dict[str, str],
) -> dict[str, Any]:
    words = scene.words
    detail = await queries.detail(session, dossier.id, actor=actor)
    places = await queries.unit_names(session, [site["unit"] for site in detail["sites"]])
    site = detail["sites"][0]
    if values is None:
        gathered = [each for review in detail["reviews"] for each in review["conditions"]]
        values = forms.condition_values(gathered)
    objects = [words.code("function", r.function) for r in dossier.reviews if r.answered and r.outcome == "disagree"]
    owing = [words.code("function", r.function) for r in dossier.reviews if not r.answered]
    return {
        "dossier": dossier,
        "detail": detail,
        "heading": f"{words.work(site)}, {places.get(site['unit'], site['unit'])}",
        "opinions": workspace.opinions(detail, dossier, actor, scene),
        "outcomes": [(each, words.outcome(each)) for each in dossier.procedure.outcomes],
        "values": {**values, "version": str(dossier.version)},
        "errors": errors,
        "conditions": forms.condition_count(values),
        "objects": objects,
        "owing": owing,
        "action": workspace.next_action(detail, dossier, actor, scene),
        "words": words,
    }


@router.post("/decision")
async def decide(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    """`step` as with opinions."""
    _, values = await forms.sent(request)
    policy.demand(actor, "permits:decision:make", dossier.standing)
    words, step = scene.words, values.get("step", "check")
    listed, faults = forms.conditions(values)
    said = Decision(
        values.get("outcome", ""), values.get("grounds", "").strip(), listed, values.get("reason", "").strip()
    )
    may_build = False
    try:
        if step in ("check", "send"):
            may_build = check_decision(said, dossier.procedure, dossier.reviews)
            if faults:
                raise DossierFaulty(errors=faults)
            if values.get("version") != str(dossier.version):
                raise Stale
        if step == "send":
            changed = await commands.decide(tx, actor, dossier, said, settings=scene.settings, now=scene.now)
            told = words._("Decision {number} signed.", number=changed.decision_number)
            return see_other(request, _home(dossier), said=told)
    except (Invalid, Stale) as refusal:
        errors = forms.errors_of(refusal, words)
        context = await _decision_context(tx, actor, scene, dossier, values, errors)
        return render(request, "permits/decision.html", context, 422)
    context = await _decision_context(tx, actor, scene, dossier, values, {})
    context |= {"said": said, "may_build": may_build}
    page = "permits/decision_confirm.html" if step == "check" else "permits/decision.html"
    return render(request, page, context)


# Extension --------------------------------------------------------------------------------------------------------


@router.get("/extension")
async def extension(request: Request, actor: CurrentActor, scene: Reading, dossier: Seen) -> Response:
    policy.demand(actor, "permits:deadline:extend", dossier.standing)
    return _extension(request, scene, dossier, {}, {})


def _extension(
    request: Request, scene: Scene, dossier: Dossier, values: dict[str, str], errors: dict[str, str]
) -> Response:
    rule = next((clock for clock in dossier.procedure.clocks if clock.extension), None)
    most = rule.extension.max if rule and rule.extension else 0
    context = {
        "dossier": dossier,
        "values": values,
        "errors": errors,
        "most": scene.words.n("{n} day", "{n} days", most),
        "source": rule.source if rule else "",
    }
    return render(request, "permits/extension.html", context, 422 if errors else 200)


@router.post("/extension")
async def extend(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    days = int(values["days"]) if values.get("days", "").isdigit() else 0
    try:
        if days < 1:
            raise DossierFaulty(errors=[Fault("/days", "days", forms.DAYS_WRONG)])
        changed = await commands.extend(
            tx, actor, dossier, days, values.get("reason", ""), settings=scene.settings, now=scene.now
        )
    except Invalid as refusal:
        return _extension(request, scene, dossier, values, forms.errors_of(refusal, scene.words))
    said = scene.words._("The time limit now ends on {day}.", day=scene.words.day(changed.due_on))
    return see_other(request, _home(dossier), said=said)
