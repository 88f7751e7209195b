"""What the workspace of a dossier shows: who has to act, the steps, facts, opinions, parts, the map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.registry import NearMast
from kernel.auth import Actor
from kernel.errors import N_
from services.permits.domain import policy
from services.permits.domain.application import OPEN, ReviewState, way_of
from services.permits.queries import Dossier
from services.permits.ui.scene import Scene
from services.permits.ui.words import Chip, Words

Detail = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """A sentence with the date, and the button when the reader himself has to act."""

    sentence: str
    verb: str = ""
    href: str = ""

    @property
    def button(self) -> tuple[str, str] | None:
        return (self.verb, self.href) if self.href else None


@dataclass(frozen=True)
class OwnStep:
    """What the reader himself has to do with an opinion: `give` it alone, or `draft`, `check` or `sign` it."""

    function: str
    act: str


def own_step(dossier: Dossier, actor: Actor) -> OwnStep | None:
    """The first opinion of the reader's department that waits for him."""
    if dossier.state not in ("under_review", "ready"):
        return None
    for review in dossier.current:
        if review.org not in dossier.orgs or not policy.covers(actor, review.function):
            continue
        if review.signed_by is None and not (review.outcome == "silent" and dossier.state == "ready"):
            act = _own_act(review, dossier, actor)
            if act is not None:
                return OwnStep(review.function, act)
    return None


def _own_act(review: ReviewState, dossier: Dossier, actor: Actor) -> str | None:
    may, way = _allowed(actor, dossier), way_of(review, dossier.procedure)
    wrote = actor.id in review.authors
    if review.stage == "check":
        return "check" if may("permits:opinion:check") and not wrote else None
    if review.stage == "sign":
        checked = way == "three_persons" and actor.id == review.checked_by
        return "sign" if may("permits:opinion:sign") and not wrote and not checked else None
    if way == "one_person" and not wrote and may("permits:opinion:give"):
        return "give"
    return "draft" if may("permits:opinion:draft") else None


def own_open_review(dossier: Dossier, actor: Actor) -> str | None:
    """The function in which the reader has something to do with his department's opinion."""
    step = own_step(dossier, actor)
    return step.function if step else None


def next_action(detail: Detail, dossier: Dossier, actor: Actor, scene: Scene) -> Action:
    """One action at most; otherwise who is waited for."""
    base, words = f"/permits/applications/{dossier.id}", scene.words
    for step in (_officer_action, _applicant_action):
        action = step(detail, dossier, actor, words, base)
        if action is not None:
            return action
    return Action(_waiting(detail, dossier, words))


STEP_VERBS = {
    "give": N_("Give the opinion"),
    "draft": N_("Draft the opinion"),
    "check": N_("Check the draft"),
    "sign": N_("Sign the opinion"),
}


def _due(detail: Detail, clock: str, words: Words, function: str | None = None) -> str:
    for each in detail["clocks"]:
        if each["clock"] == clock and each["function"] == function and each["due_on"] and each["state"] == "running":
            return words.day(each["due_on"])
    return ""


def _officer_action(detail: Detail, dossier: Dossier, actor: Actor, words: Words, base: str) -> Action | None:
    may = _allowed(actor, dossier)
    if dossier.state in ("received", "supplemented") and may("permits:completeness:check"):
        due = _due(detail, "completeness", words) or _due(detail, "recheck", words)
        text = words._("Check the parts until {day}. Without an answer the dossier counts as complete.", day=due)
        return Action(text, words._("Check the parts"), f"{base}/completeness")
    if _lapsed(detail) and dossier.state == "incomplete" and may("permits:decision:make"):
        text = words._("The applicant's time is over. Refuse until {day}.", day=_due(detail, "refusal", words))
        return Action(text, words._("Refuse"), f"{base}/decision")
    step = own_step(dossier, actor)
    if step is not None:
        due = _due(detail, "consultation", words, step.function)
        name = words.code("function", step.function)
        text = words._("Opinion on {function} until {day}. Silence counts as agreement.", function=name, day=due)
        if not due:
            text = words._("The time for the opinion on {function} is over. A late answer is kept.", function=name)
        return Action(text, words._(STEP_VERBS[step.act]), f"{base}/opinion?function={step.function}")
    if dossier.state == "ready" and may("permits:decision:make"):
        text = words._("All asked have answered. Decide until {day}.", day=_due(detail, "decision", words))
        return Action(text, words._("Decide"), f"{base}/decision")
    return None


