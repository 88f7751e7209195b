"""The sheet on which an officer checks the parts."""

from fastapi import Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Invalid
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import (
    SupplementItem,
)
from services.permits.queries import Dossier
from services.permits.ui import forms, workspace
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing

router = ui_router("/permits/applications/{id}")


def _home(dossier: Dossier) -> str:
    return f"/permits/applications/{dossier.id}"


@router.get("/completeness", dependencies=[needs("permits:completeness:check")])
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


@router.post("/completeness", dependencies=[needs("permits:completeness:check")])
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
