"""What an applicant does: file, supplement, notify the works, withdraw."""

from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from kernel import idempotency
from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import N_, Fault, Invalid, NotFound, TooLarge
from kernel.web.forms import read_day, read_number
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.commands import Filing
from services.permits.domain import policy
from services.permits.domain.application import OPEN, PartDraft, SiteDraft
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import DossierFaulty, FormUsedAlready, NoProcedure, WrongMove
from services.permits.queries import Dossier
from services.permits.ui import forms
from services.permits.ui.scene import Locked, Reading, Scene, Seen, Writing

filing_router = ui_router("/permits/applications")
router = ui_router("/permits/applications/{id}")
WORK = "mast.new"
NUMBER_WRONG = N_("This is no number. Write it as 45,5.")
DEGREES = N_("Give the degrees as a decimal number, such as 9,17342.")


def _home(id: UUID) -> str:
    return f"/permits/applications/{id}"


# Filing -----------------------------------------------------------------------------------------------------------


@filing_router.get("/new")
async def new(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    """The form of a new dossier under the law of today."""
    policy.demand(actor, "permits:application:file")
    procedure = await _procedure(read, scene)
    values = {"once": str(new_id()), "sites-0-facts-foundation": "ground", "sites-0-code": "ND163/A1"}
    return await _filing_page(request, read, scene, procedure, values, {})


async def _procedure(session: queries.Session, scene: Scene) -> Procedure:
    version_id = await queries.procedure_in_force(session, WORK, scene.today)
    if version_id is None:
        raise NoProcedure(day=scene.words.day(scene.today))
    return await queries.procedure(session, version_id)


async def _filing_page(
    request: Request,
    session: queries.Session,
    scene: Scene,
    procedure: Procedure,
    values: dict[str, str],
    errors: dict[str, str],
    zones: list[str] | None = None,
) -> Response:
    words = scene.words
    facts = [(code, fact) for code, fact in words.lexicon.lists["fact"].items() if fact["declared"]]
    codes = [
        (code, f"{code.split('/')[1]} · {entry[words.lang]}")
        for code, entry in words.lexicon.lists["structure_code"].items()
        if code.startswith("ND163/")
    ]
    context = {
        "procedure": procedure,
        "title_text": getattr(procedure.title, words.lang),
        "communes": [(each["id"], each["name"]) for each in await queries.communes(session, scene.today)],
        "codes": codes,
        "choices": [
            (code, fact[words.lang], [(each, fact["labels"][each][words.lang]) for each in fact["choices"]])
            for code, fact in facts
            if fact["type"] == "choice"
        ],
        "zones": [(code, fact[words.lang]) for code, fact in facts if fact["type"] == "yes_no"],
        "parts": [_part_field(part, words) for part in procedure.parts],
        "values": values,
        "zone_values": {"sites-0-zones": zones or []},
        "errors": errors,
        "max_file_mb": scene.settings.max_file_mb,
    }
    return render(request, "permits/new.html", context, 422 if errors else 200)


def _part_field(part: Any, words: Any) -> dict[str, Any]:
    """A part that only some dossiers need is not optional where its condition holds; its hint says when."""
    when = ""
    if part.required_when is not None:
        when = words._("Only for a mast on a building.") if part.code in ROOF else words._("Only where it applies.")
    optional = part.optional or part.required_when is not None
    return {"code": part.code, "name": words.code("part", part.code), "hint": when, "optional": optional}


ROOF = ("lease", "structure_check")


@filing_router.post("/new")
async def file(request: Request, actor: CurrentActor, tx: Tx, scene: Writing) -> Response:
    """The same command as the API's; what was typed and sent stays when something is wrong."""
    policy.demand(actor, "permits:application:file")
    form, values = await forms.sent(request)
    procedure = await _procedure(tx, scene)
    codes = [part.code for part in procedure.parts]
    parts, values, faults = await _uploads(request, actor, form, values, codes)
    site, more = _site(values, form, scene)
    faults += more
    await _claim(request, tx, actor, scene, values)
    try:
        filing = Filing(WORK, [site], [PartDraft(code, file_id) for code, file_id in parts])
        receipt = await commands.file(
            tx, actor, filing, application_id=new_id(), settings=scene.settings, now=scene.now
        )
        if faults:
            raise DossierFaulty(errors=faults)
    except Invalid as refusal:
        errors = forms.errors_of(DossierFaulty(errors=[*faults, *refusal.errors]), scene.words)
        placed = {_field(name, parts): text for name, text in errors.items()}
        return await _filing_page(request, tx, scene, procedure, values, _named(placed, scene), _zones(form))
    said = scene.words._("Dossier {number} received.", number=receipt.number)
    return see_other(request, _home(receipt.id), said=said)


def _named(errors: dict[str, str], scene: Scene) -> dict[str, str]:
    """Codes of parts inside messages become their names."""
    names = {code: scene.words.code("part", code) for code in scene.words.lexicon.lists["part"]}
    return {
        field: text.replace(f" {field.removeprefix('parts-')} ", f" {names[field.removeprefix('parts-')]} ")
        if field.removeprefix("parts-") in names
        else text
        for field, text in errors.items()
    }


def _field(name: str, parts: list[tuple[str, UUID]]) -> str:
    """`parts-0-file` -> the field of that part."""
    pieces = name.split("-")
    if pieces[0] == "parts" and len(pieces) == 3 and pieces[1].isdigit():
        return f"parts-{parts[int(pieces[1])][0]}"
    return name


async def _claim(request: Request, tx: queries.Session, actor: Actor, scene: Scene, values: dict[str, str]) -> None:
    """A form sent twice is one dossier: the second time the first answer is given again."""
    key = f"page:{values.get('once', '')[:100]}"
    told = {name: value for name, value in sorted(values.items()) if not name.startswith(("kept-", "name-"))}
    print_ = idempotency.fingerprint("POST", request.url.path, "", str(told).encode())
    try:
        await idempotency.begin(tx, actor.id, key, "POST /permits/applications/new", print_, scene.now)
    except idempotency.IdempotencyKeyReused as error:
        raise FormUsedAlready from error
    request.state.idempotency = (tx, actor.id, key)


async def _uploads(
    request: Request, actor: Actor, form: FormData, values: dict[str, str], codes: list[str]
) -> tuple[list[tuple[str, UUID]], dict[str, str], list[Fault]]:
    """Stores what came, at once and for itself, so that a refused form need not send it again."""
    parts: list[tuple[str, UUID]] = []
    kept, faults = dict(values), []
    for code in codes:
        sent = form.get(f"parts-{code}")
        if isinstance(sent, UploadFile) and sent.filename:
            try:
                row = await _store(request, actor, sent)
            except (Invalid, TooLarge) as refusal:
                detail = refusal.errors[0].detail if refusal.errors else refusal.detail
                params = refusal.errors[0].params if refusal.errors else refusal.params
                faults.append(Fault(f"/parts/{code}", "file", detail, **params))
                continue
            kept |= {f"kept-{code}": str(row.id), f"name-{code}": row.name}
        held = kept.get(f"kept-{code}", "")
        if held:
            parts.append((code, _uuid(held)))
    return parts, kept, faults


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


async def _store(request: Request, actor: Actor, sent: UploadFile) -> queries.FileRow:
    async def body() -> Any:
        while piece := await sent.read(1 << 20):
            yield piece

    state = request.app.state
    async with commands.take(body(), sent.filename or "", state.settings) as taken, state.database.tx() as tx:
        return await commands.store_file(tx, actor, taken, file_id=new_id(), now=state.clock())


def _site(values: dict[str, str], form: FormData, scene: Scene) -> tuple[SiteDraft, list[Fault]]:
    """Numbers as people write them; what cannot be read is a fault beside those of the rules."""
    numbers = {name: read_number(values.get(f"sites-0-{name}", "")) for name in ("height_m", "lon", "lat", "capacity")}
    unread = [axis for axis in ("lon", "lat") if numbers[axis] is None]
    faults = [Fault(f"/sites/0/{axis}", "degrees", DEGREES) for axis in unread]
    if numbers["capacity"] is None and values.get("sites-0-capacity", "").strip():
        faults.append(Fault("/sites/0/capacity", "number", NUMBER_WRONG))
    system, _, code = values.get("sites-0-code", "").partition("/")
    zones = _zones(form)
    facts: dict[str, Any] = {}
    for name, fact in scene.words.lexicon.lists["fact"].items():
        if fact["declared"]:
            facts[name] = name in zones if fact["type"] == "yes_no" else values.get(f"sites-0-facts-{name}", "")
    capacity = numbers["capacity"]
    site = SiteDraft(
        kind="mast",
        lon=float(numbers["lon"]) if numbers["lon"] is not None else float("nan"),
        lat=float(numbers["lat"]) if numbers["lat"] is not None else float("nan"),
        unit=values.get("sites-0-unit", ""),
        name=values.get("sites-0-name", "").strip()[:200],
        code=(system, code) if code else None,
        height_m=numbers["height_m"],
        capacity=int(capacity) if capacity is not None and 0 < capacity <= 50 else None,
        facts=facts,
    )
    return site, faults


def _zones(form: FormData) -> list[str]:
    return [each for each in form.getlist("sites-0-zones") if isinstance(each, str)]


# Supplement -------------------------------------------------------------------------------------------------------


@router.get("/supplement")
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


@router.post("/supplement")
async def answer(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    policy.demand(actor, "permits:supplement:give", dossier.standing)
    form, values = await forms.sent(request)
    codes = [part.code for part in dossier.procedure.parts]
    parts, values, faults = await _uploads(request, actor, form, values, codes)
    try:
        drafts = [PartDraft(code, file_id) for code, file_id in parts]
        await commands.supplement(tx, actor, dossier, drafts, settings=scene.settings, now=scene.now)
        if faults:
            raise DossierFaulty(errors=faults)
    except Invalid as refusal:
        errors = forms.errors_of(DossierFaulty(errors=[*faults, *refusal.errors]), scene.words)
        placed = _named({_field(name, parts): text for name, text in errors.items()}, scene)
        return await _supplement_page(request, actor, tx, scene, dossier, values, placed)
    return see_other(request, _home(dossier.id), said=scene.words._("Supplement sent; the time limit runs again."))


# Works ------------------------------------------------------------------------------------------------------------


@router.get("/notice")
async def notice(request: Request, actor: CurrentActor, read: Read, scene: Reading, dossier: Seen) -> Response:
    policy.demand(actor, "permits:works:notify", dossier.standing)
    return await _notice_page(request, read, scene, dossier, {"on": scene.words.day(scene.today)}, {})


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


@router.post("/notice")
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


# Withdrawal -------------------------------------------------------------------------------------------------------


@router.get("/withdrawal")
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


@router.post("/withdrawal")
async def withdraw(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    reason = values.get("reason", "").strip()[:2000]
    await commands.withdraw(tx, actor, dossier, reason, settings=scene.settings, now=scene.now)
    return see_other(request, _home(dossier.id), said=scene.words._("Dossier withdrawn."))
