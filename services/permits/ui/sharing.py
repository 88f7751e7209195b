"""Sharing first, on pages: the masts around that could carry it, and why each is not used."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from contracts.sharing import ShareableMast
from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import N_, Fault, Invalid
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import OPEN, ShareAnswer
from services.permits.domain.refusals import DossierFaulty, WrongMove
from services.permits.queries import Dossier
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing
from services.permits.ui.words import Words

router = ui_router("/permits/applications/{id}")
WHY = N_("Say why this mast is not used.")


def rows(options: Sequence[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """As the dossier tells them; the key of a form's fields is `site-mast`."""
    return [
        {
            **each,
            "key": f"{each['site_no']}-{each['structure_id']}",
            "owner_name": words.org(each["owner"]) if each["owner"] else "",
            "distance": round(each["distance_m"]) if each["distance_m"] is not None else None,
            "why": words.code("share_reason", each["reason"]) if each["reason"] else "",
            "href": f"/registry/masts/{each['structure_id']}",
        }
        for each in options
    ]


def told(masts: Sequence[tuple[int, ShareableMast]]) -> list[dict[str, Any]]:
    """What sharing says of a place that is still being typed, in the dossier's form."""
    return [
        {
            "site_no": no,
            "structure_id": str(mast.id),
            "public_no": mast.public_no,
            "owner": mast.owner,
            "distance_m": mast.distance_m,
            "height_m": mast.height_m,
            "capacity": mast.capacity,
            "free": mast.free,
            "reason": None,
            "words": None,
        }
        for no, mast in masts
    ]


def reasons(words: Words) -> list[tuple[str, str]]:
    return [(code, words.code("share_reason", code)) for code in words.lexicon.lists["share_reason"]]


def read_answers(
    values: Mapping[str, str], options: Sequence[Mapping[str, Any]], *, all_of: bool
) -> tuple[list[ShareAnswer], list[str], list[Fault]]:
    """What was chosen for each, its key, and what is missing. `all_of`: each wants a reason."""
    answers, keys, faults = [], [], []
    for each in options:
        key = f"{each['site_no']}-{each['structure_id']}"
        reason = values.get(f"share-{key}-reason", "")
        if reason:
            said = values.get(f"share-{key}-words", "").strip()
            answers.append(ShareAnswer(UUID(str(each["structure_id"])), reason, said, each["site_no"]))
            keys.append(key)
        elif all_of:
            faults.append(Fault(f"/share/{key}/reason", "missing", WHY))
    return answers, keys, faults


def placed(errors: Mapping[str, str], keys: Sequence[str], at: str) -> dict[str, str]:
    """`sharing-0-words` -> the field of that mast."""
    found = {}
    for name, text in errors.items():
        parts = name.split("-")
        if parts[0] == at and len(parts) == 3 and parts[1].isdigit():
            name = f"share-{keys[int(parts[1])]}-{'reason' if parts[2] == 'structure' else parts[2]}"
        found[name] = text
    return found


@router.get("/sharing", dependencies=[needs("permits:sharing:answer")])
async def sharing(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    policy.demand(actor, "permits:sharing:answer", dossier.standing)
    return await _page(request, actor, read, scene, dossier, None, {})


async def _page(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str] | None,
    errors: dict[str, str],
) -> Response:
    if dossier.state not in OPEN:
        raise WrongMove(state=dossier.state)
    options = await _options(session, dossier, actor)
    if values is None:
        values = {}
        for each in options:
            key = f"share-{each['site_no']}-{each['structure_id']}"
            values |= {f"{key}-reason": each["reason"] or "", f"{key}-words": each["words"] or ""}
    context = {
        "dossier": dossier,
        "options": rows(options, scene.words),
        "reasons": reasons(scene.words),
        "values": values,
        "errors": errors,
    }
    return render(request, "permits/sharing.html", context, 422 if errors else 200)


async def _options(session: queries.Session, dossier: Dossier, actor: Actor) -> list[dict[str, Any]]:
    detail = await queries.detail(session, dossier.id, actor=actor)
    found: list[dict[str, Any]] = detail["sharing"]["options"]
    return found


@router.post("/sharing", dependencies=[needs("permits:sharing:answer")])
async def answer(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    policy.demand(actor, "permits:sharing:answer", dossier.standing)
    _, values = await forms.sent(request)
    options = await _options(tx, dossier, actor)
    answers, keys, faults = read_answers(values, options, all_of=True)
    try:
        if faults:
            raise DossierFaulty(errors=faults)
        await commands.answer_sharing(tx, actor, dossier, answers, now=scene.now)
    except Invalid as refusal:
        errors = placed(forms.errors_of(refusal, scene.words), keys, "answers")
        return await _page(request, actor, tx, scene, dossier, values, errors)
    said = scene.words._("The answers on sharing are kept.")
    return see_other(request, f"/permits/applications/{dossier.id}", said=said)
