"""Conditions on pages: side by side before the decision, each one followed after it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Invalid
from kernel.web.formats import unit_in_text
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import MOVES, ConditionAct
from services.permits.domain.refusals import DossierFaulty, NoSuchCondition
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing
from services.permits.ui.uploads import Sent
from services.permits.ui.words import CONDITION_STATES, FINDINGS, Words

router = ui_router("/permits/applications/{id}")
VERDICTS: dict[str, ConditionAct] = {"meet": "meet", "reject": "reject", "waive": "waive"}
EVIDENCE = "evidence"
FIRST = ("contrary", "stricter", "same")


def meetings(beside: queries.SideBySide, words: Words) -> list[dict[str, Any]]:
    """Where the conditions of the departments meet, the contradictions first."""

    def told(place: int) -> dict[str, Any]:
        each = beside.conditions[place]
        who = ", ".join(words.code("function", function) for function in each.of)
        return {"text": each.text, "who": who, "value": words.fixed(each.subject, each.value)}

    rows = []
    for kind, first, second in sorted(beside.findings, key=lambda found: FIRST.index(found.kind)):
        name, tone = FINDINGS[kind]
        rows.append({"kind": words._(name), "tone": tone, "first": told(first), "second": told(second)})
    return rows


@router.get("/opinions", dependencies=[needs("permits:condition:compare")])
async def opinions(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    """All opinions side by side: outcome, grounds, conditions, and where these meet."""
    policy.demand(actor, "permits:condition:compare", dossier.standing)
    return await _beside(request, actor, read, scene, dossier, {}, {})


async def _beside(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    words = scene.words
    detail = await queries.detail(session, dossier.id, actor=actor)
    places = await queries.unit_names(session, [site["commune"] for site in detail["sites"]])
    site = detail["sites"][0]
    sites = await queries.site_drafts(session, dossier.id)
    agencies = await commands.routed(session, dossier.procedure, sites, scene.settings.area, scene.today)
    may_ask = policy.allowed(actor, "permits:opinion:ask", dossier.standing)
    context = {
        "routing": [_agency(each, words) for each in agencies],
        "asked_besides": [
            (
                words.code("function", review["function"]),
                words.org(review["org"]),
                review["round"],
                review["ask_reason"],
            )
            for review in detail["reviews"]
            if review["ask_reason"]
        ],
        "may_ask": may_ask and dossier.state in MOVES["ask"][0],
        "functions": [(code, words.code("function", code)) for code in words.lexicon.lists["function"]],
        "values": values,
        "errors": errors,
        "dossier": dossier,
        "heading": f"{words.work(site)}, {unit_in_text(places.get(site['commune'], site['commune']))}",
        "opinions": workspace.opinions(detail, dossier, actor, scene),
        "meetings": meetings(await queries.side_by_side(session, dossier), words),
        "may_decide": policy.allowed(actor, "permits:decision:make", dossier.standing) and dossier.state == "ready",
        "words": words,
    }
    return render(request, "permits/opinions.html", context, 422 if errors else 200)


def _agency(each: commands.Routed, words: Words) -> dict[str, Any]:
    """Why it is asked or not: each leaf of its rule with what the dossier says."""
    facts = words.lexicon.lists["fact"]
    why = [
        f"{facts[leaf.fact][words.lang] if leaf.fact in facts else leaf.fact} {leaf.op} {leaf.value}: {leaf.given}"
        for leaf in each.reasons
    ]
    return {
        "function": words.code("function", each.function),
        "asked": each.asked,
        "org": words.org(each.org) if each.org else "–",
        "why": "; ".join(why) or words._("Always asked"),
        "source": each.source,
    }


@router.post("/opinion-request", dependencies=[needs("permits:opinion:ask")])
async def ask(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    policy.demand(actor, "permits:opinion:ask", dossier.standing)
    function, words = values.get("function", ""), scene.words
    try:
        await commands.ask_function(
            tx, actor, dossier, function, values.get("reason", ""), settings=scene.settings, now=scene.now
        )
    except Invalid as refusal:
        errors = forms.errors_of(refusal, words)
        return await _beside(request, actor, tx, scene, dossier, values, errors)
    said = words._("{function} is asked.", function=words.code("function", function))
    return see_other(request, f"/permits/applications/{dossier.id}/opinions", said=said)


@router.get("/condition", dependencies=[needs("permits:application:read")])
async def condition(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    dossier: Seen,
    no: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """One condition of the decision: what it says, how far it is, what the reader may do about it."""
    return await _condition_page(request, actor, read, scene, dossier, no, {}, {})


async def _condition_page(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    no: int,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    words = scene.words
    detail = await queries.detail(session, dossier.id, actor=actor)
    listed = detail["decision"]["conditions"] if detail["decision"] else []
    held = await queries.followed(session, dossier, no)
    if held is None:
        raise NoSuchCondition
    open_still = held.state in ("open", "submitted", "rejected")
    verifies = policy.allowed(actor, "permits:condition:judge", dossier.standing)
    verifies = verifies and held.verifier_org in dossier.orgs and policy.covers(actor, held.verifier)
    name, tone = CONDITION_STATES[held.state]
    context = {
        "dossier": dossier,
        "no": no,
        "said": listed[no - 1],
        "held": held,
        "state": (words._(name), tone),
        "verifier": f"{words.code('function', held.verifier)}, {words.org_in_full(held.verifier_org)}",
        "may_show": open_still and policy.allowed(actor, "permits:condition:show", dossier.standing),
        "may_judge": open_still and verifies,
        "values": values,
        "errors": errors,
        "words": words,
        "max_file_mb": scene.settings.max_file_mb,
    }
    return render(request, "permits/condition.html", context, 422 if errors else 200)


@router.post("/condition-evidence", dependencies=[needs("permits:condition:show")])
async def show(request: Request, actor: CurrentActor, files: Sent, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    """A new file, else the one of an earlier try of this form."""
    policy.demand(actor, "permits:condition:show", dossier.standing)
    _, values = await forms.sent(request)
    no = _no(values)
    parts, values, faults = files.taken(values, [EVIDENCE])
    file_id: UUID | None = parts[0][1] if parts else None
    try:
        if faults:
            raise DossierFaulty(errors=faults)
        await commands.show_evidence(tx, actor, dossier, no, file_id, values.get("remark", ""), now=scene.now)
    except Invalid as refusal:
        errors = forms.errors_of(refusal, scene.words)
        return await _condition_page(request, actor, tx, scene, dossier, no, values, errors)
    said = scene.words._("Evidence for condition {no} sent.", no=no)
    return see_other(request, f"/permits/applications/{dossier.id}", said=said)


@router.post("/condition-verdict", dependencies=[needs("permits:condition:judge")])
async def judge(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    policy.demand(actor, "permits:condition:judge", dossier.standing)
    _, values = await forms.sent(request)
    no, act = _no(values), VERDICTS.get(values.get("step", ""), "reject")
    try:
        await commands.judge_condition(tx, actor, dossier, no, act, values.get("remark", ""), now=scene.now)
    except Invalid as refusal:
        errors = forms.errors_of(refusal, scene.words)
        return await _condition_page(request, actor, tx, scene, dossier, no, values, errors)
    said = scene.words._("The verdict on condition {no} is kept.", no=no)
    return see_other(request, f"/permits/applications/{dossier.id}", said=said)


def _no(values: dict[str, str]) -> int:
    """Raises NoSuchCondition (409)."""
    text = values.get("no", "")
    if not text.isdecimal() or len(text) > 4:
        raise NoSuchCondition
    return int(text)
