"""The steps of a dossier, from the intake to the works, each with its mark and what it waits for."""

from typing import Any

from kernel.auth import Actor
from services.permits.queries import Dossier
from services.permits.ui.scene import Scene
from services.permits.ui.words import DECIDED, Words
from services.permits.ui.workspace import Detail, own_open_review


def steps(detail: Detail, dossier: Dossier, actor: Actor, scene: Scene) -> list[dict[str, Any]]:
    words, base = scene.words, f"/permits/applications/{dossier.id}"
    groups = [
        {"name": words._("Intake"), "items": _intake_steps(detail, dossier, words)},
        {"name": words._("Consultation"), "items": _review_steps(detail, dossier, actor, scene, base)},
        {"name": words._("Decision"), "items": [_decision_step(detail, dossier, words)]},
    ]
    builds = dossier.procedure.effect == "build"
    if builds and (detail["decision"] is None or detail["decision"]["may_build"]):
        groups.append({"name": words._("Works"), "items": _works_steps(detail, dossier, words)})
    return groups


def _item(name: str, state: str, word: str = "", href: str | None = None, waits: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "word": word, "href": href, "waits": waits}


def _intake_steps(detail: Detail, dossier: Dossier, words: Words) -> list[dict[str, Any]]:
    items = [_item(words._("Received"), "done", words.short_day(detail["received_on"]))]
    rounds = dossier.procedure.supplements.rounds
    for request in detail["supplement_requests"]:
        name = words._("Supplement request {round}/{rounds}", round=request["round"], rounds=rounds)
        state = "done" if request["answered_at"] else "late" if request["lapsed_on"] else "wait"
        word = words._("Answered") if request["answered_at"] else words._("Waiting")
        if state == "late":
            word = words._("Not answered")
        items.append(_item(name, state, word))
    if dossier.state in ("received", "supplemented"):
        items.append(_item(words._("Completeness check"), "now", words._("Now")))
    elif dossier.state == "incomplete":
        items.append(_item(words._("Completeness check"), "locked", waits=words._("Supplement")))
    else:
        began = min((review["asked_on"] for review in detail["reviews"]), default=None)
        if began:
            items.append(_item(words._("Found complete"), "done", words.short_day(began)))
    return items


def _review_steps(detail: Detail, dossier: Dossier, actor: Actor, scene: Scene, base: str) -> list[dict[str, Any]]:
    words, own = scene.words, own_open_review(dossier, actor)
    if not detail["reviews"]:
        agencies = [a.function for a in dossier.procedure.agencies if a.when is None]
        state = "none" if dossier.state == "withdrawn" else "locked"
        return [_item(words.code("function", f), state, waits=words._("After the check")) for f in agencies]
    items = []
    for review in detail["reviews"]:
        kind, _ = words.mark(review, scene.today)
        mine = review["function"] == own
        word = (
            words.outcome_in_short(review["outcome"])
            if review["outcome"]
            else (words._("until {day}", day=words.short_day(review["due_on"])) if review["due_on"] else "")
        )
        href = f"{base}/opinion?function={own}" if mine else "#opinions"
        items.append(_item(words.code("function", review["function"]), "now" if mine else kind, word, href))
    return items


def _decision_step(detail: Detail, dossier: Dossier, words: Words) -> dict[str, Any]:
    decision = detail["decision"]
    if decision is not None:
        return _item(
            words._(DECIDED.get(decision["outcome"], decision["outcome"])),
            "done",
            words.short_day(decision["decided_on"]),
            "#decision",
        )
    name = words._("Decision")
    if dossier.state == "ready":
        return _item(name, "now", words._("Now"))
    if dossier.state == "withdrawn":
        return _item(name, "none", words._("Withdrawn"))
    waits = words._("Opinions") if dossier.state == "under_review" else words._("After the check")
    return _item(name, "locked", waits=waits)


def _works_steps(detail: Detail, dossier: Dossier, words: Words) -> list[dict[str, Any]]:
    given = {notice["kind"]: notice["on"] for notice in detail["notices"]}
    items = []
    for kind, name, before in (
        ("commencement", words._("Commencement"), words._("Decision")),
        ("completion", words._("Completion"), words._("Commencement")),
    ):
        if kind in given:
            items.append(_item(name, "done", words.short_day(given[kind])))
        elif dossier.state == "withdrawn":
            items.append(_item(name, "none"))
        elif dossier.state == "decided" and (kind == "commencement" or "commencement" in given):
            items.append(_item(name, "wait", words._("Waiting")))
        else:
            items.append(_item(name, "locked", waits=before))
    return items
