"""The queue of a department, and the list of all dossiers one may see."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Form, Query, Request
from fastapi.responses import Response

from kernel.auth import Actor
from kernel.edge import CurrentActor, Read, Tx, ui_router
from kernel.errors import N_, Refusal
from kernel.listing import Rows
from kernel.paging import decode_cursor, encode_cursor
from kernel.texts import STORABLE
from kernel.web.render import render, see_other
from services.permits import commands, queries
from services.permits.domain import policy
from services.permits.domain.application import OPEN, STATES
from services.permits.ui import forms
from services.permits.ui import rows as listing
from services.permits.ui.gate import needs
from services.permits.ui.scene import Reading, Scene, Writing, is_officer
from services.permits.ui.words import ENTERPRISES, Words

router = ui_router("/permits")
SIZE = 30
USUAL = ("construction", "transport", "natural_resources")
TABS = {
    "mine": N_("Mine"),
    "unassigned": N_("Unassigned"),
    "all": N_("Whole department"),
    "soon": N_("Coming due"),
    "overdue": N_("Overdue"),
    "paused": N_("Paused"),
}
Text = Annotated[str | None, Query(max_length=200), STORABLE]


class Window:
    """One page of a keyset list: the rows to show and the addresses of its neighbours."""

    def __init__(self, found: Rows, key: Any, after: str | None, before: str | None, query: Mapping[str, Any]):
        shown, more = orjson.loads(found.items), found.after is not None
        self.rows: Sequence[Any] = list(reversed(shown)) if before else shown
        ahead, behind = (bool(before) or more, more if before else bool(after))
        self.next = self._at(query, "after", key(self.rows[-1])) if self.rows and ahead else None
        self.previous = self._at(query, "before", key(self.rows[0])) if self.rows and behind else None

    @staticmethod
    def _at(query: Mapping[str, Any], name: str, key: Sequence[Any]) -> str:
        kept = {key: value for key, value in query.items() if value and key not in ("after", "before")}
        return f"?{urlencode({**kept, name: encode_cursor(key)})}"


@router.get("/queue", dependencies=[needs("permits:queue:read")])
async def queue(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    tab: Text = "all",
    state: Text = None,
    applicant: Text = None,
    commune: Text = None,
    q: Text = None,
    after: Text = None,
    before: Text = None,
) -> Response:
    """Dossiers by due date, for whoever's function has to act on them."""
    policy.demand(actor, "permits:queue:read")
    tab = tab if tab in TABS else "all"
    wanted = queries.QueueAsked.model_construct(
        **_narrowed(tab=tab, state=state, applicant=applicant, commune=commune, q=q)
    )
    horizon, key = scene.horizon(), before or after
    found = await queries.queue(
        read,
        wanted,
        actor=actor,
        horizon=horizon,
        limit=SIZE,
        after=decode_cursor(key) if key else None,
        back=bool(before),
    )
    counts = await queries.queue_counts(read, actor=actor, horizon=horizon)
    asked = {"tab": tab, "state": state, "applicant": applicant, "commune": commune, "q": q}
    window = Window(found, queries.queue_key, after, before, asked)
    context = await _table(read, scene, window.rows)
    narrowed = bool(state or applicant or commune or q)
    context |= {
        "window": window,
        "tabs": _tabs(scene.words, str(tab), counts),
        "counts": counts,
        "tab": tab,
        "set": sum(1 for each in (state, applicant, commune) if each),
        "narrowed": narrowed,
        "states": [(each, scene.words.step(each)) for each in OPEN],
        "communes": await communes(read, scene),
        "applicants": applicants(scene.words),
        "pager": _pager(scene.words, len(window.rows), None if narrowed else counts[str(tab)]),
        "department": _department(actor, scene.words),
        "colleagues": await _colleagues(read, actor),
        "nav_counts": {"/permits/queue": counts["all"]},
    }
    return render(request, "permits/queue.html", context)


@router.post("/queue", dependencies=[needs("permits:application:claim")])
async def assign(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    scene: Writing,
    id: Annotated[list[UUID], Form()] = [],  # noqa: B006
    act: Annotated[Literal["claim", "back", "assign"], Form()] = "claim",
    to: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form()] = "/permits/queue",
) -> Response:
    """Claims the ticked dossiers, hands them back or gives them to somebody; what is refused is listed with its why."""
    done, refused = 0, []
    for each in id[:200]:
        dossier = None
        try:
            async with tx.begin_nested():
                dossier = await queries.application(tx, each, actor=actor, lock=True)
                await _act(tx, actor, dossier, act, to, scene)
            done += 1
        except Refusal as refusal:
            why = next(iter(forms.errors_of(refusal, scene.words).values()))
            refused.append((dossier.number if dossier else str(each), why))
    words = scene.words
    said = {
        "claim": words.ngettext("{n} dossier claimed.", "{n} dossiers claimed.", done),
        "back": words.ngettext("{n} dossier handed back.", "{n} dossiers handed back.", done),
        "assign": words.ngettext("{n} dossier given.", "{n} dossiers given.", done),
    }[act]
    home = back if back.startswith("/permits/") else "/permits/queue"
    if not refused:
        return see_other(request, home, said=said)
    return render(request, "permits/queue_results.html", {"said": said, "refused": refused, "back": home})