def _applicant_action(detail: Detail, dossier: Dossier, actor: Actor, words: Words, base: str) -> Action | None:
    may = _allowed(actor, dossier)
    if dossier.state == "incomplete" and not _lapsed(detail) and may("permits:supplement:give"):
        asked = [
            item for request in detail["supplement_requests"] if not request["answered_at"] for item in request["items"]
        ]
        text = words.ngettext(
            "{n} part has to be supplemented. The time limit is paused.",
            "{n} parts have to be supplemented. The time limit is paused.",
            len(asked),
        )
        return Action(text, words._("Supplement"), f"{base}/supplement")
    unsaid = sum(1 for option in detail["sharing"]["options"] if not option["reason"])
    if unsaid and dossier.state in OPEN and may("permits:sharing:answer"):
        text = words.ngettext(
            "{n} mast around could carry the station. Say why it is not used.",
            "{n} masts around could carry the station. Say why they are not used.",
            unsaid,
        )
        return Action(text, words._("Say why"), f"{base}/sharing")
    decision = detail["decision"]
    if dossier.state == "decided" and decision["may_build"] and may("permits:works:notify"):
        if not detail["notices"]:
            text = words._(
                "Decision {number} allows building. Notify the commencement before the works begin.",
                number=decision["number"],
            )
            return Action(text, words._("Notify the commencement"), f"{base}/notice")
        text = words._("Works began on {day}. Notify their completion.", day=words.day(detail["notices"][0]["on"]))
        return Action(text, words._("Notify the completion"), f"{base}/notice")
    return None


def _waiting(detail: Detail, dossier: Dossier, words: Words) -> str:
    if dossier.state in ("received", "supplemented"):
        due = _due(detail, "completeness", words) or _due(detail, "recheck", words)
        return words._("{org} checks the parts until {day}.", org=words.org(dossier.lead_org), day=due)
    if dossier.state == "incomplete" and _lapsed(detail):
        return words._(
            "The time for the supplement is over. {org} refuses; a new dossier may be filed.",
            org=words.org(dossier.lead_org),
        )
    if dossier.state == "incomplete":
        return words._("Waiting for the applicant's supplement. The time limit is paused.")
    if dossier.state == "under_review":
        owing = [words.code("function", r.function) for r in dossier.reviews if not r.answered]
        return words._("Waiting for the opinions on: {functions}.", functions=", ".join(owing))
    if dossier.state == "ready":
        due = _due(detail, "decision", words)
        return words._("{org} decides until {day}.", org=words.org(dossier.lead_org), day=due)
    if dossier.state == "decided" and detail["decision"]["may_build"]:
        return words._("Waiting for the owner's notice of the works.")
    return words._("Nothing more is to be done here.")


LAPSED = N_("The time for the supplement is over. {org} refuses; a new dossier may be filed.")


def _lapsed(detail: Detail) -> bool:
    return any(request["lapsed_on"] and not request["answered_at"] for request in detail["supplement_requests"])


def _allowed(actor: Actor, dossier: Dossier) -> Any:
    return lambda permission: policy.allowed(actor, permission, dossier.standing)


def more_actions(dossier: Dossier, actor: Actor, words: Words) -> list[tuple[str, str, str, bool]]:
    """(text, href, icon, danger) of what else the reader may do."""
    base, may = f"/permits/applications/{dossier.id}", _allowed(actor, dossier)
    found = []
    if dossier.state == "under_review" and may("permits:decision:make"):
        found.append((words._("Decide early"), f"{base}/decision", "pen", False))
    if dossier.state == "supplemented" and may("permits:decision:make"):
        found.append((words._("Refuse"), f"{base}/decision", "x", True))
    extendable = any(clock.extension for clock in dossier.procedure.clocks)
    if dossier.state in ("under_review", "ready") and extendable and may("permits:deadline:extend"):
        found.append((words._("Extend the time limit"), f"{base}/extension", "calendar", False))
    if dossier.state in OPEN and may("permits:application:withdraw"):
        found.append((words._("Withdraw"), f"{base}/withdrawal", "x", True))
    return found


def site_facts(site: Mapping[str, Any], scene: Scene, place: str) -> list[tuple[Any, ...]]:
    """Rows of the facts card: declared facts over their defaults."""
    words = scene.words
    rows: list[tuple[Any, ...]] = []
    if site["code"]:
        label = words.code("structure_code", "/".join(site["code"]))
        rows.append((words._("Class code"), f"{site['code'][1]} · {label}", f"({SYSTEMS[site['code'][0]]})"))
    rows.append((words._("Height"), words.metres(site["height_m"]), words._("above ground")))
    if site["capacity"] is not None:
        rows.append((words._("Capacity"), words.ngettext("{n} position", "{n} positions", site["capacity"])))
    rows.append((words._("Place"), place))
    zones = []
    for code, fact in words.lexicon.lists["fact"].items():
        value = site["facts"].get(code, fact.get("default"))
        if fact["declared"] and fact["type"] == "yes_no":
            zones += [fact[words.lang]] if value else []
        elif fact["declared"]:
            rows.append((fact[words.lang], fact_value(fact, value, words)))
    rows.append((words._("Zones"), "; ".join(zones) or words._("None declared")))
    return rows


