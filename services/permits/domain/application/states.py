"""The states of a dossier and the moves between them."""

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from services.permits.domain.refusals import (
    WrongMove,
)

State = Literal["received", "incomplete", "supplemented", "under_review", "ready", "decided", "closed", "withdrawn"]
STATES: tuple[str, ...] = get_args(State)
OPEN: tuple[str, ...] = STATES[:5]
Act = Literal["request_supplement", "supplement", "accept", "settle", "ask", "decide", "refuse", "withdraw", "close"]

MOVES: Mapping[str, tuple[Collection[str], State]] = {
    "request_supplement": (("received", "supplemented"), "incomplete"),
    "supplement": (("incomplete",), "supplemented"),
    "accept": (("received", "supplemented"), "under_review"),
    "settle": (("under_review",), "ready"),
    "ask": (("under_review", "ready"), "under_review"),
    "decide": (("under_review", "ready"), "decided"),
    "refuse": (("incomplete", "supplemented"), "decided"),
    "withdraw": (OPEN, "withdrawn"),
    "close": (("decided",), "closed"),
}


def next_state(state: str, act: Act) -> State:
    """Raises WrongMove (409)."""
    origins, target = MOVES[act]
    if state not in origins:
        raise WrongMove(state=state)
    return target


def chart() -> str:
    """The states and moves as a Mermaid diagram; `docs/dossier-states.md` is this text."""
    moves = [f"    {origin} --> {target}: {act}" for act, (origins, target) in MOVES.items() for origin in origins]
    ends = [state for state in STATES if not moves_from(state)]
    lines = ["stateDiagram-v2", "    [*] --> received: file", *moves, *(f"    {state} --> [*]" for state in ends)]
    return "\n".join(["# The states of a dossier", "", "```mermaid", *lines, "```"])


def moves_from(state: str) -> list[str]:
    return [act for act, (origins, _) in MOVES.items() if state in origins]
