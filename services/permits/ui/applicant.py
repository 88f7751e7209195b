"""What an applicant does in a running dossier: supplement, notify the works, withdraw."""

from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Fault, Invalid
from kernel.web.forms import read_day
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import OPEN, PartDraft
from services.permits.domain.refusals import DossierFaulty, WrongMove
from services.permits.queries import Dossier
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing
from services.permits.ui.uploads import Sent, field_of

router = ui_router("/permits/applications/{id}")


def _home(id: UUID) -> str:
    return f"/permits/applications/{id}"


@router.get("/supplement", dependencies=[needs("permits:supplement:give")])
async def supplement(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    policy.demand(actor, "permits:supplement:give", dossier.standing)
    return await _supplement_page(request, actor, read, scene, dossier, {}, {})


async def _supplement_page(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    asked = queries.open_requests(await queries.supplement_requests(session, dossier.id))
    if asked is None:
        raise WrongMove(state=dossier.state)
    words = scene.words
    items = [{**item, "name": words.code("part", item["code"])} for item in asked.items]
    context = {
        "dossier": dossier,
        "items": items,
        "sent": words.day(asked.sent_at.isoformat()),
        "org": words.org_in_full(dossier.lead_org),
        "values": values,
        "errors": errors,
        "max_file_mb": scene.settings.max_file_mb,
    }
    return render(request, "permits/supplement.html", context, 422 if errors else 200)


@router.post("/supplement", dependencies=[needs("permits:supplement:give")])
async def answer(
    request: Request, actor: CurrentActor, files: Sent, tx: Tx, scene: Writing, dossier: Locked
) -> Response:
    policy.demand(actor, "permits:supplement:give", dossier.standing)
    _, values = await forms.sent(request)
    codes = [part.code for part in dossier.procedure.parts]
    parts, values, faults = files.taken(values, codes)
    try:
        drafts = [PartDraft(code, file_id) for code, file_id in parts]
        await commands.supplement(tx, actor, dossier, drafts, settings=scene.settings, now=scene.now)
        if faults:
            raise DossierFaulty(errors=faults)
    except Invalid as refusal:
        errors = forms.errors_of(DossierFaulty(errors=[*faults, *refusal.errors]), scene.words)
        placed = {field_of(name, parts): text for name, text in errors.items()}
        return await _supplement_page(request, actor, tx, scene, dossier, values, placed)
    return see_other(request, _home(dossier.id), said=scene.words._("Supplement sent; the time limit runs again."))


@router.get("/notice", dependencies=[needs("permits:works:notify")])
async def notice(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    policy.demand(actor, "permits:works:notify", dossier.standing)
    return await _notice_page(request, read, scene, dossier, {"on": f"{scene.today:%d/%m/%Y}"}, {})


async def _notice_page(
    request: Request,
    session: queries.Session,
    scene: Scene,
    dossier: Dossier,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    decision = await queries.decision(session, dossier.id)
    given = await queries.notices(session, dossier.id)
    if decision is None or dossier.state != "decided":
        raise WrongMove(state=dossier.state)
    context = {
        "dossier": dossier,
        "decision": decision,
        "kind": "completion" if "commencement" in given else "commencement",
        "began": given.get("commencement"),
        "values": values,
        "errors": errors,
    }
    return render(request, "permits/notice.html", context, 422 if errors else 200)


@router.post("/notice", dependencies=[needs("permits:works:notify")])
async def notify(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    on, kind = read_day(values.get("on", "")), values.get("kind", "")
    try:
        if on is None or kind not in ("commencement", "completion"):
            raise DossierFaulty(errors=[Fault("/on", "day", forms.DAY_WRONG)])
        await commands.notify_works(tx, actor, dossier, kind, on, now=scene.now)
    except Invalid as refusal:
        return await _notice_page(request, tx, scene, dossier, values, forms.errors_of(refusal, scene.words))
    words = scene.words
    said = words._("Commencement notified.") if kind == "commencement" else words._("Completion notified.")
    return see_other(request, _home(dossier.id), said=said)


@router.get("/withdrawal", dependencies=[needs("permits:application:withdraw")])
async def withdrawal(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    """A page before what cannot be undone."""
    policy.demand(actor, "permits:application:withdraw", dossier.standing)
    if dossier.state not in OPEN:
        raise WrongMove(state=dossier.state)
    words = scene.words
    detail = await queries.detail(read, dossier.id, actor=actor)
    context = {
        "question": words._("Withdraw dossier {number}?", number=dossier.number),
        "rows": [
            (words._("Work"), words.work(detail["sites"][0])),
            (words._("Received"), words.day(dossier.received_on)),
            (words._("Step"), words.step(dossier.state)),
        ],
        "effect": words._("The dossier ends here. To build, a new one has to be filed."),
        "action": f"{_home(dossier.id)}/withdrawal",
        "verb": words._("Withdraw the dossier"),
        "symbol": "x",
        "back": (words._("Back to the dossier"), _home(dossier.id)),
        "danger": True,
        "hidden": {},
        "errors": {},
        "values": {},
    }
    return render(request, "permits/withdrawal.html", context)


@router.post("/withdrawal", dependencies=[needs("permits:application:withdraw")])
async def withdraw(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    reason = values.get("reason", "").strip()[:2000]
    await commands.withdraw(tx, actor, dossier, reason, settings=scene.settings, now=scene.now)
    return see_other(request, _home(dossier.id), said=scene.words._("Dossier withdrawn."))
