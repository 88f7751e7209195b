"""Filing a dossier by page: the same command as the API's."""

from math import isnan
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from kernel import idempotency
from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import N_, Fault, Invalid
from kernel.web.forms import read_number
from kernel.web.render import render, see_other
from services.permits import clients, commands, queries
from services.permits.commands import Filing
from services.permits.domain import policy
from services.permits.domain.application import PartDraft, SiteDraft
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import DossierFaulty, FormUsedAlready, NoProcedure
from services.permits.ui import forms, sharing
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Writing
from services.permits.ui.uploads import Sent, field_of

router = ui_router("/permits/applications")
WORK = "mast.new"
CAPACITY_WRONG = N_("Give a whole number from 1 to {most}.")
MOST_POSITIONS = 50
DEGREES = {
    "lat": N_("Give the latitude in decimal degrees, such as 9,17342."),
    "lon": N_("Give the longitude in decimal degrees, such as 105,15031."),
}


def _home(id: UUID) -> str:
    return f"/permits/applications/{id}"


@router.get("/new", dependencies=[needs("permits:application:file-own")])
async def new(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    """The form of a new dossier under the law of today."""
    policy.demand(actor, "permits:application:file-own")
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
    options: list[dict[str, Any]] | None = None,
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
        "options": sharing.rows(options or [], words),
        "reasons": sharing.reasons(words),
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


SITE_FIELDS = tuple(f"sites-0-{each}" for each in ("name", "code", "height_m", "capacity", "commune", "lat", "lon"))
ROOF = ("lease", "structure_check")


@router.post("/new", dependencies=[needs("permits:application:file-own")])
async def file(request: Request, actor: CurrentActor, files: Sent, tx: Tx, scene: Writing) -> Response:
    """The same command as the API's; what was typed and sent stays when something is wrong."""
    policy.demand(actor, "permits:application:file-own")
    form, values = await forms.sent(request)
    values.setdefault("once", str(new_id()))
    procedure = await _procedure(tx, scene)
    codes = [part.code for part in procedure.parts]
    parts, values, faults = files.taken(values, codes)
    site, more = _site(values, form, scene)
    faults += more
    options = await _around(request, tx, actor, site, scene)
    shares, keys, unsaid = sharing.read_answers(values, options, all_of=True)
    faults += unsaid
    await _claim(request, tx, actor, scene, values)
    try:
        drafts = [PartDraft(code, file_id) for code, file_id in parts]
        filing = Filing(WORK, [site], drafts, shares=shares)
        receipt = await commands.file(
            tx, actor, filing, application_id=new_id(), settings=scene.settings, now=scene.now
        )
        if faults:
            raise DossierFaulty(errors=faults)
    except Invalid as refusal:
        errors = forms.errors_of(DossierFaulty(errors=[*faults, *refusal.errors]), scene.words)
        placed = {field_of(name, parts): text for name, text in sharing.placed(errors, keys, "sharing").items()}
        placed = forms.in_page_order(placed, [*SITE_FIELDS, *(f"parts-{code}" for code in codes)])
        return await _filing_page(request, tx, scene, procedure, values, placed, _zones(form), options)
    said = scene.words._("Dossier {number} received.", number=receipt.number)
    return see_other(request, _home(receipt.id), said=said)


async def _around(
    request: Request, tx: queries.Session, actor: Actor, site: SiteDraft, scene: Scene
) -> list[dict[str, Any]]:
    """The masts that could carry it. While sharing is away none is asked about now: the question follows later."""
    radius = await queries.share_radius(tx, WORK)
    if not radius or isnan(site.lon) or isnan(site.lat):
        return []
    place, bus = (site.lon, site.lat), request.app.state.bus
    found = await clients.shareable(bus, actor.org, [place], radius_m=radius, as_of=scene.today)
    return sharing.told(found or [])


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


def _site(values: dict[str, str], form: FormData, scene: Scene) -> tuple[SiteDraft, list[Fault]]:
    """Numbers as people write them; what cannot be read is a fault beside those of the rules."""
    numbers = {name: read_number(values.get(f"sites-0-{name}", "")) for name in ("height_m", "lon", "lat", "capacity")}
    unread = [axis for axis in ("lon", "lat") if numbers[axis] is None]
    faults = [Fault(f"/sites/0/{axis}", "degrees", DEGREES[axis]) for axis in unread]
    capacity = numbers["capacity"]
    if values.get("sites-0-capacity", "").strip() and capacity not in range(1, MOST_POSITIONS + 1):
        faults.append(Fault("/sites/0/capacity", "number", CAPACITY_WRONG, most=MOST_POSITIONS))
        capacity = None
    chosen = values.get("sites-0-code", "").strip()
    system, _, code = chosen.partition("/")
    zones = _zones(form)
    facts: dict[str, Any] = {}
    for name, fact in scene.words.lexicon.lists["fact"].items():
        if fact["declared"]:
            facts[name] = name in zones if fact["type"] == "yes_no" else values.get(f"sites-0-facts-{name}", "")
    site = SiteDraft(
        kind="mast",
        lon=float(numbers["lon"]) if numbers["lon"] is not None else float("nan"),
        lat=float(numbers["lat"]) if numbers["lat"] is not None else float("nan"),
        commune=values.get("sites-0-commune", ""),
        name=values.get("sites-0-name", "").strip()[:200],
        code=(system, code) if chosen else None,
        height_m=numbers["height_m"],
        capacity=int(capacity) if capacity is not None else None,
        facts=facts,
    )
    return site, faults


def _zones(form: FormData) -> list[str]:
    return [each for each in form.getlist("sites-0-zones") if isinstance(each, str)]
