"""How an opinion comes about inside a department: drafted, checked, signed, by as many people as the duties want."""

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from services.permits.domain.refusals import (
    AlreadyAnswered,
    DraftMissing,
    OwnCheck,
    OwnDraft,
    StepsRequired,
    WrongStage,
)

Way = Literal["one_person", "two_persons", "three_persons"]
WAYS: tuple[str, ...] = get_args(Way)
Stage = Literal["asked", "draft", "check", "sign", "answered"]
StepAct = Literal["draft", "submit", "pass", "return", "sign"]
DRAFTED: tuple[str, ...] = ("draft", "check", "sign")

_FROM: Mapping[str, Collection[str]] = {
    "draft": ("asked", "draft"),
    "submit": ("draft",),
    "pass": ("check",),
    "return": ("check", "sign"),
    "sign": ("sign",),
}


def next_stage(stage: str, act: StepAct, way: str) -> Stage:
    """Raises AlreadyAnswered, DraftMissing, WrongStage (409)."""
    if stage == "answered":
        raise AlreadyAnswered
    if stage not in _FROM[act]:
        raise DraftMissing if stage == "asked" else WrongStage
    if act in ("draft", "return"):
        return "draft"
    if act == "submit":
        return "check" if way == "three_persons" else "sign"
    return "sign" if act == "pass" else "answered"


def check_duties(act: StepAct, who: str, *, way: str, authors: Collection[str], checked_by: str | None) -> None:
    """Who has written any of it neither checks nor signs it; where three must act, who checked does not sign.

    Raises OwnDraft, OwnCheck (403).
    """
    if act in ("pass", "sign") and who in authors:
        raise OwnDraft
    if act == "sign" and way == "three_persons" and who == checked_by:
        raise OwnCheck


def check_alone(stage: str, who: str, *, way: str, authors: Collection[str]) -> None:
    """Answering in one step. Raises AlreadyAnswered, DraftMissing, StepsRequired (409), OwnDraft (403)."""
    if stage == "answered":
        raise AlreadyAnswered
    if who in authors:
        raise OwnDraft
    if way != "one_person":
        raise DraftMissing if stage == "asked" else StepsRequired