async def _act(tx: queries.Session, actor: Actor, dossier: queries.Dossier, act: str, to: str, scene: Scene) -> None:
    if act == "assign":
        await commands.assign(tx, actor, dossier, to, now=scene.now)
    elif act == "claim":
        await commands.claim(tx, actor, dossier, now=scene.now)
    else:
        await commands.hand_back(tx, actor, dossier, now=scene.now)


@router.get("/applications", dependencies=[needs("permits:application:list")])
async def applications(
    request: Request,
    actor: CurrentActor,
    read: Read,
    scene: Reading,
    state: Text = None,
    applicant: Text = None,
    commune: Text = None,
    q: Text = None,
    after: Text = None,
    before: Text = None,
) -> Response:
    """Every dossier the reader may see, newest first."""
    wanted = queries.ApplicationsAsked.model_construct(
        **_narrowed(state=state, applicant=applicant, commune=commune, q=q)
    )
    key = before or after
    found = await queries.applications(
        read, wanted, actor=actor, limit=SIZE, after=decode_cursor(key) if key else None, back=bool(before)
    )
    asked = {"state": state, "applicant": applicant, "commune": commune, "q": q}
    window = Window(found, queries.list_key, after, before, asked)
    context = await _table(read, scene, window.rows)
    officer = is_officer(actor) or bool(actor.capabilities & policy.SEES_ALL)
    context |= {
        "window": window,
        "officer": officer,
        "may_file": "applicant" in actor.capabilities,
        "set": sum(1 for each in (state, applicant, commune) if each),
        "narrowed": bool(state or applicant or commune or q),
        "states": [(each, scene.words.step(each)) for each in STATES],
        "communes": await communes(read, scene),
        "applicants": applicants(scene.words) if officer else [],
        "pager": _pager(scene.words, len(window.rows), None),
    }
    return render(request, "permits/applications.html", context)


async def _colleagues(read: queries.Session, actor: Actor) -> list[queries.Colleague]:
    """To whom the reader may give what is ticked."""
    if not actor.can(*policy.holders("permits:application:assign")):
        return []
    return await queries.colleagues(read, actor=actor, functions=sorted(actor.functions))


def _narrowed(**given: str | None) -> dict[str, Any]:
    """What is chosen of a page's filters: an empty one, as a form sends it, asks for nothing."""
    return {name: value for name, value in given.items() if value}


async def _table(read: queries.Session, scene: Scene, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    words = scene.words
    heads = listing.columns(found, words, USUAL)
    places = await queries.unit_names(read, [site["commune"] for row in found for site in row["sites"]])
    built = listing.build(found, words, heads=heads, places=places, today=scene.today, calendar=scene.calendar)
    return {
        "rows": built,
        "heads": [(words.short(code), words.code("function", code)) for code in heads.functions],
        "counted": heads.counted,
        "legend": listing.legend(words),
        "calendar": scene.calendar,
    }


def _tabs(words: Words, tab: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "text": words._(text),
            "href": f"?tab={name}",
            "active": name == tab,
            "count": counts[name],
            "tone": "bad" if name == "overdue" and counts[name] else "",
        }
        for name, text in TABS.items()
    ]


def applicants(words: Words) -> list[tuple[str, str]]:
    """Enterprises, as the filter lists them."""
    known = words.lexicon.organisations.items()
    return sorted(
        ((code, words.org(code)) for code, org in known if org["kind"] in ENTERPRISES[:2]), key=lambda each: each[1]
    )


def _department(actor: Actor, words: Words) -> str:
    """Whose queue it is: the organisation, and the functions it holds for the reader."""
    functions = ", ".join(words.code("function", code) for code in sorted(actor.functions))
    name = words.org_in_full(actor.org)
    return words._("{org} (functions: {functions})", org=name, functions=functions) if functions else name


async def communes(read: queries.Session, scene: Scene) -> list[tuple[str, str]]:
    """The communes of today, as the filter lists them."""
    return [(each["id"], each["name"]) for each in await queries.communes(read, scene.today)]


def _pager(words: Words, shown: int, total: int | None) -> str:
    if total is None:
        return words.ngettext("{n} dossier on this page", "{n} dossiers on this page", shown)
    return words._("{shown} of {total} dossiers", shown=shown, total=total)
