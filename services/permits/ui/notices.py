"""What the reader was told, how he wants to be told, and what he says about a dossier."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Form, Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.db import new_id
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import Invalid
from kernel.paging import decode_cursor, encode_cursor
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain.notices import LOUD, NAMES
from services.permits.domain.refusals import MessageFaulty
from services.permits.ui import forms
from services.permits.ui.gate import needs
from services.permits.ui.scene import Locked, Reading, Scene, Writing
from services.permits.ui.words import MAIL_WHEN

router = ui_router("/permits")
HERE = "/permits/notices"
SIZE = 30


@router.get("/notices", dependencies=[needs("permits:notice:read")])
async def notices(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    tab: Annotated[str, Query(max_length=20)] = "unread",
    after: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """The inbox: what is new, and what was read."""
    asked = queries.NoticesAsked(unread=tab != "all")
    found = await queries.notices_of(
        read, asked, actor=actor, limit=SIZE, after=decode_cursor(after) if after else None
    )
    say = commands.Sayer(scene.words.lang, scene.words.lexicon.lists)
    rows = [
        {
            **each,
            "at": datetime.fromisoformat(each["at"]),
            "text": say.notice(each["kind"], _named(each["params"], scene)),
        }
        for each in orjson.loads(found.items)
    ]
    words, unread = scene.words, await queries.unread(read, actor=actor)
    context = {
        "rows": rows,
        "next": encode_cursor(found.after) if found.after else None,
        "tab": tab,
        "unread": unread,
        "tabs": [
            {"text": words._("Unread"), "href": "?tab=unread", "active": tab != "all", "count": unread, "tone": ""},
            {"text": words._("All"), "href": "?tab=all", "active": tab == "all", "count": None},
        ],
        "nav_counts": {HERE: unread},
    }
    return render(request, "permits/notices.html", context)


def _named(params: dict[str, Any], scene: Scene) -> dict[str, Any]:
    """Organisations by their names."""
    named = {"applicant": scene.words.org(params["applicant"])} if "applicant" in params else {}
    return {**params, **named}


@router.post("/notices", dependencies=[needs("permits:notice:read")])
async def read_notices(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    scene: Writing,
    id: Annotated[list[UUID], Form()] = [],  # noqa: B006
    step: Annotated[str, Form()] = "ticked",
) -> Response:
    done = await commands.read_notices(tx, actor, None if step == "all" else id[:500], now=scene.now)
    said = scene.words.ngettext("{n} notice read.", "{n} notices read.", done)
    return see_other(request, HERE, said=said)


@router.get("/notices/preference", dependencies=[needs("permits:notice:read")])
async def preference(request: Request, actor: CurrentActor, read: Read, scene: Reading) -> Response:
    held = await queries.preference(read, actor.id)
    quiet = held.quiet if held else []
    told = [kind for kind in NAMES if kind not in quiet]
    values = {"email": (held.email if held else "") or "", "mail": held.mail if held else "off", "told": told}
    return _preference(request, scene, values, {})


def _preference(request: Request, scene: Scene, values: dict[str, Any], errors: dict[str, str]) -> Response:
    words = scene.words
    context = {
        "values": values,
        "errors": errors,
        "mails": [(code, words._(name)) for code, name in MAIL_WHEN.items()],
        "kinds": [(kind, words._(name)) for kind, name in NAMES.items() if kind not in LOUD],
        "loud": [words._(NAMES[kind]) for kind in NAMES if kind in LOUD],
    }
    return render(request, "permits/preference.html", context, 422 if errors else 200)


@router.post("/notices/preference", dependencies=[needs("permits:notice:read")])
async def prefer(request: Request, actor: CurrentActor, tx: Tx, scene: Writing) -> Response:
    form, values = await forms.sent(request)
    told = [str(kind) for kind in form.getlist("told")]
    quiet = [kind for kind in NAMES if kind not in told and kind not in LOUD]
    mail_when = values.get("mail", "off")
    given: dict[str, Any] = {"email": values.get("email", "").strip(), "mail": mail_when, "told": told}
    try:
        await commands.prefer(
            tx,
            actor,
            email=given["email"],
            mail_when=mail_when if mail_when in MAIL_WHEN else "off",
            quiet=quiet,
            now=scene.now,
        )
    except Invalid as refusal:
        return _preference(request, scene, given, forms.errors_of(refusal, scene.words))
    return see_other(request, HERE, said=scene.words._("Your choice is kept."))


@router.post("/applications/{id}/messages", dependencies=[needs("permits:message:write")])
async def write(request: Request, actor: CurrentActor, tx: Tx, scene: Writing, dossier: Locked) -> Response:
    _, values = await forms.sent(request)
    home = f"/permits/applications/{dossier.id}"
    audience = values.get("audience", "")
    try:
        await commands.write_message(
            tx,
            actor,
            dossier,
            new_id(),
            audience if audience in commands.AUDIENCES else "applicant",
            values.get("body", "")[:4000],
            now=scene.now,
        )
    except MessageFaulty as refusal:
        said = " ".join(forms.errors_of(refusal, scene.words).values())
        return see_other(request, f"{home}#messages", said=said)
    return see_other(request, f"{home}#messages", said=scene.words._("Message sent."))


def thread(messages: list[dict[str, Any]], actor: Actor, scene: Scene) -> list[dict[str, Any]]:
    """As the dossier's page shows it."""
    words = scene.words
    return [
        {
            **each,
            "at": datetime.fromisoformat(each["at"]),
            "org": words.org(each["org"]),
            "own": each["author"] == actor.id,
            "inside": {
                "officers": words._("Officers only"),
                "department": words._("Inside the department"),
                "applicant": "",
            }[each["audience"]],
        }
        for each in messages
    ]
