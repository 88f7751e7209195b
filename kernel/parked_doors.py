"""Parked messages over HTTP, the same for every service: `/api/<svc>/v1/parked-messages` and the page `/<svc>/parked`.

A service mounts both with its own gates: `<svc>:parked:read` and `<svc>:parked:redrive`.
"""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse

from kernel import parked
from kernel.edge import CurrentActor, IfMatch, Now, Read, Tx, api_router, entity_tag, require_match, ui_router
from kernel.errors import Fault, Invalid
from kernel.listing import Listing, UnknownField
from kernel.paging import BadCursor, decode_cursor, encode_cursor
from kernel.texts import STORABLE
from kernel.web import forms
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of, gettext_of, render, see_other

MEMBERS = ("id", "state", "subject", "error", "parked_at", "tries", "mended")
Text = Annotated[str, STORABLE]


MessageId = Annotated[str, Path(description="Stream and place in it, such as `registry-7`.", examples=["registry-7"])]


class ParkedRow(BaseModel):
    id: str
    state: parked.State
    subject: str
    error: str
    parked_at: datetime
    tries: int
    mended: bool


class ParkedRead(ParkedRow):
    """`payload` is what would be applied; `original` is there when it was mended."""

    payload: str
    original: str | None


class ParkedPage(BaseModel):
    items: list[ParkedRow]
    next: str | None
    total: int | None = None


class ParkedMend(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"payload": '{"id":"0199…c1"}'}]})

    payload: Annotated[Text, Field(max_length=1_000_000, description="The whole envelope, in JSON.")]


class ParkedDrop(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Sent twice by mistake."}]})

    reason: Annotated[Text, Field(min_length=1, max_length=parked.REASON_LIMIT)]


class ParkedListing(Listing):
    state: Annotated[parked.State | None, Field(description="Only those in this state.")] = None


def _row(each: parked.Parked) -> dict[str, Any]:
    return {name: getattr(each, name) for name in MEMBERS} | {"mended": each.mended is not None}


def _read(each: parked.Parked, response: Response) -> ParkedRead:
    response.headers["ETag"] = entity_tag(_version(each))
    original = each.original.decode("utf-8", "replace") if each.mended is not None else None
    return ParkedRead(**_row(each), payload=each.text, original=original)


def _version(each: parked.Parked) -> int:
    """Changes with everything a person can change."""
    marks = (each.mended, each.asked_at, each.redriven_at, each.dropped_at, each.tries)
    return int.from_bytes(parked.digest(*marks)[:6], "big")


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    at, identifier = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), str(identifier)
    except ValueError as error:
        raise BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)]) from error


def _chosen(asked: ParkedListing) -> list[str]:
    unknown = sorted(set(asked.fields or ()) - set(MEMBERS))
    if unknown:
        said = ", ".join(unknown)
        raise UnknownField(errors=[Fault("/query/fields", "unknown", UnknownField.detail, names=said)], names=said)
    return [name for name in MEMBERS if asked.fields is None or name in asked.fields]


