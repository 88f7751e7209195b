"""The decision of the lead, and the extension of its time limit."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Fault, Invalid, Stale
from kernel.web.formats import unit_in_text
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import (
    MOVES,
    Decision,
    check_decision,
)
from services.permits.domain.refusals import DossierFaulty
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.conditions import meetings
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing

router = ui_router("/permits/applications/{id}")


def _home(dossier: Dossier) -> str:
    return f"/permits/applications/{dossier.id}"


@router.get("/decision", dependencies=[needs("permits:decision:make")])
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
    places = await queries.unit_names(session, [site["commune"] for site in detail["sites"]])
    site = detail["sites"][0]
    beside = await queries.side_by_side(session, dossier)
    if values is None:
        values = forms.condition_values(beside.proposal)
    verifiers = dict.fromkeys([dossier.lead_function, *(review.function for review in dossier.reviews)])
    objects = [words.code("function", r.function) for r in dossier.current if r.answered and r.outcome == "disagree"]
    owing = [words.code("function", r.function) for r in dossier.current if not r.answered]
    return {
        "dossier": dossier,
        "detail": detail,
        "heading": f"{words.work(site)}, {unit_in_text(places.get(site['commune'], site['commune']))}",
        "opinions": workspace.opinions(detail, dossier, actor, scene),
        "outcomes": [(each, words.outcome(each)) for each in _outcomes(dossier)],
        "values": {**values, "version": str(dossier.version)},
        "errors": errors,
        "conditions": forms.condition_count(values),
        "choices": forms.condition_choices(words, verifiers),
        "meetings": meetings(beside, words),
        "objects": objects,
        "owing": owing,
        "action": workspace.next_action(detail, dossier, actor, scene),
        "words": words,
    }


def _outcomes(dossier: Dossier) -> list[str]:
    """A dossier that was never complete can only be refused."""
    refusing = dossier.state in MOVES["refuse"][0]
    return dossier.procedure.refusals if refusing else dossier.procedure.outcomes


@router.post("/decision", dependencies=[needs("permits:decision:make")])
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
            book = await queries.condition_book(tx, dossier)
            may_build = check_decision(said, dossier.procedure, dossier.current, book, scene.today)
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
    context |= {"said": said, "may_build": may_build, "builds": dossier.procedure.effect == "build"}
    page = "permits/decision_confirm.html" if step == "check" else "permits/decision.html"
    return render(request, page, context)


@router.get("/extension", dependencies=[needs("permits:deadline:extend")])
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
        "most": scene.words.ngettext("{n} day", "{n} days", most),
        "source": rule.source if rule else "",
    }
    return render(request, "permits/extension.html", context, 422 if errors else 200)


@router.post("/extension", dependencies=[needs("permits:deadline:extend")])
async def extend(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    policy.demand(actor, "permits:deadline:extend", dossier.standing)
    _, values = await forms.sent(request)
    days = forms.day_count(values.get("days", ""))
    try:
        if days is None:
            raise DossierFaulty(errors=[Fault("/days", "days", forms.DAYS_WRONG)])
        changed = await commands.extend(
            tx, actor, dossier, days, values.get("reason", ""), settings=scene.settings, now=scene.now
        )
    except Invalid as refusal:
        return _extension(request, scene, dossier, values, forms.errors_of(refusal, scene.words))
    said = scene.words._("The time limit now ends on {day}.", day=scene.words.day(changed.due_on))
    return see_other(request, _home(dossier), said=said)