SYSTEMS = {"ND163": "NĐ 163/2024", "TT14": "TT 14/2013"}


def fact_value(fact: Mapping[str, Any], value: Any, words: Words) -> str:
    labels = fact.get("labels", {})
    return str(labels[value][words.lang]) if value in labels else str(value)


def opinions(detail: Detail, dossier: Dossier, actor: Actor, scene: Scene) -> list[dict[str, Any]]:
    words = scene.words
    found = []
    for review in detail["reviews"]:
        kind, _ = words.mark(review, scene.today)
        outcome = words.outcome_in_short(review["outcome"]) if review["outcome"] else ""
        when = review["signed_at"] or review["silent_on"]
        found.append(
            {
                "kind": kind,
                "function": review["function"],
                "agency": words.code("function", review["function"]),
                "org": words.org_in_full(review["org"]),
                "outcome": f"{outcome}, {words.short_day(when)}" if when else outcome,
                "text": _opinion_text(review, words),
                "conditions": review["conditions"],
                "chip": _review_chip(review, scene),
            }
        )
    return found


def _opinion_text(review: Mapping[str, Any], words: Words) -> str:
    if review["outcome"] and review["outcome"] != "silent":
        said = review["grounds"] or ""
        if review["late"]:
            late = words._(
                "Answered late: silence until {day} counts as agreement.",
                day=words.day(review["silent_on"] or review["due_on"]),
            )
            said = f"{said} {late}".strip()
        return said
    if review["outcome"] == "silent":
        return words._("No answer until {day}: agreed and responsible.", day=words.day(review["silent_on"]))
    if review["due_on"]:
        return words._(
            "No answer until {day} counts as agreement, with responsibility.", day=words.day(review["due_on"])
        )
    return ""


def _review_chip(review: Mapping[str, Any], scene: Scene) -> Chip | None:
    if review["outcome"] or not review["due_on"] or review["clock_state"] != "running":
        return None
    return scene.words.chip({"state": "running", "due_on": review["due_on"]}, scene.today, scene.calendar)


@dataclass(frozen=True)
class PartRow:
    code: str
    key: str
    name: str
    note: str
    state: str
    file: Mapping[str, Any] | None


def parts(detail: Detail, dossier: Dossier, scene: Scene) -> list[PartRow]:
    """The parts of the procedure in its order, newest copy each; then what else was sent."""
    words = scene.words
    live = [part for part in detail["parts"] if part["replaced_at"] is None]
    rows = []
    for rule in dossier.procedure.parts:
        for part in [each for each in live if each["code"] == rule.code]:
            kind = part["media_type"].rsplit("/", 1)[-1].upper().replace("JPEG", "JPG")
            copy = words._("copy {no}, {day}", no=part["no"], day=words.short_day(part["added_at"]))
            note = f"{kind}, {copy}" if part["no"] > 1 else kind
            state = "replaced" if part["no"] > 1 else "done"
            rows.append(
                PartRow(rule.code, f"{rule.code}.{part['no']}", words.code("part", rule.code), note, state, part)
            )
    return rows


def near_rows(masts: Sequence[NearMast], words: Words) -> list[dict[str, Any]]:
    return [
        {
            "id": str(mast.id),
            "public_no": mast.public_no,
            "owner": words.org(mast.owner),
            "distance": round(mast.distance_m),
            "height": mast.height_m,
            "capacity": mast.capacity,
            "status": mast.status,
            "lon": mast.lon,
            "lat": mast.lat,
            "href": f"/registry/masts/{mast.id}",
        }
        for mast in masts
    ]


def map_settings(site: Mapping[str, Any], near: Sequence[Mapping[str, Any]], tile_url: str) -> dict[str, Any]:
    """The planned mast as a diamond with a ring of one kilometre, its neighbours as points."""
    points = [
        {
            "lat": n["lat"],
            "lon": n["lon"],
            "kind": _point_kind(n["status"]),
            "label": n["public_no"],
            "href": n["href"],
            "id": n["id"],
        }
        for n in near
    ]
    points.append({"lat": site["lat"], "lon": site["lon"], "kind": "planned", "label": "", "href": "", "id": "site"})
    settings: dict[str, Any] = {
        "center": [site["lat"], site["lon"]],
        "zoom": 14,
        "radius_m": 1000,
        "labels": True,
        "rows": "tr",
        "points": points,
        "boundaries_url": "/api/registry/v1/boundaries",
    }
    if tile_url:
        settings["tiles"] = {"url": tile_url, "attribution": ""}
    return settings


def _point_kind(status: str) -> str:
    return "used" if status == "in_service" else "planned" if status in ("permitted", "planned") else "idle"
