"""The library of texts: what departments ask for most, with source and days; the next text of one is written here."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Fault, Invalid
from kernel.web.forms import read_day
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.refusals import PhraseFaulty
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Writing
from services.permits.ui.words import PHRASES, Words

router = ui_router("/permits/phrases")
HERE = "/permits/phrases"
MOST = 200


@router.get("", dependencies=[needs("permits:phrase:read")])
async def phrases(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    function: Annotated[str, Query(max_length=60)] = "",
    code: Annotated[str, Query(max_length=60)] = "",
    kind: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """`kind` and `code`: the text that the form begins with."""
    listed = await _listed(read, scene, function)
    begun = next((each for each in listed if (each["kind"], each["code"]) == (kind, code)), None)
    values = _values(begun) if begun else {"kind": "condition"}
    return await _page(request, actor, scene, listed, function, values, {})


async def _listed(session: queries.Session, scene: Scene, function: str) -> list[dict[str, Any]]:
    asked = queries.PhrasesAsked(function=function or None, valid_on=scene.today)
    found: list[dict[str, Any]] = orjson.loads((await queries.phrases(session, asked, limit=MOST)).items)
    return found


def _values(begun: dict[str, Any]) -> dict[str, str]:
    said = {name: begun[name] or "" for name in ("kind", "code", "title", "text", "source", "function", "when")}
    said |= {name: begun[name] or "" for name in ("evidence", "verifier")}
    numeric = forms.is_number(begun["value"] or "")
    subject = begun["subject"] or ""
    return {
        **said,
        "subject": subject if numeric or not subject else f"{subject}={begun['value']}",
        "value": begun["value"] or "" if numeric else "",
    }


def _row(phrase: dict[str, Any], words: Words) -> dict[str, Any]:
    kind, function = PHRASES[phrase["kind"]], phrase["function"]
    return {
        **phrase,
        "kind_name": words._(kind),
        "function_name": words.code("function", function) if function else "",
        "fixes": words.fixed(phrase["subject"], phrase["value"]),
    }


async def _page(
    request: Request,
    actor: Actor,
    scene: Scene,
    listed: list[dict[str, Any]],
    function: str,
    values: dict[str, str],
    errors: dict[str, str],
) -> Response:
    words = scene.words
    functions = [(code, words.code("function", code)) for code in words.lexicon.lists["function"]]
    own = functions if actor.can("publisher") else [each for each in functions if policy.covers(actor, each[0])]
    context = {
        "rows": [_row(each, words) for each in listed],
        "pages": [
            {
                "text": name,
                "href": f"{HERE}?function={code}" if code else HERE,
                "active": code == function,
                "count": None,
            }
            for code, name in [("", words._("All")), *functions]
        ],
        "own": own,
        "kinds": [(code, words._(name)) for code, name in PHRASES.items()],
        "choices": forms.condition_choices(words, words.lexicon.lists["function"]),
        "may_write": policy.allowed(actor, "permits:phrase:write"),
        "all_functions": actor.can("publisher"),
        "values": {"valid_from": f"{scene.today:%d/%m/%Y}", **values},
        "errors": errors,
        "words": words,
    }
    return render(request, "permits/phrases.html", context, 422 if errors else 200)


@router.post("", dependencies=[needs("permits:phrase:write")])
async def write(request: Request, actor: CurrentActor, tx: Tx, scene: Writing) -> Response:
    _, values = await forms.sent(request)
    words = scene.words
    try:
        no = await commands.write_phrase(tx, actor, _read(values), now=scene.now)
    except Invalid as refusal:
        listed = await _listed(tx, scene, "")
        return await _page(request, actor, scene, listed, "", values, forms.errors_of(refusal, words))
    said = words._("Text {no} of {code} is in the library.", no=no, code=values["code"])
    return see_other(request, HERE, said=said)


def _read(values: dict[str, str]) -> commands.PhraseText:
    """Raises PhraseFaulty (422)."""
    given = {name: values.get(name, "").strip() for name in ("kind", "code", "title", "text", "source")}
    faults = [Fault(f"/{name}", "missing", forms.MISSING) for name, text in given.items() if not text]
    if given["code"] and not forms.is_code(given["code"]):
        faults.append(Fault("/code", "code", forms.CODE_WRONG))
    days = {name: read_day(values.get(name, "")) for name in ("valid_from", "valid_to")}
    if days["valid_from"] is None:
        faults.append(Fault("/valid_from", "day", forms.DAY_WRONG))
    if values.get("valid_to", "").strip() and days["valid_to"] is None:
        faults.append(Fault("/valid_to", "day", forms.DAY_WRONG))
    if given["kind"] not in PHRASES:
        faults.append(Fault("/kind", "missing", forms.CHOICE_MISSING))
    if faults or days["valid_from"] is None:
        raise PhraseFaulty(errors=faults)
    subject, _, chosen = values.get("subject", "").partition("=")
    more = {name: values.get(name, "").strip() for name in ("when", "evidence", "verifier")}
    value = (chosen or values.get("value", "").strip()) if subject else ""
    return commands.PhraseText(
        **given,
        **more,
        subject=subject,
        value=value,
        function=values.get("function") or None,
        valid_from=days["valid_from"],
        valid_to=days["valid_to"],
    )