def api(service: str, *, read: Any, redrive: Any) -> APIRouter:
    """`read` and `redrive` are the gates of the service's own policy."""
    router = api_router(f"/api/{service}/v1", ["parked messages"])

    @router.get(
        "/parked-messages",
        dependencies=[read],
        response_model=ParkedPage,
        name=f"list_{service}_parked_messages",
        summary="Messages that wait",
    )
    async def listing(read: Read, asked: Annotated[ParkedListing, Query()]) -> Response:
        """Messages of other services that could not be applied, the newest first."""
        names = _chosen(asked)
        after = _after(asked.cursor)
        found = await parked.messages(read, state=asked.state, after=after, limit=asked.limit + 1)
        rows, more = found[: asked.limit], found[asked.limit :]
        told: dict[str, Any] = {
            "items": [{name: row[name] for name in names} for row in map(_row, rows)],
            "next": encode_cursor([rows[-1].parked_at.isoformat(), rows[-1].id]) if more else None,
        }
        if asked.total:
            told["total"] = await parked.counted(read, asked.state)
        return Response(orjson.dumps(told), media_type="application/json")

    @router.get(
        "/parked-messages/{message}",
        dependencies=[read],
        name=f"read_{service}_parked_message",
        summary="One message and why it waits",
    )
    async def detail(read: Read, message: MessageId, response: Response) -> ParkedRead:
        """The message as it would be applied, the error of its last try, and its ETag."""
        return _read(await parked.message(read, message), response)

    @router.post(
        "/parked-messages/{message}/mending",
        dependencies=[redrive],
        name=f"mend_{service}_parked_message",
        summary="Mend its text",
    )
    async def mending(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        message: MessageId,
        body: ParkedMend,
        if_match: IfMatch,
        response: Response,
    ) -> ParkedRead:
        """Replaces what would be applied; its id stays, and what arrived is kept."""
        require_match(if_match, _version(await parked.message(tx, message, lock=True)))
        return _read(await parked.mend(tx, actor, service, message, body.payload, now=now), response)

    @router.post(
        "/parked-messages/{message}/redrive",
        dependencies=[redrive],
        name=f"redrive_{service}_parked_message",
        summary="Apply it again",
    )
    async def redriving(
        actor: CurrentActor, tx: Tx, now: Now, message: MessageId, if_match: IfMatch, response: Response
    ) -> ParkedRead:
        """The worker applies it within seconds; an effect that is there already does not come twice."""
        require_match(if_match, _version(await parked.message(tx, message, lock=True)))
        return _read(await parked.ask_redrive(tx, actor, service, message, now=now), response)

    @router.post(
        "/parked-messages/{message}/dismissal",
        dependencies=[redrive],
        name=f"drop_{service}_parked_message",
        summary="Never apply it",
    )
    async def dismissal(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        message: MessageId,
        body: ParkedDrop,
        if_match: IfMatch,
        response: Response,
    ) -> ParkedRead:
        """The message stays for the record, with the reason in the audit log."""
        require_match(if_match, _version(await parked.message(tx, message, lock=True)))
        return _read(await parked.drop(tx, actor, service, message, body.reason, now=now), response)

    return router


def pages(service: str, *, read: Any, redrive: Any, may_redrive: Any) -> APIRouter:
    """`may_redrive(actor)`: whether the buttons are shown."""
    router = ui_router(f"/{service}")
    home = f"/{service}/parked"

    @router.get("/parked", dependencies=[read])
    async def listing(request: Request, read: Read, state: str = "", cursor: str | None = None) -> HTMLResponse:
        chosen = state if state in parked.STATES else None
        rows = await parked.messages(read, state=chosen, after=_after(cursor), limit=51)
        more = encode_cursor([rows[49].parked_at.isoformat(), rows[49].id]) if len(rows) > 50 else None
        context = {"rows": rows[:50], "more": more, "state": chosen or "", "home": home, "states": parked.STATES}
        return render(request, "parked/list.html", context)

    async def page(
        request: Request, tx: Any, actor: Any, message: MessageId, errors: dict[str, str], status: int
    ) -> Any:
        found = await parked.message(tx, message)
        form = await request.form() if request.method == "POST" else {}
        context = {
            "message": found,
            "home": home,
            "errors": errors,
            "payload": form.get("payload", found.text),
            "reason": form.get("reason", ""),
            "may": may_redrive(actor) and found.state in ("waiting", "asked"),
        }
        return render(request, "parked/message.html", context, status)

    @router.get("/parked/{message}", dependencies=[read])
    async def detail(request: Request, actor: CurrentActor, read: Read, message: MessageId) -> HTMLResponse:
        return await page(request, read, actor, message, {}, 200)  # type: ignore[no-any-return]

    @router.post("/parked/{message}/{act}", dependencies=[redrive])
    async def act(request: Request, actor: CurrentActor, tx: Tx, now: Now, message: MessageId, act: str) -> Response:
        form = await request.form()
        try:
            if act == "mend":
                await parked.mend(tx, actor, service, message, str(form.get("payload", "")), now=now)
                said = gettext_of(request, "The message was mended.")
            elif act == "redrive":
                await parked.ask_redrive(tx, actor, service, message, now=now)
                said = gettext_of(request, "The message is being applied again.")
            elif act == "drop":
                await parked.drop(tx, actor, service, message, str(form.get("reason", "")), now=now)
                said = gettext_of(request, "The message was dropped.")
            else:
                raise parked.NoSuchParkedMessage
        except Invalid as refusal:
            errors = forms.field_errors(refusal.errors, frame_of(request).translations(locale_of(request)).gettext)
            return await page(request, tx, actor, message, errors, 422)  # type: ignore[no-any-return]
        answer: RedirectResponse = see_other(request, f"{home}/{message}", said=said)
        return answer

    return router
