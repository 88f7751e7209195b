"""Pages of the sealed statements: the list, sealing what the board shows, one statement and its proof."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.paging import encode_cursor
from kernel.seals import opened
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing.commands import statements as commands
from services.sharing.commands import verification
from services.sharing.domain import policy
from services.sharing.domain.figures import percent
from services.sharing.domain.statement import Difference, Line
from services.sharing.queries import law, ratios, structures
from services.sharing.queries import statements as queries
from services.sharing.ui import words
from services.sharing.ui.asked import Asked, asked
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of
from services.sharing.ui.report_rows import after_of, sent_of

router = ui_router("/sharing/statements")
SEAL = "sharing:statement:seal"
PAGE, SHOWN = 50, 100
CHOICES = ("kind", "as_of", "known_at", "definition", "set", "unit", "owner")
FAULT = {
    "signature": N_("The signature does not fit the content."),
    "content": N_("The stored values are not those that were signed."),
    "lines": N_("The stored list of structures is not the one that was sealed."),
    "definition": N_("The definition is not the one that was sealed."),
    "history": N_("The history gives other verdicts for that day and that knowledge."),
    "figure": N_("The figure counted today for that day and that knowledge is another."),
}


@router.get("", dependencies=[needs(queries.READ)])
async def statements(request: Request, actor: CurrentActor, read: Read) -> HTMLResponse:
    lang = locale_of(request)
    names = await names_of(request, read, actor)
    found = await queries.statements(
        read, queries.StatementsAsked(), actor=actor, limit=PAGE, after=after_of(request, 2)
    )
    titles = {row.id: row.content["title"][lang] for row in await law.definitions(read)}
    sets = {row.code: words.titled(row, lang) for row in await law.boundary_sets(read)}
    context = {
        "rows": [_row(row, names, titles, sets, lang) for row in orjson.loads(found.items)],
        "may_seal": policy.may_at_all(actor, SEAL),
        "next": encode_cursor(found.after) if found.after else None,
        "words": words,
    }
    return render(request, "sharing/statements.html", context)


def _row(
    row: Mapping[str, Any],
    names: Mapping[str, tuple[str, str]],
    titles: Mapping[str, str],
    sets: Mapping[str, str],
    lang: str,
) -> dict[str, Any]:
    return {
        **row,
        "as_of": date.fromisoformat(row["as_of"]),
        "known_at": datetime.fromisoformat(row["known_at"]),
        "sealed_at": datetime.fromisoformat(row["sealed_at"]),
        "percent": percent(row["shared"], row["counted"]),
        "definition_title": titles.get(row["definition"], row["definition"]),
        "boundary_title": sets.get(row["boundary_set"], row["boundary_set"]),
        "owner_name": words.named(names, row["owner"], lang) if row["owner"] else "",
    }


@router.get("/new", dependencies=[needs(SEAL)])
async def ask_seal(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """The page before it, for the choices of the board."""
    return await _asked(request, actor, read, now, {})


async def _asked(
    request: Request, actor: CurrentActor, read: Read, now: Now, errors: Mapping[str, str], status: int = 200
) -> HTMLResponse:
    await names_of(request, read, actor)
    given, known = await _given(request, actor, read, now)
    scope, lang = given.scope, locale_of(request)
    figure = orjson.loads(await ratios.ratio(read, scope))
    definition = next(row for row in await law.definitions(read) if row.id == scope.definition)
    sets = {row.code: words.titled(row, lang) for row in await law.boundary_sets(read)}
    shown = formats.percent(percent(figure["shared"], figure["counted"]), lang)
    fraction = f"{formats.number(figure['shared'], lang)}/{formats.number(figure['counted'], lang)}"
    chosen = {name: request.query_params[name] for name in CHOICES if request.query_params.get(name)}
    context = {
        "question": gettext_of(request, N_("Seal this figure?")),
        "rows": [
            (gettext_of(request, words.TITLE[scope.kind]), f"{shown} ({fraction})"),
            (gettext_of(request, N_("State of")), formats.day(scope.as_of, lang)),
            (gettext_of(request, N_("As recorded by")), formats.moment(scope.known_at, lang) if known else "–"),
            (gettext_of(request, N_("Definition")), definition.content["title"][lang]),
            (gettext_of(request, N_("Boundaries")), sets.get(scope.boundary_set, scope.boundary_set)),
        ],
        "effect": gettext_of(
            request,
            N_("The figure is counted again from the history, numbered, signed and kept with its lists for ever."),
        ),
        "action": "/sharing/statements/new?" + urlencode(chosen),
        "verb": gettext_of(request, N_("Seal")),
        "symbol": "lock",
        "back": (gettext_of(request, N_("Go back")), "/sharing/ratio?" + urlencode(chosen)),
        "danger": False,
        # What is shown is what is sealed, also when more has become known since; sent twice, it is sealed once.
        "hidden": {"at": scope.known_at.isoformat()},
        "errors": {"": given.trouble} if given.trouble else errors,
    }
    return render(request, "confirm.html", context, status)


async def _given(request: Request, actor: CurrentActor, read: Read, now: Now) -> tuple[Asked, bool]:
    """What the board shows; where it shows the present, as of the last instant that can be sealed."""
    settled = await queries.settled_to(read, now)
    latest = now if request.query_params.get("known_at") or settled is None else settled
    return await asked(request, read, actor, latest), settled is not None


@router.post("/new", dependencies=[needs(SEAL)])
async def seal(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    settings = request.app.state.settings
    given, _ = await _given(request, actor, tx, now)
    at = (await sent_of(request, "at"))["at"]
    if given.trouble:
        return await _asked(request, actor, tx, now, {}, 422)
    say = frame_of(request).translations("vi").gettext
    try:
        key = opened(settings.seal_file, settings.seal_password)
        scope = replace(given.scope, known_at=ratios.known_instant(at, now)) if at else given.scope
        made = await commands.seal(tx, actor, scope, key, say, now=now)
    except Refusal as refusal:
        own = frame_of(request).translations(locale_of(request)).gettext
        found = forms.field_errors(refusal.errors, own)
        return await _asked(request, actor, tx, now, found or {"": refusal.say(own)}, refusal.status)
    said = gettext_of(request, N_("Sealed as number {number}."), number=made.number)
    return see_other(request, f"/sharing/statements/{made.id}", said=said)


@router.get("/{statement_id}", dependencies=[needs(queries.READ)])
async def statement(request: Request, actor: CurrentActor, read: Read, statement_id: UUID) -> HTMLResponse:
    """One statement; `?check=1` proves it again, for auditors."""
    lang = locale_of(request)
    names = await names_of(request, read, actor)
    told = await queries.statement(read, statement_id, actor=actor)
    content = told["content"]
    titles = {row.id: row.content["title"][lang] for row in await law.definitions(read)}
    sets = {row.code: words.titled(row, lang) for row in await law.boundary_sets(read)}
    may_verify = policy.may_at_all(actor, queries.VERIFY)
    checked = request.query_params.get("check") == "1" and may_verify
    found = await verification.verify(read, statement_id, actor=actor) if checked else None
    units = await structures.unit_names(read, [group["key"] for group in content["by_unit"]])
    context = {
        "row": _row(told, names, titles, sets, lang),
        "unit_name": await structures.unit_name(read, told["unit"]) if told["unit"] else None,
        "owners": _groups(content["by_owner"], lambda key: words.named(names, key, lang)),
        "units": _groups(content["by_unit"], lambda key: units.get(key, key)),
        "lists": content["lists"],
        "board": "?"
        + urlencode(
            {
                "kind": told["kind"],
                "as_of": formats.day(date.fromisoformat(told["as_of"]), "vi"),
                "known_at": formats.day(datetime.fromisoformat(told["known_at"]), "vi"),
                "definition": told["definition"],
                "set": told["boundary_set"],
                **{name: told[name] for name in ("unit", "owner") if told[name]},
            }
        ),
        "may_verify": may_verify,
        "found": found,
        "faults": [gettext_of(request, FAULT[code]) for code in found.faults] if found else [],
        "differences": [_difference(request, one, names, lang) for one in found.differences[:SHOWN]] if found else [],
        "words": words,
    }
    return render(request, "sharing/statement.html", context)


def _groups(groups: list[dict[str, Any]], name: Any) -> list[dict[str, Any]]:
    rows = [
        {**group, "name": name(group["key"]), "percent": percent(group["shared"], group["counted"])} for group in groups
    ]
    return sorted(rows, key=lambda row: row["name"])


def _difference(request: Request, one: Difference, names: Mapping[str, tuple[str, str]], lang: str) -> dict[str, Any]:
    def side(line: Line | None) -> str:
        if line is None:
            return gettext_of(request, N_("Not in the register"))
        reason = gettext_of(request, words.REASON.get(line.reason, words.OTHER_REASON))
        return f"{reason} · {words.named(names, line.owner, lang)}"

    return {"id": one.structure_id, "public_no": one.public_no, "sealed": side(one.sealed), "now": side(one.now)}


@router.get("/{statement_id}/paper", dependencies=[needs(queries.READ)])
async def paper(actor: CurrentActor, read: Read, statement_id: UUID) -> Response:
    body = await queries.paper(read, statement_id, actor=actor)
    headers = {"Content-Disposition": f'attachment; filename="statement-{statement_id}.pdf"'}
    return Response(body, media_type="application/pdf", headers=headers)


@router.get("/{statement_id}/file", dependencies=[needs(queries.READ)])
async def file(actor: CurrentActor, read: Read, statement_id: UUID) -> Response:
    """What was signed and its signature, as `check-statement` takes it."""
    told = await queries.statement(read, statement_id, actor=actor)
    body = orjson.dumps({name: told[name] for name in ("content", "seal")}, option=orjson.OPT_INDENT_2)
    headers = {"Content-Disposition": f'attachment; filename="statement-{statement_id}.json"'}
    return Response(body, media_type="application/json", headers=headers)
