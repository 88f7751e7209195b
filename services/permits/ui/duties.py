"""How many people an opinion passes through, by department: read by officers, set by whoever publishes the law."""

from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Fault, Invalid
from kernel.web.forms import read_day
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import WAYS
from services.permits.domain.refusals import DutyFaulty
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Writing
from services.permits.ui.words import WAYS as WAY_WORDS

router = ui_router("/permits/duties")
HERE = "/permits/duties"
MOST = 200


@router.get("", dependencies=[needs("permits:duty:read")])
async def duties(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    return await _page(request, actor, read, scene, {}, {})


async def _page(
    request: Request,
    actor: Actor,
    session: queries.Session,
    scene: Scene,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    words = scene.words
    found = await queries.duties(session, queries.DutiesAsked(), limit=MOST)
    rows = [_row(duty, scene) for duty in orjson.loads(found.items)]
    context = {
        "rows": rows[::-1],
        "may_set": policy.allowed(actor, "permits:duty:set"),
        "values": {"valid_from": f"{local_date(scene.now):%d/%m/%Y}", **values},
        "errors": errors,
        "orgs": sorted((code, words.org_in_full(code)) for code in words.lexicon.organisations),
        "functions": [(code, words.code("function", code)) for code in words.lexicon.lists["function"]],
        "ways": [(way, words._(WAY_WORDS[way])) for way in WAYS],
    }
    return render(request, "permits/duties.html", context, 422 if errors else 200)


def _row(duty: dict[str, Any], scene: Scene) -> dict[str, Any]:
    words, way = scene.words, WAY_WORDS[duty["way"]]
    return {
        "org": words.org_in_full(duty["org"]),
        "function": words.code("function", duty["function"]),
        "way": words._(way),
        "valid_from": words.day(duty["valid_from"]),
        "reason": duty["reason"],
        "by": duty["set_name"],
    }


@router.post("", dependencies=[needs("permits:duty:set")])
async def set_duty(request: Request, actor: CurrentActor, tx: Tx, scene: Writing) -> Response:
    _, values = await forms.sent(request)
    said = {name: values.get(name, "") for name in ("org", "function", "reason")}
    day, way = read_day(values.get("valid_from", "")), values.get("way", "")
    try:
        faults = [] if day else [Fault("/valid_from", "day", forms.DAY_WRONG)]
        if way not in WAYS:
            faults.append(Fault("/way", "missing", forms.CHOICE_MISSING))
        if day is None or faults:
            raise DutyFaulty(errors=faults)
        await commands.set_duty(tx, actor, new_id(), **said, way=way, valid_from=day, now=scene.now)
    except Invalid as refusal:
        return await _page(request, actor, tx, scene, values, forms.errors_of(refusal, scene.words))
    return see_other(request, HERE, said=scene.words._("The division of duties is set."))
