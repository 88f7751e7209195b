"""The opinion of a function: the form, the page before signing, the signature."""

from typing import Annotated, Any

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
    check_opinion,
)
from services.permits.domain.refusals import DossierFaulty, ReviewNotAsked
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing

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
    places = await queries.unit_names(session, [site["commune"] for site in detail["sites"]])
    site = detail["sites"][0]
    return {
        "dossier": dossier,
        "detail": detail,
        "function": function,
        "function_name": words.code("function", function),
        "org": words.org_in_full(actor.org),
        "heading": f"{words.work(site)}, {unit_in_text(places.get(site['commune'], site['commune']))}",
        "outcomes": [(each, words.outcome(each)) for each in OPINIONS],
        "values": {"review_version": str(_own_review(dossier, actor, function).version), **values},
        "errors": errors,
        "conditions": forms.condition_count(values),
        "action": workspace.next_action(detail, dossier, actor, scene),
        "words": words,
    }


@router.post("/opinion", dependencies=[needs("permits:opinion:give")])
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
