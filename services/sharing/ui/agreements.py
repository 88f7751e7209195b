"""Pages of agreements: the list, recording one, looking at one, ending it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from kernel import history
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.edge import CurrentActor, Now, Read, Tx, ui_router
from kernel.errors import N_, Forbidden, Refusal
from kernel.paging import BadCursor, decode_cursor, encode_cursor
from kernel.web import formats, forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other
from services.sharing.commands import agreements as commands
from services.sharing.domain import agreement as rules
from services.sharing.domain import policy
from services.sharing.domain.agreement import Terms
from services.sharing.domain.refusals import AgreementNotFound
from services.sharing.queries import agreements as queries
from services.sharing.queries import law, structures
from services.sharing.ui import words
from services.sharing.ui.gate import needs
from services.sharing.ui.names import names_of

router = ui_router("/sharing")
PAGE = 20
WRONG_DAY = N_("This is no day. Write it as 27/05/2024.")
GIVE_DAY = N_("Give the day.")
CHOOSE_TENANT = N_("Choose the tenant.")
CHOOSE_KIND = N_("Choose the kind.")
GIVE_REASON = N_("Say why.")
FIELDS = ("structure", "tenant", "kind", "valid_from", "last_day", "number")


@router.get("/agreements", dependencies=[needs("sharing:agreement:read")])
async def listing(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    query, lang = request.query_params, locale_of(request)
    status = query.get("status") if query.get("status") in words.STATUS else None
    names = await names_of(request, read, actor)
    asked = queries.AgreementsAsked(status=status, q=(query.get("q") or "").replace("\0", "")[:100] or None)
    after = _after(query.get("after", ""))
    found = await queries.agreements(
        read, asked, actor=actor, as_of=local_date(now), known_at=now, limit=PAGE, after=after
    )
    kinds = {row.code: words.titled(row, lang) for row in await law.agreement_kinds(read)}
    context = {
        "rows": [_row(row, kinds, names, lang) for row in orjson.loads(found.items)],
        "next": encode_cursor(found.after) if found.after else None,
        "first_page": not query.get("after"),
        "filters_set": int(status is not None),
        "may_record": policy.may_at_all(actor, "sharing:agreement:record"),
        "words": words,
    }
    return render(request, "sharing/agreements.html", context)


def _after(cursor: str) -> list[Any] | None:
    try:
        return [UUID(str(decode_cursor(cursor, 1)[0]))] if cursor else None
    except (BadCursor, ValueError):
        return None


def _row(
    row: dict[str, Any], kinds: Mapping[str, str], names: Mapping[str, tuple[str, str]], lang: str
) -> dict[str, Any]:
    begins = date.fromisoformat(row["valid_from"]) if row["valid_from"] else None
    ends = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    return {
        **row,
        "href": f"/sharing/agreements/{row['id']}",
        "owner": words.named(names, row["owner"], lang),
        "tenant": words.named(names, row["tenant"], lang),
        "kind": kinds.get(row["kind"] or "", ""),
        "begins": begins,
        "last_day": words.last_day(ends),
        "status": row["status"] if begins else "undone",
    }


@router.get("/agreements/new", dependencies=[needs("sharing:agreement:record")])
async def form(request: Request, actor: CurrentActor, read: Read, now: Now) -> HTMLResponse:
    """First the structure, found by its number or name; then the terms."""
    values = {name: request.query_params.get(name, "") for name in FIELDS}
    return await _form(request, actor, read, now, values, {}, 200)


async def _form(
    request: Request,
    actor: Actor,
    read: Any,
    now: datetime,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    lang = locale_of(request)
    names = await names_of(request, read, actor)
    chosen = _id(values.get("structure", ""))
    structure = await structures.structure_today(read, chosen, actor=actor, now=now) if chosen else None
    q = request.query_params.get("q", "")[:100]
    found = await structures.found_structures(read, q, actor=actor, now=now) if q and structure is None else []
    enterprises = await structures.enterprises(read)
    context = {
        "values": values,
        "errors": errors,
        "structure": structure,
        "owner_name": words.named(names, structure.owner or "", lang) if structure else "",
        "q": q,
        "found": [(row, words.named(names, row.owner or "", lang)) for row in found],
        "tenants": sorted(
            ((row.code, words.named(names, row.code, lang)) for row in enterprises), key=lambda pair: pair[1]
        ),
        "kinds": [(row.code, words.titled(row, lang)) for row in await law.agreement_kinds(read)],
        "words": words,
    }
    return render(request, "sharing/agreement_new.html", context, status)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@router.post("/agreements/new", dependencies=[needs("sharing:agreement:record")])
async def record(request: Request, actor: CurrentActor, tx: Tx, now: Now) -> Response:
    sent = await request.form()
    values = {name: str(sent.get(name, "")).strip() for name in FIELDS}
    errors, terms = _terms(request, values)
    structure_id = _id(values["structure"])
    if not errors and terms is not None and structure_id is not None:
        try:
            made = await commands.agree(
                tx, actor, structure_id, values["tenant"], terms, now=now, agreement_id=new_id()
            )
        except Forbidden:
            errors = {
                "": gettext_of(request, "Only the owner or the tenant can record an agreement on this structure.")
            }
        except Refusal as refusal:
            errors = _errors(request, refusal)
        else:
            return see_other(request, f"/sharing/agreements/{made.id}", said=gettext_of(request, "Agreement recorded."))
    return await _form(request, actor, tx, now, values, errors, 422)


def _terms(request: Request, values: Mapping[str, str]) -> tuple[dict[str, str], Terms | None]:
    """The last day is inclusive for people; terms end on the day after."""
    errors: dict[str, str] = {}
    begins, last = forms.read_day(values["valid_from"]), forms.read_day(values["last_day"])
    if not values["tenant"]:
        errors["tenant"] = gettext_of(request, CHOOSE_TENANT)
    if not values["kind"]:
        errors["kind"] = gettext_of(request, CHOOSE_KIND)
    if begins is None:
        errors["valid_from"] = _day_trouble(request, values["valid_from"])
    if values["last_day"] and last is None:
        errors["last_day"] = gettext_of(request, WRONG_DAY)
    if errors or begins is None:
        return errors, None
    return {}, Terms(values["kind"], begins, last + timedelta(days=1) if last else None, values["number"][:100])


def _day_trouble(request: Request, typed: str) -> str:
    return gettext_of(request, WRONG_DAY) if typed else gettext_of(request, GIVE_DAY)


def _errors(request: Request, refusal: Refusal) -> dict[str, str]:
    """By field; one that names no field stands on top of the form, its days as people read them."""
    lang = locale_of(request)
    say = frame_of(request).translations(lang).gettext
    found = forms.field_errors(refusal.errors, say)
    if "valid_to" in found:
        found["last_day"] = found.pop("valid_to")
    days = {name: formats.day(value, lang) for name, value in refusal.params.items() if isinstance(value, date)}
    return found or {"": say(refusal.detail).format(**{**refusal.params, **days})}


@router.get("/agreements/{agreement_id}", dependencies=[needs("sharing:agreement:read")])
async def detail(request: Request, actor: CurrentActor, read: Read, now: Now, agreement_id: UUID) -> HTMLResponse:
    row = await queries.agreement(read, agreement_id, actor=actor)
    changes = await queries.change_rows(read, agreement_id)
    return render(request, "sharing/agreement.html", await _shown(request, actor, read, row, changes, local_date(now)))


async def _shown(request: Request, actor: Actor, read: Any, row: Any, changes: Any, today: date) -> dict[str, Any]:
    lang = locale_of(request)
    names = await names_of(request, read, actor)
    kinds = {each.code: words.titled(each, lang) for each in await law.agreement_kinds(read)}
    versions = history.believe([queries.as_change(each) for each in changes]).versions
    periods = rules.in_force(versions)
    kind = next((str(v.values["kind"]) for v in reversed(versions) if v.values.get("kind")), "")
    return {
        "row": row,
        "owner_name": words.named(names, row.owner, lang),
        "tenant_name": words.named(names, row.tenant, lang),
        "kind": kinds.get(kind, kind),
        "number": next((str(v.values["number"]) for v in reversed(versions) if v.values.get("number")), ""),
        "status": _status(versions, today),
        "periods": [(begins, words.last_day(ends)) for begins, ends in periods],
        "changes": [_change(each, kinds) for each in reversed(changes)],
        "may_end": bool(periods)
        and (periods[-1][1] is None or periods[-1][1] > today)
        and policy.may(actor, "sharing:agreement:terminate", row.owner, row.tenant),
        "words": words,
    }


def _status(versions: tuple[history.Version, ...], today: date) -> str:
    if not versions:
        return "undone"
    if today < versions[0].valid_from:
        return "not_begun"
    return str(rules.value_on(versions, today, "status") or rules.ENDED)


def _change(row: Any, kinds: Mapping[str, str]) -> dict[str, Any]:
    return {
        "act": row.act,
        "begins": row.valid_from,
        "last_day": words.last_day(row.valid_to),
        "status": row.patch.get("status", ""),
        "kind": kinds.get(row.patch.get("kind", ""), ""),
        "number": row.patch.get("number", ""),
        "reason": row.reason,
        "actor": row.actor,
        "org": row.org,
        "recorded_at": row.recorded_at,
        "undo": not row.patch,
    }


@router.get("/agreements/{agreement_id}/termination", dependencies=[needs("sharing:agreement:terminate")])
async def ask_end(request: Request, actor: CurrentActor, read: Read, now: Now, agreement_id: UUID) -> HTMLResponse:
    values = {"last_day": "", "reason": ""}
    return await _confirm(request, actor, read, local_date(now), agreement_id, values, {}, 200)


@router.post("/agreements/{agreement_id}/termination", dependencies=[needs("sharing:agreement:terminate")])
async def end(request: Request, actor: CurrentActor, tx: Tx, now: Now, agreement_id: UUID) -> Response:
    sent = await request.form()
    values = {name: str(sent.get(name, "")).strip() for name in ("last_day", "reason")}
    last = forms.read_day(values["last_day"])
    errors = {}
    if last is None:
        errors["last_day"] = _day_trouble(request, values["last_day"])
    if not values["reason"]:
        errors["reason"] = gettext_of(request, GIVE_REASON)
    if last is not None and not errors:
        try:
            day = last + timedelta(days=1)
            await commands.terminate(tx, actor, agreement_id, day, values["reason"][:1000], now=now)
        except (AgreementNotFound, Forbidden):
            raise
        except Refusal as refusal:
            errors = _errors(request, refusal)
        else:
            said = gettext_of(request, "Agreement ended.")
            return see_other(request, f"/sharing/agreements/{agreement_id}", said=said)
    return await _confirm(request, actor, tx, local_date(now), agreement_id, values, errors, 422)


async def _confirm(
    request: Request,
    actor: Actor,
    read: Any,
    today: date,
    agreement_id: UUID,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
) -> HTMLResponse:
    row = await queries.agreement(read, agreement_id, actor=actor)
    changes = await queries.change_rows(read, agreement_id)
    context = {
        **await _shown(request, actor, read, row, changes, today),
        "values": values,
        "errors": errors,
    }
    return render(request, "sharing/agreement_end.html", context, status)
